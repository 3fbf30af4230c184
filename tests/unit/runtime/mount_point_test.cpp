#include "runtime/mount_point.hpp"

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"

using namespace davit;
using namespace davit::runtime;

namespace {

template <typename F>
std::string failureOf(F f) {
    try {
        (void)f();
        return "accepted";
    } catch (const Error& failure) {
        BOOST_TEST((failure.code() == Code::invalid));
        return failure.text();
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mount_point)

BOOST_AUTO_TEST_CASE(paths_are_cleaned_lexically) {
    BOOST_TEST(cleanPath("/a//b/./../c/") == "/a/c");
    BOOST_TEST(cleanPath("/../..") == "/");
}

BOOST_AUTO_TEST_CASE(binds_in_all_shapes) {
    const auto bind = parseBind("/h/x:/c:ro,rslave");
    BOOST_TEST((bind.type == MountType::bind));
    BOOST_TEST(bind.source == "/h/x");
    BOOST_TEST(bind.destination == "/c");
    BOOST_TEST(!bind.rw);
    BOOST_TEST(bind.propagation == "rslave");
    BOOST_TEST(bind.create_source);
    const auto volume = parseBind("data:/d:nocopy");
    BOOST_TEST(volume.name == "data");
    BOOST_TEST(volume.driver == "");
    BOOST_TEST(parseBind("data:/d", "nfs").driver == "nfs");
    BOOST_TEST(!volume.copy_data);
    BOOST_TEST((parseBind("/anonymous").type == MountType::volume));
}

// Texts seen on dockerd 20.10.
BOOST_AUTO_TEST_CASE(wrong_binds_are_refused_in_dockers_words) {
    BOOST_TEST(failureOf([] { return parseBind("a:b:c:d"); }) == "invalid volume specification: 'a:b:c:d'");
    BOOST_TEST(failureOf([] { return parseBind(""); }) == "invalid volume specification: ''");
    BOOST_TEST(failureOf([] { return parseBind("/foo:rw"); }) == "invalid volume specification: '/foo:rw'");
    BOOST_TEST(failureOf([] { return parseBind("/a:/b:fly"); }) == "invalid mode: fly");
    BOOST_TEST(failureOf([] { return parseBind("/a:/b:ro,rw"); }) == "invalid mode: ro,rw");
    BOOST_TEST(failureOf([] { return parseBind("/a:b"); }) ==
               "invalid volume specification: '/a:b': invalid mount config for type \"bind\": invalid mount path: 'b' "
               "mount path must be absolute");
    BOOST_TEST(failureOf([] { return parseBind("/a:/"); }) ==
               "invalid volume specification: '/a:/': invalid mount config for type \"bind\": invalid specification: "
               "destination can't be '/'");
}

BOOST_AUTO_TEST_CASE(mounts_by_type) {
    Mount mount{.type = "bind", .source = "/s", .target = "/t", .read_only = true};
    mount.bind_options = BindOptions{.propagation = "shared", .non_recursive = true};
    const auto bind = parseMount(mount);
    BOOST_TEST(bind.propagation == "shared");
    BOOST_TEST(!bind.recursive);
    BOOST_TEST(!bind.create_source);
    Mount tmpfs{.type = "tmpfs", .target = "/t"};
    tmpfs.tmpfs_options = TmpfsOptions{.size_bytes = 1024, .mode = 01777};
    BOOST_TEST(parseMount(tmpfs).tmpfs_options == "size=1024,mode=1777");
    BOOST_TEST(failureOf([] { return parseMount({.type = "fly", .target = "/t"}); }) ==
               "invalid mount config for type \"fly\": mount type unknown");
    BOOST_TEST(failureOf([] { return parseMount({.type = "bind", .target = "/t"}); }) ==
               "invalid mount config for type \"bind\": field Source must not be empty");
    BOOST_TEST(failureOf([] { return parseMount({.type = "tmpfs", .source = "x", .target = "/t"}); }) ==
               "invalid mount config for type \"tmpfs\": field Source must not be specified");
}

// Texts of moby's mount parser.
BOOST_AUTO_TEST_CASE(volumes_and_images_by_mount) {
    Mount volume{.type = "volume", .source = "data", .target = "/t"};
    volume.volume_options = VolumeOptions{.no_copy = true, .labels = {{"k", "v"}}, .driver_config = {}, .subpath = "a/b"};
    const auto point = parseMount(volume);
    BOOST_TEST(point.subpath == "a/b");
    BOOST_TEST(point.labels.at("k") == "v");
    BOOST_TEST(!point.copy_data);
    BOOST_TEST(!point.anonymous);
    volume.volume_options->subpath = "../x";
    BOOST_TEST(failureOf([&] { return parseMount(volume); }) ==
               "invalid mount config for type \"volume\": subpath must be a relative path within the volume");
    volume.source.clear();
    BOOST_TEST(failureOf([&] { return parseMount(volume); }) ==
               "invalid mount config for type \"volume\": must not set Subpath when using anonymous volumes");
    BOOST_TEST(failureOf([] { return parseMount({.type = "volume", .target = "/t", .read_only = true}); }) ==
               "invalid mount config for type \"volume\": must not set ReadOnly mode when using anonymous volumes");
    const auto image = parseMount({.type = "image", .source = "busybox", .target = "/i"});
    BOOST_TEST((image.type == MountType::image));
    BOOST_TEST(image.name == "busybox");
    BOOST_TEST(failureOf([] { return parseMount({.type = "image", .target = "/i"}); }) ==
               "invalid mount config for type \"image\": field Source must not be empty");
}

BOOST_AUTO_TEST_CASE(volumes_from_other_containers_give_way_to_own_mounts) {
    BOOST_TEST(parseVolumesFrom("box").container == "box");
    BOOST_TEST(!parseVolumesFrom("box:rw").read_only);
    BOOST_TEST(parseVolumesFrom("box:ro,z").read_only);
    BOOST_TEST(failureOf([] { return parseVolumesFrom("box:x"); }) == "invalid mode: x");
    BOOST_TEST(failureOf([] { return parseVolumesFrom(":ro"); }) == "malformed volumes-from specification: :ro");
    MountPoint theirs;
    theirs.type = MountType::volume;
    theirs.name = "data";
    theirs.destination = "/a";
    MountPoint more = theirs;
    more.destination = "/b";
    ContainerConfig config;
    config.volumes = {"/b"};
    HostConfig host;
    host.binds = {"/h:/a"};
    const auto points = collectMounts(config, host, {theirs, more});
    BOOST_REQUIRE(points.size() == 2U);
    BOOST_TEST(points[0].destination == "/b");
    BOOST_TEST(points[0].name == "data");
    BOOST_TEST((points[1].type == MountType::bind));
}

BOOST_AUTO_TEST_CASE(volumes_of_the_image_give_way_and_duplicates_are_refused) {
    ContainerConfig config;
    config.volumes = {"/a", "/b", "/c"};
    HostConfig host;
    host.binds = {"/h:/a"};
    host.tmpfs = {{"/b", "size=1m"}};
    const auto points = collectMounts(config, host);
    BOOST_REQUIRE(points.size() == 3U);
    BOOST_TEST(points[0].destination == "/a");
    BOOST_TEST(points[1].destination == "/c");
    BOOST_TEST(points[1].from_config);
    BOOST_TEST(points[2].destination == "/b");
    host.binds.push_back("/h:/b");
    BOOST_TEST(failureOf([&] { return collectMounts(config, host); }) == "Duplicate mount point: /b");
}

BOOST_AUTO_TEST_SUITE_END()
