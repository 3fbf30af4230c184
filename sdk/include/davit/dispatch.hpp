// dispatch(): from a wire method and its message to the driver's virtual function, one table per kind. It serves the
// plugin's C entry point and every test that wants a driver behind messages.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "base/byte_stream.hpp"
#include "davit/wire_ipam.hpp"
#include "davit/wire_network.hpp"
#include "davit/wire_storage.hpp"
#include "davit/wire_volume.hpp"

namespace davit {

/// One call as the dispatcher sees it. `body` and `stream` are null for methods without a raw stream.
struct ServedCall {
    std::string_view method;
    std::string_view request;
    ByteSource* body = nullptr;
    ByteSink* stream = nullptr;
    std::string reply;  ///< filled by dispatch()

    [[nodiscard]] ByteSource& needBody() const {
        if (body == nullptr) throw Error(Code::invalid, std::string(method) + ": needs a body stream");
        return *body;
    }
    [[nodiscard]] ByteSink& needStream() const {
        if (stream == nullptr) throw Error(Code::invalid, std::string(method) + ": needs a stream to write to");
        return *stream;
    }
};

namespace detail {

template <class Driver>
struct Route {
    std::string_view method;
    void (*serve)(Driver&, ServedCall&);
};

/// `f` takes the request struct and returns the reply struct; a void one answers {}.
template <class Method, class F>
void serve(const Method&, ServedCall& call, F&& f) {
    const auto request = wire::decode<typename Method::Request>(call.request);
    if constexpr (std::is_void_v<decltype(f(request))>) {
        f(request);
        call.reply = "{}";
    } else {
        call.reply = wire::encode(typename Method::Reply(f(request)));
    }
}

template <class Driver, std::size_t N>
void route(const Route<Driver> (&routes)[N], Driver& driver, ServedCall& call) {
    const auto* found = std::find_if(std::begin(routes), std::end(routes),
                                     [&call](const auto& entry) { return entry.method == call.method; });
    if (found == std::end(routes)) unimplemented(call.method);
    found->serve(driver, call);
}

}  // namespace detail

#define DAVIT_ROUTE(driver_type, entry, ...)                                  \
    {                                                                         \
        entry.name, [](driver_type& d, ServedCall& call) {                    \
            detail::serve(entry, call, [&]([[maybe_unused]] const auto& r) { __VA_ARGS__; }); \
        }                                                                     \
    }

/// Serves one call of a storage driver. Throws what the driver throws; Error{unimplemented} for unknown methods.
inline void dispatch(StorageDriver& driver, ServedCall& served) {
    namespace m = wire::storage;
    static constexpr detail::Route<StorageDriver> kRoutes[] = {
        DAVIT_ROUTE(StorageDriver, m::kGet, return wire::DirReply{d.get(r.id, r.mount_label)}),
        DAVIT_ROUTE(StorageDriver, m::kPut, d.put(r.id)),
        DAVIT_ROUTE(StorageDriver, m::kMounts, return wire::MountsReply{d.mounts(r.id, r.mount_label)}),
        DAVIT_ROUTE(StorageDriver, m::kExists, return wire::ExistsReply{d.exists(r.id)}),
        DAVIT_ROUTE(StorageDriver, m::kCreateWritable, d.createWritable(r)),
        DAVIT_ROUTE(StorageDriver, m::kCreate, d.create(r)),
        DAVIT_ROUTE(StorageDriver, m::kRemove, d.remove(r.id)),
        DAVIT_ROUTE(StorageDriver, m::kMetadata, return wire::MetadataReply{d.metadata(r.id)}),
        DAVIT_ROUTE(StorageDriver, m::kUsage, return d.usage(r.id)),
        DAVIT_ROUTE(StorageDriver, m::kDiff, d.diff(r.id, r.parent, call.needStream())),
        DAVIT_ROUTE(StorageDriver, m::kApplyDiff, return wire::SizeReply{d.applyDiff(r.id, r.parent, call.needBody())}),
        DAVIT_ROUTE(StorageDriver, m::kChanges, return wire::ChangesReply{d.changes(r.id, r.parent)}),
        DAVIT_ROUTE(StorageDriver, m::kDiffSize, return wire::SizeReply{d.diffSize(r.id, r.parent)}),
        DAVIT_ROUTE(StorageDriver, m::kList, return wire::IdsReply{d.list()}),
        DAVIT_ROUTE(StorageDriver, m::kSetLimit, d.setLimit(r.id, r.bytes)),
        DAVIT_ROUTE(StorageDriver, m::kClone, d.clone(r.id, r.source)),
        DAVIT_ROUTE(StorageDriver, m::kStatus, return wire::StatusReply{d.status()}),
        DAVIT_ROUTE(StorageDriver, m::kCapabilities, return wire::StorageCapabilitiesReply{d.capabilities(r.home)}),
        DAVIT_ROUTE(StorageDriver, m::kInit, d.init(r)),
        DAVIT_ROUTE(StorageDriver, m::kCleanup, d.cleanup()),
    };
    detail::route(kRoutes, driver, served);
}

/// Serves one call of a network driver; as above.
inline void dispatch(NetworkDriver& driver, ServedCall& served) {
    namespace m = wire::network;
    static constexpr detail::Route<NetworkDriver> kRoutes[] = {
        DAVIT_ROUTE(NetworkDriver, m::kCreateEndpoint, return wire::InterfaceReply{d.createEndpoint(r)}),
        DAVIT_ROUTE(NetworkDriver, m::kJoin, return d.join(r)),
        DAVIT_ROUTE(NetworkDriver, m::kProgram, d.programExternalConnectivity(r.network_id, r.endpoint_id, r.options)),
        DAVIT_ROUTE(NetworkDriver, m::kEndpointInfo,
                    return wire::ValueReply{d.endpointInfo(r.network_id, r.endpoint_id)}),
        DAVIT_ROUTE(NetworkDriver, m::kRevoke, d.revokeExternalConnectivity(r.network_id, r.endpoint_id)),
        DAVIT_ROUTE(NetworkDriver, m::kUpdateEndpoint, d.updateEndpoint(r.network_id, r.endpoint_id, r.options)),
        DAVIT_ROUTE(NetworkDriver, m::kLeave, d.leave(r.network_id, r.endpoint_id)),
        DAVIT_ROUTE(NetworkDriver, m::kDeleteEndpoint, d.deleteEndpoint(r.network_id, r.endpoint_id)),
        DAVIT_ROUTE(NetworkDriver, m::kCreateNetwork, d.createNetwork(r)),
        DAVIT_ROUTE(NetworkDriver, m::kDeleteNetwork, d.deleteNetwork(r.network_id)),
        DAVIT_ROUTE(NetworkDriver, m::kCapabilities, return d.capabilities()),
        DAVIT_ROUTE(NetworkDriver, m::kGatewayAllocCheck, return d.gatewayAllocCheck(r.options)),
        DAVIT_ROUTE(NetworkDriver, m::kAllocateNetwork, return wire::OptionsReply{d.allocateNetwork(r)}),
        DAVIT_ROUTE(NetworkDriver, m::kFreeNetwork, d.freeNetwork(r.network_id)),
        DAVIT_ROUTE(NetworkDriver, m::kDiscoverNew, d.discoverNew(r)),
        DAVIT_ROUTE(NetworkDriver, m::kDiscoverDelete, d.discoverDelete(r)),
    };
    detail::route(kRoutes, driver, served);
}

/// Serves one call of an IPAM driver; as above.
inline void dispatch(IpamDriver& driver, ServedCall& served) {
    namespace m = wire::ipam;
    static constexpr detail::Route<IpamDriver> kRoutes[] = {
        DAVIT_ROUTE(IpamDriver, m::kRequestAddress, return d.requestAddress(r)),
        DAVIT_ROUTE(IpamDriver, m::kReleaseAddress, d.releaseAddress(r.pool_id, r.address)),
        DAVIT_ROUTE(IpamDriver, m::kRequestPool, return d.requestPool(r)),
        DAVIT_ROUTE(IpamDriver, m::kReleasePool, d.releasePool(r.pool_id)),
        DAVIT_ROUTE(IpamDriver, m::kCapabilities, return d.capabilities()),
        DAVIT_ROUTE(IpamDriver, m::kAddressSpaces, return d.defaultAddressSpaces()),
    };
    detail::route(kRoutes, driver, served);
}

/// Serves one call of a volume driver; as above.
inline void dispatch(VolumeDriver& driver, ServedCall& served) {
    namespace m = wire::volume;
    static constexpr detail::Route<VolumeDriver> kRoutes[] = {
        DAVIT_ROUTE(VolumeDriver, m::kGet, return wire::VolumeReply{d.get(r.name)}),
        DAVIT_ROUTE(VolumeDriver, m::kMount, return wire::MountpointReply{d.mount(r.name, r.id)}),
        DAVIT_ROUTE(VolumeDriver, m::kUnmount, d.unmount(r.name, r.id)),
        DAVIT_ROUTE(VolumeDriver, m::kPath, return wire::MountpointReply{d.path(r.name)}),
        DAVIT_ROUTE(VolumeDriver, m::kCreate, d.create(r.name, r.options)),
        DAVIT_ROUTE(VolumeDriver, m::kRemove, d.remove(r.name)),
        DAVIT_ROUTE(VolumeDriver, m::kList, return wire::VolumesReply{d.list()}),
        DAVIT_ROUTE(VolumeDriver, m::kCapabilities, return wire::VolumeCapabilitiesReply{d.capabilities()}),
        DAVIT_ROUTE(VolumeDriver, m::kUsage, return d.usage(r.name)),
        DAVIT_ROUTE(VolumeDriver, m::kSnapshot, d.snapshot(r.name, r.snapshot, r.options)),
        DAVIT_ROUTE(VolumeDriver, m::kListSnapshots, return wire::SnapshotsReply{d.listSnapshots(r.name)}),
        DAVIT_ROUTE(VolumeDriver, m::kRemoveSnapshot, d.removeSnapshot(r.name, r.snapshot)),
        DAVIT_ROUTE(VolumeDriver, m::kClone, d.clone(r)),
        DAVIT_ROUTE(VolumeDriver, m::kResize, d.resize(r.name, r.size)),
        DAVIT_ROUTE(VolumeDriver, m::kExport, d.exportVolume(r.name, call.needStream())),
        DAVIT_ROUTE(VolumeDriver, m::kImport, d.importVolume(r.name, call.needBody())),
        DAVIT_ROUTE(VolumeDriver, m::kRename, d.rename(r.name, r.new_name)),
    };
    detail::route(kRoutes, driver, served);
}

#undef DAVIT_ROUTE

}  // namespace davit
