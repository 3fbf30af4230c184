// Lists and history.
#include <algorithm>
#include <set>

#include "base/check.hpp"
#include "image/image_filters.hpp"
#include "image/image_store_impl.hpp"
#include "oci/digest.hpp"

namespace davit::image {

using oci::Reference;

namespace {

/// One list's filters, resolved once.
struct ListFilter {
    std::optional<bool> dangling;
    std::vector<SystemTime> before;
    std::vector<SystemTime> since;
    std::vector<SystemTime> until;
    const std::vector<std::string>& labels;
    const std::vector<std::string>& references;
    bool all;

    [[nodiscard]] bool passesTime(const std::optional<SystemTime>& created) const {
        const SystemTime time = created.value_or(SystemTime{});
        const auto any = [](const std::vector<SystemTime>& limits, auto fails) {
            return std::any_of(limits.begin(), limits.end(), fails);
        };
        return !any(before, [&](SystemTime limit) { return time >= limit; }) &&
               !any(since, [&](SystemTime limit) { return time <= limit; }) &&
               !any(until, [&](SystemTime limit) { return time > limit; });
    }

    void keepMatching(std::vector<std::string>& names) const {
        if (references.empty()) return;
        std::erase_if(names, [&](const std::string& name) {
            const Reference reference = Reference::parse(name);
            return std::none_of(references.begin(), references.end(),
                                [&](const std::string& pattern) { return oci::familiarMatch(pattern, reference); });
        });
    }

    [[nodiscard]] bool passes(Image& image, bool has_children) const {
        if (!passesTime(image.created) || !labelsMatch(labels, image.config->config.labels)) return false;
        keepMatching(image.repo_tags);
        keepMatching(image.repo_digests);
        if (image.repo_tags.empty() && image.repo_digests.empty())
            return (all || !has_children) && dangling.value_or(true) && references.empty();
        return !(dangling.value_or(false) && !image.repo_tags.empty());
    }
};

ListFilter makeFilter(const ImageStore& store, const ListImages& request) {
    const ImageFilters& filters = request.filters;
    checkFilterNames(filters, {"dangling", "label", "before", "since", "reference", "until"});
    const auto createdOf = [&](const std::string& filter) {
        std::vector<SystemTime> times;
        for (const std::string& name : filterValues(filters, filter))
            times.push_back(store.resolve(name).created.value_or(SystemTime{}));
        return times;
    };
    std::vector<SystemTime> until;
    for (const std::string& text : filterValues(filters, "until")) until.push_back(parseUntil(text));
    return {.dangling = boolFilter(filters, "dangling"),
            .before = createdOf("before"),
            .since = createdOf("since"),
            .until = std::move(until),
            .labels = filterValues(filters, "label"),
            .references = filterValues(filters, "reference"),
            .all = request.all};
}

/// Bytes of the layers that several of the images have.
void addSharedSizes(std::vector<ImageSummary>& images, LayerStore& layers) {
    std::map<std::string, std::int64_t> sizes;
    for (const Layer& layer : layers.layers()) sizes[layer.chain_id] = layer.size;
    std::map<std::string, int> uses;
    for (const ImageSummary& summary : images)
        for (const std::string& chain_id : oci::chainIds(summary.image.config->diff_ids)) ++uses[chain_id];
    for (ImageSummary& summary : images) {
        summary.shared_size = 0;
        for (const std::string& chain_id : oci::chainIds(summary.image.config->diff_ids))
            if (uses[chain_id] > 1) summary.shared_size += sizes[chain_id];
    }
}

}  // namespace

std::vector<ImageSummary> ImageStore::list(const ListImages& request) const {
    const ListFilter filter = makeFilter(*this, request);
    std::vector<ImageSummary> found;
    {
        const Lock lock(impl_->mutex);
        std::set<std::string> parents;
        for (const auto& [id, record] : impl_->images) parents.insert(record.parent);
        for (const auto& [id, record] : impl_->images) {
            Image image = impl_->snapshot(id, record);
            if (filter.passes(image, parents.contains(id))) found.push_back({.image = std::move(image)});
        }
    }
    for (ImageSummary& summary : found)
        summary.containers = static_cast<std::int64_t>(impl_->usersOf(summary.image.id).size());
    if (request.shared_size) addSharedSizes(found, impl_->layers);
    std::stable_sort(found.begin(), found.end(),
                     [](const ImageSummary& a, const ImageSummary& b) { return a.image.created > b.image.created; });
    return found;
}

std::vector<HistoryLine> ImageStore::history(std::string_view name_or_id) const {
    const Image image = resolve(name_or_id);
    const auto chains = oci::chainIds(image.config->diff_ids);
    std::vector<HistoryLine> lines;
    std::size_t layer = 0;
    for (const oci::HistoryEntry& entry : image.config->history) {
        HistoryLine line{.id = "<missing>",
                         .created = entry.created,
                         .created_by = entry.created_by,
                         .tags = {},
                         .size = 0,
                         .comment = entry.comment};
        if (!entry.empty_layer) {
            const auto found = impl_->layers.look(chains.at(layer++));
            if (found) line.size = found->size;
        }
        lines.push_back(std::move(line));
    }
    std::reverse(lines.begin(), lines.end());
    std::optional<Image> at = image;
    for (HistoryLine& line : lines) {
        line.id = at->id;
        line.tags = at->repo_tags;
        at = at->parent.empty() ? std::nullopt : find(at->parent);
        if (!at) break;
    }
    return lines;
}

}  // namespace davit::image
