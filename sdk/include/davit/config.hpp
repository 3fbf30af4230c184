// DriverConfig: the members of a driver's configuration, each with its default; what nobody asked for is refused.
//
//     DriverConfig config(context);
//     root_ = config.string("Root", "/var/lib/mine");
//     retries_ = config.integer("Retries", 3);
//     config.finish();
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "davit/context.hpp"
#include "davit/wire.hpp"

namespace davit {

class DriverConfig {
  public:
    /// Throws Error{invalid} when the configuration is no JSON object.
    explicit DriverConfig(const DriverContext& context) : message_(context.configJson()), reader_(message_.root()) {}
    DriverConfig(const DriverConfig&) = delete;
    DriverConfig& operator=(const DriverConfig&) = delete;

    [[nodiscard]] std::string string(std::string_view name, std::string fallback = {}) {
        return take(name, std::move(fallback));
    }
    [[nodiscard]] std::int64_t integer(std::string_view name, std::int64_t fallback = 0) { return take(name, fallback); }
    [[nodiscard]] bool boolean(std::string_view name, bool fallback = false) { return take(name, fallback); }
    [[nodiscard]] std::vector<std::string> strings(std::string_view name) {
        return take(name, std::vector<std::string>());
    }
    /// Throws Error{invalid} naming a member that was never asked for: a misspelt option is a mistake, not a default.
    void finish() const {
        if (!message_.root().IsObject()) return;
        for (const auto& member : message_.root().GetObject()) {
            const std::string name(member.name.GetString(), member.name.GetStringLength());
            if (!asked_.contains(name)) throw Error(Code::invalid, "unknown configuration member \"" + name + "\"");
        }
    }

  private:
    template <class T>
    T take(std::string_view name, T value) {
        asked_.emplace(name);
        reader_(name, value);
        return value;
    }
    wire::Message message_;
    wire::Reader reader_;
    std::set<std::string, std::less<>> asked_;
};

}  // namespace davit
