#include <boost/test/unit_test.hpp>

#include "base/process.hpp"
#include "fixtures.hpp"

using namespace davit;
using namespace davit::archive;

namespace {

TarEntry roundTrip(const TarEntry& entry, std::string_view text = {}) {
    StringSource source(Tar().raw(entry, text).done(), 100);
    TarReader reader(source);
    const TarEntry* read = reader.next();
    BOOST_REQUIRE(read != nullptr);
    TarEntry copy = *read;
    BOOST_TEST(reader.readAll(1 << 20) == text);
    BOOST_TEST((reader.next() == nullptr));
    return copy;
}

void checkName(const std::string& name) {
    TarEntry entry;
    entry.path = name;
    entry.kind = TarEntry::Kind::symlink;
    entry.link_target = "to/" + name;
    const TarEntry read = roundTrip(entry);
    BOOST_TEST((read.path == name));
    BOOST_TEST((read.link_target == entry.link_target));
}

int runTar(const std::vector<std::string>& args) {
    auto child = ChildProcess::spawn({.program = "/bin/tar", .args = args, .env = {"LC_ALL=C"}, .inherit = {}});
    return child.wait()->dockerCode();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tar)

BOOST_AUTO_TEST_CASE(names_are_bytes_of_any_kind_and_length) {
    checkName("plain");
    checkName("caf\xc3\xa9");                                    // UTF-8, composed
    checkName("cafe\xcc\x81");                                   // UTF-8, decomposed: not to be normalised
    checkName("latin\xe9\xff\xfe\x80");                          // no UTF-8 at all
    checkName(std::string(99, 'a') + "\xc3\xa9/" + "\xff\xe9");  // the same beyond the short header
    checkName(std::string(300, 'b') + "\xc3\xa9");
    checkName("new\nline\ttab \x01");
    std::string every;
    for (int c = 1; c < 256; ++c)
        if (c != '/') every += static_cast<char>(c);
    checkName(every);
    checkName(std::string(60'000, 'd'));
}

BOOST_AUTO_TEST_CASE(large_numbers_times_and_attributes_survive) {
    TarEntry entry;
    entry.path = "f";
    entry.mode = 06755;
    entry.uid = 4'000'000'000U;
    entry.gid = 2'097'152;
    entry.size = 3;
    entry.mtime = {1'700'000'000, 123'456'789};
    entry.xattrs = {
        {"security.capability", std::string("\1\0\0\2\0=\n", 7)}, {"user.odd=name%", "v"}, {"user.empty", ""}};
    const TarEntry read = roundTrip(entry, "abc");
    BOOST_TEST(read.mode == 06755U);
    BOOST_TEST(read.uid == entry.uid);
    BOOST_TEST(read.gid == entry.gid);
    BOOST_TEST(read.mtime.tv_sec == entry.mtime.tv_sec);
    BOOST_TEST(read.mtime.tv_nsec == entry.mtime.tv_nsec);
    BOOST_TEST((read.xattrs == entry.xattrs));
}

BOOST_AUTO_TEST_CASE(times_before_1970_survive) {
    TarEntry entry;
    entry.path = "f";
    entry.mtime = {-2, 0};
    BOOST_TEST(roundTrip(entry).mtime.tv_sec == -2);
}

BOOST_AUTO_TEST_CASE(sparse_files_keep_their_holes) {
    TarEntry entry;
    entry.path = "s\xff";
    entry.size = 10'000'000'000;
    StringSink sink;
    TarWriter writer(sink);
    writer.beginSparse(entry, {{4096, 3}, {5'000'000'000, 2}});
    writer.write("abcde");
    writer.add("after", "y");
    writer.finish();
    StringSource source(sink.text);
    TarReader reader(source);
    const TarEntry* read = reader.next();
    BOOST_TEST((read->path == entry.path));
    BOOST_TEST(read->size == entry.size);
    BOOST_TEST(reader.readBlock().offset == 4096);
    BOOST_TEST(reader.readBlock().offset == 5'000'000'000);
    BOOST_TEST(reader.readBlock().data.empty());
    BOOST_TEST(reader.next()->path == "after");
    BOOST_TEST(reader.readAll(1) == "y");
}

BOOST_AUTO_TEST_CASE(holes_read_as_zeros) {
    TarEntry entry;
    entry.path = "s";
    entry.size = 20;
    StringSink sink;
    TarWriter writer(sink);
    writer.beginSparse(entry, {{5, 2}});
    writer.write("ab");
    writer.finish();
    StringSource source(sink.text);
    TarReader reader(source);
    (void)reader.next();
    BOOST_TEST((reader.readAll(20) == std::string(5, '\0') + "ab" + std::string(13, '\0')));
}

BOOST_AUTO_TEST_CASE(gnu_tar_reads_what_is_written) {
    const TempDir dir;
    TarEntry entry;
    entry.path = std::string(150, 'n') + "/\xe9";
    entry.size = 4;
    entry.mtime = {1'600'000'000, 5};
    StringSink sink;
    TarWriter writer(sink);
    writer.begin(entry);
    writer.write("text");
    entry.path = "sparse";
    entry.size = 1 << 20;
    writer.beginSparse(entry, {{500'000, 4}});
    writer.write("data");
    writer.finish();
    writeFileAtomically(dir.path() / "a.tar", sink.text);
    BOOST_TEST(runTar({"tar", "-C", dir.path().string(), "-xf", (dir.path() / "a.tar").string()}) == 0);
    BOOST_TEST(textOf(dir.path() / std::string(150, 'n') / "\xe9") == "text");
    const std::string content = textOf(dir.path() / "sparse");
    BOOST_TEST(content.size() == 1U << 20);
    BOOST_TEST(content.substr(500'000, 4) == "data");
}

BOOST_AUTO_TEST_CASE(what_gnu_tar_writes_is_read) {
    const TempDir dir;
    const std::string name = std::string(120, 'g') + "\xe9";
    writeFileAtomically(dir.path() / name, "text");
    check(::truncate((dir.path() / name).c_str(), 1 << 20), "truncate");
    for (const std::string format : {"gnu", "pax", "posix"}) {
        const std::string file = (dir.path() / (format + ".tar")).string();
        BOOST_TEST(runTar({"tar", "-C", dir.path().string(), "--format=" + format, "-Scf", file, name}) == 0);
        StringSource source(textOf(file));
        TarReader reader(source);
        const TarEntry* entry = reader.next();
        BOOST_REQUIRE(entry != nullptr);
        BOOST_TEST((entry->path == name), "format " << format);
        BOOST_TEST(entry->size == 1 << 20);
        BOOST_TEST(reader.readAll(1 << 20).substr(0, 5) == std::string("text\0", 5));
    }
}

BOOST_AUTO_TEST_CASE(damage_and_truncation_are_invalid) {
    const std::string good = Tar().file("a", std::string(2000, 'x')).file("b").done();
    for (const std::size_t length : {std::size_t{100}, std::size_t{700}, std::size_t{2000}}) {
        StringSource source(good.substr(0, length));
        BOOST_CHECK_EXCEPTION(
            {
                TarReader reader(source);
                while (reader.next() != nullptr)
                    while (!reader.readBlock().data.empty()) continue;
            },
            Error, [](const Error& e) { return e.code() == Code::invalid; });
    }
    std::string bad = good;
    bad[2] = 'Z';  // the checksum no longer fits
    StringSource source(bad);
    BOOST_CHECK_THROW(TarReader(source).next(), Error);
}

BOOST_AUTO_TEST_CASE(nothing_and_zeros_are_empty_archives) {
    StringSource nothing("");
    BOOST_TEST((TarReader(nothing).next() == nullptr));
    StringSource zeros(std::string(10240, '\0'));
    TarReader reader(zeros);
    BOOST_TEST((reader.next() == nullptr));
    reader.drain();
    BOOST_TEST(zeros.exhausted());
}

BOOST_AUTO_TEST_CASE(errors_of_the_source_pass_through) {
    struct Failing : ByteSource {
        std::size_t read(std::span<std::byte>) override { throw Error(Code::cancelled, "client went away"); }
    } source;
    BOOST_CHECK_EXCEPTION(TarReader(source).next(), Error, [](const Error& e) { return e.code() == Code::cancelled; });
}

BOOST_AUTO_TEST_CASE(a_member_must_get_all_its_content) {
    StringSink sink;
    TarWriter writer(sink);
    TarEntry entry;
    entry.path = "f";
    entry.size = 5;
    writer.begin(entry);
    BOOST_CHECK_THROW(writer.write("123456"), Error);
    BOOST_CHECK_THROW(writer.finish(), Error);
}

BOOST_AUTO_TEST_SUITE_END()
