// load: an archive's images into the store.
#include <algorithm>
#include <atomic>
#include <chrono>

#include "base/check.hpp"
#include "base/failpoint.hpp"
#include "base/id.hpp"
#include "image/archive_manifest.hpp"
#include "image/compression.hpp"
#include "image/file_stream.hpp"
#include "image/transfer.hpp"
#include "oci/digest.hpp"

namespace davit::image {
namespace {

using oci::Reference;

/// A staged layer file, decompressed; counts how much of the file has been read.
class LayerSource : public ByteSource {
  public:
    explicit LayerSource(const std::filesystem::path& path)
        : file_(path), counted_(*this), plain_(decompress(counted_)) {}
    std::size_t read(std::span<std::byte> buffer) override { return plain_->read(buffer); }
    [[nodiscard]] std::int64_t done() const { return done_.load(std::memory_order_relaxed); }

  private:
    struct Counted : ByteSource {
        explicit Counted(LayerSource& to) : owner(to) {}
        std::size_t read(std::span<std::byte> buffer) override {
            const std::size_t got = owner.file_.read(buffer);
            owner.done_.fetch_add(static_cast<std::int64_t>(got), std::memory_order_relaxed);
            return got;
        }
        LayerSource& owner;
    };
    FileSource file_;
    std::atomic<std::int64_t> done_{0};
    Counted counted_;
    std::unique_ptr<ByteSource> plain_;
};

/// Tells progress ten times a second, and the end.
class ProgressTeller {
  public:
    ProgressTeller(const TransferProgress& tell, std::string_view diff_id, std::int64_t total)
        : tell_(tell), id_(shortId(diff_id)), total_(total) {}
    void at(std::int64_t current) {
        const auto time = std::chrono::steady_clock::now();
        const bool end = current >= total_;
        if (!tell_ || told_end_ || (!end && time < next_)) return;
        told_end_ = end;
        next_ = time + std::chrono::milliseconds(100);
        tell_({.stream = {}, .status = "Loading layer", .id = id_, .current = current, .total = total_});
    }

  private:
    const TransferProgress& tell_;
    std::string id_;
    std::int64_t total_;
    std::chrono::steady_clock::time_point next_{};
    bool told_end_ = false;
};

/// One image of the archive on its way.
struct Pending {
    ArchivedImage archived;
    std::string config_json;
    oci::ImageConfig config;
    std::vector<Reference> names;
    LayerRef top;  ///< keeps the layers until the image's row does
};

class Loader {
  public:
    Loader(ImageStore& images, const Staging& archive, const LoadOptions& options, const TransferProgress& progress)
        : images_(images), archive_(archive), options_(options), progress_(progress) {}

    std::vector<LoadedImage> run() {
        std::vector<Pending> pending;
        const auto manifest = readArchiveManifest(archive_);
        for (const ArchivedImage& image : manifest) {
            Pending read = readImage(image);
            if (platformMatches(read.config)) pending.push_back(std::move(read));
        }
        if (pending.empty() && !manifest.empty())
            throw Error(Code::not_found, "no image of the archive is for the requested platform");
        for (Pending& image : pending) applyLayers(image);
        images_.layers().sync();
        DAVIT_FAILPOINT("image.manifest_written");
        std::vector<LoadedImage> loaded;
        for (Pending& image : pending) loaded.push_back(publish(image));
        return loaded;
    }

  private:
    /// Everything that can be refused before a layer is touched.
    Pending readImage(const ArchivedImage& image) {
        Pending pending;
        pending.archived = image;
        pending.config_json = archive_.text(image.config, oci::kMaxConfigBytes);
        pending.config = oci::parseImageConfig(pending.config_json);
        if (pending.config.diff_ids.size() != image.layers.size())
            throw error(Code::invalid, "invalid manifest, layers length mismatch: expected {}, got {}",
                        pending.config.diff_ids.size(), image.layers.size());
        for (const std::string& layer : image.layers) (void)archive_.file(layer);
        for (const std::string& name : image.names) {
            const Reference reference = Reference::parse(name);
            if (reference.nameOnly()) throw error(Code::invalid, "invalid tag \"{}\"", name);
            pending.names.push_back(reference);
        }
        return pending;
    }

    [[nodiscard]] bool platformMatches(const oci::ImageConfig& config) const {
        if (options_.platform.empty()) return true;
        const std::string own = config.os + "/" + config.architecture;
        for (const std::string& platform : options_.platform)
            if (platform == own || platform == config.os || platform == own + "/" + config.variant) return true;
        return false;
    }

    void applyLayers(Pending& pending) {
        for (std::size_t i = 0; i < pending.archived.layers.size(); ++i) {
            const auto file = archive_.file(pending.archived.layers[i]);
            const std::string& diff_id = pending.config.diff_ids[i];
            LayerSource source(file);
            ProgressTeller teller(progress_, diff_id, static_cast<std::int64_t>(std::filesystem::file_size(file)));
            ApplyLayer request{.parent = pending.top ? pending.top->chain_id : std::string(),
                               .source = &source,
                               .expected_diff_id = diff_id,
                               .reopen = [&] { return std::make_unique<LayerSource>(file); },
                               .mount_label = {},
                               .progress = {}};
            if (!options_.quiet) request.progress = [&](std::int64_t) { teller.at(source.done()); };
            pending.top = images_.layers().applyLayer(request);
        }
    }

    LoadedImage publish(Pending& pending) {
        LoadedImage loaded{.id = oci::sha256(pending.config_json), .names = {}};
        NewImage image{.config_json = pending.config_json, .parent = {}, .names = {}, .layers_synced = true};
        if (images_.find(pending.archived.parent)) image.parent = pending.archived.parent;
        for (const Reference& name : pending.names) {
            loaded.names.push_back(name.familiarString());
            image.names.push_back(name.string());
            tellRenamed(name, loaded.id);
        }
        (void)images_.create(image);
        images_.emit({.action = "load", .image_id = loaded.id, .name = loaded.id, .labels = {}});
        for (const std::string& name : loaded.names) say("Loaded image: " + name);
        if (loaded.names.empty()) say("Loaded image ID: " + loaded.id);
        return loaded;
    }

    void tellRenamed(const Reference& name, const std::string& new_id) {
        for (const ImageSummary& summary : images_.list({.all = true, .shared_size = false, .filters = {}})) {
            const auto& tags = summary.image.repo_tags;
            if (summary.image.id == new_id || std::find(tags.begin(), tags.end(), name.familiarString()) == tags.end())
                continue;
            say(fmt::format("The image {} already exists, renaming the old one with ID {} to empty string",
                            name.familiarString(), summary.image.id));
        }
    }

    void say(const std::string& line) {
        if (progress_) progress_({.stream = line + "\n", .status = {}, .id = {}, .current = 0, .total = 0});
    }

    ImageStore& images_;
    const Staging& archive_;
    const LoadOptions& options_;
    const TransferProgress& progress_;
};

}  // namespace

std::vector<LoadedImage> load(ImageStore& images, ByteSource& archive, const LoadOptions& options,
                              const TransferProgress& progress) {
    const Staging staging(archive, images.layers().temporaryDirectory());
    return Loader(images, staging, options, progress).run();
}

}  // namespace davit::image
