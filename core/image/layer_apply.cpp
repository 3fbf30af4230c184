// Making a read-only layer: creating -> applied -> sealed, and giving its tar back.
#include <fcntl.h>

#include <algorithm>

#include "archive/pack.hpp"
#include "archive/unpack.hpp"
#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/failpoint.hpp"
#include "base/file.hpp"
#include "base/id.hpp"
#include "image/compression.hpp"
#include "image/file_stream.hpp"
#include "image/layer_store_impl.hpp"
#include "image/read_ahead.hpp"
#include "image/tar_split.hpp"
#include "oci/digest.hpp"

namespace davit::image {
namespace {

/// What goes by while a driver unpacks: counted, hashed, recorded.
class Observer {
  public:
    explicit Observer(const std::filesystem::path& side_directory)
        : file_(side_directory / kSplitFile), compressed_(file_), recorder_(compressed_) {}

    void see(std::span<const std::byte> data) {
        digester_.update(data);
        recorder_.write(data);
        bytes_ += static_cast<std::int64_t>(data.size());
    }
    /// Afterwards the side stream is complete.
    bool finish() {
        const bool exact = recorder_.finish();
        compressed_.finish();
        return exact;
    }
    [[nodiscard]] std::string digest() { return digester_.finish(); }
    [[nodiscard]] std::int64_t bytes() const { return bytes_; }

  private:
    oci::Digester digester_;
    FileSink file_;
    ZstdSink compressed_;
    TarSplitRecorder recorder_;
    std::int64_t bytes_ = 0;
};

/// What the driver reads from: tells how far it has come and stops it before the disk is full, on the driver's thread.
class Progress : public ByteSource {
  public:
    Progress(ByteSource& source, const std::function<void(std::int64_t)>& tell, const std::filesystem::path& directory)
        : source_(source), tell_(tell), space_(directory) {}
    std::size_t read(std::span<std::byte> buffer) override {
        const std::size_t got = source_.read(buffer);
        space_.about(got);
        bytes_ += static_cast<std::int64_t>(got);
        if (tell_) tell_(bytes_);
        return got;
    }

  private:
    ByteSource& source_;
    const std::function<void(std::int64_t)>& tell_;
    SpaceWatch space_;
    std::int64_t bytes_ = 0;
};

void drain(ByteSource& source) {
    std::vector<std::byte> buffer(64U << 10);
    while (source.read(buffer) > 0) {
    }
}

std::int64_t unpackByMount(StorageDriver& driver, const Layer& layer, const std::string& label, ByteSource& tar) {
    const MountedLayer mounted(driver, layer.driver_id, label);
    const UniqueFd root = openFile(mounted.path(), O_RDONLY | O_DIRECTORY);
    return archive::unpackLayer(tar, root.get(), {});
}

/// Fills size, tar_size, diff_id, exact. `parent_id` is the driver's.
void fillLayer(StorageDriver& driver, const std::filesystem::path& side, const ApplyLayer& request,
               const std::string& parent_id, Layer& layer) {
    Observer observer(side);
    {
        ReadAhead ahead(*request.source, [&](std::span<const std::byte> data) { observer.see(data); });
        Progress tar(ahead, request.progress, side);
        layer.size = nativeOr([&] { return driver.applyDiff(layer.driver_id, parent_id, tar); },
                              [&] { return unpackByMount(driver, layer, request.mount_label, tar); });
        drain(tar);  // the end mark and what follows it belong to the digest
    }
    layer.exact = observer.finish();
    layer.tar_size = observer.bytes();
    layer.diff_id = observer.digest();
    if (!request.expected_diff_id.empty() && layer.diff_id != request.expected_diff_id)
        throw error(Code::invalid, "invalid diffID for layer: expected \"{}\", got \"{}\"", request.expected_diff_id,
                    layer.diff_id);
}

/// For a tar whose members hide each other.
void keepWhole(const std::filesystem::path& side, const ApplyLayer& request, Layer& layer) {
    if (!request.reopen) return;
    const auto tar = request.reopen();
    FileSink file(side / kTarFile);
    ZstdSink compressed(file);
    (void)copyStream(*tar, compressed);
    compressed.finish();
    check(::unlink((side / kSplitFile).c_str()), "remove a side file");
    layer.exact = true;
}

/// Passes on and checks that it is what it should be.
class VerifyingSink : public ByteSink {
  public:
    explicit VerifyingSink(ByteSink& out) : out_(out) {}
    void write(std::span<const std::byte> data) override {
        digester_.update(data);
        bytes_ += static_cast<std::int64_t>(data.size());
        out_.write(data);
    }
    void verify(const Layer& layer) {
        if (bytes_ != layer.tar_size || digester_.finish() != layer.diff_id)
            throw error(Code::system, "layer {} has been changed on disk", layer.diff_id);
    }

  private:
    ByteSink& out_;
    oci::Digester digester_;
    std::int64_t bytes_ = 0;
};

}  // namespace

namespace {

/// The steps of one layer that isn't there yet, undone unless sealed.
class LayerMaker {
  public:
    LayerMaker(LayerStore::Impl& impl, const ApplyLayer& request) : impl_(impl), request_(request) {
        layer_.parent = request.parent;
        layer_.driver_id = randomId();
    }
    LayerMaker(const LayerMaker&) = delete;
    LayerMaker& operator=(const LayerMaker&) = delete;
    ~LayerMaker() {
        if (sealed_) return;
        try {
            impl_.destroy(layer_.driver_id);
        } catch (...) {  // a destructor; the intent row stays and reconcile() does it again
        }
    }

    /// Unpacks; the layer's identity is known afterwards.
    const Layer& apply(const std::string& parent_id) {
        impl_.insertRow(layer_, "creating");
        DAVIT_FAILPOINT("image.layer_intent");
        const auto side = impl_.sideDirectory(layer_.driver_id);
        makeDirectories(side, 0700);
        impl_.driver.create(
            {.id = layer_.driver_id, .parent = parent_id, .mount_label = request_.mount_label, .storage_opt = {}});
        DAVIT_FAILPOINT("image.layer_tmp");
        fillLayer(impl_.driver, side, request_, parent_id, layer_);
        if (!layer_.exact) keepWhole(side, request_, layer_);
        layer_.chain_id = oci::chainId(layer_.parent, layer_.diff_id);
        DAVIT_FAILPOINT("image.layer_extracted");
        impl_.writeSideFile(layer_);
        impl_.setState(layer_.driver_id, "applied");
        return layer_;
    }

    /// Publishes it; the caller holds the chain's lock and knows that nobody else has it.
    void seal() {
        impl_.database.write(state::Durability::relaxed, [&](state::Connection& c) {
            // One whose files have vanished may still have its row.
            c.run("DELETE FROM image_layers WHERE chain_id = ? AND state = 'sealed'", layer_.chain_id);
            c.run(
                "UPDATE image_layers SET chain_id = ?, diff_id = ?, size = ?, tar_size = ?, exact = ?, state = "
                "'sealed' "
                "WHERE driver_id = ?",
                layer_.chain_id, layer_.diff_id, layer_.size, layer_.tar_size, layer_.exact, layer_.driver_id);
        });
        sealed_ = true;
        DAVIT_FAILPOINT("image.layer_sealed");
        const Lock lock(impl_.mutex);
        impl_.missing.erase(layer_.chain_id);
        if (!layer_.parent.empty()) ++impl_.children[layer_.parent];
        impl_.sealed.emplace(layer_.chain_id, layer_);
        ++impl_.leases[layer_.chain_id];
    }

  private:
    LayerStore::Impl& impl_;
    const ApplyLayer& request_;
    Layer layer_;
    bool sealed_ = false;
};

}  // namespace

LayerRef LayerStore::applyLayer(const ApplyLayer& request) {
    std::optional<LayerRef> parent;
    if (!request.parent.empty()) {
        parent = find(request.parent);
        if (!parent) throw error(Code::not_found, "parent layer {} does not exist", request.parent);
        if (impl_->depth(request.parent) >= kMaxDepth) throw Error(Code::invalid, "max depth exceeded");
    }
    const std::string parent_id = parent ? (*parent)->driver_id : std::string();

    // Whose chain is known beforehand is made by one caller while the others wait for it.
    std::optional<Impl::ChainLock> sole;
    if (!request.expected_diff_id.empty()) {
        const std::string chain_id = oci::chainId(request.parent, request.expected_diff_id);
        sole.emplace(*impl_, chain_id);
        if (auto known = find(chain_id)) return std::move(*known);
    }
    LayerMaker maker(*impl_, request);
    const Layer& layer = maker.apply(parent_id);
    if (!sole) {
        sole.emplace(*impl_, layer.chain_id);
        if (auto known = find(layer.chain_id)) return std::move(*known);
    }
    maker.seal();
    return LayerRef(*this, layer);
}

void LayerStore::repack(const Layer& layer, ByteSink& out) {
    const MountedLayer mounted = mountLayer(layer);
    const UniqueFd root = openFile(mounted.path(), O_RDONLY | O_DIRECTORY);
    archive::packTree(root.get(), out);
}

void LayerStore::writeTar(const Layer& layer, ByteSink& out) {
    VerifyingSink verified(out);
    const auto side = impl_->sideDirectory(layer.driver_id);
    if (std::filesystem::exists(side / kTarFile)) {
        FileSource file(side / kTarFile);
        (void)copyStream(*decompress(file), verified);
    } else {
        FileSource file(side / kSplitFile);
        const auto split = decompress(file);
        const MountedLayer mounted = mountLayer(layer);
        const UniqueFd root = openFile(mounted.path(), O_RDONLY | O_DIRECTORY);
        assembleTar(*split, root.get(), verified);
    }
    verified.verify(layer);
}

}  // namespace davit::image
