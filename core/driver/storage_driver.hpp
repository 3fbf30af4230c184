// StorageDriver: keeps layers and mounts them as root file systems. The wire is Docker's GraphDriver protocol; the members
// named here are its members. Optional abilities go beyond it and are announced in capabilities().
//
// A layer has an id (64 hex digits, or that with "-init") and at most one parent, which is a finished layer of this driver.
// A read-only layer is created empty, filled once with applyDiff (or through get), then only read. A writable layer is a
// container's own top layer. The core's layer store (core/image) keeps parents alive while children exist; a driver may
// rely on it and needn't check.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "driver/driver.hpp"

namespace davit {

struct IdMap {
    std::uint32_t container_id = 0;
    std::uint32_t host_id = 0;
    std::uint32_t size = 0;
};

struct StorageInit {
    std::string home;                  ///< the driver's own directory, absolute; it creates it if missing
    std::vector<std::string> options;  ///< "key=value", as in Docker's --storage-opt; unknown keys are refused
    std::vector<IdMap> uid_maps;
    std::vector<IdMap> gid_maps;
};

/// Abilities beyond Docker's protocol, plus its one flag.
struct StorageCapabilities {
    bool reproduces_exact_diffs = false;  ///< diff() returns byte for byte the tar that applyDiff() got
    bool list = false;
    bool mounts = false;
    bool usage = false;
    bool set_limit = false;
    bool clone = false;
    bool native_diff = false;    ///< diff/changes/diffSize work for every layer without the core's help
    bool quota = false;          ///< StorageOpt size= is honoured on this host
    std::string unsuitable_why;  ///< not empty: the driver can't work on this host, and why ("skipped", not "failed")
    int preference = 0;          ///< among suitable drivers the highest wins when nothing is configured
};

struct CreateLayer {
    std::string id;
    std::string parent;  ///< empty: no parent
    std::string mount_label;
    Options storage_opt;  ///< e.g. size=10G; a key that the driver can't honour is Error{invalid}
};

struct LayerChange {
    enum class Kind : int { modified = 0, added = 1, deleted = 2 };
    std::string path;  ///< absolute within the layer, any bytes but NUL
    Kind kind = Kind::modified;
    bool operator==(const LayerChange&) const = default;
};

/// One mount(2) to make, as data. `options` holds what is neither a flag nor a propagation word.
struct MountSpec {
    std::string type;    ///< "overlay", "bind", …
    std::string source;  ///< for bind the absolute path
    std::vector<std::string> options;
};

struct LayerUsage {
    std::int64_t bytes = 0;
    std::int64_t inodes = 0;
};

class StorageDriver {
  public:
    virtual ~StorageDriver() = default;

    // --- mandatory ---
    /// First call, once per process. Error{unimplemented} or unsuitable_why says "not for this host".
    virtual void init(const StorageInit& request) = 0;
    /// Pairs for `docker info`, in this order.
    virtual std::vector<std::pair<std::string, std::string>> status() = 0;
    /// May be asked before init(), about the directory that init() would get.
    virtual StorageCapabilities capabilities(const std::string& home) = 0;
    /// Shown as GraphDriver.Data in inspect. Unknown id: Error{not_found}.
    virtual Options metadata(const std::string& id) = 0;
    virtual bool exists(const std::string& id) = 0;
    /// An empty read-only layer above `parent`. An existing id is Error{conflict}.
    virtual void create(const CreateLayer& request) = 0;
    virtual void createWritable(const CreateLayer& request) = 0;
    /// Unknown ids succeed. A layer that is in use (get without put) is Error{conflict}.
    virtual void remove(const std::string& id) = 0;
    /// Mounts the layer and returns its absolute directory. Counted: the same path until as many put() as get() were called.
    virtual std::string get(const std::string& id, const std::string& mount_label) = 0;
    /// Drops one reference; at zero unmounts. Without a get() before: Error{not_found}.
    virtual void put(const std::string& id) = 0;
    /// At daemon shutdown: unmounts what only this driver uses.
    virtual void cleanup() = 0;

    // --- optional: the core does them over get/put when absent ---
    /// Writes the layer's content relative to `parent` as an uncompressed tar with OCI whiteouts.
    virtual void diff(const std::string&, const std::string&, ByteSink&) { unimplemented("GraphDriver.Diff"); }
    /// Unpacks an uncompressed tar with OCI whiteouts into a fresh layer; returns the sum of its regular files' sizes.
    virtual std::int64_t applyDiff(const std::string&, const std::string&, ByteSource&) {
        unimplemented("GraphDriver.ApplyDiff");
    }
    /// Sorted by path.
    virtual std::vector<LayerChange> changes(const std::string&, const std::string&) {
        unimplemented("GraphDriver.Changes");
    }
    virtual std::int64_t diffSize(const std::string&, const std::string&) { unimplemented("GraphDriver.DiffSize"); }

    // --- optional abilities beyond Docker's protocol ---
    /// Ids of all layers, for garbage collection.
    virtual std::vector<std::string> list() { unimplemented("GraphDriver.List"); }
    /// The mounts that get() would make, in order; the first one's target is the root. No mount is made, nothing is counted.
    virtual std::vector<MountSpec> mounts(const std::string&, const std::string&) { unimplemented("GraphDriver.Mounts"); }
    /// What the layer itself occupies, without its parents.
    virtual LayerUsage usage(const std::string&) { unimplemented("GraphDriver.Usage"); }
    /// Bounds a writable layer's own bytes from now on; 0 lifts the limit.
    virtual void setLimit(const std::string&, std::int64_t) { unimplemented("GraphDriver.SetLimit"); }
    /// A new writable layer `id` with the content of `source`, sharing its data.
    virtual void clone(const std::string&, const std::string&) { unimplemented("GraphDriver.Clone"); }
};

}  // namespace davit
