// After a start: what was half done is finished or removed.
#include <algorithm>

#include "base/check.hpp"
#include "base/file.hpp"
#include "image/layer_store_impl.hpp"

namespace davit::image {

namespace fs = std::filesystem;
using state::Connection;
using state::Durability;
using state::Statement;

namespace {

/// A driver made for Docker's layout may hold "ID-init" beside a container's "ID".
std::string_view withoutInit(std::string_view id) {
    constexpr std::string_view kInit = "-init";
    return id.ends_with(kInit) ? id.substr(0, id.size() - kInit.size()) : id;
}

class Reconciler {
  public:
    Reconciler(LayerStore& store, LayerStore::Impl& impl, const std::vector<std::string>& containers)
        : store_(store), impl_(impl), containers_(containers.begin(), containers.end()) {}

    LayerReconciliation run() {
        guarded("unfinished layers", [&] { unfinishedLayers(); });
        guarded("containers' layers", [&] { unknownWritables(); });
        guarded("layers without rows", [&] { withoutRows(); });
        guarded("unused layers", [&] { unused(); });
        guarded("side files", [&] { sideFiles(); });
        const Lock lock(impl_.mutex);
        for (const auto& [chain_id, driver_id] : impl_.missing) result_.missing.push_back(chain_id);
        return std::move(result_);
    }

  private:
    template <typename Step>
    void guarded(const std::string& what, Step&& step) {
        try {
            step();
        } catch (const std::exception& failure) {  // one object's fault mustn't keep the others from being cleaned
            result_.failed.push_back(what + ": " + failure.what());
        }
    }

    void unfinishedLayers() {
        std::vector<std::string> ids;
        impl_.database.read([&](Connection& c) {
            Statement s = c.prepare("SELECT driver_id FROM image_layers WHERE state <> 'sealed'");
            while (s.step()) ids.push_back(s.text(0));
        });
        for (const std::string& id : ids) {
            guarded(id, [&] {
                impl_.destroy(id);
                result_.removed.push_back(id);
            });
        }
    }

    void unknownWritables() {
        std::vector<std::pair<std::string, bool>> rows;
        impl_.database.read([&](Connection& c) {
            Statement s = c.prepare("SELECT container_id, state = 'ready' FROM image_writables");
            while (s.step()) rows.emplace_back(s.text(0), s.integer(1) != 0);
        });
        const bool keep = keepUnknown();
        for (const auto& [id, ready] : rows) {
            if (ready && (keep || containers_.contains(id))) continue;
            guarded(id, [&, &gone = id] {
                store_.removeWritable(gone);
                result_.removed.push_back(gone);
            });
        }
    }

    void withoutRows() {
        if (!impl_.capabilities.list || keepUnknown()) return;
        std::set<std::string, std::less<>> known;
        impl_.database.read([&](Connection& c) {
            Statement s =
                c.prepare("SELECT driver_id FROM image_layers UNION SELECT container_id FROM image_writables");
            while (s.step()) known.insert(s.text(0));
        });
        for (const std::string& id : impl_.driver.list()) {
            if (known.contains(withoutInit(id))) continue;
            guarded(id, [&] {
                impl_.driver.remove(id);
                result_.removed.push_back(id);
            });
        }
    }

    void unused() {
        for (const Layer& layer : store_.layers()) {
            guarded(layer.driver_id, [&] {
                for (std::string& chain_id : store_.collect(layer.chain_id))
                    result_.removed.push_back(std::move(chain_id));
            });
        }
    }

    void sideFiles() {
        std::set<std::string, std::less<>> known;
        impl_.database.read([&](Connection& c) {
            Statement s = c.prepare("SELECT driver_id FROM image_layers");
            while (s.step()) known.insert(s.text(0));
        });
        std::vector<fs::path> unknown;
        for (const auto& entry : fs::directory_iterator(impl_.layers_directory))
            if (!known.contains(entry.path().filename().string())) unknown.push_back(entry.path());
        for (const fs::path& path : unknown) guarded(path.string(), [&] { removeTree(path); });
    }

    [[nodiscard]] bool keepUnknown() const { return fs::exists(impl_.keep_unknown_file); }

    LayerStore& store_;
    LayerStore::Impl& impl_;
    std::set<std::string> containers_;
    LayerReconciliation result_;
};

}  // namespace

LayerReconciliation LayerStore::reconcile(const std::vector<std::string>& known_containers) {
    return Reconciler(*this, *impl_, known_containers).run();
}

}  // namespace davit::image
