// Removing images by Docker's rules (daemon/images/image_delete.go describes them): what is planned is committed in one
// transaction, so a removal happens whole or not at all.
#include <algorithm>
#include <set>

#include "base/check.hpp"
#include "base/failpoint.hpp"
#include "base/id.hpp"
#include "image/image_filters.hpp"
#include "image/image_store_impl.hpp"
#include "oci/digest.hpp"

namespace davit::image {

using oci::Reference;
using state::Connection;
using state::Durability;

namespace {

struct Conflicts {
    bool children = true;
    bool running = true;
    bool references = true;
    bool stopped = true;
};

struct Conflict {
    bool hard;
    bool used;
    std::string message;
};

/// Whether all names belong to one repository with at most one tag.
bool isSingleReference(const std::vector<Reference>& names) {
    if (names.size() <= 1) return true;
    const Reference* single = nullptr;
    std::set<std::string> digest_names;
    for (const Reference& name : names) {
        if (!name.digest.empty())
            digest_names.insert(name.name());
        else if (single == nullptr)
            single = &name;
        else
            return false;
    }
    if (single == nullptr) single = &names.front();
    return digest_names.size() == 1 && digest_names.contains(single->name());
}

/// One line of the plan: a name that goes, or an image with its layers.
struct Step {
    std::string untag;    ///< normalised
    std::string deleted;  ///< image id
};

}  // namespace

/// Works on copies; nothing is changed before commit().
class ImageRemoval {
  public:
    explicit ImageRemoval(ImageStore::Impl& impl) : impl_(impl) {
        const Lock lock(impl.mutex);
        for (const auto& [id, record] : impl.images) parents_[id] = record.parent;
        names_ = impl.names;
    }

    void plan(const std::string& id, const RemoveImage& request) {
        const bool by_id = isIdPrefix(request.reference, id);
        bool removed_name = false;
        if (!by_id) {
            planName(id, request);
            if (!namesOf(id).empty()) return;
            removed_name = true;
        } else if (isSingleReference(namesOf(id))) {
            const Conflicts wanted{.running = true, .references = false, .stopped = !request.force};
            if (const auto conflict = findConflict(id, wanted)) refuse(id, *conflict);
            untagAll(id);
        }
        planImage(id, request.force, !request.no_prune, removed_name);
    }

    void commit() {
        impl_.database.write(Durability::synced, [&](Connection& c) {
            for (const Step& step : steps_) {
                if (!step.untag.empty()) c.run("DELETE FROM image_names WHERE name = ?", step.untag);
                if (!step.deleted.empty()) c.run("DELETE FROM image_images WHERE id = ?", step.deleted);
            }
        });
        const Lock lock(impl_.mutex);
        for (const Step& step : steps_) {
            impl_.names.erase(step.untag);
            const auto image = impl_.images.find(step.deleted);
            if (image == impl_.images.end()) continue;
            chains_[step.deleted] = image->second.chain_id;
            impl_.images.erase(image);
        }
    }

    /// Frees documents and layers of what is committed; nothing here can bring an image back.
    std::vector<RemovedImage> finish() {
        std::vector<RemovedImage> removed;
        for (const Step& step : steps_) {
            if (!step.untag.empty())
                removed.push_back({.untagged = Reference::parse(step.untag).familiarString(), .deleted = {}});
            if (step.deleted.empty()) continue;
            removed.push_back({.untagged = {}, .deleted = step.deleted});
            std::error_code ignored;  // an orphan is removed at the next start
            std::filesystem::remove(impl_.configPath(step.deleted), ignored);
            try {
                for (std::string& chain_id : impl_.layers.collect(chains_[step.deleted]))
                    removed.push_back({.untagged = {}, .deleted = std::move(chain_id)});
            } catch (const Error&) {  // the image is gone; reconcile() removes the layer at the next start
            }
        }
        return removed;
    }

    [[nodiscard]] const std::vector<Step>& steps() const { return steps_; }
    [[nodiscard]] const std::string& imageOf(const std::string& name) { return names_before_[name]; }

  private:
    [[nodiscard]] std::vector<Reference> namesOf(const std::string& id) const {
        std::vector<Reference> found;
        for (const auto& [name, image_id] : names_)
            if (image_id == id) found.push_back(Reference::parse(name));
        return found;
    }

    void untag(const std::string& name) {
        steps_.push_back({.untag = name, .deleted = {}});
        names_before_[name] = names_[name];
        names_.erase(name);
    }

    void untagAll(const std::string& id) {
        for (const Reference& name : namesOf(id)) untag(nameKey(name));
    }

    void planName(const std::string& id, const RemoveImage& request) {
        if (!request.force && isSingleReference(namesOf(id))) {
            const auto users = impl_.usersOf(id);
            if (!users.empty())
                throw error(
                    Code::conflict,
                    "conflict: unable to remove repository reference \"{}\" (must force) - container {} is using its "
                    "referenced image {}",
                    request.reference, shortId(users.front().container_id), shortId(id));
        }
        const Reference name = Reference::parse(request.reference);
        untag(nameKey(name));
        if (!name.digest.empty()) return;
        // Digests of a repository don't outlive its last tag.
        const auto rest = namesOf(id);
        const auto same_repository = [&](const Reference& other) { return other.name() == name.name(); };
        if (std::any_of(rest.begin(), rest.end(),
                        [&](const Reference& r) { return r.digest.empty() && same_repository(r); }))
            return;
        for (const Reference& other : rest)
            if (same_repository(other)) untag(nameKey(other));
    }

    void planImage(const std::string& id, bool force, bool prune, bool quiet) {
        const Conflicts wanted{.references = !force, .stopped = !force};
        if (const auto conflict = findConflict(id, wanted)) {
            // A tag was taken away, and that much stands; only an image that nobody uses and that can't go is worth an
            // error.
            if (quiet && (!namesOf(id).empty() || conflict->used)) return;
            refuse(id, *conflict);
        }
        const std::string parent = parents_[id];
        untagAll(id);
        steps_.push_back({.untag = {}, .deleted = id});
        parents_.erase(id);
        if (prune && parents_.contains(parent)) planParent(parent);
    }

    void planParent(const std::string& id) {
        if (namesOf(id).empty() && !findConflict(id, {})) planImage(id, false, true, true);
    }

    std::optional<Conflict> findConflict(const std::string& id, const Conflicts& wanted) const {
        const auto child_of = [&](const auto& entry) { return entry.second == id; };
        if (wanted.children && std::any_of(parents_.begin(), parents_.end(), child_of))
            return Conflict{true, false, "image has dependent child images"};
        const auto users = impl_.usersOf(id);
        const auto running =
            std::find_if(users.begin(), users.end(), [](const ImageUser& user) { return user.running; });
        if (wanted.running && running != users.end())
            return Conflict{true, true,
                            fmt::format("image is being used by running container {}", shortId(running->container_id))};
        if (wanted.references && !namesOf(id).empty())
            return Conflict{false, false, "image is referenced in multiple repositories"};
        const auto stopped =
            std::find_if(users.begin(), users.end(), [](const ImageUser& user) { return !user.running; });
        if (wanted.stopped && stopped != users.end())
            return Conflict{false, true,
                            fmt::format("image is being used by stopped container {}", shortId(stopped->container_id))};
        return std::nullopt;
    }

    [[noreturn]] static void refuse(const std::string& id, const Conflict& conflict) {
        throw error(Code::conflict, "conflict: unable to delete {} ({}) - {}", shortId(id),
                    conflict.hard ? "cannot be forced" : "must be forced", conflict.message);
    }

    ImageStore::Impl& impl_;
    std::map<std::string, std::string> parents_;  // image id -> parent's
    std::map<std::string, std::string, std::less<>> names_;
    std::map<std::string, std::string> names_before_;
    std::map<std::string, std::string> chains_;
    std::vector<Step> steps_;
};

namespace {

const std::map<std::string, std::string> kNoLabels;

/// A damaged image has no document to be asked; its rows and file can still go.
std::vector<RemovedImage> removeDamaged(ImageStore::Impl& impl, std::string_view text) {
    std::string id;
    {
        const Lock lock(impl.mutex);
        for (const auto& [candidate, why] : impl.damaged)
            if (text.size() >= 12 && isIdPrefix(text, candidate)) id = candidate;
    }
    if (id.empty()) return {};
    impl.database.write(Durability::synced, [&](Connection& c) {
        c.run("DELETE FROM image_images WHERE id = ?", id);
        c.run("DELETE FROM image_names WHERE image_id = ?", id);
    });
    std::error_code ignored;  // an orphan is removed at the next start
    std::filesystem::remove(impl.configPath(id), ignored);
    const Lock lock(impl.mutex);
    impl.damaged.erase(id);
    return {{.untagged = {}, .deleted = id}};
}

}  // namespace

std::vector<RemovedImage> ImageStore::remove(const RemoveImage& request) {
    if (auto removed = removeDamaged(*impl_, request.reference); !removed.empty()) return removed;
    std::optional<ImageRemoval> removal;
    std::string id;
    std::map<std::string, std::string> labels;
    {
        const Lock changing(impl_->changing);
        removal.emplace(*impl_);
        {
            const Lock lock(impl_->mutex);
            id = impl_->resolveId(request.reference);
        }
        removal->plan(id, request);
        if (const std::optional<Image> image = find(id)) labels = image->config->config.labels;
        removal->commit();
        impl_->writeNamesMirror();
    }
    DAVIT_FAILPOINT("image.removed");
    for (const Step& step : removal->steps()) {
        if (!step.untag.empty()) {
            const std::string& image_id = removal->imageOf(step.untag);
            emit({.action = "untag", .image_id = image_id, .name = image_id, .labels = image_id == id ? labels : kNoLabels});
        }
        if (!step.deleted.empty())
            emit({.action = "delete", .image_id = step.deleted, .name = step.deleted, .labels = {}});
    }
    return removal->finish();
}

ImageStore::Pruned ImageStore::prune(const ImageFilters& filters) {
    checkFilterNames(filters, {"dangling", "until", "label", "label!"});
    const bool dangling_only = boolFilter(filters, "dangling").value_or(true);
    const auto& untils = filterValues(filters, "until");
    if (untils.size() > 1) throw Error(Code::invalid, "more than one until filter specified");
    const std::optional<SystemTime> until = untils.empty() ? std::nullopt : std::optional(parseUntil(untils.front()));
    Pruned pruned;
    const std::int64_t before = layersSize();
    for (const ImageSummary& summary : list({})) {
        const Image& image = summary.image;
        const bool dangling = image.repo_tags.empty() && image.repo_digests.empty();
        if (summary.containers > 0 || (dangling_only && !dangling)) continue;
        if (until && image.created.value_or(SystemTime{}) > *until) continue;
        const auto& labels = image.config->config.labels;
        const auto& unwanted = filterValues(filters, "label!");
        if (!labelsMatch(filterValues(filters, "label"), labels) ||
            (!unwanted.empty() && labelsMatch(unwanted, labels)))
            continue;
        std::vector<std::string> targets = image.repo_tags;
        targets.insert(targets.end(), image.repo_digests.begin(), image.repo_digests.end());
        if (targets.empty()) targets.push_back(image.id);
        for (const std::string& target : targets) {
            try {
                for (RemovedImage& line : remove({.reference = target})) pruned.removed.push_back(std::move(line));
            } catch (const Error& failure) {
                // Gone with an earlier name, or in use by now: neither is the prune's failure.
                if (failure.code() != Code::conflict && failure.code() != Code::not_found) throw;
            }
        }
    }
    pruned.space_reclaimed = std::max<std::int64_t>(0, before - layersSize());
    return pruned;
}

}  // namespace davit::image
