// The smallest volume plugin that does something: one directory, which every volume is.
// Pick another base for another kind: davit::StorageDriver, davit::NetworkDriver, davit::IpamDriver.
#include <davit/sdk.hpp>

namespace {

using davit::Code;
using davit::Error;

class MyDriver final : public davit::VolumeDriver {
  public:
    static constexpr const char* kName = "my_driver";  // what users say after -d
    static constexpr const char* kDescription = "one shared directory";

    explicit MyDriver(const davit::DriverContext& context) {
        davit::DriverConfig config(context);
        directory_ = config.string("Directory", "/srv");
        config.finish();
    }

    void create(const std::string& name, const davit::Options& options) override {
        if (!options.empty()) throw Error(Code::invalid, "volume " + name + ": there are no options");
    }
    void remove(const std::string&) override {}
    std::string mount(const std::string&, const std::string&) override { return directory_; }
    void unmount(const std::string&, const std::string&) override {}
    std::string path(const std::string&) override { return directory_; }
    std::optional<davit::VolumeInfo> get(const std::string&) override { return std::nullopt; }
    std::vector<davit::VolumeInfo> list() override { return {}; }

  private:
    std::string directory_;
};

}  // namespace

DAVIT_PLUGIN("my_driver", "1.0", MyDriver)
