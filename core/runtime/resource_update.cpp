#include "runtime/resource_update.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "base/check.hpp"
#include "base/unique_fd.hpp"
#include "runtime/plan_compiler.hpp"
#include "runtime/spec_parts.hpp"

namespace davit::runtime {
namespace {

/// 0 or the errno. These files don't grow: what one write(2) takes is all.
int writeOne(const linux::CgroupWrite& write) {
    const UniqueFd file(::open((write.directory + "/" + write.file).c_str(), O_WRONLY | O_CLOEXEC));
    if (!file) return errno;
    return ::write(file.get(), write.value.data(), write.value.size()) < 0 ? errno : 0;
}

}  // namespace

std::vector<linux::CgroupWrite> resourceWrites(const linux::CgroupLayout& layout, const std::string& path,
                                               const Resources& resources) {
    oci::RuntimeSpec spec;
    buildResources(spec, resources);
    return limitWrites(layout, path, spec.os.resources);
}

void applyWrites(std::vector<linux::CgroupWrite> writes) {
    while (true) {
        std::vector<linux::CgroupWrite> refused;
        int failure = 0;
        for (const linux::CgroupWrite& write : writes) {
            const int code = writeOne(write);
            if (code == 0 || (write.optional && code == ENOENT)) continue;
            failure = code;
            refused.push_back(write);
        }
        if (refused.empty()) return;
        if (refused.size() == writes.size())
            throw Error::system(fmt::format("write '{}' to {}/{}", refused.front().value, refused.front().directory,
                                            refused.front().file), failure);
        writes = std::move(refused);
    }
}

}  // namespace davit::runtime
