#include "plugin/managed_server.hpp"

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"
#include "base/file.hpp"

using namespace davit;
using namespace davit::plugin;
namespace fs = std::filesystem;

namespace {

struct ScopeFixture {
    ScopeFixture() {
        fs::create_directories(scope.rootfs / "srv/data");
        fs::create_directories(scope.propagated_host / "vol");
        fs::create_directories(directory.path() / "outside");
    }
    TempDir directory;
    fs::path base = fs::canonical(directory.path());
    PathScope scope{.rootfs = base / "rootfs", .propagated = "/mnt", .propagated_host = base / "propagated"};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(path_scope, ScopeFixture)

BOOST_AUTO_TEST_CASE(paths_of_the_root_and_below_the_propagated_mount) {
    BOOST_TEST(scope.onHost("/srv/data").value() == (scope.rootfs / "srv/data").native());
    BOOST_TEST(scope.onHost("/").value() == scope.rootfs.native());
    BOOST_TEST(scope.onHost("/mnt/vol").value() == (scope.propagated_host / "vol").native());
    BOOST_TEST(scope.onHost("/mnt").value() == scope.propagated_host.native());
    BOOST_TEST(scope.onHost("/mnt/").value() == scope.propagated_host.native());
    BOOST_TEST(!scope.onHost("/mntx"));
}

BOOST_AUTO_TEST_CASE(links_stay_inside) {
    fs::create_directory_symlink("/srv/data", scope.rootfs / "absolute");
    fs::create_directory_symlink("../../../../srv/data", scope.rootfs / "relative");
    fs::create_directory_symlink(base / "outside", scope.rootfs / "out");
    fs::create_directory_symlink(base / "outside", scope.propagated_host / "out");
    fs::create_directory_symlink("loop", scope.rootfs / "loop");
    BOOST_TEST(scope.onHost("/absolute").value() == (scope.rootfs / "srv/data").native());
    BOOST_TEST(scope.onHost("/relative").value() == (scope.rootfs / "srv/data").native());
    BOOST_TEST(!scope.onHost("/out"));
    BOOST_TEST(!scope.onHost("/mnt/out"));
    BOOST_TEST(!scope.onHost("/loop"));
}

BOOST_AUTO_TEST_CASE(what_is_not_there) {
    BOOST_TEST(!scope.onHost("/nowhere"));
    BOOST_TEST(!scope.onHost("/srv/data/deeper/still"));
}

BOOST_AUTO_TEST_CASE(paths_that_are_none) {
    for (const char* path : {"", "srv", "/srv/../../etc", "/..", "../x"})
        BOOST_CHECK_EXCEPTION((void)scope.onHost(path), Error, [](const Error& e) { return e.code() == Code::invalid; });
}

BOOST_AUTO_TEST_SUITE_END()
