// Contents: brings a volume's content to its _data, where it is a file system of its own, and takes it away again. Calls that need
// it for themselves, as clone() does, keep it there with a Use, without an entry among the volume's users: a kill ends it.
//
// Any thread. bring() and dismiss() are for who holds the volume.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "base/thread_annotations.hpp"
#include "mounter.hpp"
#include "space.hpp"
#include "store.hpp"

namespace davit::local {

class Contents {
  public:
    Contents(VolumeStore& store, Spaces& spaces, Mounter& mounter) : store_(store), spaces_(spaces), mounter_(mounter) {}

    /// Whether its content is a mount; for a volume that is damaged it may be.
    [[nodiscard]] bool needsMount(const std::string& name);
    /// Afterwards place/_data is the content; what an import that was killed left in it is gone.
    void bring(const std::filesystem::path& place, const VolumeRecord& record);
    /// Unmounts what is there.
    void dismiss(const std::filesystem::path& place);
    /// Whether a call of this process is at it, or somebody has it mounted.
    [[nodiscard]] bool isUsed(const std::string& name) DAVIT_EXCLUDES(mutex_);

    /// The content of a volume, there while this lives; neither removed nor renamed meanwhile.
    class Use {
      public:
        Use(Contents& contents, const std::string& name);
        ~Use();
        Use(const Use&) = delete;
        Use& operator=(const Use&) = delete;
        [[nodiscard]] const VolumeRecord& record() const noexcept { return *record_; }
        [[nodiscard]] const std::filesystem::path& place() const noexcept { return place_; }
        [[nodiscard]] std::filesystem::path data() const { return place_ / kData; }

      private:
        void end();
        Contents& contents_;
        std::string name_;
        std::filesystem::path place_;
        std::shared_ptr<const VolumeRecord> record_;
    };

    /// Fills the content, which must be empty, by `fill`; when that throws, or is killed, it is empty again. Throws
    /// Error{conflict}.
    template <typename Fill>
    void receive(const std::filesystem::path& place, const Fill& fill) {
        beginImport(place);
        try {
            fill();
            syncFileSystem(place / kData);
        } catch (...) {  // rethrown: whatever it was, nothing stays half-done
            endImport(place, Leave::nothing);
            throw;
        }
        endImport(place, Leave::content);
    }

  private:
    enum class Leave { nothing, content };
    static void beginImport(const std::filesystem::path& place);
    static void endImport(const std::filesystem::path& place, Leave leave);

    VolumeStore& store_;
    Spaces& spaces_;
    Mounter& mounter_;
    Mutex mutex_;
    std::map<std::string, int> uses_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::local
