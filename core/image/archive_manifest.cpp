#include "image/archive_manifest.hpp"

#include <sys/utsname.h>

#include "base/check.hpp"
#include "base/json.hpp"
#include "image/file_stream.hpp"
#include "oci/digest.hpp"
#include "oci/image_config.hpp"

namespace davit::image {
namespace {

constexpr std::string_view kDockerManifest = "manifest.json";
constexpr std::string_view kOciIndex = "index.json";
constexpr std::size_t kMaxImages = 1000;

void checkLimits(const ArchivedImage& image) {
    if (image.layers.size() > oci::kMaxLayers) throw Error(Code::invalid, "max depth exceeded");
}

std::vector<ArchivedImage> readDocker(const Staging& archive) {
    const json::Document document = json::Document::parse(archive.text(kDockerManifest, oci::kMaxManifestBytes));
    std::vector<ArchivedImage> images;
    for (const json::Value item : document.root().array()) {
        images.push_back({.config = item["Config"].string(),
                          .layers = item["Layers"].strings(),
                          .names = item["RepoTags"].strings(),
                          .parent = item["Parent"].string()});
        checkLimits(images.back());
        if (images.size() > kMaxImages) throw Error(Code::invalid, "invalid archive: too many images");
    }
    return images;
}

std::string blobName(const std::string& digest) {
    return fmt::format("blobs/{}/{}", oci::digestAlgorithm(digest), oci::digestHex(digest));
}

/// An OCI layout, walked from its index down; each blob is checked against the digest that names it.
class OciReader {
  public:
    explicit OciReader(const Staging& archive) : archive_(archive) {}

    std::vector<ArchivedImage> read() {
        const json::Document document = json::Document::parse(archive_.text(kOciIndex, oci::kMaxManifestBytes));
        for (const json::Value item : document.root()["manifests"].array()) readTop(item);
        return std::move(images_);
    }

  private:
    void readTop(const json::Value& descriptor) {
        const json::Value notes = descriptor["annotations"];
        std::string name = notes["io.containerd.image.name"].string();
        // The OCI annotation may be a bare tag, which names nothing by itself.
        if (name.empty()) name = notes["org.opencontainers.image.ref.name"].string();
        if (name.find_first_of(":/") == std::string::npos) name.clear();
        readDescriptor(descriptor, name, 0);
    }

    void readDescriptor(const json::Value& descriptor, const std::string& name, int depth) {
        constexpr int kMaxNesting = 4;
        if (depth > kMaxNesting) throw Error(Code::invalid, "invalid archive: indexes are nested too deeply");
        if (!forThisHost(descriptor["platform"])) return;
        const std::string digest = oci::parseDigest(descriptor["digest"].stringView());
        if (depth > 0 && !archive_.has(blobName(digest))) return;  // another platform's, left out of the archive
        const std::string text = archive_.text(blobName(digest), oci::kMaxManifestBytes);
        verify(text, digest);
        const json::Document document = json::Document::parse(text);
        const json::Value root = document.root();
        // The same bytes must not be an index for one reader and a manifest for another (SEC-29).
        if (root["manifests"] && (root["layers"] || root["config"]))
            throw Error(Code::invalid, "invalid archive: a document is both index and manifest");
        if (const auto type = root["mediaType"].string(); !type.empty() && type != descriptor["mediaType"].string())
            throw error(Code::invalid, "invalid archive: media type {} where {} was announced", type,
                        descriptor["mediaType"].string());
        if (root["manifests"])
            for (const json::Value item : root["manifests"].array()) readDescriptor(item, name, depth + 1);
        else
            readManifest(root, name);
    }

    void readManifest(const json::Value& root, const std::string& name) {
        ArchivedImage image;
        if (!name.empty()) image.names.push_back(name);
        image.config = checkedBlob(root["config"]);
        if (root["layers"].array().size() > oci::kMaxLayers) throw Error(Code::invalid, "max depth exceeded");
        for (const json::Value layer : root["layers"].array()) image.layers.push_back(checkedBlob(layer));
        images_.push_back(std::move(image));
        if (images_.size() > kMaxImages) throw Error(Code::invalid, "invalid archive: too many images");
    }

    std::string checkedBlob(const json::Value& descriptor) {
        const std::string digest = oci::parseDigest(descriptor["digest"].stringView());
        std::string name = blobName(digest);
        const auto file = archive_.file(name);
        if (descriptor["size"].integer() != static_cast<std::int64_t>(std::filesystem::file_size(file)))
            throw error(Code::invalid, "invalid archive: blob {} has another size than announced", digest);
        oci::Digester digester(oci::digestAlgorithm(digest));
        struct Sum : ByteSink {
            explicit Sum(oci::Digester& to) : digester(to) {}
            void write(std::span<const std::byte> data) override { digester.update(data); }
            oci::Digester& digester;
        } sum(digester);
        FileSource source(file);
        (void)copyStream(source, sum);
        if (digester.finish() != digest) throw error(Code::invalid, "invalid archive: blob {} is damaged", digest);
        return name;
    }

    static void verify(const std::string& text, const std::string& digest) {
        oci::Digester digester(oci::digestAlgorithm(digest));
        digester.update(text);
        if (digester.finish() != digest) throw error(Code::invalid, "invalid archive: blob {} is damaged", digest);
    }

    static bool forThisHost(const json::Value& platform) {
        const std::string os = platform["os"].string();
        const std::string architecture = platform["architecture"].string();
        return (os.empty() || os == "linux") && (architecture.empty() || architecture == hostArchitecture());
    }

    const Staging& archive_;
    std::vector<ArchivedImage> images_;
};

}  // namespace

std::vector<ArchivedImage> readArchiveManifest(const Staging& archive) {
    if (archive.has(kDockerManifest)) return readDocker(archive);
    if (archive.has(kOciIndex)) return OciReader(archive).read();
    throw Error(Code::invalid, "invalid archive: does not contain a manifest.json");
}

std::string hostArchitecture() {
    struct utsname host {};
    check(::uname(&host), "ask for the host's architecture");
    const std::string machine = host.machine;
    if (machine == "x86_64") return "amd64";
    if (machine == "aarch64") return "arm64";
    if (machine.starts_with("armv")) return "arm";
    if (machine == "i386" || machine == "i686") return "386";
    return machine;  // ppc64le, s390x, riscv64
}

}  // namespace davit::image
