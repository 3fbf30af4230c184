#include "app/places.hpp"

#include "base/check.hpp"

namespace davit::app {
namespace {

namespace fs = std::filesystem;

/// Empty when it is in neither place.
fs::path helper(const fs::path& own_directory, const char* name) {
    for (const fs::path& directory : {own_directory, own_directory / "../libexec/davit"})
        if (fs::exists(directory / name)) return fs::weakly_canonical(directory / name);
    return {};
}

fs::path required(const fs::path& own_directory, const char* name) {
    fs::path found = helper(own_directory, name);
    if (found.empty())
        throw error(Code::system, "{} is neither in {} nor in {}", name, own_directory.string(),
                    (own_directory / "../libexec/davit").lexically_normal().string());
    return found;
}

}  // namespace

Places findPlaces() {
    const fs::path own = fs::read_symlink("/proc/self/exe").parent_path();
    Places places;
    places.shim = required(own, "davit-shim");
    places.plugin_host = required(own, "davit-plugin-host");
    places.resolver = required(own, "davit-resolver");
    places.init = helper(own, "davit-init");
    const fs::path build_tree = own / "../plugins";
    places.plugins = fs::weakly_canonical(fs::is_directory(build_tree) ? build_tree : own / "../lib/davit/plugins");
    return places;
}

}  // namespace davit::app
