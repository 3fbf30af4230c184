#include "cli/units.hpp"

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"

using namespace davit;
using namespace davit::cli;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(units)

BOOST_AUTO_TEST_CASE(ages_read_as_dockers) {
    BOOST_TEST(humanDuration(450ms) == "Less than a second");
    BOOST_TEST(humanDuration(1s) == "1 second");
    BOOST_TEST(humanDuration(45s) == "45 seconds");
    BOOST_TEST(humanDuration(60s) == "About a minute");
    BOOST_TEST(humanDuration(119s) == "About a minute");
    BOOST_TEST(humanDuration(120s) == "2 minutes");
    BOOST_TEST(humanDuration(60min) == "About an hour");
    BOOST_TEST(humanDuration(89min) == "About an hour");
    BOOST_TEST(humanDuration(90min) == "2 hours");
    BOOST_TEST(humanDuration(47h) == "47 hours");
    BOOST_TEST(humanDuration(48h) == "2 days");
    BOOST_TEST(humanDuration(24h * 13) == "13 days");
    BOOST_TEST(humanDuration(24h * 14) == "2 weeks");
    BOOST_TEST(humanDuration(24h * 59) == "8 weeks");
    BOOST_TEST(humanDuration(24h * 60) == "2 months");
    BOOST_TEST(humanDuration(24h * 729) == "24 months");
    BOOST_TEST(humanDuration(24h * 730) == "2 years");
}

BOOST_AUTO_TEST_CASE(sizes_read_as_dockers) {
    BOOST_TEST(humanSize(0, 3) == "0B");
    BOOST_TEST(humanSize(1240000, 3) == "1.24MB");
    BOOST_TEST(humanSize(724000, 3) == "724kB");
    BOOST_TEST(humanSize(999, 3) == "999B");
    BOOST_TEST(humanSize(1982000) == "1.982MB");
    BOOST_TEST(binarySize(25275990016.0) == "23.54GiB");
}

BOOST_AUTO_TEST_CASE(bytes_are_powers_of_1024) {
    BOOST_TEST(parseBytes("64m") == 64 << 20);
    BOOST_TEST(parseBytes("1.5GiB") == 3LL << 29);
    BOOST_TEST(parseBytes("32 kB") == 32 << 10);
    BOOST_TEST(parseBytes("512") == 512);
    BOOST_TEST(parseBytes("512b") == 512);
    BOOST_TEST(parseBytes("-1") == -1);
    BOOST_CHECK_THROW((void)parseBytes("10x"), Error);
    BOOST_CHECK_THROW((void)parseBytes("m"), Error);
    BOOST_CHECK_THROW((void)parseBytes(""), Error);
}

BOOST_AUTO_TEST_CASE(durations_are_gos) {
    BOOST_TEST(parseDuration("1m30s").count() == 90'000'000'000);
    BOOST_TEST(parseDuration("1.5h").count() == 5'400'000'000'000);
    BOOST_TEST(parseDuration("500ms").count() == 500'000'000);
    BOOST_TEST(parseDuration("-2s").count() == -2'000'000'000);
    BOOST_TEST(parseDuration("0").count() == 0);
    BOOST_CHECK_THROW((void)parseDuration("5"), Error);
    BOOST_CHECK_THROW((void)parseDuration("5x"), Error);
    BOOST_TEST(formatDuration(90s) == "1m30s");
    BOOST_TEST(formatDuration(1500ms) == "1.5s");
    BOOST_TEST(formatDuration(0s) == "0s");
}

BOOST_AUTO_TEST_CASE(decimals_are_exact) {
    BOOST_TEST(parseScaledDecimal("1.5", 1'000'000'000) == 1'500'000'000);
    BOOST_TEST(parseScaledDecimal(".1", 1'000'000'000) == 100'000'000);
    BOOST_TEST(parseScaledDecimal("2", 1'000'000'000) == 2'000'000'000);
    BOOST_CHECK_THROW((void)parseScaledDecimal("0.0000000001", 1'000'000'000), Error);
    BOOST_CHECK_THROW((void)parseScaledDecimal("1e3", 1'000'000'000), Error);
}

BOOST_AUTO_TEST_SUITE_END()
