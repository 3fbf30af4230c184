#include "image/compression.hpp"

#include <boost/test/unit_test.hpp>

#include "fixtures.hpp"

using namespace davit;
using namespace davit::test;

namespace {

/// The bytes that a tool of the host prints; skips the test's point when it isn't there.
std::string output(const std::string& command) {
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
    std::string text;
    char buffer[4096];
    while (const std::size_t got = std::fread(buffer, 1, sizeof buffer, pipe.get())) text.append(buffer, got);
    return text;
}

std::string plain(const std::string& compressed, std::size_t piece = std::string::npos) {
    TextSource source(compressed, piece);
    const auto decoder = image::decompress(source);
    return readAll(*decoder);
}

const std::string kText = [] {
    std::string text;
    for (int i = 0; i < 200'000; ++i) text += std::to_string(i * 7919 % 100'003) + "\n";
    return text;
}();

std::string compress(const TempDir& dir, const std::string& tool) {
    writeFileAtomically(dir.path() / "text", kText);
    return output(tool + " -c < " + (dir.path() / "text").string());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(compression)

BOOST_AUTO_TEST_CASE(every_format_gives_the_text_back_in_any_pieces) {
    const TempDir dir;
    for (const char* tool : {"gzip", "zstd", "xz", "bzip2"}) {
        const std::string compressed = compress(dir, tool);
        if (compressed.empty()) continue;  // not installed here
        for (const std::size_t piece : {std::size_t{1000}, std::size_t{65'537}, std::string::npos})
            BOOST_TEST((plain(compressed, piece) == kText), tool);
    }
    BOOST_TEST((plain(kText) == kText));
    BOOST_TEST(plain("") == "");
    BOOST_TEST(plain("ab") == "ab");
}

BOOST_AUTO_TEST_CASE(several_members_are_one_content) {
    const TempDir dir;
    for (const char* tool : {"gzip", "zstd"}) {
        const std::string compressed = compress(dir, tool);
        BOOST_TEST((plain(compressed + compressed + compressed, 7777) == kText + kText + kText), tool);
    }
}

BOOST_AUTO_TEST_CASE(zeros_may_pad_gzip_and_garbage_may_not) {
    const TempDir dir;
    const std::string compressed = compress(dir, "gzip");
    BOOST_TEST((plain(compressed + std::string(1000, '\0')) == kText));
    BOOST_CHECK_THROW((void)plain(compressed + "garbage"), Error);
    BOOST_CHECK_THROW((void)plain(compressed + std::string(10, '\0') + compressed), Error);
}

BOOST_AUTO_TEST_CASE(truncated_and_damaged_data_is_refused) {
    const TempDir dir;
    for (const char* tool : {"gzip", "zstd", "xz", "bzip2"}) {
        const std::string compressed = compress(dir, tool);
        if (compressed.empty()) continue;
        for (const std::size_t size :
             {compressed.size() - 1, compressed.size() - 9, compressed.size() / 2, std::size_t{12}})
            BOOST_TEST_CONTEXT(tool << " cut to " << size << " of " << compressed.size())
        BOOST_CHECK_THROW((void)plain(compressed.substr(0, size)), Error);
        std::string damaged = compressed;
        damaged[damaged.size() / 2] ^= 0x55;
        BOOST_CHECK_THROW((void)plain(damaged), Error);
    }
}

BOOST_AUTO_TEST_CASE(what_the_sink_writes_the_source_reads) {
    TextSink out;
    image::ZstdSink sink(out);
    for (std::size_t at = 0; at < kText.size(); at += 999)
        sink.write(std::as_bytes(std::span(kText.data() + at, std::min<std::size_t>(999, kText.size() - at))));
    sink.finish();
    BOOST_TEST((plain(out.text) == kText));
    BOOST_TEST(out.text.size() < kText.size() / 2);
}

BOOST_AUTO_TEST_CASE(an_error_of_the_source_comes_through) {
    struct Failing : ByteSource {
        std::string text;
        bool given = false;
        std::size_t read(std::span<std::byte> buffer) override {
            if (std::exchange(given, true)) throw Error(Code::cancelled, "gone");
            const std::size_t count = std::min(buffer.size(), text.size());
            std::memcpy(buffer.data(), text.data(), count);
            return count;
        }
    };
    const TempDir dir;
    for (const char* tool : {"gzip", "zstd", "xz"}) {
        Failing source;
        source.text = compress(dir, tool).substr(0, 5000);
        const auto decoder = image::decompress(source);
        BOOST_CHECK_EXCEPTION((void)readAll(*decoder), Error,
                              [](const Error& e) { return e.code() == Code::cancelled; });
    }
}

BOOST_AUTO_TEST_SUITE_END()
