#include "cli/context_store.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdlib>

#include "base/file.hpp"

using namespace davit;
using namespace davit::cli;

namespace {

struct Setting {
    TempDir directory;
    GlobalOptions options;
    ConfigFile config{directory.path()};
    ContextStore store{options, config};
    Setting() {
        for (const char* name : {"DAVIT_HOST", "DOCKER_HOST", "DOCKER_CONTEXT", "DAVIT_CONTEXT", "DOCKER_TLS_VERIFY",
                                 "DOCKER_TLS", "DOCKER_CERT_PATH"})
            ::unsetenv(name);
    }
};

Context remote(const std::string& name) {
    Context context;
    context.name = name;
    context.description = "far away";
    context.endpoint.host = "tcp://10.0.0.1:2376";
    return context;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(context_store)

BOOST_AUTO_TEST_CASE(without_anything_it_is_the_default_socket) {
    Setting s;
    BOOST_TEST(s.store.current().name == "default");
    BOOST_TEST(s.store.current().endpoint.host == "unix:///run/davit.sock");
}

BOOST_AUTO_TEST_CASE(a_saved_context_is_found_again_with_its_certificates) {
    Setting s;
    const std::string ca = (s.directory.path() / "ca-file").string();
    writeFileAtomically(ca, "PEM");
    Context context = remote("far");
    context.endpoint.ca = ca;
    s.store.save(context);
    const Context found = s.store.get("far");
    BOOST_TEST(found.endpoint.host == "tcp://10.0.0.1:2376");
    BOOST_TEST(found.description == "far away");
    BOOST_TEST(found.endpoint.tls);
    BOOST_TEST(readFile(found.endpoint.ca).value() == "PEM");
    BOOST_TEST(s.store.list().size() == 2U);
    s.store.remove("far");
    BOOST_TEST(s.store.list().size() == 1U);
    BOOST_CHECK_THROW((void)s.store.get("far"), Error);
}

BOOST_AUTO_TEST_CASE(the_nearest_setting_wins) {
    Setting s;
    s.store.save(remote("configured"));
    s.store.save(remote("named"));
    s.config.set("currentContext", "configured");
    BOOST_TEST(s.store.currentName() == "configured");
    ::setenv("DOCKER_CONTEXT", "named", 1);
    BOOST_TEST(s.store.currentName() == "named");
    ::setenv("DOCKER_HOST", "tcp://1.2.3.4:1", 1);
    BOOST_TEST(s.store.currentName() == "default");
    BOOST_TEST(s.store.current().endpoint.host == "tcp://1.2.3.4:1");
    ::setenv("DAVIT_HOST", "tcp://5.6.7.8:1", 1);
    BOOST_TEST(s.store.current().endpoint.host == "tcp://5.6.7.8:1");
    s.options.context = "configured";
    BOOST_TEST(s.store.currentName() == "configured");
    s.options.hosts = {"unix:///x"};
    BOOST_CHECK_THROW((void)s.store.currentName(), Error);
    s.options.context.clear();
    BOOST_TEST(s.store.current().endpoint.host == "unix:///x");
    for (const char* name : {"DAVIT_HOST", "DOCKER_HOST", "DOCKER_CONTEXT"}) ::unsetenv(name);
}

BOOST_AUTO_TEST_CASE(one_damaged_context_does_not_hide_the_others) {
    Setting s;
    s.store.save(remote("good"));
    makeDirectories(s.directory.path() / "contexts/meta/bad", 0755);
    writeFileAtomically(s.directory.path() / "contexts/meta/bad/meta.json", "{");
    BOOST_TEST(s.store.list().size() == 3U);
    BOOST_TEST(s.store.get("good").name == "good");
    BOOST_TEST(!s.store.list()[1].error.empty());
}

BOOST_AUTO_TEST_CASE(names_are_checked) {
    BOOST_CHECK_THROW(ContextStore::validateName("../x"), Error);
    BOOST_CHECK_THROW(ContextStore::validateName("default"), Error);
    BOOST_CHECK_THROW(ContextStore::validateName("a"), Error);
    BOOST_CHECK_NO_THROW(ContextStore::validateName("a-b_c.1"));
}

BOOST_AUTO_TEST_CASE(unknown_members_of_the_config_file_survive) {
    Setting s;
    writeFileAtomically(s.config.path(), R"({"auths":{"x":{}},"currentContext":"a"})");
    ConfigFile config(s.directory.path());
    config.set("currentContext", "");
    BOOST_TEST(readFile(config.path()).value() == R"({"auths":{"x":{}}})");
}

BOOST_AUTO_TEST_SUITE_END()
