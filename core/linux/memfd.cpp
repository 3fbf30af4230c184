#include "linux/memfd.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "base/check.hpp"
#include "base/file.hpp"

namespace davit::linux {
namespace {

constexpr unsigned kMfdNoexecSeal = 0x8;  // Linux 6.3
constexpr unsigned kMfdExec = 0x10;

UniqueFd createMemory(const char* name, unsigned mode_flag) {
    UniqueFd fd(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | mode_flag));
    // Kernels before 6.3 don't know the mode flags; there every memfd is executable.
    if (!fd && errno == EINVAL) fd.reset(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
    check(fd.get(), "create a memory file for {}", name);
    return fd;
}

void seal(int fd, const char* name) {
    check(::fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), "seal the memory file {}",
          name);
}

}  // namespace

UniqueFd sealedMemory(const char* name, std::string_view content) {
    UniqueFd fd = createMemory(name, kMfdNoexecSeal);
    writeAll(fd.get(), content);
    check(::lseek(fd.get(), 0, SEEK_SET), "rewind the memory file {}", name);
    seal(fd.get(), name);
    return fd;
}

UniqueFd sealedProgram(const std::filesystem::path& program) {
    const UniqueFd source = openFile(program, O_RDONLY);
    struct stat facts {};
    check(::fstat(source.get(), &facts), "look at {}", program.string());
    const std::string name = program.filename().string();
    UniqueFd fd = createMemory(name.c_str(), kMfdExec);
    for (off_t done = 0; done < facts.st_size;) {
        const ssize_t count = check(::sendfile(fd.get(), source.get(), &done, static_cast<size_t>(facts.st_size - done)),
                                    "copy {} into memory", program.string());
        if (count == 0) throw error(Code::system, "copy {} into memory: the file became shorter", program.string());
    }
    check(::fchmod(fd.get(), 0555), "make the copy of {} executable", program.string());
    seal(fd.get(), name.c_str());
    return fd;
}

}  // namespace davit::linux
