#include "local/local_driver.hpp"

#include <sys/stat.h>

#include <thread>

#include "local_fixtures.hpp"

using namespace davit;
using namespace davit::local;
namespace fs = std::filesystem;

namespace {

unsigned modeOf(const fs::path& path) {
    struct stat info {};
    check(::stat(path.c_str(), &info), "stat {}", path.string());
    return info.st_mode & 07777U;
}

std::string textOf(const fs::path& path) { return readFile(path).value_or("(none)"); }

fs::path usersOf(const LocalVolumes& local, const std::string& name) {
    for (const auto& entry : fs::directory_iterator(local.root() / name))
        if (entry.path().filename().string().starts_with("users-")) return entry.path();
    return "(none)";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(local_driver)

BOOST_AUTO_TEST_CASE(volumes_lie_where_docker_has_them) {
    LocalVolumes local;
    const auto mask = ::umask(077);
    local->create("data", {});
    ::umask(mask);
    BOOST_TEST(local->path("data") == (local.root() / "data/_data").string());
    BOOST_TEST(local->mount("data", "1") == local->path("data"));
    BOOST_TEST(modeOf(local.root()) == 0701U);
    BOOST_TEST(modeOf(local.data("data")) == 0755U);
    BOOST_TEST((modeOf(local.root() / "data") & 0006U) == 0U);
    BOOST_TEST(modeOf(local.root() / "data/volume.json") == 0600U);
    BOOST_TEST(local.status("data") == "{}");
    local->unmount("data", "1");
}

BOOST_AUTO_TEST_CASE(a_volume_exists_once_with_its_options) {
    LocalVolumes local;
    const Options tmpfs{{"type", "tmpfs"}, {"device", "tmpfs"}, {"o", "size=1m"}};
    local->create("vol", tmpfs);
    local->create("vol", tmpfs);
    BOOST_CHECK_EXCEPTION(local->create("vol", {}), Error, withCode(Code::conflict));
    BOOST_TEST(local->list().size() == 1U);
    local->remove("vol");
    local->create("vol", {});
    BOOST_CHECK_EXCEPTION(local->create("x", {}), Error, withCode(Code::invalid));
    BOOST_TEST(!local->get("../vol").has_value());
    BOOST_TEST(!local->get("x").has_value());
}

BOOST_AUTO_TEST_CASE(a_volume_in_use_is_not_removed) {
    LocalVolumes local;
    local->create("vol", {});
    (void)local->mount("vol", "1");
    BOOST_CHECK_EXCEPTION(local->remove("vol"), Error, [](const Error& e) { return e.code() == Code::conflict && e.text() == "remove vol: volume is in use"; });
    local->unmount("vol", "1");
    local->remove("vol");
    BOOST_TEST(!fs::exists(local.root() / "vol"));
    BOOST_TEST(becomesEmpty(local.root() / ".trash"));
    local->remove("vol");
    local->unmount("vol", "1");
}

BOOST_AUTO_TEST_CASE(users_outlive_the_process_but_not_the_boot) {
    LocalVolumes local;
    local->create("vol", {{"type", "tmpfs"}, {"device", "tmpfs"}});
    writeFileAtomically(fs::path(local->mount("vol", "1")) / "f", "kept");
    local.restart();
    BOOST_TEST(local.isMounted("vol"));
    BOOST_CHECK_EXCEPTION(local->remove("vol"), Error, withCode(Code::conflict));
    (void)local->mount("vol", "2");
    local->unmount("vol", "1");
    BOOST_TEST(textOf(local.data("vol") / "f") == "kept");
    const fs::path users = usersOf(local, "vol");
    fs::rename(users, users.parent_path() / "users-another");
    local.restart();
    BOOST_TEST(!local.isMounted("vol"));
    (void)local->mount("vol", "3");
    BOOST_TEST(!fs::exists(users.parent_path() / "users-another"));
    local->unmount("vol", "3");
    local->remove("vol");
}

BOOST_AUTO_TEST_CASE(ids_may_be_anything) {
    LocalVolumes local;
    local->create("vol", {});
    for (const char* id : {"../../escape", "", "a/b", ".", "..", "ids with blanks"}) {
        (void)local->mount("vol", id);
        BOOST_CHECK_EXCEPTION(local->remove("vol"), Error, withCode(Code::conflict));
        local->unmount("vol", id);
    }
    BOOST_CHECK_EXCEPTION(local->mount("vol", std::string(5000, 'i')), Error, withCode(Code::invalid));
    local->remove("vol");
}

BOOST_AUTO_TEST_CASE(a_mount_that_nobody_was_told_of_goes_with_the_next_start) {
    LocalVolumes local;
    local->create("vol", {{"type", "tmpfs"}, {"device", "tmpfs"}});
    (void)local->mount("vol", "1");
    fs::remove_all(usersOf(local, "vol"));
    BOOST_TEST(local.isMounted("vol"));
    local.restart();
    BOOST_TEST(!local.isMounted("vol"));
}

BOOST_AUTO_TEST_CASE(damaged_metadata_costs_its_own_volume) {
    LocalVolumes local;
    for (const char* name : {"good", "torn", "wrong", "gone"}) local->create(name, {});
    writeFileAtomically(local.root() / "torn/volume.json", R"({"Created": "2026)");
    writeFileAtomically(local.root() / "wrong/volume.json", R"({"Created": "2026-01-01T00:00:00Z", "Space": "", "Options": {}})");
    fs::remove(local.root() / "gone/volume.json");
    local.restart();
    BOOST_TEST(local->list().size() == 4U);
    BOOST_TEST(local.status("good") == "{}");
    (void)local->mount("good", "1");
    local->unmount("good", "1");
    for (const char* name : {"torn", "wrong", "gone"}) {
        BOOST_TEST(local.status(name).starts_with("{\"Error\":\"volume " + std::string(name) + ": damaged"), local.status(name));
        BOOST_CHECK_EXCEPTION(local->mount(name, "1"), Error, withText("damaged"));
        local->remove(name);
    }
    BOOST_TEST(local->list().size() == 1U);
}

BOOST_AUTO_TEST_CASE(what_was_half_made_is_swept) {
    LocalVolumes local;
    fs::create_directories(local.root() / ".staging/half/_data/deep");
    writeFileAtomically(local.root() / ".staging/half/_data/deep/f", "x");
    for (const char* place : {".staging/clone/_data", ".trash/clone/_data"}) {
        fs::create_directories(local.root() / place);
        check(::mount("tmpfs", (local.root() / place).c_str(), "tmpfs", 0, nullptr), "mount");
    }
    local.restart();
    BOOST_TEST(mountsBelow(local.root()).empty());
    BOOST_TEST(becomesEmpty(local.root() / ".staging"));
    BOOST_TEST(becomesEmpty(local.root() / ".trash"));
    BOOST_TEST(local->list().empty());
}

BOOST_AUTO_TEST_CASE(files_beside_volumes_are_nobody_s) {
    LocalVolumes local;
    writeFileAtomically(local.root() / "metadata.db", "x");
    fs::create_symlink("/etc", local.root() / "link");
    BOOST_TEST(local->list().empty());
    BOOST_TEST(!local->get("link").has_value());
    BOOST_CHECK_EXCEPTION(local->mount("link", "1"), Error, withCode(Code::not_found));
    BOOST_CHECK_THROW(local->create("link", {}), Error);
}

BOOST_AUTO_TEST_CASE(two_processes_may_serve_one_root) {
    LocalVolumes local;
    LocalVolumeDriver second(DriverContext(R"({"Root": ")" + local.root().string() + "\"}"));
    local->create("vol", {});
    BOOST_TEST(second.get("vol").has_value());
    (void)second.mount("vol", "2");
    BOOST_CHECK_EXCEPTION(local->remove("vol"), Error, withCode(Code::conflict));
    local->unmount("vol", "2");
    second.rename("vol", "new");
    BOOST_TEST(!local->get("vol").has_value());
    BOOST_TEST(local->get("new").has_value());
    local->remove("new");
    BOOST_TEST(second.list().empty());
}

BOOST_AUTO_TEST_CASE(renaming_can_be_repeated) {
    LocalVolumes local;
    local->create("old", {{"type", "tmpfs"}, {"device", "tmpfs"}});
    local->create("other", {});
    BOOST_CHECK_EXCEPTION(local->rename("old", "other"), Error, withCode(Code::conflict));
    BOOST_CHECK_EXCEPTION(local->rename("none", "new"), Error, withCode(Code::not_found));
    local->rename("old", "new");
    local->rename("old", "new");
    (void)local->mount("new", "1");
    BOOST_CHECK_EXCEPTION(local->rename("new", "again"), Error, withText("volume is in use"));
    local->unmount("new", "1");
    BOOST_CHECK_EXCEPTION(local->rename("other", "new"), Error, withCode(Code::conflict));
}

BOOST_AUTO_TEST_CASE(configuration_is_checked) {
    BOOST_CHECK_EXCEPTION(LocalVolumeDriver{DriverContext()}, Error, withText("Root: needed"));
    BOOST_CHECK_EXCEPTION(LocalVolumeDriver{DriverContext(R"({"Root": "relative"})")}, Error, withText("no absolute path"));
    BOOST_CHECK_EXCEPTION(LocalVolumeDriver{DriverContext(R"({"Root": "/var/tmp/never-made", "Colour": "red"})")}, Error, withText("Colour"));
    BOOST_TEST(!fs::exists("/var/tmp/never-made"));
}

BOOST_AUTO_TEST_SUITE_END()
