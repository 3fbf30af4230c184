// GraphDriver.*: the messages of the storage kind.
#pragma once

#include "davit/wire.hpp"
#include "driver/storage_driver.hpp"

namespace davit::wire {

struct HomeRequest {
    std::string home;
};
struct LimitRequest {
    std::string id;
    std::int64_t bytes = 0;
};
struct CloneLayer {
    std::string id;
    std::string source;
};
struct StatusReply {
    std::vector<std::pair<std::string, std::string>> status;
};
struct StorageCapabilitiesReply {
    StorageCapabilities capabilities;
};
struct MetadataReply {
    Options metadata;
};
struct ExistsReply {
    bool exists = false;
};
struct DirReply {
    std::string dir;
};
struct SizeReply {
    std::int64_t size = 0;
};
struct ChangesReply {
    std::vector<LayerChange> changes;
};
struct IdsReply {
    std::vector<std::string> ids;
};
struct MountsReply {
    std::vector<MountSpec> mounts;
};

template <class A>
void members(A& a, Ref<A, IdMap> m) {
    a("ContainerID", m.container_id);
    a("HostID", m.host_id);
    a("Size", m.size);
}
template <class A>
void members(A& a, Ref<A, StorageInit> r) {
    a("Home", r.home);
    a("Opts", r.options);
    a("UIDMaps", r.uid_maps);
    a("GIDMaps", r.gid_maps);
}
template <class A>
void members(A& a, Ref<A, StorageCapabilities> c) {
    a("ReproducesExactDiffs", c.reproduces_exact_diffs);
    a.optional("List", c.list);
    a.optional("Mounts", c.mounts);
    a.optional("Usage", c.usage);
    a.optional("SetLimit", c.set_limit);
    a.optional("Clone", c.clone);
    a.optional("NativeDiff", c.native_diff);
    a.optional("Quota", c.quota);
    a.optional("UnsuitableWhy", c.unsuitable_why);
    a.optional("Preference", c.preference);
}
/// Docker's one request object of this kind; empty members are absent.
template <class A>
void members(A& a, Ref<A, CreateLayer> r) {
    a.optional("ID", r.id);
    a.optional("Parent", r.parent);
    a.optional("MountLabel", r.mount_label);
    a.optional("StorageOpt", r.storage_opt);
}
template <class A>
void members(A& a, Ref<A, LayerChange> c) {
    a("Path", c.path);
    a("Kind", c.kind);
}
template <class A>
void members(A& a, Ref<A, MountSpec> m) {
    a("Type", m.type);
    a("Source", m.source);
    a("Options", m.options);
}
template <class A>
void members(A& a, Ref<A, LayerUsage> u) {
    a("Size", u.bytes);
    a("Inodes", u.inodes);
}
template <class A>
void members(A& a, Ref<A, HomeRequest> r) {
    a.optional("Home", r.home);
}
template <class A>
void members(A& a, Ref<A, LimitRequest> r) {
    a("ID", r.id);
    a("Size", r.bytes);
}
template <class A>
void members(A& a, Ref<A, CloneLayer> r) {
    a("ID", r.id);
    a("Source", r.source);
}
template <class A>
void members(A& a, Ref<A, StatusReply> r) {
    a("Status", r.status);
}
template <class A>
void members(A& a, Ref<A, StorageCapabilitiesReply> r) {
    a("Capabilities", r.capabilities);
}
template <class A>
void members(A& a, Ref<A, MetadataReply> r) {
    a("Metadata", r.metadata);
}
template <class A>
void members(A& a, Ref<A, ExistsReply> r) {
    a("Exists", r.exists);
}
template <class A>
void members(A& a, Ref<A, DirReply> r) {
    a("Dir", r.dir);
}
template <class A>
void members(A& a, Ref<A, SizeReply> r) {
    a("Size", r.size);
}
template <class A>
void members(A& a, Ref<A, ChangesReply> r) {
    a("Changes", r.changes);
}
template <class A>
void members(A& a, Ref<A, IdsReply> r) {
    a("IDs", r.ids);
}
template <class A>
void members(A& a, Ref<A, MountsReply> r) {
    a("Mounts", r.mounts);
}

/// The wire names, once for both sides.
namespace storage {
inline constexpr Method<StorageInit, Nothing> kInit{"GraphDriver.Init"};
inline constexpr Method<Nothing, StatusReply> kStatus{"GraphDriver.Status"};
inline constexpr Method<HomeRequest, StorageCapabilitiesReply> kCapabilities{"GraphDriver.Capabilities"};
inline constexpr Method<CreateLayer, MetadataReply> kMetadata{"GraphDriver.GetMetadata"};
inline constexpr Method<CreateLayer, ExistsReply> kExists{"GraphDriver.Exists"};
inline constexpr Method<CreateLayer, Nothing> kCreate{"GraphDriver.Create"};
inline constexpr Method<CreateLayer, Nothing> kCreateWritable{"GraphDriver.CreateReadWrite"};
inline constexpr Method<CreateLayer, Nothing> kRemove{"GraphDriver.Remove"};
inline constexpr Method<CreateLayer, DirReply> kGet{"GraphDriver.Get"};
inline constexpr Method<CreateLayer, Nothing> kPut{"GraphDriver.Put"};
inline constexpr Method<Nothing, Nothing> kCleanup{"GraphDriver.Cleanup"};
inline constexpr Method<CreateLayer, Nothing> kDiff{"GraphDriver.Diff"};
inline constexpr Method<CreateLayer, SizeReply> kApplyDiff{"GraphDriver.ApplyDiff"};
inline constexpr Method<CreateLayer, ChangesReply> kChanges{"GraphDriver.Changes"};
inline constexpr Method<CreateLayer, SizeReply> kDiffSize{"GraphDriver.DiffSize"};
inline constexpr Method<Nothing, IdsReply> kList{"GraphDriver.List"};
inline constexpr Method<CreateLayer, MountsReply> kMounts{"GraphDriver.Mounts"};
inline constexpr Method<CreateLayer, LayerUsage> kUsage{"GraphDriver.Usage"};
inline constexpr Method<LimitRequest, Nothing> kSetLimit{"GraphDriver.SetLimit"};
inline constexpr Method<CloneLayer, Nothing> kClone{"GraphDriver.Clone"};
}  // namespace storage

}  // namespace davit::wire
