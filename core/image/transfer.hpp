// Transfer: images in and out as tar streams: load, save, import.
//
//     load    docker save's archives, old (one directory per layer) and new (blobs/ and an OCI index), plain or
//     compressed save    one archive that both Docker's and OCI's readers take; layers byte for byte as they came
//     import  any root file system tar becomes an image of one layer
//
// Streams are read once, front to back, in bounded memory; what must wait lies in the layer store's temporary
// directory. Decompression happens in this process only. An error or a crash leaves nothing half-loaded. A stream that
// throws (the client went away) ends the work with that exception.
//
// Threads: any; one call works on its caller's thread and a helper thread of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/byte_stream.hpp"
#include "image/image_store.hpp"

namespace davit::image {

/// One JSON message of Docker's progress stream. `stream` is set (with its line end), or `status` and the rest.
struct TransferMessage {
    std::string stream;        ///< "Loaded image: busybox:latest\n"
    std::string status;        ///< "Loading layer"
    std::string id;            ///< short layer id
    std::int64_t current = 0;  ///< progressDetail, when total is not 0
    std::int64_t total = 0;
};
using TransferProgress = std::function<void(const TransferMessage&)>;

struct LoadOptions {
    bool quiet = false;                 ///< no "Loading layer" messages
    std::vector<std::string> platform;  ///< "os/architecture[/variant]"; not empty: only such images are loaded
};

/// An image that was loaded, with the names it got.
struct LoadedImage {
    std::string id;
    std::vector<std::string> names;  ///< familiar
};

/// Loads every image of the archive. Throws Error{invalid} for an archive that isn't one or lies about its digests.
std::vector<LoadedImage> load(ImageStore& images, ByteSource& archive, const LoadOptions& options,
                              const TransferProgress& progress);

/// Writes one archive with all the images; a name keeps its tag, a bare repository name brings all its tags, an id
/// none. Throws Error{not_found} before the first byte.
void save(ImageStore& images, const std::vector<std::string>& names, ByteSink& out);

struct ImportRequest {
    ByteSource* source = nullptr;  ///< a tar, plain or compressed
    std::vector<std::string>
        changes;               ///< Dockerfile lines: CMD, ENTRYPOINT, ENV, EXPOSE, USER, WORKDIR, VOLUME, LABEL, …
    std::string reference;     ///< name for the image; empty: none
    std::string message;       ///< default "Imported from <origin>"
    std::string origin = "-";  ///< where it came from, for the history
    std::string platform;      ///< "os[/architecture[/variant]]"; empty: this host's
};

/// Returns the new image's id. Throws Error{invalid} for a bad change, reference or tar.
std::string importImage(ImageStore& images, const ImportRequest& request, const TransferProgress& progress = {});

}  // namespace davit::image
