#include "engine/create_checks.hpp"

#include <boost/test/unit_test.hpp>

#include "engine/network_modes.hpp"
#include "make_container.hpp"

using namespace davit;
using namespace davit::engine;
using davit::engine::test::makeContainer;

namespace {

template <typename F>
std::string refusal(F&& f) {
    try {
        f();
        return "accepted";
    } catch (const Error& failure) {
        return failure.text();
    }
}

image::Image imageFor(const std::string& architecture) {
    image::Image image;
    oci::ImageConfig config;
    config.os = "linux";
    config.architecture = architecture;
    image.config = std::make_shared<const oci::ImageConfig>(config);
    return image;
}

std::string restart(const std::string& name, std::int64_t retries, bool auto_remove) {
    runtime::HostConfig host;
    host.log_config.type = "json-file";
    host.restart_policy = {name, retries};
    host.auto_remove = auto_remove;
    return refusal([&] { checkHostConfig(host, {}); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(create_checks_suite)

BOOST_AUTO_TEST_CASE(restart_policies) {
    BOOST_TEST(restart("no", 0, true) == "accepted");
    BOOST_TEST(restart("on-failure", 3, false) == "accepted");
    BOOST_TEST(restart("always", 0, true) == "can't create 'AutoRemove' container with restart policy");
    BOOST_TEST(restart("sometimes", 0, false) ==
               "invalid restart policy: unknown policy 'sometimes'; use one of 'no', 'always', 'on-failure', or "
               "'unless-stopped'");
    BOOST_TEST(restart("always", 2, false) ==
               "invalid restart policy: maximum retry count can only be used with 'on-failure'");
    BOOST_TEST(restart("on-failure", -1, false) == "invalid restart policy: maximum retry count cannot be negative");
}

BOOST_AUTO_TEST_CASE(runtimes_have_to_be_known) {
    runtime::HostConfig host;
    host.log_config.type = "json-file";
    EngineOptions options;
    options.runtimes["runc"] = {"/usr/bin/runc", {}};
    for (const char* name : {"", "davit", "runc"}) {
        host.runtime = name;
        BOOST_TEST(refusal([&] { checkHostConfig(host, options); }) == "accepted");
    }
    host.runtime = "kata";
    BOOST_TEST(refusal([&] { checkHostConfig(host, options); }) == "unknown or invalid runtime name: kata");
}

BOOST_AUTO_TEST_CASE(modes_that_exclude_each_other) {
    runtime::ContainerConfig config;
    runtime::HostConfig host;
    host.network_mode = "container:x";
    BOOST_TEST(refusal([&] { checkModes(config, host); }) == "accepted");
    config.hostname = "h";
    BOOST_TEST(refusal([&] { checkModes(config, host); }) == "conflicting options: hostname and the network mode");
    host.network_mode = "host";
    BOOST_TEST(refusal([&] { checkModes(config, host); }) == "accepted");
    host.uts_mode = "host";
    BOOST_TEST(refusal([&] { checkModes(config, host); }) == "conflicting options: hostname and the UTS mode");
}

BOOST_AUTO_TEST_CASE(defaults_are_filled_in) {
    runtime::HostConfig host;
    EngineOptions options;
    options.log_opts = {{"max-size", "1m"}};
    fillDefaults(options, host);
    BOOST_TEST(host.log_config.type == "json-file");
    BOOST_TEST(host.log_config.config.at("max-size") == "1m");
    BOOST_TEST(host.shm_size == 67108864);
    BOOST_TEST(host.ipc_mode == "private");
    BOOST_TEST(host.runtime == "davit");
    BOOST_TEST(containerOfMode("container:abc") == "abc");
    BOOST_TEST(containerOfMode("host") == "");
}

BOOST_AUTO_TEST_CASE(platforms) {
    std::vector<std::string> warnings;
    const std::string own = hostArchitecture();
    const std::string other = own == "arm64" ? "amd64" : "arm64";
    checkPlatform("", "x", imageFor(own), warnings);
    checkPlatform("linux/" + own, "x", imageFor(own), warnings);
    checkPlatform("linux", "x", imageFor(own), warnings);
    BOOST_TEST(warnings.empty());
    checkPlatform("", "x", imageFor(other), warnings);
    BOOST_TEST(warnings.size() == 1);
    BOOST_CHECK_EXCEPTION(checkPlatform("linux/" + other, "x", imageFor(own), warnings), Error,
                          [](const Error& failure) { return failure.code() == Code::not_found; });
}

BOOST_AUTO_TEST_CASE(path_and_arguments) {
    Container container = makeContainer();
    runtime::ContainerConfig config;
    config.entrypoint = runtime::Strings{"/entry", "-x"};
    config.cmd = runtime::Strings{"a"};
    container.config = std::make_shared<const runtime::ContainerConfig>(config);
    setCommand(container);
    BOOST_TEST(container.path == "/entry");
    BOOST_TEST(container.args == (std::vector<std::string>{"-x", "a"}));
    container.config = std::make_shared<const runtime::ContainerConfig>();
    BOOST_TEST(refusal([&] { setCommand(container); }) == "no command specified");
}

BOOST_AUTO_TEST_SUITE_END()
