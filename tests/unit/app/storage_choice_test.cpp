#include "app/storage_choice.hpp"

#include <boost/test/unit_test.hpp>

#include "base/file.hpp"

using namespace davit;
using namespace davit::app;
namespace fs = std::filesystem;

namespace {

std::string suits(int preference) { return R"({"Preference":)" + std::to_string(preference) + "}"; }
std::string unsuited(const std::string& why) { return R"({"Preference":90,"Unsuitable":")" + why + R"("})"; }

/// A host with the storage drivers "plain" and "fine", which suit it as the test says.
struct Host {
    Host(const std::string& plain, const std::string& fine) {
        const fs::path plugins = directory.path() / "plugins";
        makeDirectories(plugins, 0755);
        for (const char* name : {"plain.so", "fine.so"}) {
            fs::copy_file(fs::path(DAVIT_TEST_PLUGINS) / (std::string("choosy_") + name), plugins / name);
            fs::permissions(plugins / name, fs::perms(0755));
        }
        plugin::RegistryOptions options;
        options.plugin_directories = {plugins};
        options.host_binary = DAVIT_TEST_HOST;
        options.run_directory = directory.path() / "run";
        options.discovery = {.socket_directories = {}, .spec_directories = {}};
        options.appear_timeout = std::chrono::milliseconds(0);
        options.sections["plain"].config_json = plain;
        options.sections["fine"].config_json = fine;
        drivers.emplace(options);
        request.directory = directory.path() / "storage";
    }
    StorageChoice choose() { return chooseStorage(*drivers, request); }
    Error refused() {
        try {
            (void)choose();
        } catch (const Error& failure) {
            return failure;
        }
        return {Code::ok, "nothing was thrown"};
    }

    TempDir directory;
    std::optional<plugin::DriverRegistry> drivers;
    StorageRequest request;
};

bool contains(const Error& failure, const std::string& part) { return failure.text().find(part) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(storage_choice)

BOOST_AUTO_TEST_CASE(the_suitable_one_with_the_highest_preference_is_taken_and_initialised) {
    Host host(suits(10), suits(20));
    const StorageChoice choice = host.choose();
    BOOST_TEST(choice.name == "fine");
    BOOST_TEST(choice.home == host.directory.path() / "storage/fine");
    BOOST_TEST(fs::is_directory(choice.home));
    BOOST_TEST(!fs::exists(host.directory.path() / "storage/plain"));
    BOOST_TEST(!choice.driver->exists("x"));
}

BOOST_AUTO_TEST_CASE(one_that_does_not_suit_is_passed_over) {
    Host host(suits(10), unsuited("no kernel for it"));
    BOOST_TEST(host.choose().name == "plain");
}

BOOST_AUTO_TEST_CASE(when_none_suits_each_reason_is_told) {
    Host host(unsuited("no room"), unsuited("no kernel"));
    const Error failure = host.refused();
    BOOST_TEST((failure.code() == Code::unimplemented));
    BOOST_TEST(contains(failure, "no storage driver suits this host"));
    BOOST_TEST(contains(failure, "plain: no room"));
    BOOST_TEST(contains(failure, "fine: no kernel"));
}

BOOST_AUTO_TEST_CASE(the_store_keeps_the_driver_it_was_made_with) {
    Host host(suits(10), suits(20));
    host.request.existing = "plain";
    BOOST_TEST(host.choose().name == "plain");
}

BOOST_AUTO_TEST_CASE(the_configured_one_counts_more_than_preference) {
    Host host(suits(10), suits(20));
    host.request.configured = "plain";
    BOOST_TEST(host.choose().name == "plain");
    host.request.existing = "plain";
    BOOST_TEST(host.choose().name == "plain");
}

BOOST_AUTO_TEST_CASE(another_than_the_stores_is_refused_naming_both) {
    Host host(suits(10), suits(20));
    host.request.configured = "fine";
    host.request.existing = "plain";
    const Error failure = host.refused();
    BOOST_TEST((failure.code() == Code::conflict));
    BOOST_TEST(contains(failure, "'plain'"));
    BOOST_TEST(contains(failure, "'fine'"));
}

BOOST_AUTO_TEST_CASE(a_configured_one_is_not_replaced_by_another) {
    Host host(suits(10), unsuited("no kernel for it"));
    host.request.configured = "fine";
    BOOST_TEST((host.refused().code() == Code::unimplemented));
    BOOST_TEST(contains(host.refused(), "storage driver fine: no kernel for it"));
    host.request.configured = "nowhere";
    BOOST_TEST((host.refused().code() == Code::not_found));
}

BOOST_AUTO_TEST_CASE(options_reach_the_driver) {
    Host host(suits(10), suits(20));
    host.request.options = {"known=1"};
    BOOST_TEST(host.choose().name == "fine");
    host.request.options = {"unknown=1"};
    BOOST_TEST((host.refused().code() == Code::invalid));
}

BOOST_AUTO_TEST_SUITE_END()
