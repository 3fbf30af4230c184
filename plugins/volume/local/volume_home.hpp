// VolumeHome: the directory that holds the volumes, so that a kill at any instruction leaves a whole volume or rubbish that the next
// start throws away.
//
//     <root>/<name>/volume.json    what it is, synced before the volume appears
//     <root>/<name>/_data          the mountpoint
//     <root>/<name>/image          a volume in a file of its own (loop_file.hpp)
//     <root>/<name>/snapshots/     each as a directory like a volume's
//     <root>/<name>/users.json     users.hpp
//     <root>/.staging/             what is being made: published by one rename
//     <root>/.trash/               what was removed, deleted in the background
//
// Any thread; one() orders what touches one volume. Names have been checked.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "archive/layer_home.hpp"
#include "archive/trash.hpp"
#include "options.hpp"

namespace davit::local {

enum class VolumeKind {
    directory,  ///< `_data` holds the content
    loop,       ///< `image` does, and is mounted on `_data` while it is used
    mounted,    ///< something else is mounted on `_data` while it is used
};

struct Record {
    VolumeKind kind = VolumeKind::directory;
    Options options;  ///< as they were given
    Limits limits;    ///< as they are now
    std::string created_at;
};

class VolumeHome {
  public:
    /// Makes the directory where it is missing and throws away what was left half done. `dispose` deletes one volume's directory.
    VolumeHome(std::filesystem::path root, archive::Trash::Dispose dispose);

    [[nodiscard]] const std::filesystem::path& root() const noexcept { return root_; }
    [[nodiscard]] std::filesystem::path of(const std::string& name) const { return root_ / name; }
    [[nodiscard]] std::filesystem::path data(const std::string& name) const { return of(name) / "_data"; }
    [[nodiscard]] bool has(const std::string& name) const;
    /// Sorted.
    [[nodiscard]] std::vector<std::string> list() const;

    /// std::nullopt: there is no such volume. Throws Error{system} for one whose record is damaged.
    [[nodiscard]] std::optional<Record> find(const std::string& name) const;
    /// find(), or Error{not_found} "no such volume: x".
    [[nodiscard]] Record require(const std::string& name) const;
    void write(const std::filesystem::path& directory, const Record& record) const;

    /// A directory for something that is being made, deleted unless published.
    class Draft {
      public:
        explicit Draft(VolumeHome& home);
        Draft(const Draft&) = delete;
        Draft& operator=(const Draft&) = delete;
        ~Draft();
        [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
        /// It appears at `place`, synced. Throws Error{conflict} when something is there.
        void publish(const std::filesystem::path& place);

      private:
        VolumeHome& home_;
        std::filesystem::path path_;
        bool published_ = false;
    };

    /// Takes what stands at `path` away at once; its files are deleted later. False: nothing was there.
    bool discard(const std::filesystem::path& path) { return trash_.take(path); }
    /// The right to change one volume.
    [[nodiscard]] archive::LayerUses::Hold one(const std::string& name) { return {uses_, name}; }

  private:
    std::filesystem::path root_;
    archive::LayerUses uses_;
    archive::Trash trash_;
};

/// Moves a directory to a name that must be free, and syncs where it was and where it is. Throws Error{conflict}.
void moveDirectory(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace davit::local
