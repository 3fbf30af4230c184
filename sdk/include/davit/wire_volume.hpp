// VolumeDriver.*: the messages of the volume kind, with the optional ones that go beyond Docker's.
#pragma once

#include "davit/wire.hpp"
#include "driver/volume_driver.hpp"

namespace davit::wire {

struct NameRequest {
    std::string name;
};
struct CreateVolume {
    std::string name;
    Options options;
};
struct MountRequest {
    std::string name;
    std::string id;
};
struct SnapshotRequest {
    std::string name;
    std::string snapshot;
    Options options;
};
struct ResizeVolume {
    std::string name;
    std::int64_t size = 0;
};
struct RenameVolume {
    std::string name;
    std::string new_name;
};
struct MountpointReply {
    std::string mountpoint;
};
struct VolumeReply {
    std::optional<VolumeInfo> volume;
};
struct VolumesReply {
    std::vector<VolumeInfo> volumes;
};
struct VolumeCapabilitiesReply {
    VolumeCapabilities capabilities;
};
struct SnapshotsReply {
    std::vector<SnapshotInfo> snapshots;
};

template <class A>
void members(A& a, Ref<A, VolumeInfo> v) {
    a("Name", v.name);
    a("Mountpoint", v.mountpoint);
    a.optional("CreatedAt", v.created_at);
    a.json("Status", v.status_json);
}
template <class A>
void members(A& a, Ref<A, VolumeCapabilities> c) {
    a("Scope", c.scope);
    a.optional("Snapshot", c.snapshot);
    a.optional("Clone", c.clone);
    a.optional("Resize", c.resize);
    a.optional("Usage", c.usage);
    a.optional("Transfer", c.transfer);
    a.optional("Rename", c.rename);
}
template <class A>
void members(A& a, Ref<A, SnapshotInfo> s) {
    a("Name", s.name);
    a.optional("CreatedAt", s.created_at);
}
template <class A>
void members(A& a, Ref<A, CloneVolume> r) {
    a("Source", r.source);
    a.optional("Snapshot", r.snapshot);
    a("Name", r.name);
}
template <class A>
void members(A& a, Ref<A, VolumeUsage> u) {
    a("Size", u.size);
    a("Inodes", u.inodes);
}
template <class A>
void members(A& a, Ref<A, NameRequest> r) {
    a("Name", r.name);
}
template <class A>
void members(A& a, Ref<A, CreateVolume> r) {
    a("Name", r.name);
    a("Opts", r.options);
}
template <class A>
void members(A& a, Ref<A, MountRequest> r) {
    a("Name", r.name);
    a("ID", r.id);
}
template <class A>
void members(A& a, Ref<A, SnapshotRequest> r) {
    a("Name", r.name);
    a("Snapshot", r.snapshot);
    a("Opts", r.options);
}
template <class A>
void members(A& a, Ref<A, ResizeVolume> r) {
    a("Name", r.name);
    a("Size", r.size);
}
template <class A>
void members(A& a, Ref<A, RenameVolume> r) {
    a("Name", r.name);
    a("NewName", r.new_name);
}
template <class A>
void members(A& a, Ref<A, MountpointReply> r) {
    a("Mountpoint", r.mountpoint);
}
template <class A>
void members(A& a, Ref<A, VolumeReply> r) {
    if constexpr (A::kReading) {
        if (a.find("Volume") != nullptr) a("Volume", r.volume.emplace());
    } else if (r.volume) {
        a("Volume", *r.volume);
    }
}
template <class A>
void members(A& a, Ref<A, VolumesReply> r) {
    a("Volumes", r.volumes);
}
template <class A>
void members(A& a, Ref<A, VolumeCapabilitiesReply> r) {
    a("Capabilities", r.capabilities);
}
template <class A>
void members(A& a, Ref<A, SnapshotsReply> r) {
    a("Snapshots", r.snapshots);
}

/// The wire names, once for both sides.
namespace volume {
inline constexpr Method<CreateVolume, Nothing> kCreate{"VolumeDriver.Create"};
inline constexpr Method<NameRequest, Nothing> kRemove{"VolumeDriver.Remove"};
inline constexpr Method<MountRequest, MountpointReply> kMount{"VolumeDriver.Mount"};
inline constexpr Method<MountRequest, Nothing> kUnmount{"VolumeDriver.Unmount"};
inline constexpr Method<NameRequest, MountpointReply> kPath{"VolumeDriver.Path"};
inline constexpr Method<NameRequest, VolumeReply> kGet{"VolumeDriver.Get"};
inline constexpr Method<Nothing, VolumesReply> kList{"VolumeDriver.List"};
inline constexpr Method<Nothing, VolumeCapabilitiesReply> kCapabilities{"VolumeDriver.Capabilities"};
inline constexpr Method<SnapshotRequest, Nothing> kSnapshot{"VolumeDriver.Snapshot"};
inline constexpr Method<NameRequest, SnapshotsReply> kListSnapshots{"VolumeDriver.ListSnapshots"};
inline constexpr Method<SnapshotRequest, Nothing> kRemoveSnapshot{"VolumeDriver.RemoveSnapshot"};
inline constexpr Method<CloneVolume, Nothing> kClone{"VolumeDriver.Clone"};
inline constexpr Method<ResizeVolume, Nothing> kResize{"VolumeDriver.Resize"};
inline constexpr Method<NameRequest, VolumeUsage> kUsage{"VolumeDriver.Usage"};
inline constexpr Method<NameRequest, Nothing> kExport{"VolumeDriver.Export"};
inline constexpr Method<NameRequest, Nothing> kImport{"VolumeDriver.Import"};
inline constexpr Method<RenameVolume, Nothing> kRename{"VolumeDriver.Rename"};
}  // namespace volume

}  // namespace davit::wire
