// DriverServer: the drivers of a plugin .so behind Docker's plugin HTTP protocol.
//
// It answers what dockerd and davitd send in all their forms: an empty body, {} or a JSON object; any Host, any
// Content-Type. Refusals are status 500, methods that the driver lacks 404, both with {"Err", "Error", "Code"}.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "driver/driver.hpp"
#include "http/server.hpp"
#include "plugin/in_process_transport.hpp"

namespace davit::plugin {

struct DriverChoice {
    std::filesystem::path file;  ///< the .so
    std::string driver;          ///< empty: every driver of it
    std::string config_json = "{}";
    std::filesystem::path state_directory{};  ///< empty: /var/lib/davit-plugins/NAME, of each driver's name
};

/// Any thread. Closes its drivers at the end.
class DriverServer {
  public:
    /// Loads and opens. Throws Error{invalid} from loading, {not_found} for an unknown driver, {conflict} when two drivers
    /// of one kind were chosen, and what a driver's own open says.
    explicit DriverServer(const DriverChoice& choice);

    void serve(http::Exchange exchange);

  private:
    std::string call(http::Exchange& exchange, std::string_view method);

    std::map<std::string, std::unique_ptr<InProcessTransport>, std::less<>> by_interface_;
};

}  // namespace davit::plugin
