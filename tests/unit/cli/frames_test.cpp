#include "cli/frames.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"
#include "base/unique_fd.hpp"

using namespace davit;
using namespace davit::cli;

namespace {

struct Pipe {
    UniqueFd read_end;
    UniqueFd write_end;
    Pipe() {
        int ends[2];
        BOOST_REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
        read_end.reset(ends[0]);
        write_end.reset(ends[1]);
    }
    std::string text() {
        char buffer[1024];
        const ssize_t size = ::read(read_end.get(), buffer, sizeof buffer);
        return size > 0 ? std::string(buffer, static_cast<std::size_t>(size)) : "";
    }
};

std::string frame(char stream, const std::string& text) {
    return std::string{stream, 0, 0, 0, 0, 0, 0, static_cast<char>(text.size())} + text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(frames)

BOOST_AUTO_TEST_CASE(streams_are_told_apart_however_the_bytes_arrive) {
    Pipe out;
    Pipe err;
    FrameDecoder decoder(false, out.write_end.get(), err.write_end.get());
    for (const char c : frame(1, "out1") + frame(2, "err") + frame(1, "") + frame(1, "out2")) decoder.feed({&c, 1});
    BOOST_TEST(out.text() == "out1out2");
    BOOST_TEST(err.text() == "err");
}

BOOST_AUTO_TEST_CASE(raw_streams_pass_through) {
    Pipe out;
    FrameDecoder decoder(true, out.write_end.get(), -1);
    decoder.feed("abc");
    BOOST_TEST(out.text() == "abc");
}

BOOST_AUTO_TEST_CASE(an_error_frame_is_thrown) {
    FrameDecoder decoder(false);
    BOOST_CHECK_EXCEPTION(decoder.feed(frame(3, "boom")), Error,
                          [](const Error& error) { return error.text() == "error from daemon in stream: boom"; });
}

BOOST_AUTO_TEST_CASE(garbage_is_refused) {
    FrameDecoder decoder(false);
    BOOST_CHECK_THROW(decoder.feed("HTTP/1.1 200"), Error);
}

BOOST_AUTO_TEST_SUITE_END()
