// Volumes: list, inspect, create, delete, prune; and below /davit what Docker has no call for.
#include "api/handlers/handlers.hpp"
#include "api/tar_reply.hpp"
#include "api/views/volume_view.hpp"
#include "base/check.hpp"

namespace davit::api {
namespace {

constexpr unsigned kPruneAnonymousOnly = 42;

engine::Filters filtersOf(const Request& request) { return engine::Filters::parse(request.query().get("filters")); }

void list(const Context& context, Request& request) {
    const volume::VolumeList found = context.engine.volumes().list(filtersOf(request));
    json::Writer out;
    out.object([&] {
        out.array("Volumes", [&] {
            for (const volume::Volume& volume : found.volumes) writeVolume(out, volume, false);
        });
        out.key("Warnings");
        if (found.warnings.empty())
            out.null();
        else
            out.value(found.warnings);
    });
    request.reply(200, out);
}

void replyVolume(Request& request, unsigned status, const volume::Volume& volume) {
    json::Writer out;
    writeVolume(out, volume, true);
    request.reply(status, out);
}

void inspect(const Context& context, Request& request) {
    replyVolume(request, 200, context.engine.volumes().inspect(request.variable("name")));
}

void create(const Context& context, Request& request) {
    const json::Document document = request.json();
    const json::Value body = document.root();
    if (body["ClusterVolumeSpec"])
        throw Error(Code::unavailable, "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this "
                                       "node to swarm and try again.");
    replyVolume(request, 201,
                context.engine.volumes().create({.name = body["Name"].string(),
                                                 .driver = body["Driver"].string(),
                                                 .options = body["DriverOpts"].stringMap(),
                                                 .labels = body["Labels"].stringMap()}));
}

void remove(const Context& context, Request& request) {
    context.engine.volumes().remove(request.variable("name"), request.query().flag("force"));
    request.replyEmpty(204);
}

// Only a swarm's volumes can be updated.
void update(const Context& context, Request& request) {
    (void)context.engine.volumes().inspect(request.variable("name"));
    throw Error(Code::unavailable, "volume update only valid for cluster volumes, but swarm is unavailable");
}

void prune(const Context& context, Request& request) {
    const engine::PrunedVolumes pruned = context.engine.volumes().prune(filtersOf(request), !request.atLeast(kPruneAnonymousOnly));
    json::Writer out;
    out.object([&] {
        out.key("VolumesDeleted");
        if (pruned.names.empty())
            out.null();
        else
            out.value(pruned.names);
        out.member("SpaceReclaimed", pruned.space_reclaimed);
    });
    request.reply(200, out);
}

void snapshot(const Context& context, Request& request) {
    const json::Document document = request.json();
    const json::Value body = document.root();
    context.engine.volumes().snapshot(request.variable("name"), body["Snapshot"].string(), body["DriverOpts"].stringMap());
    request.replyEmpty(201);
}

void listSnapshots(const Context& context, Request& request) {
    const std::vector<SnapshotInfo> found = context.engine.volumes().snapshots(request.variable("name"));
    json::Writer out;
    out.array([&] {
        for (const SnapshotInfo& one : found) out.object([&] { out.member("Name", one.name).member("CreatedAt", one.created_at); });
    });
    request.reply(200, out);
}

void removeSnapshot(const Context& context, Request& request) {
    context.engine.volumes().removeSnapshot(request.variable("name"), request.variable("snapshot"));
    request.replyEmpty(204);
}

void clone(const Context& context, Request& request) {
    const json::Document document = request.json();
    const json::Value body = document.root();
    replyVolume(request, 201,
                context.engine.volumes().clone({.source = request.variable("name"),
                                                .snapshot = body["Snapshot"].string(),
                                                .name = body["Name"].string()},
                                               body["Labels"].stringMap()));
}

void resize(const Context& context, Request& request) {
    const json::Document document = request.json();
    context.engine.volumes().resize(request.variable("name"), document.root()["Size"].integer());
    request.replyEmpty(204);
}

void rename(const Context& context, Request& request) {
    const json::Document document = request.json();
    replyVolume(request, 200, context.engine.volumes().rename(request.variable("name"), document.root()["Name"].string()));
}

void exportVolume(const Context& context, Request& request) {
    TarReply tar(request);
    context.engine.volumes().exportVolume(request.variable("name"), tar);
    tar.finish();
}

void importVolume(const Context& context, Request& request) {
    context.engine.volumes().importVolume(request.variable("name"), request.exchange().body());
    request.replyEmpty(204);
}

}  // namespace

void addVolumeRoutes(Router& router, const Context& context) {
    const auto with = [&context](void (*handler)(const Context&, Request&)) {
        return [&context, handler](Request& request) { handler(context, request); };
    };
    router.add("GET", "/volumes", with(list));
    router.add("POST", "/volumes/create", with(create));
    router.add("POST", "/volumes/prune", with(prune));
    router.add("GET", "/volumes/{name}", with(inspect));
    router.add("PUT", "/volumes/{name}", with(update));
    router.add("DELETE", "/volumes/{name}", with(remove));
    router.add("GET", "/davit/volumes/{name}/snapshots", with(listSnapshots));
    router.add("POST", "/davit/volumes/{name}/snapshots", with(snapshot));
    router.add("DELETE", "/davit/volumes/{name}/snapshots/{snapshot}", with(removeSnapshot));
    router.add("POST", "/davit/volumes/{name}/clone", with(clone));
    router.add("POST", "/davit/volumes/{name}/resize", with(resize));
    router.add("POST", "/davit/volumes/{name}/rename", with(rename));
    router.add("GET", "/davit/volumes/{name}/archive", with(exportVolume));
    router.add("PUT", "/davit/volumes/{name}/archive", with(importVolume));
}

}  // namespace davit::api
