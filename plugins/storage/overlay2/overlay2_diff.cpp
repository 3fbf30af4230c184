// What is read from and written to layers: tar streams, changes, sizes and facts.
#include <fcntl.h>
#include <unistd.h>

#include "archive/compare.hpp"
#include "archive/pack.hpp"
#include "archive/plain_tree_driver.hpp"
#include "archive/unpack.hpp"
#include "base/check.hpp"
#include "base/file.hpp"
#include "overlay2_driver.hpp"

namespace davit {
namespace fs = std::filesystem;
namespace {

UniqueFd openDirectory(const fs::path& path) { return openFile(path, O_RDONLY | O_DIRECTORY); }

}  // namespace

// A layer as a container sees it, for a while. The empty id is the empty tree.
class Overlay2Driver::View {
  public:
    View(Overlay2Driver& driver, const std::string& id) : driver_(driver), id_(id) {
        if (id_.empty()) return;
        const std::string path = driver_.get(id_, "");
        try {
            fd_ = openDirectory(path);
        } catch (...) {
            driver_.put(id_);
            throw;
        }
    }
    ~View() {
        if (id_.empty()) return;
        fd_.reset();
        try {
            driver_.put(id_);
        } catch (...) {  // a destructor; init() and remove() unmount what stays
        }
    }
    View(const View&) = delete;
    View& operator=(const View&) = delete;
    [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  private:
    Overlay2Driver& driver_;
    std::string id_;
    UniqueFd fd_;
};

std::vector<UniqueFd> Overlay2Driver::openLowers(const Layer& layer) {
    std::vector<UniqueFd> roots;
    for (const std::string& lower : layer.lowers) roots.push_back(openDirectory(home_path_ / lower));
    return roots;
}

std::int64_t Overlay2Driver::applyDiff(const std::string& id, const std::string&, ByteSource& tar) {
    archive::LayerUses::Hold hold(uses_, id);
    const Layer found = layer(id);
    archive::UnpackOptions options{
        .whiteouts = archive::Whiteouts::remove, .uid_maps = uid_maps_, .gid_maps = gid_maps_};
    if (hold.count() > 0 &&
        !found.lowers.empty())  // changing it below a mount would confuse the kernel: by way of the mount
        return archive::unpackLayer(tar, openDirectory(found.dir / "merged").get(), options);
    if (found.lowers.empty()) return archive::unpackLayer(tar, openDirectory(found.dir / "diff").get(), options);
    options.whiteouts = archive::Whiteouts::overlay;
    options.user_xattrs = probe_.user_xattrs;
    const std::vector<UniqueFd> lowers = openLowers(found);
    for (const UniqueFd& lower : lowers) options.lowers.push_back(lower.get());
    return archive::unpackLayer(tar, openDirectory(found.dir / "diff").get(), options);
}

void Overlay2Driver::diff(const std::string& id, const std::string& parent, ByteSink& tar) {
    const Layer found = layer(id);
    archive::PackOptions options{.uid_maps = uid_maps_, .gid_maps = gid_maps_};
    if (parent == found.parent) {
        options.overlay = !parent.empty();
        return archive::packTree(openDirectory(found.dir / "diff").get(), tar, options);
    }
    const View upper(*this, id);
    if (parent.empty()) return archive::packTree(upper.fd(), tar, options);
    const View below(*this, parent);
    archive::packLayer(upper.fd(), archive::compareTrees(below.fd(), upper.fd()), tar, options);
}

std::vector<LayerChange> Overlay2Driver::changes(const std::string& id, const std::string& parent) {
    const Layer found = layer(id);
    const View below(*this, parent);
    if (parent == found.parent) return archive::upperChanges(below.fd(), openDirectory(found.dir / "diff").get());
    const View upper(*this, id);
    return archive::compareTrees(below.fd(), upper.fd());
}

std::int64_t Overlay2Driver::diffSize(const std::string& id, const std::string& parent) {
    const Layer found = layer(id);
    if (parent == found.parent) return archive::treeSize(openDirectory(found.dir / "diff").get());
    const View upper(*this, id);
    if (parent.empty()) return archive::treeSize(upper.fd());
    const View below(*this, parent);
    return archive::changesSize(upper.fd(), archive::compareTrees(below.fd(), upper.fd()));
}

LayerUsage Overlay2Driver::usage(const std::string& id) {
    return archive::treeUsage(openDirectory(home().require(id) / "diff").get());
}

Options Overlay2Driver::metadata(const std::string& id) {
    const Layer found = layer(id);
    Options facts{{"UpperDir", (found.dir / "diff").string()},
                  {"WorkDir", (found.dir / "work").string()},
                  {"MergedDir", (found.dir / "merged").string()}};
    std::string lowers;
    for (const std::string& lower : found.lowers) {
        const fs::path target = fs::read_symlink(home_path_ / lower);
        lowers += (lowers.empty() ? "" : ":") + (home_path_ / "l" / target).lexically_normal().string();
    }
    if (!lowers.empty()) facts.emplace("LowerDir", lowers);
    return facts;
}

std::vector<std::pair<std::string, std::string>> Overlay2Driver::status() {
    return {{"Backing Filesystem", archive::fileSystemName(home().path())},
            {"Supports d_type", probe_.directory_types ? "true" : "false"},
            {"Using metacopy", "false"},
            {"Native Overlay Diff", "true"},
            {"userxattr", probe_.user_xattrs ? "true" : "false"},
            {"Supports quota", quota_ ? "true" : "false"}};
}

StorageCapabilities Overlay2Driver::capabilities(const std::string& home_path) {
    const fs::path existing = archive::nearestExisting(home_path);
    StorageCapabilities abilities;
    abilities.unsuitable_why = home_ ? probe_.unsuitable_why : overlay2::probe(existing).unsuitable_why;
    abilities.list = abilities.mounts = abilities.usage = abilities.clone = abilities.native_diff = true;
    abilities.set_limit = abilities.quota = archive::ProjectQuota::enforcedAt(existing);
    abilities.preference = 20;
    return abilities;
}

}  // namespace davit
