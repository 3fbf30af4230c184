// my_driver: networks whose containers get no interface from the driver, only a loopback. Start from here: a driver
// that makes links creates them in createEndpoint(), names the link in join() (JoinReply::src_name; the engine moves it
// into the container) and removes it in deleteEndpoint().
//
// Any method is called from any thread, several at a time, and may be repeated when the caller lost the answer. What a
// method answered for must still be known after the process was killed: a driver that makes links finds them in the
// kernel, others keep a file in DriverContext::stateDirectory(). This one has nothing to remember. `davit plugin check`
// tests that.
#include <davit/sdk.hpp>

namespace {

class MyDriverNetworks final : public davit::NetworkDriver {
  public:
    static constexpr const char* kName = "my_driver";  // what users say: --driver my_driver
    static constexpr const char* kDescription = "networks with a loopback only";

    explicit MyDriverNetworks(const davit::DriverContext& context) {
        davit::DriverConfig(context).finish();  // refuses members that weren't asked for
    }

    davit::NetworkCapabilities capabilities() override {
        davit::NetworkCapabilities abilities;
        abilities.no_interface = true;  // drop this line when join() gives a link
        return abilities;
    }
    void createNetwork(const davit::CreateNetwork&) override {}
    void deleteNetwork(const std::string&) override {}
    // Fill in only the addresses that the request left empty.
    davit::EndpointInterface createEndpoint(const davit::CreateEndpoint&) override { return {}; }
    davit::JsonOptions endpointInfo(const std::string&, const std::string&) override { return {}; }
    void deleteEndpoint(const std::string&, const std::string&) override {}
    davit::JoinReply join(const davit::JoinRequest&) override {
        davit::JoinReply reply;
        reply.disable_gateway_service = true;
        return reply;
    }
    void leave(const std::string&, const std::string&) override {}
};

}  // namespace

DAVIT_PLUGIN("my_driver", "1.0", MyDriverNetworks)
