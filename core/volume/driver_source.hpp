// DriverSource: where the controller finds its drivers by name. The daemon's is a view of plugin::DriverRegistry.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "driver/volume_driver.hpp"

namespace davit::volume {

/// Any thread.
class DriverSource {
  public:
    virtual ~DriverSource() = default;
    /// A volume needs the driver of that name: it is waited for when it starts late.
    virtual void expect(const std::string& name) = 0;
    /// The name that volumes of that driver are kept under.
    [[nodiscard]] virtual std::string canonical(const std::string& name) { return name; }
    /// Throws Error{not_found} `plugin "NAME" not found`, {unavailable} when it doesn't answer.
    [[nodiscard]] virtual std::shared_ptr<VolumeDriver> volume(const std::string& name) = 0;
    /// Whether the driver belongs to this daemon: asking it doesn't wait for somebody else's server, and it has no volumes but
    /// those that this daemon made.
    [[nodiscard]] virtual bool isOwn(const std::string& name) = 0;
    /// The names of those that do.
    [[nodiscard]] virtual std::vector<std::string> own() = 0;
    /// The drivers that don't: servers that have volumes, or may. Asks none of them.
    [[nodiscard]] virtual std::vector<std::string> others() = 0;
    /// One of others(), without patience: one attempt. Null when it turns out to be no volume driver.
    [[nodiscard]] virtual std::shared_ptr<VolumeDriver> volumeNow(const std::string& name) = 0;
};

}  // namespace davit::volume
