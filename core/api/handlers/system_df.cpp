// GET /system/df: what images, containers and volumes occupy, in the shape of API versions below 1.52.
#include <algorithm>
#include <array>
#include <set>

#include "api/handlers/handlers.hpp"
#include "api/views/container_view.hpp"
#include "api/views/image_view.hpp"
#include "api/views/volume_view.hpp"
#include "base/check.hpp"

namespace davit::api {
namespace {

constexpr std::array<std::string_view, 4> kTypes = {"container", "image", "volume", "build-cache"};

/// What was asked for; all of it without `type`.
std::set<std::string, std::less<>> wantedTypes(const Request& request) {
    const std::vector<std::string> asked = request.query().all("type");
    if (asked.empty()) return {kTypes.begin(), kTypes.end()};
    for (const std::string& type : asked)
        if (std::find(kTypes.begin(), kTypes.end(), type) == kTypes.end()) throw error(Code::invalid, "unknown object type: {}", type);
    return {asked.begin(), asked.end()};
}

void writeImages(json::Writer& out, const Context& context, Request& request) {
    out.member("LayersSize", context.engine.images().layersSize());
    out.array("Images", [&] {
        for (const image::ImageSummary& summary : context.engine.images().list({.all = false, .shared_size = true, .filters = {}}))
            writeImageSummary(out, summary, {.none_names = !request.atLeast(43), .virtual_size = !request.atLeast(44), .container_config = false});
    });
}

void writeContainers(json::Writer& out, const Context& context) {
    out.array("Containers", [&] {
        for (const engine::Container& container : context.engine.containers().list({.all = true, .limit = 0, .size = true, .filters = {}}))
            writeContainerSummary(out, container, container.image_ref, now());
    });
}

void usage(const Context& context, Request& request) {
    const std::set<std::string, std::less<>> wanted = wantedTypes(request);
    json::Writer out;
    out.object([&] {
        if (wanted.contains("image")) writeImages(out, context, request);
        if (wanted.contains("container")) writeContainers(out, context);
        if (wanted.contains("volume"))
            out.array("Volumes", [&] {
                for (const engine::VolumeUsageInfo& info : context.engine.volumes().usage()) writeVolumeUsage(out, info);
            });
        if (wanted.contains("build-cache")) out.array("BuildCache", [] {});  // davit keeps none
        out.member("BuilderSize", 0);
    });
    request.reply(200, out);
}

}  // namespace

void addUsageRoute(Router& router, const Context& context) {
    router.add("GET", "/system/df", [&context](Request& request) { usage(context, request); });
}

}  // namespace davit::api
