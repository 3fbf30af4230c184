#include "managed/plugin_settings.hpp"

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"

using namespace davit;
using namespace davit::managed;

namespace {

struct SettingsFixture {
    PluginConfig config = parseConfig(R"({
      "entrypoint": ["/x"], "interface": {"socket": "x"},
      "env": [{"name": "DEBUG", "value": "0", "settable": ["value"]}, {"name": "FIXED", "value": "1"}],
      "mounts": [{"name": "data", "source": "/var", "destination": "/d", "type": "bind", "settable": ["source"]}],
      "devices": [], "args": {"name": "args", "value": ["a"], "settable": ["value"]},
      "linux": {"devices": [{"name": "fuse", "path": "/dev/fuse", "settable": ["path"]}]}})");
    PluginSettings settings = PluginSettings::of(config);

    void refused(const Strings& assignments, const std::string& why) {
        BOOST_TEST_CONTEXT(why) {
            BOOST_CHECK_EXCEPTION(settings.apply(config, assignments), Error, [&](const Error& e) {
                BOOST_TEST(e.text() == why);
                return e.code() == Code::invalid;
            });
        }
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(plugin_settings, SettingsFixture)

BOOST_AUTO_TEST_CASE(they_begin_as_the_configuration_has_them) {
    BOOST_TEST(settings.env == (Strings{"DEBUG=0", "FIXED=1"}), boost::test_tools::per_element());
    BOOST_TEST(settings.args == (Strings{"a"}), boost::test_tools::per_element());
    BOOST_TEST(settings.mounts.at(0).source == "/var");
    BOOST_TEST(settings.devices.at(0).path == "/dev/fuse");
}

BOOST_AUTO_TEST_CASE(each_kind_can_be_set_with_and_without_its_field) {
    settings.apply(config, {"DEBUG=1", "data.source=/srv", "fuse.path=/dev/null", "args=b  c"});
    BOOST_TEST(settings.env.at(0) == "DEBUG=1");
    BOOST_TEST(settings.mounts.at(0).source == "/srv");
    BOOST_TEST(settings.devices.at(0).path == "/dev/null");
    BOOST_TEST(settings.args == (Strings{"b", "c"}), boost::test_tools::per_element());
    settings.apply(config, {"DEBUG.value=x=y", "data=/mnt"});
    BOOST_TEST(settings.env.at(0) == "DEBUG=x=y");
    BOOST_TEST(settings.mounts.at(0).source == "/mnt");
}

BOOST_AUTO_TEST_CASE(a_refusal_changes_nothing) {
    refused({"DEBUG=1", "FIXED=2"}, "\"FIXED\" is not settable");
    refused({"DEBUG=1", "NOPE=2"}, "setting \"NOPE\" not found in the plugin configuration");
    refused({"DEBUG=1", "data.destination=/x"}, "\"data.destination\" is not settable");
    refused({"DEBUG=1", "words"}, "invalid format \"words\", must be KEY=VALUE");
    refused({"=x"}, "invalid format \"=x\", must be KEY=VALUE");
    BOOST_TEST(settings.env.at(0) == "DEBUG=0");
}

BOOST_AUTO_TEST_CASE(they_come_back_from_the_database) {
    settings.apply(config, {"DEBUG=1", "data.source=/srv", "fuse.path=/dev/null", "args=b"});
    json::Writer out;
    writeSettings(out, settings);
    const json::Document document = json::Document::parse(out.take());
    const PluginSettings back = readSettings(document.root(), config);
    BOOST_TEST(back.env == settings.env, boost::test_tools::per_element());
    BOOST_TEST(back.args == settings.args, boost::test_tools::per_element());
    BOOST_TEST(back.mounts.at(0).source == "/srv");
    BOOST_TEST(back.mounts.at(0).destination == "/d");
    BOOST_TEST(back.devices.at(0).path == "/dev/null");
}

BOOST_AUTO_TEST_SUITE_END()
