#include "managed/plugin_folder.hpp"

#include <sys/stat.h>

#include <boost/test/unit_test.hpp>

#include "../archive/fixtures.hpp"

using namespace davit;
using namespace davit::managed;
using archive::StringSource;
using archive::Tar;
using archive::TarEntry;
namespace fs = std::filesystem;

namespace {

constexpr const char* kConfig = R"({"entrypoint": ["/x"], "interface": {"socket": "x.sock"}})";

struct FolderFixture {
    TempDir directory;

    PluginConfig unpack(Tar& tar) {
        StringSource source(tar.done());
        return unpackPlugin(directory.path(), source);
    }
    void refused(Tar& tar, const std::string& why) {
        BOOST_CHECK_EXCEPTION((void)unpack(tar), Error, [&](const Error& e) {
            BOOST_TEST(e.text().find(why) != std::string::npos, e.text());
            return e.code() == Code::invalid;
        });
    }
    struct stat statOf(const char* name) const {
        struct stat info {};
        check(::lstat((directory.path() / name).c_str(), &info), "stat");
        return info;
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(plugin_folder, FolderFixture)

BOOST_AUTO_TEST_CASE(a_whole_one) {
    Tar tar;
    BOOST_TEST(unpack(tar.file("config.json", kConfig).dir("rootfs").file("rootfs/x")).socket == "x.sock");
    BOOST_TEST(readConfig(directory.path()).socket == "x.sock");
    BOOST_TEST(fs::is_directory(directory.path() / "propagated-mount"));
    BOOST_TEST(fs::exists(directory.path() / "rootfs/x"));
}

BOOST_AUTO_TEST_CASE(a_configuration_that_is_no_regular_file) {
    for (const TarEntry::Kind kind : {TarEntry::Kind::fifo, TarEntry::Kind::directory, TarEntry::Kind::char_device}) {
        Tar tar;
        refused(tar.node("config.json", kind).dir("rootfs"), "config.json not found in the plugin context");
        removeTree(directory.path() / "config.json");
    }
    Tar tar;
    refused(tar.link("config.json", "/etc/hostname").dir("rootfs"), "config.json not found in the plugin context");
}

BOOST_AUTO_TEST_CASE(a_root_that_is_no_directory) {
    Tar link;
    refused(link.file("config.json", kConfig).link("rootfs", "/"), "rootfs not found in the plugin context");
    removeTree(directory.path() / "rootfs");
    Tar file;
    refused(file.file("config.json", kConfig).file("rootfs"), "rootfs not found in the plugin context");
}

BOOST_AUTO_TEST_CASE(what_stands_beside_is_dropped) {
    Tar tar;
    (void)unpack(tar.file("config.json", kConfig).dir("rootfs").link("propagated-mount", "/etc").file("other/x"));
    BOOST_TEST(!fs::exists(directory.path() / "other"));
    BOOST_TEST(S_ISDIR(statOf("propagated-mount").st_mode));
    BOOST_TEST(fs::is_empty(directory.path() / "propagated-mount"));
}

// Else the program could rewrite what it may do.
BOOST_AUTO_TEST_CASE(the_configuration_is_out_of_the_programs_reach) {
    Tar tar;
    (void)unpack(tar.dir("rootfs").file("rootfs/mine", kConfig).hard("config.json", "rootfs/mine"));
    BOOST_TEST(statOf("config.json").st_nlink == 1U);
    BOOST_TEST(statOf("config.json").st_ino != statOf("rootfs/mine").st_ino);
    Tar last;
    (void)unpack(last.file("config.json", kConfig).hard("rootfs/mine", "config.json"));
    BOOST_TEST(statOf("config.json").st_ino != statOf("rootfs/mine").st_ino);
}

BOOST_AUTO_TEST_CASE(the_folder_itself_stays_the_daemons) {
    TarEntry entry;
    entry.path = ".";
    entry.kind = TarEntry::Kind::directory;
    entry.mode = 0777;
    entry.uid = entry.gid = 1000;
    Tar tar;
    (void)unpack(tar.raw(entry).file("config.json", kConfig).dir("rootfs"));
    BOOST_TEST(statOf("").st_uid == 0U);
    BOOST_TEST((statOf("").st_mode & 07777) == 0700U);
}

BOOST_AUTO_TEST_CASE(a_folder_that_lost_its_configuration) {
    BOOST_CHECK_EXCEPTION((void)readConfig(directory.path()), Error, [](const Error& e) { return e.code() == Code::system; });
}

BOOST_AUTO_TEST_SUITE_END()
