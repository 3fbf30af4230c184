#include "engine/log_config.hpp"

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"

using namespace davit;
using namespace davit::engine;

namespace {

runtime::LogConfig jsonFile(runtime::StringMap options) { return {"json-file", std::move(options)}; }

std::string refusal(const runtime::LogConfig& log) {
    try {
        checkLogConfig(log);
        return "accepted";
    } catch (const Error& failure) {
        return failure.text();
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(log_config_suite)

BOOST_AUTO_TEST_CASE(sizes_have_units_of_1024) {
    BOOST_TEST(parseSize("10m") == 10 << 20);
    BOOST_TEST(parseSize("1K") == 1024);
    BOOST_TEST(parseSize("2gb") == std::int64_t(2) << 30);
    BOOST_TEST(parseSize("1MiB") == 1 << 20);
    BOOST_TEST(parseSize("77") == 77);
    BOOST_TEST(parseSize("1.5k") == 1536);
    BOOST_TEST(parseSize("-1") == -1);
    for (const char* text : {"", "m", "10x", "-5", "10mm", "99999999999t"}) BOOST_CHECK_THROW((void)parseSize(text), Error);
}

BOOST_AUTO_TEST_CASE(drivers_and_options_are_checked) {
    BOOST_TEST(refusal(jsonFile({{"max-size", "1m"}, {"max-file", "3"}})) == "accepted");
    BOOST_TEST(refusal({"none", {}}) == "accepted");
    BOOST_TEST(refusal({"syslogish", {}}) == "logger: no log driver named 'syslogish' is registered");
    BOOST_TEST(refusal(jsonFile({{"nope", "1"}})) == "unknown log opt 'nope' for json-file log driver");
    BOOST_TEST(refusal(jsonFile({{"max-file", "0"}, {"max-size", "1k"}})) == "max-file cannot be less than 1");
    BOOST_TEST(refusal(jsonFile({{"max-file", "2"}})) == "max-file option requires max-size option");
}

BOOST_AUTO_TEST_CASE(attributes_come_from_labels_and_environment) {
    runtime::ContainerConfig config;
    config.labels = {{"tier", "db"}, {"other", "x"}};
    config.env = {"A=1", "B=2"};
    const runtime::LogOptions options = logOptions(jsonFile({{"labels", "tier,none"}, {"env", "B"}}), config, "/x.log");
    BOOST_REQUIRE(options.attributes.size() == 2);
    BOOST_TEST(options.attributes[0].second == "db");
    BOOST_TEST(options.attributes[1].first == "B");
    BOOST_TEST(logOptions({"none", {}}, config, "/x.log").path.empty());
}

BOOST_AUTO_TEST_SUITE_END()
