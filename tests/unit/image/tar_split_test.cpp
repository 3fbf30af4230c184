#include "image/tar_split.hpp"

#include <boost/test/unit_test.hpp>

#include "archive/unpack.hpp"
#include "fixtures.hpp"

using namespace davit;
using namespace davit::test;

namespace {

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

struct Recorded {
    std::string split;
    bool exact = false;
};

Recorded record(const std::string& tar, std::size_t piece) {
    TextSink out;
    image::TarSplitRecorder recorder(out);
    for (std::size_t at = 0; at < tar.size(); at += piece)
        recorder.write(bytes(std::string_view(tar).substr(at, piece)));
    Recorded result;
    result.exact = recorder.finish();
    result.split = std::move(out.text);
    return result;
}

/// Unpacks, records and puts together again.
std::string roundTrip(const std::string& tar, std::size_t piece = 4096) {
    const TempDir dir;
    const UniqueFd root = openFile(dir.path(), O_RDONLY | O_DIRECTORY);
    TextSource source(tar);
    (void)archive::unpackLayer(source, root.get(), {});
    const Recorded recorded = record(tar, piece);
    BOOST_TEST(recorded.exact);
    TextSource split(recorded.split);
    TextSink out;
    image::assembleTar(split, root.get(), out);
    return out.text;
}

/// What a tool of the host packs.
std::string packedBy(const std::string& command) {
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
    std::string text;
    char buffer[4096];
    while (const std::size_t got = std::fread(buffer, 1, sizeof buffer, pipe.get())) text.append(buffer, got);
    return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tar_split)

BOOST_AUTO_TEST_CASE(the_tar_comes_back_whatever_the_pieces) {
    const std::string tar = makeTar({{"a/", ""},
                                     {"a/b", std::string(1000, 'x')},
                                     {"a/empty", ""},
                                     {std::string(150, 'n'), "long"},
                                     {"c", std::string(512, 'y')}});
    for (const std::size_t piece : {std::size_t{1}, std::size_t{511}, std::size_t{512}, std::size_t{1 << 20}})
        BOOST_TEST((roundTrip(tar, piece) == tar));
}

BOOST_AUTO_TEST_CASE(content_is_referenced_not_kept) {
    const std::string content(300'000, 'x');
    const Recorded recorded = record(makeTar({{"big", content}}), 1000);
    BOOST_TEST(recorded.split.size() < 5000U);
}

BOOST_AUTO_TEST_CASE(tars_of_gnu_pax_and_ustar_come_back) {
    const TempDir dir;
    const std::string path = dir.path().string();
    const std::string make = "cd " + path + " && mkdir -p d/" + std::string(120, 'l') +
                             " && seq 5000 > d/numbers && seq 9 > d/" + std::string(120, 'l') + "/" +
                             std::string(90, 'f') +
                             " && ln -s numbers d/link && ln d/numbers d/hard && truncate -s 1M d/sparse && echo x >> "
                             "d/sparse && mkfifo d/pipe";
    BOOST_REQUIRE(std::system(make.c_str()) == 0);
    for (const char* how : {"--format=gnu", "--format=gnu -S", "--format=pax", "--format=pax -S",
                            "--format=pax --xattrs", "--format=posix -b 1"}) {
        const std::string tar = packedBy("cd " + path + " && tar " + how + " -cf - d");
        BOOST_REQUIRE(tar.size() > 10'000U);
        BOOST_TEST((roundTrip(tar) == tar), how);
    }
}

BOOST_AUTO_TEST_CASE(what_follows_the_end_mark_comes_back_too) {
    std::string tar = makeTar({{"a", "b"}}) + std::string(20'000, '\0');
    BOOST_TEST((roundTrip(tar) == tar));
    tar += "odd bytes at the end";
    BOOST_TEST((roundTrip(tar) == tar));
}

BOOST_AUTO_TEST_CASE(whiteouts_are_kept_verbatim) {
    const std::string tar =
        makeTar({{"d/", ""}, {"d/.wh..wh..opq", ""}, {"d/.wh.gone", "content"}, {"d/kept", "here"}});
    BOOST_TEST((roundTrip(tar) == tar));
}

BOOST_AUTO_TEST_CASE(members_that_hide_each_other_are_noticed) {
    BOOST_TEST(!record(makeTar({{"a", "1"}, {"a", "2"}}), 512).exact);
    BOOST_TEST(!record(makeTar({{"a", "1"}, {"./a", "2"}}), 512).exact);
    BOOST_TEST(!record(makeTar({{"a/b", "1"}, {"a", "2"}}), 512).exact);
    BOOST_TEST(!record(makeTar({{"a/b/c", "1"}, {"a/b", "2"}}), 512).exact);
    BOOST_TEST(!record(makeTar({{"a", "1"}, {".wh.a", ""}}), 512).exact);
    BOOST_TEST(!record(makeTar({{"a/b", "1"}, {".wh.a", ""}}), 512).exact);
    BOOST_TEST(record(makeTar({{"a/", ""}, {"a/b", "1"}, {"a/", ""}, {"ab", "2"}}), 512).exact);
}

BOOST_AUTO_TEST_CASE(what_is_no_tar_is_kept_whole) {
    for (const std::string& text : {std::string(), std::string("x"), std::string(512, 'x'), std::string(5000, 'x')}) {
        const Recorded recorded = record(text, 100);
        TextSource split(recorded.split);
        TextSink out;
        image::assembleTar(split, -1, out);
        BOOST_TEST(out.text == text);
    }
}

BOOST_AUTO_TEST_CASE(a_changed_file_is_noticed) {
    const TempDir dir;
    const UniqueFd root = openFile(dir.path(), O_RDONLY | O_DIRECTORY);
    const Recorded recorded = record(makeTar({{"a", "1234"}}), 512);
    TextSink out;
    const auto assemble = [&] {
        TextSource split(recorded.split);
        image::assembleTar(split, root.get(), out);
    };
    BOOST_CHECK_THROW(assemble(), Error);
    writeFileAtomically(dir.path() / "a", "12345");
    BOOST_CHECK_THROW(assemble(), Error);
    std::filesystem::remove(dir.path() / "a");
    std::filesystem::create_symlink("/etc/hostname", dir.path() / "a");
    BOOST_CHECK_THROW(assemble(), Error);
}

BOOST_AUTO_TEST_CASE(a_damaged_side_file_is_refused) {
    const std::string split = record(makeTar({{"a", "1234"}}), 512).split;
    for (std::size_t size = 0; size < split.size(); size += 37) {
        if (size == 0) continue;
        TextSource source(split.substr(0, size));
        TextSink out;
        BOOST_CHECK_THROW(image::assembleTar(source, -1, out), Error);
    }
}

BOOST_AUTO_TEST_SUITE_END()
