#include "http/codec.hpp"

#include <array>
#include <boost/test/unit_test.hpp>

using namespace davit;
using namespace davit::http;

namespace {

void feed(MessageReader& reader, std::string_view text) { reader.feed(std::as_bytes(std::span(text))); }

// The status that a request is refused with, 0 when it is accepted, -1 when it is incomplete.
int verdict(std::string_view text) {
    MessageReader reader(MessageReader::Kind::request);
    feed(reader, text);
    try {
        if (!reader.parseHead()) return -1;
        std::array<std::byte, 256> block;
        std::size_t count = 0;
        while (true) {
            const auto state = reader.readBody(block, count);
            if (state == MessageReader::Body::end) return 0;
            if (state == MessageReader::Body::need_more) return -1;
        }
    } catch (const StatusError& failure) {
        return static_cast<int>(failure.status());
    }
}

std::string bodyOf(MessageReader& reader, std::string_view text, std::size_t step) {
    std::string body;
    std::array<std::byte, 7> block;
    bool head = false;
    for (std::size_t at = 0; at < text.size(); at += step) {
        feed(reader, text.substr(at, step));
        if (!head) head = reader.parseHead();
        std::size_t count = 0;
        while (head && reader.readBody(block, count) == MessageReader::Body::data)
            body.append(reinterpret_cast<const char*>(block.data()), count);
    }
    return body;
}

using namespace std::string_view_literals;

}  // namespace

BOOST_AUTO_TEST_SUITE(codec)

BOOST_AUTO_TEST_CASE(head_of_a_request_is_read) {
    MessageReader reader(MessageReader::Kind::request);
    feed(reader, "POST /v1.41/containers/create?name=x HTTP/1.1\r\nHost: docker\r\nContent-Length: 2\r\n\r\n{}rest");
    BOOST_TEST_REQUIRE(reader.parseHead());
    BOOST_TEST(reader.requestHead().method == "POST");
    BOOST_TEST(reader.requestHead().target == "/v1.41/containers/create?name=x");
    BOOST_TEST(reader.hasBody());
    std::array<std::byte, 16> block;
    std::size_t count = 0;
    BOOST_TEST((reader.readBody(block, count) == MessageReader::Body::data));
    BOOST_TEST(count == 2U);
    BOOST_TEST(reader.bodyDone());
    BOOST_TEST(reader.takeRest() == "rest");
}

BOOST_AUTO_TEST_CASE(chunks_are_joined_however_they_arrive) {
    const auto text =
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\nhello\r\n1;ext=1\r\n,\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"sv;
    for (const std::size_t step : {1U, 2U, 3U, 5U, 17U, 1000U}) {
        MessageReader reader(MessageReader::Kind::request);
        BOOST_TEST(bodyOf(reader, text, step) == "hello,0123456789");
        BOOST_TEST(reader.bodyDone());
        BOOST_TEST(!reader.requestHead().headers.has("Trailer"));
    }
}

BOOST_AUTO_TEST_CASE(sec_52_malformed_requests_are_refused) {
    const std::string start = "POST / HTTP/1.1\r\nHost: x\r\n";
    const std::string corpus[] = {
        start + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        start + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n",
        start + "Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
        start + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        start + "Content-Length: 1, 1\r\n\r\na",
        start + "Content-Length: -1\r\n\r\n",
        start + "Content-Length: +1\r\n\r\na",
        start + "Content-Length: 0x1\r\n\r\na",
        start + "Content-Length: 99999999999999999999\r\n\r\n",
        start + "Content-Length:\r\n\r\n",
        start + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        start + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        start + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        start + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        start +
            "Transfer-Encoding: \x0b"
            "chunked\r\n\r\n0\r\n\r\n",
        start + "A: b\r\n c\r\n\r\n",
        start + "A: b\r\n\tc\r\n\r\n",
        start + "A : b\r\n\r\n",
        start + ": b\r\n\r\n",
        start + "no colon\r\n\r\n",
        start + "A: b\rc\r\n\r\n",
        start + "A: b\nB: c\r\n\r\n",
        start + "A: b\r\r\n\r\n",
        start + std::string("A: b\0c\r\n\r\n", 11),
        start + "Host: y\r\n\r\n",
        start + "Transfer-Encoding: chunked\r\n\r\nx\r\n",
        start + "Transfer-Encoding: chunked\r\n\r\n-1\r\na\r\n",
        start + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
        start + "Transfer-Encoding: chunked\r\n\r\n1 \r\na\r\n0\r\n\r\n",
        start + "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n",
        start + "Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1 \r\nHost: x\r\n\r\n",
        "GET /\r\nHost: x\r\n\r\n",
        "G(T / HTTP/1.1\r\nHost: x\r\n\r\n",
        "\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\r\n\r\n",
    };
    for (const std::string& text : corpus) {
        BOOST_TEST_CONTEXT(text) { BOOST_TEST(verdict(text) == 400); }
    }
    BOOST_TEST(verdict("GET / HTTP/2.0\r\nHost: x\r\n\r\n") == 505);
}

BOOST_AUTO_TEST_CASE(sec_52_bad_bytes_are_noticed_before_the_head_ends) {
    BOOST_TEST(verdict(std::string_view("GET\0", 4)) == 400);
    BOOST_TEST(verdict("GET / HTTP/1.1\n") == 400);
    BOOST_TEST(verdict("GET / HTTP/1.1\r\nHost: x\r\n ") == 400);
    BOOST_TEST(verdict("GET / HTTP/1.1\r\n") == -1);
}

BOOST_AUTO_TEST_CASE(good_requests_pass) {
    BOOST_TEST(verdict("GET / HTTP/1.1\r\nHost: x\r\n\r\n") == 0);
    BOOST_TEST(verdict("GET / HTTP/1.0\r\n\r\n") == 0);
    BOOST_TEST(verdict("POST / HTTP/1.1\r\nHost: x\r\n\r\n") == 0);
    BOOST_TEST(verdict("OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n") == 0);
    BOOST_TEST(verdict("GET / HTTP/1.1\r\nHost: x\r\nX-Registry-Auth: e30=\r\nA: \xc3\xa4\r\n\r\n") == 0);
}

BOOST_AUTO_TEST_CASE(a_head_above_the_limit_is_431) {
    BOOST_TEST(verdict("GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(kMaxHeadSize, 'a') + "\r\n\r\n") == 431);
    BOOST_TEST(verdict("GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(kMaxHeadSize - 100, 'a') + "\r\n\r\n") == 0);
    BOOST_TEST(verdict(std::string(kMaxHeadSize, 'a')) == 431);
}

BOOST_AUTO_TEST_CASE(an_endless_chunk_header_is_refused) {
    BOOST_TEST(verdict("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;" +
                       std::string(kMaxHeadSize + 10, 'a')) == 400);
}

BOOST_AUTO_TEST_CASE(a_response_without_length_ends_with_the_connection) {
    MessageReader reader(MessageReader::Kind::response);
    BOOST_TEST(bodyOf(reader, "HTTP/1.1 200 OK\r\n\r\nabc", 4) == "abc");
    BOOST_TEST(!reader.bodyDone());
    reader.finishAtEnd();
    BOOST_TEST(reader.bodyDone());
    BOOST_TEST(!reader.keepAlive());
}

BOOST_AUTO_TEST_CASE(a_response_cut_short_is_an_error) {
    MessageReader reader(MessageReader::Kind::response);
    BOOST_TEST(bodyOf(reader, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", 4) == "abc");
    BOOST_CHECK_THROW(reader.finishAtEnd(), Error);
}

BOOST_AUTO_TEST_CASE(values_cannot_end_their_line) {
    const std::string head = printHead(ResponseHead{200, {}, 11, {{"A", "b\r\nInjected: x"}}});
    BOOST_TEST(head == "HTTP/1.1 200 OK\r\nA: b  Injected: x\r\n\r\n");
}

BOOST_AUTO_TEST_SUITE_END()
