// null: containers get a network namespace with nothing but a loopback interface, which the core makes anyway.
#include "davit/sdk.hpp"

namespace davit {

class NullDriver final : public NetworkDriver {
  public:
    static constexpr const char* kName = "null";
    static constexpr const char* kDescription = "a namespace with a loopback only";
    explicit NullDriver(const DriverContext& context) { DriverConfig(context).finish(); }

    NetworkCapabilities capabilities() override {
        NetworkCapabilities abilities;
        abilities.no_interface = true;
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

DAVIT_PLUGIN("null", "1.0", davit::NullDriver)
