// LayerHome: the directory in which a storage driver keeps its layers, one directory each, so that a kill at any
// instruction leaves either the whole layer or rubbish that the next start throws away.
//
//     <home>/layers/<id>/   finished layers
//     <home>/staging/       layers that are being made: published by one rename
//     <home>/trash/         removed ones, moved here by one rename and then deleted in the background (trash.hpp)
//
// Any thread; LayerUses orders what touches one layer. A home belongs to one driver in one process at a time.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "archive/trash.hpp"
#include "base/thread_annotations.hpp"

namespace davit::archive {

class LayerHome {
  public:
    /// Deletes a layer's directory: removeTree, or that and what the driver has besides (mounts, subvolumes). Runs on a
    /// thread of the home's until the home's end, so it must not need what its owner destroys before.
    using Dispose = Trash::Dispose;

    /// Creates the home where it is missing and begins to throw away what an earlier process left half done. `home` must
    /// be absolute.
    LayerHome(const std::filesystem::path& home, Dispose dispose);

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return home_; }
    /// Where a layer stands or would stand. Throws Error{invalid} for an id that can't be a file's name.
    [[nodiscard]] std::filesystem::path of(const std::string& id) const;
    [[nodiscard]] bool has(const std::string& id) const;
    /// of(), or Error{not_found}.
    [[nodiscard]] std::filesystem::path require(const std::string& id) const;
    /// Sorted.
    [[nodiscard]] std::vector<std::string> list() const;
    /// Takes a layer away; its files are deleted afterwards. Unknown ids succeed.
    void remove(const std::string& id);
    /// Waits until the files of all that was removed are deleted, or for the time: false.
    bool settle(std::chrono::milliseconds timeout) { return trash_.settle(timeout); }

    /// A layer that is being made: disposed of unless published.
    class Draft {
      public:
        Draft(LayerHome& home, std::filesystem::path path) : home_(home), path_(std::move(path)) {}
        ~Draft();
        Draft(const Draft&) = delete;
        Draft& operator=(const Draft&) = delete;
        [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
        /// Error{conflict} when the id exists.
        void publish(const std::string& id);

      private:
        LayerHome& home_;
        std::filesystem::path path_;
    };
    /// Throws Error{conflict} when the id exists already.
    [[nodiscard]] std::unique_ptr<Draft> draft(const std::string& id);

  private:
    std::filesystem::path home_;
    Trash trash_;
};

/// Counts the uses of layers (get without put) and lets one operation at a time touch a layer.
class LayerUses {
  public:
    /// The lock and the count of one layer, while it lives.
    class Hold {
      public:
        Hold(LayerUses& uses, const std::string& id);
        ~Hold();
        Hold(const Hold&) = delete;
        Hold& operator=(const Hold&) = delete;
        [[nodiscard]] int& count() noexcept;

      private:
        LayerUses& uses_;
        std::string id_;
    };
    /// Ids with a count above zero.
    [[nodiscard]] std::vector<std::string> inUse();

  private:
    struct Use {
        int count = 0;
        bool held = false;
        int waiting = 0;
    };
    Mutex mutex_;
    Condition released_;
    std::map<std::string, Use> uses_ DAVIT_GUARDED_BY(mutex_);
};

/// A byte count as in --storage-opt size=: digits with an optional k, m, g, t (powers of 1024; "b" or "ib" may follow).
/// Throws Error{invalid}.
[[nodiscard]] std::int64_t parseSize(const std::string& text);

/// A driver's "key=value" or "driver.key=value" as (key in lower case, value). Without "=": Error{invalid}.
[[nodiscard]] std::pair<std::string, std::string> splitOption(const std::string& option, const std::string& driver);

/// "true"/"1"/"yes" and "false"/"0"/"no"; anything else is Error{invalid} naming the key.
[[nodiscard]] bool parseFlag(const std::string& key, const std::string& value);

}  // namespace davit::archive
