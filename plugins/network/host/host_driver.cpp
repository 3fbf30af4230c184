// host: containers use the host's network namespace. There is nothing to set up: the capability says it all to the
// core.
#include "davit/sdk.hpp"

namespace davit {

class HostDriver final : public NetworkDriver {
  public:
    static constexpr const char* kName = "host";
    static constexpr const char* kDescription = "the host's own network";
    explicit HostDriver(const DriverContext& context) { DriverConfig(context).finish(); }

    NetworkCapabilities capabilities() override {
        NetworkCapabilities abilities;
        abilities.host_namespace = true;
        abilities.singleton = true;
        return abilities;
    }
    void createNetwork(const CreateNetwork&) override {}
    void deleteNetwork(const std::string&) override {}
    EndpointInterface createEndpoint(const CreateEndpoint&) override { return {}; }
    JsonOptions endpointInfo(const std::string&, const std::string&) override { return {}; }
    void deleteEndpoint(const std::string&, const std::string&) override {}
    JoinReply join(const JoinRequest&) override {
        JoinReply reply;
        reply.disable_gateway_service = true;
        return reply;
    }
    void leave(const std::string&, const std::string&) override {}
};

}  // namespace davit

DAVIT_PLUGIN("host", "1.0", davit::HostDriver)
