// import: a root file system tar becomes an image of one layer.
#include "base/check.hpp"
#include "base/file.hpp"
#include "image/archive_manifest.hpp"
#include "image/compression.hpp"
#include "image/config_changes.hpp"
#include "image/file_stream.hpp"
#include "image/transfer.hpp"
#include "oci/digest.hpp"

namespace davit::image {
namespace {

using oci::Reference;

/// "os[/architecture[/variant]]".
void setPlatform(oci::ImageConfig& config, std::string_view platform) {
    config.os = "linux";
    config.architecture = hostArchitecture();
    if (platform.empty()) return;
    std::vector<std::string> parts;
    for (;;) {
        const std::size_t slash = platform.find('/');
        parts.emplace_back(platform.substr(0, slash));
        if (slash == std::string_view::npos) break;
        platform.remove_prefix(slash + 1);
    }
    if (parts.size() > 3 || parts[0].empty())
        throw Error(Code::invalid, "invalid platform: expected os[/architecture[/variant]]");
    config.os = parts[0];
    if (parts.size() > 1) config.architecture = parts[1];
    if (parts.size() > 2) config.variant = parts[2];
    if (config.os != "linux") throw error(Code::invalid, "unsupported operating system: {}", config.os);
}

/// Members of the tar hid each other: what is left of it is packed anew, so that it can be saved again.
LayerRef repacked(LayerStore& layers, const Layer& layer) {
    const TempDir directory(layers.temporaryDirectory(), "import-");
    const auto path = directory.path() / "layer.tar";
    {
        FileSink file(path);
        layers.repack(layer, file);
    }
    FileSource source(path);
    return layers.applyLayer({.parent = {},
                              .source = &source,
                              .expected_diff_id = {},
                              .reopen = [&] { return std::make_unique<FileSource>(path); },
                              .mount_label = {},
                              .progress = {}});
}

LayerRef importLayer(LayerStore& layers, ByteSource& source, const TransferProgress& progress) {
    const auto tar = decompress(source);
    ApplyLayer request{
        .parent = {}, .source = tar.get(), .expected_diff_id = {}, .reopen = {}, .mount_label = {}, .progress = {}};
    std::int64_t told = 0;
    constexpr std::int64_t kTellEvery = 4 << 20;
    if (progress) {
        request.progress = [&](std::int64_t bytes) {
            if (bytes - told < kTellEvery) return;
            told = bytes;
            progress({.stream = {}, .status = "Importing", .id = {}, .current = bytes, .total = 0});
        };
    }
    LayerRef layer = layers.applyLayer(request);
    return layer->exact ? std::move(layer) : repacked(layers, layer.layer());
}

}  // namespace

std::string importImage(ImageStore& images, const ImportRequest& request, const TransferProgress& progress) {
    NewImage image;
    if (!request.reference.empty()) {
        const Reference name = Reference::parse(request.reference);
        if (!name.digest.empty()) throw Error(Code::invalid, "cannot import digest reference");
        image.names.push_back(name.withDefaultTag().string());
    }
    oci::ImageConfig config;
    setPlatform(config, request.platform);
    applyConfigChanges(config.config, request.changes);
    config.comment = request.message.empty() ? "Imported from " + request.origin : request.message;
    config.created = now();

    const LayerRef layer = importLayer(images.layers(), *request.source, progress);
    config.diff_ids = {layer->diff_id};
    config.history = {{.created = config.created, .created_by = {}, .author = {}, .comment = config.comment}};
    image.config_json = oci::imageConfigJson(config);
    const Image created = images.create(image);
    for (const std::string& name : image.names)
        images.emit({.action = "tag", .image_id = created.id, .name = Reference::parse(name).familiarString(), .labels = {}});
    images.emit({.action = "import", .image_id = created.id, .name = created.id, .labels = {}});
    return created.id;
}

}  // namespace davit::image
