#include "engine/container_table.hpp"

#include "base/check.hpp"

namespace davit::engine {

EntryPtr ContainerTable::resolve(std::string_view ref) const {
    const Lock lock(mutex_);
    if (const auto exact = by_id_.find(ref); exact != by_id_.end()) return exact->second;
    const std::string_view name = ref.starts_with('/') ? ref.substr(1) : ref;
    if (const auto named = id_of_name_.find(name); named != id_of_name_.end())
        if (const auto entry = by_id_.find(named->second); entry != by_id_.end()) return entry->second;
    const auto first = by_id_.lower_bound(ref);
    if (ref.empty() || first == by_id_.end() || !first->first.starts_with(ref))
        throw error(Code::not_found, "No such container: {}", ref);
    if (const auto next = std::next(first); next != by_id_.end() && next->first.starts_with(ref))
        throw error(Code::invalid, "multiple IDs found with provided prefix: {}", ref);
    return first->second;
}

EntryPtr ContainerTable::find(std::string_view id) const {
    const Lock lock(mutex_);
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : found->second;
}

std::vector<EntryPtr> ContainerTable::all() const {
    const Lock lock(mutex_);
    std::vector<EntryPtr> entries;
    entries.reserve(by_id_.size());
    for (const auto& [id, entry] : by_id_) entries.push_back(entry);
    return entries;
}

void ContainerTable::reserveName(const std::string& name, const std::string& id) {
    const Lock lock(mutex_);
    const auto [place, fresh] = id_of_name_.try_emplace(name, id);
    if (!fresh)
        throw error(Code::conflict,
                    "Conflict. The container name \"/{}\" is already in use by container \"{}\". You have to remove (or "
                    "rename) that container to be able to reuse that name.",
                    name, place->second);
}

bool ContainerTable::tryReserveName(const std::string& name, const std::string& id) {
    const Lock lock(mutex_);
    return id_of_name_.try_emplace(name, id).second;
}

void ContainerTable::releaseName(const std::string& name, const std::string& id) {
    const Lock lock(mutex_);
    const auto found = id_of_name_.find(name);
    if (found != id_of_name_.end() && found->second == id) id_of_name_.erase(found);
}

void ContainerTable::add(EntryPtr entry) {
    const Lock lock(mutex_);
    const std::string id = entry->id();
    by_id_.insert_or_assign(id, std::move(entry));
}

void ContainerTable::remove(const std::string& id) {
    const Lock lock(mutex_);
    by_id_.erase(id);
    std::erase_if(id_of_name_, [&](const auto& item) { return item.second == id; });
}

}  // namespace davit::engine
