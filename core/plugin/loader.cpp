#include "plugin/loader.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <map>
#include <set>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/thread_annotations.hpp"

namespace davit::plugin {
namespace {

FileIdentity identityOf(const struct stat& status) {
    return {status.st_dev, status.st_ino, status.st_size, status.st_mtim, status.st_ctim};
}

// Root and this process's own user could do anything to this process anyway.
void checkOwnerAndMode(const struct stat& status, const std::filesystem::path& path) {
    if (status.st_uid != 0 && status.st_uid != ::geteuid())
        throw error(Code::forbidden, "{}: owned by uid {}, not by root", path.native(), status.st_uid);
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        throw error(Code::forbidden, "{}: writable by group or others (mode {:04o})", path.native(),
                    status.st_mode & 07777U);
}

// glibc takes a path that it has seen before for the same object, whatever is there now; another spelling of the path
// makes it look at the file itself. Every version thus gets a spelling of its own.
struct Loaded {
    std::filesystem::path file;
    FileIdentity identity;
    const davit_plugin* plugin = nullptr;
};

struct LoadedFiles {
    Mutex mutex;
    std::vector<Loaded> list DAVIT_GUARDED_BY(mutex);
};

LoadedFiles& loadedFiles() {
    static LoadedFiles files;
    return files;
}

std::string spelling(const std::filesystem::path& file, std::size_t version) {
    std::string text = file.parent_path().native();
    for (std::size_t i = 0; i < version; ++i) text += "/.";
    return text + "/" + file.filename().native();
}

const davit_plugin* openObject(const std::string& path, const std::string& file) {
    void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (handle == nullptr) {
        const char* reason = ::dlerror();
        throw error(Code::invalid, "{}: {}", file, reason != nullptr ? reason : "dlopen failed");
    }
    void* symbol = ::dlsym(handle, "davit_plugin_entry");
    if (symbol == nullptr) throw error(Code::invalid, "{}: no davit plugin (it exports no davit_plugin_entry)", file);
    const auto entry = reinterpret_cast<decltype(&davit_plugin_entry)>(symbol);
    return entry();
}

void checkText(const char* text, const char* what, const std::string& file) {
    if (text == nullptr || *text == '\0') throw error(Code::invalid, "{}: the plugin descriptor has no {}", file, what);
}

void checkDriver(const davit_driver& driver, const std::string& file) {
    if (!DAVIT_HAS(&driver, davit_driver, call))
        throw error(Code::invalid, "{}: a driver descriptor of {} bytes is too short", file, driver.size);
    checkText(driver.name, "driver name", file);
    if (driver.kind < DAVIT_STORAGE || driver.kind > DAVIT_VOLUME)
        throw error(Code::invalid, "{}: driver \"{}\" is of unknown kind {}", file, driver.name, driver.kind);
    if (driver.open == nullptr || driver.close == nullptr || driver.call == nullptr)
        throw error(Code::invalid, "{}: driver \"{}\" lacks open, close or call", file, driver.name);
}

}  // namespace

bool FileIdentity::operator==(const FileIdentity& other) const noexcept {
    const auto same = [](const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; };
    return device == other.device && inode == other.inode && size == other.size && same(modified, other.modified) &&
           same(changed, other.changed);
}

FileIdentity checkFile(const std::filesystem::path& file, const std::vector<std::filesystem::path>& directories) {
    if (!file.is_absolute()) throw error(Code::forbidden, "{}: not an absolute path", file.native());
    bool inside = false;
    for (const auto& directory : directories)
        inside = inside || file.parent_path().lexically_normal() == (directory / "").lexically_normal().parent_path();
    if (!inside) throw error(Code::forbidden, "{}: not in a plugin directory", file.native());
    struct stat status {};
    check(::stat(file.parent_path().c_str(), &status), "look at {}", file.parent_path().native());
    checkOwnerAndMode(status, file.parent_path());
    if (::lstat(file.c_str(), &status) != 0) {
        if (errno == ENOENT) throw error(Code::not_found, "{}: no such file", file.native());
        throw Error::system("look at " + file.native(), errno);
    }
    if (!S_ISREG(status.st_mode)) throw error(Code::forbidden, "{}: not a regular file", file.native());
    checkOwnerAndMode(status, file);
    return identityOf(status);
}

void checkDescriptor(const davit_plugin* plugin, const std::string& file) {
    if (plugin == nullptr) throw error(Code::invalid, "{}: davit_plugin_entry returned nothing", file);
    if (plugin->magic != DAVIT_PLUGIN_MAGIC)
        throw error(Code::invalid, "{}: no davit plugin (magic {:#010x})", file, plugin->magic);
    if (plugin->abi_major != DAVIT_ABI_MAJOR)
        throw error(Code::invalid, "{}: made for plugin ABI {}, this engine speaks {}", file, plugin->abi_major,
                    DAVIT_ABI_MAJOR);
    if (!DAVIT_HAS(plugin, davit_plugin, drivers))
        throw error(Code::invalid, "{}: a plugin descriptor of {} bytes is too short", file, plugin->size);
    checkText(plugin->name, "name", file);
    checkText(plugin->version, "version", file);
    if (plugin->drivers == nullptr || *plugin->drivers == nullptr)
        throw error(Code::invalid, "{}: the plugin has no drivers", file);
    std::set<std::pair<int, std::string>> seen;
    for (const davit_driver* const* driver = plugin->drivers; *driver != nullptr; ++driver) {
        checkDriver(**driver, file);
        if (!seen.emplace((*driver)->kind, (*driver)->name).second)
            throw error(Code::invalid, "{}: driver \"{}\" occurs twice", file, (*driver)->name);
    }
}

const davit_plugin& loadPlugin(const std::filesystem::path& file) {
    struct stat status {};
    check(::stat(file.c_str(), &status), "load {}", file.native());
    const FileIdentity identity = identityOf(status);
    LoadedFiles& loaded = loadedFiles();
    // Held while constructors run: dlopen has a lock of its own anyway.
    const Lock lock(loaded.mutex);
    std::size_t version = 0;
    for (const Loaded& earlier : loaded.list) {
        if (earlier.identity == identity) return *earlier.plugin;
        if (earlier.identity.device == identity.device && earlier.identity.inode == identity.inode)
            throw error(Code::conflict, "{}: overwritten in place; install a new version under a new name and rename it",
                        file.native());
        if (earlier.file == file) ++version;
    }
    const davit_plugin* plugin = openObject(spelling(file, version), file.native());
    checkDescriptor(plugin, file.native());
    loaded.list.push_back({file, identity, plugin});
    return *plugin;
}

}  // namespace davit::plugin
