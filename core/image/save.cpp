// save: images as one archive in the layout that Docker writes since version 25, which older ones read as well: blobs
// by digest, Docker's manifest.json and repositories, and an OCI index.
#include <algorithm>
#include <map>
#include <set>

#include "archive/tar_writer.hpp"
#include "base/check.hpp"
#include "base/json.hpp"
#include "image/transfer.hpp"
#include "oci/digest.hpp"

namespace davit::image {
namespace {

using oci::Reference;

constexpr const char* kManifestType = "application/vnd.oci.image.manifest.v1+json";
constexpr const char* kConfigType = "application/vnd.oci.image.config.v1+json";
constexpr const char* kLayerType = "application/vnd.oci.image.layer.v1.tar";
constexpr const char* kIndexType = "application/vnd.oci.image.index.v1+json";

std::string blobName(const std::string& digest) { return "blobs/sha256/" + std::string(oci::digestHex(digest)); }

struct SavedImage {
    Image image;
    LayerRef top;               ///< keeps the layers while they are written
    std::vector<Layer> layers;  ///< lowest first
    std::vector<Reference> tags;
    std::string manifest;
};

/// Resolves what is asked for; one entry per image, in the order of asking.
class Selection {
  public:
    explicit Selection(ImageStore& images) : images_(images) {}

    void add(const std::string& name) {
        const Image image = images_.resolve(name);
        if (isIdPrefix(name, image.id)) {
            (void)entry(image);
            return;
        }
        const Reference reference = Reference::parse(name);
        if (!reference.digest.empty()) {
            (void)entry(image);
        } else if (!reference.tag.empty()) {
            addTag(entry(image), reference);
        } else {
            addRepository(reference);
        }
    }
    [[nodiscard]] std::vector<SavedImage>& all() { return saved_; }

  private:
    void addRepository(const Reference& repository) {
        for (const ImageSummary& summary : images_.list({.all = true, .shared_size = false, .filters = {}})) {
            for (const std::string& tag : summary.image.repo_tags) {
                const Reference reference = Reference::parse(tag);
                if (reference.name() == repository.name()) addTag(entry(summary.image), reference);
            }
        }
    }

    static void addTag(SavedImage& image, const Reference& tag) {
        if (std::find(image.tags.begin(), image.tags.end(), tag) == image.tags.end()) image.tags.push_back(tag);
    }

    SavedImage& entry(const Image& image) {
        for (SavedImage& known : saved_)
            if (known.image.id == image.id) return known;
        SavedImage fresh{.image = image, .top = {}, .layers = {}, .tags = {}, .manifest = {}};
        LayerStore& layers = images_.layers();
        for (const std::string& chain_id : oci::chainIds(image.config->diff_ids)) {
            auto layer = layers.find(chain_id);
            if (!layer) throw error(Code::not_found, "layer {} does not exist", chain_id);
            fresh.layers.push_back((*layer).layer());
            fresh.top = std::move(*layer);
        }
        return saved_.emplace_back(std::move(fresh));
    }

    ImageStore& images_;
    std::vector<SavedImage> saved_;
};

void descriptor(json::Writer& out, const char* type, const std::string& digest, std::int64_t size) {
    out.member("mediaType", type).member("digest", digest).member("size", size);
}

std::string ociManifest(const SavedImage& saved) {
    json::Writer out;
    out.object([&] {
        out.member("schemaVersion", 2).member("mediaType", kManifestType);
        out.object("config", [&] {
            descriptor(out, kConfigType, saved.image.id, static_cast<std::int64_t>(saved.image.config_json->size()));
        });
        out.array("layers", [&] {
            for (const Layer& layer : saved.layers)
                out.object([&] { descriptor(out, kLayerType, layer.diff_id, layer.tar_size); });
        });
    });
    return out.take();
}

std::string ociIndex(const std::vector<SavedImage>& images) {
    json::Writer out;
    const auto one = [&](const SavedImage& saved, const Reference* tag) {
        out.object([&] {
            descriptor(out, kManifestType, oci::sha256(saved.manifest),
                       static_cast<std::int64_t>(saved.manifest.size()));
            if (tag == nullptr) return;
            out.object("annotations", [&] {
                out.member("io.containerd.image.name", tag->string())
                    .member("org.opencontainers.image.ref.name", tag->tag);
            });
        });
    };
    out.object([&] {
        out.member("schemaVersion", 2).member("mediaType", kIndexType);
        out.array("manifests", [&] {
            for (const SavedImage& saved : images) {
                for (const Reference& tag : saved.tags) one(saved, &tag);
                if (saved.tags.empty()) one(saved, nullptr);
            }
        });
    });
    return out.take();
}

std::string dockerManifest(const std::vector<SavedImage>& images) {
    const auto saved_too = [&](const std::string& id) {
        return std::any_of(images.begin(), images.end(), [&](const SavedImage& other) { return other.image.id == id; });
    };
    json::Writer out;
    out.array([&] {
        for (const SavedImage& saved : images) {
            out.object([&] {
                out.member("Config", blobName(saved.image.id));
                out.key("RepoTags");
                std::vector<std::string> tags;
                for (const Reference& tag : saved.tags) tags.push_back(tag.familiarString());
                if (tags.empty())
                    out.null();
                else
                    out.value(tags);
                out.array("Layers", [&] {
                    for (const Layer& layer : saved.layers) out.value(blobName(layer.diff_id));
                });
                if (!saved.image.parent.empty() && saved_too(saved.image.parent))
                    out.member("Parent", saved.image.parent);
            });
        }
    });
    return out.take();
}

/// The oldest of the index files: repository -> tag -> top layer.
std::string repositories(const std::vector<SavedImage>& images) {
    std::map<std::string, std::map<std::string, std::string>> all;
    for (const SavedImage& saved : images)
        for (const Reference& tag : saved.tags)
            if (!saved.layers.empty()) all[tag.familiarName()][tag.tag] = oci::digestHex(saved.layers.back().diff_id);
    json::Writer out;
    out.object([&] {
        for (const auto& [name, tags] : all) out.member(name, tags);
    });
    return out.take();
}

class ArchiveWriter {
  public:
    ArchiveWriter(ImageStore& images, ByteSink& out) : images_(images), tar_(out) {}

    void write(std::vector<SavedImage>& images) {
        for (const char* name : {"blobs", "blobs/sha256"}) {
            archive::TarEntry directory;
            directory.path = name;
            directory.kind = archive::TarEntry::Kind::directory;
            directory.mode = 0755;
            tar_.begin(directory);
        }
        for (SavedImage& saved : images) {
            saved.manifest = ociManifest(saved);
            for (const Layer& layer : saved.layers) writeLayer(layer);
            writeBlob(saved.image.id, *saved.image.config_json);
            writeBlob(oci::sha256(saved.manifest), saved.manifest);
        }
        tar_.add("index.json", ociIndex(images));
        tar_.add("manifest.json", dockerManifest(images));
        tar_.add("oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
        if (const std::string names = repositories(images); names != "{}") tar_.add("repositories", names);
        tar_.finish();
    }

  private:
    struct Member : ByteSink {
        explicit Member(archive::TarWriter& to) : tar(to) {}
        void write(std::span<const std::byte> data) override { tar.write(data); }
        archive::TarWriter& tar;
    };

    void writeLayer(const Layer& layer) {
        if (!written_.insert(layer.diff_id).second) return;
        archive::TarEntry entry;
        entry.path = blobName(layer.diff_id);
        entry.size = layer.tar_size;
        tar_.begin(entry);
        Member member(tar_);
        images_.layers().writeTar(layer, member);
    }

    void writeBlob(const std::string& digest, const std::string& text) {
        if (written_.insert(digest).second) tar_.add(blobName(digest), text);
    }

    ImageStore& images_;
    archive::TarWriter tar_;
    std::set<std::string> written_;
};

}  // namespace

void save(ImageStore& images, const std::vector<std::string>& names, ByteSink& out) {
    Selection selection(images);
    for (const std::string& name : names) selection.add(name);
    ArchiveWriter(images, out).write(selection.all());
    for (const SavedImage& saved : selection.all())
        images.emit({.action = "save", .image_id = saved.image.id, .name = saved.image.id, .labels = {}});
}

}  // namespace davit::image
