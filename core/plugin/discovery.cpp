#include "plugin/discovery.hpp"

#include <sys/stat.h>

#include "base/check.hpp"
#include "base/file.hpp"

namespace davit::plugin {
namespace {

namespace fs = std::filesystem;

std::optional<ServerFile> serverAt(const fs::path& path, const std::string& name, mode_t type) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0 || (status.st_mode & S_IFMT) != type) return std::nullopt;
    return ServerFile{name, path, status.st_ino,
                      std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec};
}

// directory/N.ext, then directory/N/N.ext
std::optional<ServerFile> flatOrNested(const fs::path& directory, const std::string& name, std::string_view extension,
                                       mode_t type) {
    const std::string file = name + std::string(extension);
    if (auto flat = serverAt(directory / file, name, type)) return flat;
    return serverAt(directory / name / file, name, type);
}

bool isPluginName(std::string_view name) {
    return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos &&
           name.find('\0') == std::string_view::npos;
}

// Names that may be in a directory: stems of matching files, and of sub-directories.
void collectNames(const fs::path& directory, std::map<std::string, ServerFile, std::less<>>& names) {
    std::error_code failure;
    for (fs::directory_iterator entry(directory, failure), end; !failure && entry != end; entry.increment(failure)) {
        const fs::path& path = entry->path();
        const std::string extension = path.extension().native();
        const bool known = extension == ".sock" || extension == ".spec" || extension == ".json";
        names.emplace(known ? path.stem().native() : path.filename().native(), ServerFile{});
    }
}

}  // namespace

std::optional<ServerFile> findServer(const DiscoveryPaths& paths, std::string_view plugin_name) {
    if (!isPluginName(plugin_name)) return std::nullopt;
    const std::string name(plugin_name);
    for (const fs::path& directory : paths.socket_directories)
        if (auto found = flatOrNested(directory, name, ".sock", S_IFSOCK)) return found;
    for (const fs::path& directory : paths.spec_directories)
        for (const std::string_view extension : {".spec", ".json"})
            if (auto found = flatOrNested(directory, name, extension, S_IFREG)) return found;
    return std::nullopt;
}

std::map<std::string, ServerFile, std::less<>> findServers(const DiscoveryPaths& paths) {
    std::map<std::string, ServerFile, std::less<>> result;
    for (const fs::path& directory : paths.socket_directories) collectNames(directory, result);
    for (const fs::path& directory : paths.spec_directories) collectNames(directory, result);
    for (auto entry = result.begin(); entry != result.end();) {
        if (auto found = findServer(paths, entry->first))
            (entry++)->second = *std::move(found);
        else
            entry = result.erase(entry);
    }
    return result;
}

ServerAddress addressOf(const ServerFile& server) {
    const std::string extension = server.file.extension().native();
    if (extension == ".sock") return unixAddress(server.file);
    const std::optional<std::string> text = readFile(server.file, std::size_t{64} << 10U);
    if (!text) throw error(Code::not_found, "{}: no such file", server.file.native());
    try {
        return extension == ".json" ? parseAddressFile(*text) : parseAddress(*text);
    } catch (const Error& e) {
        throw Error(Code::invalid, server.file.native() + ": " + e.text());
    }
}

}  // namespace davit::plugin
