// A storage driver for tests: each layer is a whole directory, copied from its parent. It has only what is mandatory,
// plus list; faults can be ordered.
#pragma once

#include <fcntl.h>

#include <atomic>
#include <filesystem>
#include <map>

#include "archive/copy_tree.hpp"
#include "base/check.hpp"
#include "base/file.hpp"
#include "base/thread_annotations.hpp"
#include "driver/storage_driver.hpp"

namespace davit::test {

class FakeStorageDriver : public StorageDriver {
  public:
    explicit FakeStorageDriver(std::filesystem::path home) : home_(std::move(home)) { makeDirectories(home_, 0700); }

    void init(const StorageInit&) override {}
    std::vector<std::pair<std::string, std::string>> status() override { return {{"Root", home_}}; }
    StorageCapabilities capabilities(const std::string&) override {
        StorageCapabilities able;
        able.list = true;
        return able;
    }
    Options metadata(const std::string& id) override { return {{"dir", (home_ / id).string()}}; }
    bool exists(const std::string& id) override { return std::filesystem::exists(home_ / id); }
    void create(const CreateLayer& request) override { make(request); }
    void createWritable(const CreateLayer& request) override {
        if (!request.storage_opt.empty()) throw Error(Code::invalid, "--storage-opt is not supported by fake");
        make(request);
    }
    void remove(const std::string& id) override {
        if (fail_remove) throw Error(Code::system, "remove: ordered to fail");
        {
            const Lock lock(mutex_);
            if (gets_.contains(id)) throw error(Code::conflict, "layer {} is in use", id);
        }
        removeTree(home_ / id);
    }
    std::string get(const std::string& id, const std::string&) override {
        if (!exists(id)) throw error(Code::not_found, "layer {} does not exist", id);
        const Lock lock(mutex_);
        ++gets_[id];
        return home_ / id;
    }
    void put(const std::string& id) override {
        const Lock lock(mutex_);
        const auto found = gets_.find(id);
        if (found == gets_.end()) throw error(Code::not_found, "layer {} isn't in use", id);
        if (--found->second == 0) gets_.erase(found);
    }
    void cleanup() override {}
    std::vector<std::string> list() override {
        std::vector<std::string> ids;
        for (const auto& entry : std::filesystem::directory_iterator(home_)) ids.push_back(entry.path().filename());
        return ids;
    }

    [[nodiscard]] std::size_t inUse() {
        const Lock lock(mutex_);
        return gets_.size();
    }
    std::atomic<int> created{0};
    std::atomic<bool> fail_remove{false};

  private:
    void make(const CreateLayer& request) {
        if (exists(request.id)) throw error(Code::conflict, "layer {} exists", request.id);
        ++created;
        makeDirectories(home_ / request.id, 0755);
        if (request.parent.empty()) return;
        const UniqueFd from = openFile(home_ / request.parent, O_RDONLY | O_DIRECTORY);
        const UniqueFd to = openFile(home_ / request.id, O_RDONLY | O_DIRECTORY);
        archive::copyTree(from.get(), to.get());
    }

    std::filesystem::path home_;
    Mutex mutex_;
    std::map<std::string, int> gets_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::test
