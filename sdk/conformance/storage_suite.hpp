// The rules for storage drivers: driver/storage_driver.hpp as checks.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "conformance/rule.hpp"
#include "driver/storage_driver.hpp"

namespace davit::conformance {

/// A driver after init() with a home of its own, empty.
struct StorageTarget {
    std::shared_ptr<StorageDriver> driver;
    StorageInit init;
    std::filesystem::path scratch;  ///< a directory for the rules' own files and mounts
    /// Kills the driver's process without warning, starts it again and calls init(); empty when it can't be done.
    std::function<void()> kill_and_restart;
    /// Kills it from another thread while a call is under way; the call fails. Empty when it can't be done.
    std::function<void()> kill;

    /// A fresh layer id: 64 hex digits.
    [[nodiscard]] static std::string id();
};

/// A mounted layer: get() now, put() at the end.
class Mounted {
  public:
    Mounted(StorageDriver& driver, std::string id) : driver_(driver), id_(std::move(id)), path_(driver.get(id_, "")) {}
    Mounted(const Mounted&) = delete;
    Mounted& operator=(const Mounted&) = delete;
    ~Mounted();
    /// put() with its errors.
    void put();
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

  private:
    StorageDriver& driver_;
    std::string id_;
    std::filesystem::path path_;
    bool mounted_ = true;
};

/// Life cycle, chains, counts, optional abilities.
[[nodiscard]] Rules<StorageTarget> storageLifeRules();
/// What archives carry: contents, whiteouts, odd names, hostile entries, round trips.
[[nodiscard]] Rules<StorageTarget> storageContentRules();
/// Threads, kills, size.
[[nodiscard]] Rules<StorageTarget> storageStressRules();
/// All of them, in that order.
[[nodiscard]] Rules<StorageTarget> storageRules();

// Helpers of the three files.
void createLayer(StorageTarget& target, const std::string& id, const std::string& parent = {});
void createWritable(StorageTarget& target, const std::string& id, const std::string& parent = {});
/// Applies an archive, or skips the rule when applyDiff is left to the engine.
std::int64_t apply(StorageTarget& target, const std::string& id, const std::string& parent, std::string_view tar);
/// A new finished layer with these files (path, content), made through get().
std::string layerWith(StorageTarget& target, const std::string& parent,
                      const std::vector<std::pair<std::string, std::string>>& files);
/// Removes layers, top first.
void removeAll(StorageTarget& target, const std::vector<std::string>& ids);

}  // namespace davit::conformance
