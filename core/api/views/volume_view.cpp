#include "api/views/volume_view.hpp"

#include "base/clock.hpp"

namespace davit::api {
namespace {

void writeMapOrNull(json::Writer& out, const char* name, const std::map<std::string, std::string>& map) {
    out.key(name);
    if (map.empty())
        out.null();
    else
        out.value(map);
}

// The members alone, in the order of Go's struct.
void writeMembers(json::Writer& out, const volume::Volume& volume, bool status) {
    out.member("CreatedAt", volume.created_at.empty() ? std::string(kZeroTime) : volume.created_at);
    out.member("Driver", volume.driver);
    writeMapOrNull(out, "Labels", volume.labels);
    out.member("Mountpoint", volume.mountpoint);
    out.member("Name", volume.name);
    writeMapOrNull(out, "Options", volume.options);
    out.member("Scope", volume.scope);
    if (!status || volume.status_json.empty()) return;
    const json::Document document = json::Document::parse(volume.status_json);
    if (!document.root().isObject() || document.root().object().begin() == document.root().object().end()) return;
    out.key("Status");
    out.raw(volume.status_json);
}

}  // namespace

void writeVolume(json::Writer& out, const volume::Volume& volume, bool status) {
    out.object([&] { writeMembers(out, volume, status); });
}

void writeVolumeUsage(json::Writer& out, const engine::VolumeUsageInfo& info) {
    out.object([&] {
        writeMembers(out, info.volume, false);
        out.object("UsageData", [&] { out.member("RefCount", info.references).member("Size", info.size); });
    });
}

}  // namespace davit::api
