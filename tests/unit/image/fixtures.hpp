// Streams, tars and stores for the tests of core/image.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "archive/tar_writer.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "fake_storage_driver.hpp"
#include "image/image_store.hpp"
#include "image/layer_store.hpp"
#include "image/transfer.hpp"
#include "oci/digest.hpp"
#include "oci/image_config.hpp"
#include "state/database.hpp"

namespace davit::test {

/// Gives a text in pieces of at most `piece` bytes.
class TextSource : public ByteSource {
  public:
    explicit TextSource(std::string_view text, std::size_t piece = std::string::npos) : text_(text), piece_(piece) {}
    std::size_t read(std::span<std::byte> buffer) override {
        const std::size_t count = std::min({buffer.size(), piece_, text_.size() - at_});
        std::memcpy(buffer.data(), text_.data() + at_, count);
        at_ += count;
        return count;
    }

  private:
    std::string text_;
    std::size_t piece_;
    std::size_t at_ = 0;
};

class TextSink : public ByteSink {
  public:
    void write(std::span<const std::byte> data) override {
        text.append(reinterpret_cast<const char*>(data.data()), data.size());
    }
    std::string text;
};

inline std::string readAll(ByteSource& source) {
    std::string text;
    std::byte buffer[4096];
    while (const std::size_t got = source.read(buffer)) text.append(reinterpret_cast<const char*>(buffer), got);
    return text;
}

using Files = std::vector<std::pair<std::string, std::string>>;  // a name that ends in "/" is a directory

inline std::string makeTar(const Files& files) {
    TextSink out;
    archive::TarWriter tar(out);
    for (const auto& [name, content] : files) {
        if (!name.ends_with('/')) {
            tar.add(name, content);
            continue;
        }
        archive::TarEntry entry;
        entry.path = name.substr(0, name.size() - 1);
        entry.kind = archive::TarEntry::Kind::directory;
        entry.mode = 0755;
        tar.begin(entry);
    }
    tar.finish();
    return out.text;
}

inline std::string makeConfig(const std::vector<std::string>& layers, const std::string& comment = {}) {
    oci::ImageConfig config;
    config.architecture = "amd64";
    config.os = "linux";
    config.comment = comment;
    config.created = SystemTime(std::chrono::seconds(1'700'000'000));
    for (const std::string& layer : layers) {
        config.diff_ids.push_back(oci::sha256(layer));
        config.history.push_back({.created = config.created, .created_by = "step", .author = {}, .comment = {}});
    }
    return oci::imageConfigJson(config);
}

/// docker save's old layout with one image.
inline std::string makeArchive(const std::string& config, const std::vector<std::string>& layers,
                               const std::vector<std::string>& names) {
    Files files;
    json::Writer manifest;
    std::vector<std::string> paths;
    for (std::size_t i = 0; i < layers.size(); ++i) {
        paths.push_back("layer" + std::to_string(i) + "/layer.tar");
        files.emplace_back(paths.back(), layers[i]);
    }
    files.emplace_back("config.json", config);
    manifest.array([&] {
        manifest.object(
            [&] { manifest.member("Config", "config.json").member("RepoTags", names).member("Layers", paths); });
    });
    files.emplace_back("manifest.json", manifest.take());
    return makeTar(files);
}

/// Everything from the database up, in a directory of its own; reopen() is a restart.
class Stores {
  public:
    Stores() : own_(std::make_unique<TempDir>()), root_(own_->path()) { open(); }
    /// In a directory of the caller's.
    explicit Stores(std::filesystem::path directory) : root_(std::move(directory)) { open(); }
    [[nodiscard]] const std::filesystem::path& path() const { return root_; }
    void open() {
        database = std::make_unique<state::Database>(
            state::DatabaseOptions{root_ / "state.db", {image::LayerStore::schema()}, {}});
        driver = std::make_unique<FakeStorageDriver>(root_ / "driver");
        layers = std::make_unique<image::LayerStore>(*database, *driver, root_ / "image", root_ / "driver");
        images = std::make_unique<image::ImageStore>(*database, *layers, root_ / "image/configs");
    }
    void close() {
        images.reset();
        layers.reset();
        driver.reset();
        database.reset();
    }
    void reopen() {
        close();
        open();
    }
    std::vector<image::LoadedImage> load(const std::string& archive) {
        TextSource source(archive);
        messages.clear();
        return image::load(*images, source, {}, [&](const image::TransferMessage& m) { messages.push_back(m); });
    }
    image::LayerRef apply(const std::string& tar, const std::string& parent = {}, bool can_reopen = true) {
        TextSource source(tar);
        image::ApplyLayer request{.parent = parent,
                                  .source = &source,
                                  .expected_diff_id = {},
                                  .reopen = {},
                                  .mount_label = {},
                                  .progress = {}};
        if (can_reopen) request.reopen = [&] { return std::make_unique<TextSource>(tar); };
        return layers->applyLayer(request);
    }
    std::string tarOf(const image::Layer& layer) {
        TextSink out;
        layers->writeTar(layer, out);
        return out.text;
    }
    /// Layers that the driver holds.
    [[nodiscard]] std::size_t held() const { return driver->list().size(); }
    [[nodiscard]] std::size_t entriesIn(const char* path) const {
        return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(root_ / path), {}));
    }

  private:
    std::unique_ptr<TempDir> own_;
    std::filesystem::path root_;

  public:
    std::unique_ptr<state::Database> database;
    std::unique_ptr<FakeStorageDriver> driver;
    std::unique_ptr<image::LayerStore> layers;
    std::unique_ptr<image::ImageStore> images;
    std::vector<image::TransferMessage> messages;
};

}  // namespace davit::test
