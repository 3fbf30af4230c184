#include "engine/mount_rows.hpp"

#include "base/check.hpp"

namespace davit::engine {
namespace {

using runtime::MountType;

constexpr std::pair<MountType, std::string_view> kTypes[] = {
    {MountType::bind, "bind"}, {MountType::volume, "volume"}, {MountType::tmpfs, "tmpfs"}, {MountType::image, "image"}};

std::string_view typeName(MountType type) {
    for (const auto& [value, name] : kTypes)
        if (value == type) return name;
    return "bind";
}

MountType parseType(std::string_view text) {
    for (const auto& [value, name] : kTypes)
        if (name == text) return value;
    throw error(Code::invalid, "unknown type of a mount '{}'", text);
}

}  // namespace

void writeMountPoint(json::Writer& out, const runtime::MountPoint& mount) {
    out.object([&] {
        out.member("Type", typeName(mount.type)).member("Name", mount.name).member("Source", mount.source);
        out.member("Destination", mount.destination).member("Driver", mount.driver).member("Anonymous", mount.anonymous);
        out.member("Mode", mount.mode).member("RW", mount.rw).member("Propagation", mount.propagation);
        out.member("Recursive", mount.recursive).member("ReadOnlyRecursive", mount.read_only_recursive);
        out.member("ForceRecursiveRO", mount.force_recursive_ro).member("CreateSource", mount.create_source);
        out.member("CopyData", mount.copy_data).member("ImageID", mount.image_id).member("Subpath", mount.subpath);
        out.member("TmpfsOptions", mount.tmpfs_options).member("FromConfig", mount.from_config);
    });
}

runtime::MountPoint readMountPoint(const json::Value& value) {
    runtime::MountPoint mount;
    mount.type = parseType(value["Type"].stringView());
    mount.name = value["Name"].string();
    mount.source = value["Source"].string();
    mount.destination = value["Destination"].string();
    mount.driver = value["Driver"].string();
    mount.anonymous = value["Anonymous"].boolean();
    mount.mode = value["Mode"].string();
    mount.rw = value["RW"].boolean();
    mount.propagation = value["Propagation"].string();
    mount.recursive = value["Recursive"].boolean();
    mount.read_only_recursive = value["ReadOnlyRecursive"].boolean();
    mount.force_recursive_ro = value["ForceRecursiveRO"].boolean();
    mount.create_source = value["CreateSource"].boolean();
    mount.copy_data = value["CopyData"].boolean();
    mount.image_id = value["ImageID"].string();
    mount.subpath = value["Subpath"].string();
    mount.tmpfs_options = value["TmpfsOptions"].string();
    mount.from_config = value["FromConfig"].boolean();
    return mount;
}

}  // namespace davit::engine
