// VolumeService: the use-cases of volumes: what the API's /volumes does, and what davit has beyond it. Threads: any. Throws Error
// with Docker's texts; what a client is told has been committed before.
#pragma once

#include <string>
#include <vector>

#include "engine/filters.hpp"
#include "volume/controller.hpp"

namespace davit::engine {

class EngineCore;

/// What a volume occupies, for `docker system df`.
struct VolumeUsageInfo {
    volume::Volume volume;
    std::int64_t size = -1;       ///< bytes; -1: its driver can't say
    std::int64_t references = 0;  ///< containers that have it
};

struct PrunedVolumes {
    std::vector<std::string> names;
    std::int64_t space_reclaimed = 0;
};

class VolumeService {
  public:
    explicit VolumeService(EngineCore& core) : core_(core) {}
    VolumeService(const VolumeService&) = delete;
    VolumeService& operator=(const VolumeService&) = delete;

    /// By name. Throws Error{invalid} for a filter that doesn't exist.
    [[nodiscard]] volume::VolumeList list(const Filters& filters);
    [[nodiscard]] volume::Volume inspect(const std::string& name);
    volume::Volume create(const volume::VolumeRequest& request);
    void remove(const std::string& name, bool force);
    /// Removes volumes of davit's own drivers that no container has: the anonymous ones, with the filter "all" the others, too.
    PrunedVolumes prune(const Filters& filters, bool all_by_default);
    [[nodiscard]] std::vector<VolumeUsageInfo> usage();

    // Beyond Docker. Throw Error{unimplemented} when the volume's driver can't.
    void snapshot(const std::string& name, const std::string& snapshot, const Options& options);
    [[nodiscard]] std::vector<SnapshotInfo> snapshots(const std::string& name);
    void removeSnapshot(const std::string& name, const std::string& snapshot);
    volume::Volume clone(const CloneVolume& request, const volume::Labels& labels);
    void resize(const std::string& name, std::int64_t bytes);
    /// The content as a tar; of a driver that has no export of its own the engine packs it.
    void exportVolume(const std::string& name, ByteSink& tar);
    /// Adds the content of a tar; of a driver that has no import of its own the engine unpacks it.
    void importVolume(const std::string& name, ByteSource& tar);
    volume::Volume rename(const std::string& name, const std::string& new_name);

  private:
    void withMounted(const volume::Volume& volume, const std::function<void(int root_fd)>& use);
    EngineCore& core_;
};

}  // namespace davit::engine
