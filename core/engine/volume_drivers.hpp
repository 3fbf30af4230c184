// VolumeDrivers: the registry of drivers as the volume controller sees it.
#pragma once

#include "plugin/registry.hpp"
#include "volume/driver_source.hpp"

namespace davit::engine {

class VolumeDrivers final : public volume::DriverSource {
  public:
    explicit VolumeDrivers(plugin::DriverRegistry& registry) : registry_(registry) {}
    void expect(const std::string& name) override { registry_.expect(name); }
    [[nodiscard]] std::string canonical(const std::string& name) override { return registry_.canonicalName(DriverKind::volume, name); }
    [[nodiscard]] std::shared_ptr<VolumeDriver> volume(const std::string& name) override { return registry_.volume(name); }
    [[nodiscard]] bool isOwn(const std::string& name) override { return registry_.isOwn(DriverKind::volume, name); }
    [[nodiscard]] std::vector<std::string> own() override;
    [[nodiscard]] std::vector<std::string> others() override { return registry_.others(DriverKind::volume); }
    [[nodiscard]] std::shared_ptr<VolumeDriver> volumeNow(const std::string& name) override { return registry_.volumeNow(name); }

  private:
    plugin::DriverRegistry& registry_;
};

}  // namespace davit::engine
