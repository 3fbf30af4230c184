// StateJournal: what a driver must still know after a restart of its process, as records with names in a journal.
//
// A change is one line appended to the file, a torn last line is a change that nobody was answered for. The file is written anew
// when most of its lines are history. Room is kept behind its end, so that what ends can be noted on a full disk too; where the file
// can't be written anew, the old one goes on.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/file.hpp"
#include "base/thread_annotations.hpp"
#include "base/unique_fd.hpp"

namespace davit {

/// Any thread.
class StateJournal {
  public:
    using Records = std::map<std::string, std::string, std::less<>>;

    /// Reads what is there. An empty directory's name: nothing is kept. Throws Error when the directory can't be used.
    explicit StateJournal(const std::filesystem::path& directory);

    /// Record name -> JSON text.
    [[nodiscard]] Records records() const DAVIT_EXCLUDES(mutex_);
    /// `json` is one JSON value. Sync::yes: it also survives a power failure. Throws Error::system; then nothing has changed.
    void put(const std::string& name, const std::string& json, Sync sync = Sync::no) DAVIT_EXCLUDES(mutex_);
    /// put() for a record that says less than before: takes the room that is kept for a full disk.
    void reduce(const std::string& name, const std::string& json) DAVIT_EXCLUDES(mutex_);
    /// As reduce(). A record that isn't there is no error.
    void erase(const std::string& name, Sync sync = Sync::no) DAVIT_EXCLUDES(mutex_);

  private:
    void append(const std::string& line, Sync sync) DAVIT_REQUIRES(mutex_);
    /// Writes the file anew; where that isn't possible, goes on behind the first `whole` bytes of the present one.
    void rewrite(off_t whole) DAVIT_REQUIRES(mutex_);
    void keepRoom(std::size_t more) DAVIT_REQUIRES(mutex_);

    std::filesystem::path file_;  ///< empty: memory only
    mutable Mutex mutex_;
    Records records_ DAVIT_GUARDED_BY(mutex_);
    UniqueFd journal_ DAVIT_GUARDED_BY(mutex_);
    off_t size_ DAVIT_GUARDED_BY(mutex_) = 0;
    off_t allocated_ DAVIT_GUARDED_BY(mutex_) = 0;  ///< up to here a write needs no further block of the disk
    std::size_t lines_ DAVIT_GUARDED_BY(mutex_) = 0;
};

/// visit(name, json) for every record whose name begins so.
template <class Visit>
void forEachRecord(const StateJournal::Records& records, std::string_view prefix, const Visit& visit) {
    for (auto at = records.lower_bound(prefix); at != records.end() && at->first.starts_with(prefix); ++at) visit(at->first, at->second);
}

}  // namespace davit
