#include "runtime/log_reader.hpp"

#include <fcntl.h>
#include <poll.h>

#include <fmt/format.h>

#include <boost/test/unit_test.hpp>

#include "base/file.hpp"

using namespace davit;
using namespace davit::runtime;
namespace fs = std::filesystem;

namespace {

struct Log {
    TempDir dir;
    fs::path path = dir.path() / "c-json.log";

    static std::string record(int number, std::string_view stream = "stdout") {
        return fmt::format("{{\"log\":\"{}\\n\",\"stream\":\"{}\",\"time\":\"2024-01-01T00:00:{:02}Z\"}}\n", number, stream,
                           number % 60);
    }
    void append(std::string_view text) const { writeAll(openFile(path, O_WRONLY | O_CREAT | O_APPEND, 0600).get(), text); }
    void rotate() const {
        for (int i = 8; i > 0; --i)
            if (fs::exists(path.string() + "." + std::to_string(i)))
                fs::rename(path.string() + "." + std::to_string(i), path.string() + "." + std::to_string(i + 1));
        fs::rename(path, path.string() + ".1");
    }
    // Numbers as "1 2 3 ".
    static std::string drain(LogReader& reader) {
        std::string numbers;
        while (const auto found = reader.next()) numbers += found->text.substr(0, found->text.size() - 1) + " ";
        return numbers;
    }
    [[nodiscard]] std::string all(LogQuery query = {}) const {
        LogReader reader(path, query);
        return drain(reader);
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(log_reader_, Log)

BOOST_AUTO_TEST_CASE(missing_log_is_empty_and_may_appear) {
    LogReader reader(path, {});
    BOOST_TEST(drain(reader).empty());
    append(record(1));
    BOOST_TEST(drain(reader) == "1 ");
}

BOOST_AUTO_TEST_CASE(rotated_files_are_read_oldest_first) {
    append(record(1) + record(2));
    rotate();
    append(record(3));
    rotate();
    append(record(4));
    BOOST_TEST(all() == "1 2 3 4 ");
}

BOOST_AUTO_TEST_CASE(tail_counts_over_files) {
    append(record(1) + record(2));
    rotate();
    append(record(3) + record(4));
    BOOST_TEST(all({.tail = 0}).empty());
    BOOST_TEST(all({.tail = 1}) == "4 ");
    BOOST_TEST(all({.tail = 2}) == "3 4 ");
    BOOST_TEST(all({.tail = 3}) == "2 3 4 ");
    BOOST_TEST(all({.tail = 99}) == "1 2 3 4 ");
}

BOOST_AUTO_TEST_CASE(tail_of_a_large_log) {
    std::string text;
    std::string expected;
    for (int i = 0; i < 5000; ++i) text += record(i);
    for (int i = 1000; i < 5000; ++i) expected += std::to_string(i) + " ";
    append(text);
    BOOST_TEST((all({.tail = 4000}) == expected));
}

BOOST_AUTO_TEST_CASE(streams_and_times_select) {
    append(record(1) + record(2, "stderr") + record(3));
    BOOST_TEST(all({.out = false}) == "2 ");
    BOOST_TEST(all({.since = parseRfc3339("2024-01-01T00:00:02Z")}) == "2 3 ");
    LogReader reader(path, {.until = parseRfc3339("2024-01-01T00:00:02Z")});
    BOOST_TEST(drain(reader) == "1 2 ");
    BOOST_TEST(reader.finished());
}

BOOST_AUTO_TEST_CASE(following_sees_halves_rotation_and_more) {
    LogReader reader(path, {});
    append(record(1));
    BOOST_TEST(drain(reader) == "1 ");
    const std::string second = record(2);
    append(second.substr(0, 10));
    BOOST_TEST(drain(reader).empty());
    append(second.substr(10) + record(3));
    rotate();
    append(record(4));
    rotate();
    append(record(5));
    BOOST_TEST(drain(reader) == "2 3 4 5 ");
    append(record(6));
    BOOST_TEST(drain(reader) == "6 ");
}

BOOST_AUTO_TEST_CASE(descriptor_tells_of_news) {
    append(record(1));
    LogReader reader(path, {});
    pollfd ready{.fd = reader.fd(), .events = POLLIN, .revents = 0};
    BOOST_TEST(drain(reader) == "1 ");
    BOOST_TEST(::poll(&ready, 1, 0) == 0);
    append(record(2));
    BOOST_TEST(::poll(&ready, 1, 5000) == 1);
    BOOST_TEST(reader.fd() == ready.fd);
    BOOST_TEST(::poll(&ready, 1, 0) == 0);
}

BOOST_AUTO_TEST_CASE(damaged_and_overlong_records_are_skipped) {
    append(record(1) + "{\"log\":\"half\n" + "\n\n" + std::string(3U << 20, 'x') + "\n" + record(2));
    BOOST_TEST(all() == "1 2 ");
}

BOOST_AUTO_TEST_SUITE_END()
