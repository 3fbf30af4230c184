// The table of davitd's settings: for each key of daemon.json its flag, its type and what it sets.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/daemon_config.hpp"
#include "base/json.hpp"

namespace davit::app {

enum class SettingKind {
    text,
    boolean,
    number,
    list,    ///< file: array of strings; flag: repeatable
    map,     ///< file: object of strings; flag: repeatable name=value
    object,  ///< file only, with `read`
};

using Values = std::vector<std::string>;

struct Setting {
    std::string_view key;    ///< of daemon.json; empty: flag only
    std::string_view flags;  ///< as CLI11 takes them: "-D,--debug"; empty: file only
    SettingKind kind;
    std::string_view help;
    void (*apply)(DaemonConfig&, const Values&) = nullptr;            ///< throws Error{invalid}
    void (*read)(DaemonConfig&, const json::Value&) = nullptr;  ///< for objects
    bool reloadable = false;
};

[[nodiscard]] std::span<const Setting> settings();
[[nodiscard]] const Setting* findSetting(std::string_view key);
/// A key of Docker's daemon.json that davit accepts and that has no effect (yet).
[[nodiscard]] bool isIgnoredKey(std::string_view key);

}  // namespace davit::app
