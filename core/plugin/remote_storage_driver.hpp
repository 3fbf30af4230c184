// RemoteStorageDriver: a StorageDriver whose every method is a message. Stateless but for its transport; any thread.
#pragma once

#include <functional>

#include "driver/storage_driver.hpp"
#include "plugin/caller.hpp"

namespace davit::plugin {

class RemoteStorageDriver final : public StorageDriver {
  public:
    /// `note_suitability`, if any, gets unsuitable_why of every answer of capabilities().
    explicit RemoteStorageDriver(std::shared_ptr<Transport> transport,
                                 std::function<void(const std::string&)> note_suitability = {})
        : caller_(std::move(transport)), note_suitability_(std::move(note_suitability)) {}

    void init(const StorageInit& request) override;
    std::vector<std::pair<std::string, std::string>> status() override;
    /// Docker's graph plugins needn't know the method: then everything is off.
    StorageCapabilities capabilities(const std::string& home) override;
    Options metadata(const std::string& id) override;
    bool exists(const std::string& id) override;
    void create(const CreateLayer& request) override;
    void createWritable(const CreateLayer& request) override;
    void remove(const std::string& id) override;
    /// Error{invalid} when the driver answers anything but a clean absolute path.
    std::string get(const std::string& id, const std::string& mount_label) override;
    void put(const std::string& id) override;
    void cleanup() override;
    void diff(const std::string& id, const std::string& parent, ByteSink& out) override;
    std::int64_t applyDiff(const std::string& id, const std::string& parent, ByteSource& tar) override;
    std::vector<LayerChange> changes(const std::string& id, const std::string& parent) override;
    std::int64_t diffSize(const std::string& id, const std::string& parent) override;
    std::vector<std::string> list() override;
    std::vector<MountSpec> mounts(const std::string& id, const std::string& mount_label) override;
    LayerUsage usage(const std::string& id) override;
    void setLimit(const std::string& id, std::int64_t bytes) override;
    void clone(const std::string& id, const std::string& source) override;

  private:
    Caller caller_;
    std::function<void(const std::string&)> note_suitability_;
};

}  // namespace davit::plugin
