#include "image/mount_points.hpp"

#include <sys/stat.h>

#include <boost/test/unit_test.hpp>

#include "base/file.hpp"
#include "fixtures.hpp"

using namespace davit;
using namespace davit::test;
using image::MountPoints;

namespace {

/// A directory for the layers, and the mount points beside it.
struct Fixture {
    TempDir temp;
    std::string layers = (temp.path() / "layers").string();
    std::string place = (temp.path() / "mount-points").string();
    MountPoints points{place};

    Fixture() { makeDirectories(layers, 0755); }
    [[nodiscard]] std::string lowersOf(const std::string& lowers, const std::string& type = "overlay") const {
        std::vector<MountSpec> root{{.type = type, .source = type, .options = {"upperdir=/u", "lowerdir=" + lowers, "workdir=/w"}}};
        points.placeBeneath(root);
        BOOST_TEST(root.front().options.front() == "upperdir=/u");
        BOOST_TEST(root.front().options.back() == "workdir=/w");
        return root.front().options[1];
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(mount_points, Fixture)

BOOST_AUTO_TEST_CASE(there_is_one_for_whatever_is_mounted_in_each_container) {
    for (const char* name : {"dev", "etc", "proc", "sys"}) BOOST_TEST(std::filesystem::is_directory(place + "/" + name), name);
    for (const char* name : {".dockerenv", "etc/hostname", "etc/hosts", "etc/resolv.conf"}) {
        struct stat facts {};
        BOOST_REQUIRE_EQUAL(::stat((place + "/" + name).c_str(), &facts), 0);
        BOOST_TEST((S_ISREG(facts.st_mode) && (facts.st_mode & 07777) == 0644 && facts.st_size == 0), name);
    }
    const MountPoints again(place);
}

BOOST_AUTO_TEST_CASE(an_overlay_gets_them_as_its_lowest_layer) {
    BOOST_TEST(lowersOf(layers) == "lowerdir=" + layers + ":" + place);
    BOOST_TEST(lowersOf("/somewhere:" + layers) == "lowerdir=/somewhere:" + layers + ":" + place);
}

BOOST_AUTO_TEST_CASE(other_roots_stay_as_they_are) {
    BOOST_TEST(lowersOf(layers, "fuse-overlay") == "lowerdir=" + layers);
    BOOST_TEST(lowersOf("/proc") == "lowerdir=/proc");  // another file system
    BOOST_TEST(lowersOf("/does/not/exist") == "lowerdir=/does/not/exist");
    BOOST_TEST(lowersOf("/with\\:colon:" + layers) == "lowerdir=/with\\:colon:" + layers);
    std::string many = layers;
    for (int i = 0; i < 100; ++i) many += ":" + layers;
    BOOST_TEST(lowersOf(many) == "lowerdir=" + many);
}

BOOST_AUTO_TEST_CASE(a_root_of_several_mounts_stays_as_it_is) {
    const MountSpec overlay{.type = "overlay", .source = "overlay", .options = {"lowerdir=" + layers}};
    std::vector<MountSpec> root{overlay, overlay};
    points.placeBeneath(root);
    for (const MountSpec& one : root) BOOST_TEST(one.options.front() == "lowerdir=" + layers);
}

BOOST_AUTO_TEST_SUITE_END()
