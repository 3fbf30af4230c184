// The client's configuration: what the environment, the global flags and <config dir>/config.json say.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace davit::cli {

inline constexpr std::string_view kDefaultHost = "unix:///run/davit.sock";

/// Global flags as given.
struct GlobalOptions {
    std::string config_dir;
    std::string context;
    std::vector<std::string> hosts;
    std::string log_level = "info";
    bool debug = false;
    bool tls = false;
    bool tls_verify = false;
    std::string tls_ca;
    std::string tls_cert;
    std::string tls_key;
};

/// The first of these environment variables that is set and not empty, else "".
[[nodiscard]] std::string environment(std::initializer_list<const char*> names);

/// --config, $DAVIT_CONFIG, $DOCKER_CONFIG, ~/.davit.
[[nodiscard]] std::string configDirectory(const GlobalOptions& options);

/// config.json. Unknown members are kept when it is written back.
class ConfigFile {
  public:
    /// A missing file is an empty one; throws Error{invalid} naming the file for a broken one.
    explicit ConfigFile(std::string directory);

    [[nodiscard]] std::string text(std::string_view member) const;
    [[nodiscard]] std::map<std::string, std::string> map(std::string_view member) const;
    /// Sets or (for "") removes a member and writes the file.
    void set(const std::string& member, const std::string& value);
    [[nodiscard]] const std::string& directory() const noexcept { return directory_; }
    [[nodiscard]] std::string path() const { return directory_ + "/config.json"; }

  private:
    std::string directory_;
    std::optional<json::Document> document_;
};

}  // namespace davit::cli
