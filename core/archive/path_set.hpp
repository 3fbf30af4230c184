// PathSet: which paths have been seen, as 64-bit hashes in one flat table: 16 bytes per path on average whatever its
// length. Two paths with one hash are taken for one, which at a million paths has a chance of one in thirty million.
// One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace davit::archive {

class PathSet {
  public:
    /// False when it was there.
    bool insert(std::string_view path) {
        if (2 * (count_ + 1) > table_.size()) grow();
        const bool added = put(hashOf(path));
        count_ += added ? 1 : 0;
        return added;
    }
    [[nodiscard]] bool contains(std::string_view path) const {
        return !table_.empty() && table_[slot(hashOf(path))] != 0;
    }

  private:
    static std::uint64_t hashOf(std::string_view path) {
        const std::uint64_t hash = std::hash<std::string_view>()(path);
        return hash == 0 ? 1 : hash;  // 0 marks a free slot
    }
    [[nodiscard]] std::size_t slot(std::uint64_t hash) const {
        std::size_t at = hash & (table_.size() - 1);
        while (table_[at] != 0 && table_[at] != hash) at = (at + 1) & (table_.size() - 1);
        return at;
    }
    bool put(std::uint64_t hash) {
        std::uint64_t& place = table_[slot(hash)];
        if (place == hash) return false;
        place = hash;
        return true;
    }
    void grow() {
        std::vector<std::uint64_t> old(table_.empty() ? 64 : 2 * table_.size());
        old.swap(table_);
        for (const std::uint64_t hash : old)
            if (hash != 0) put(hash);
    }
    std::vector<std::uint64_t> table_;
    std::size_t count_ = 0;
};

}  // namespace davit::archive
