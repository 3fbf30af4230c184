// davit-runtime: the built-in launcher as an OCI runtime for others.
#include <cstdlib>
#include <filesystem>

#include "runtime/oci_command.hpp"

namespace {

/// davit-shim lies beside this program, or where the environment says.
std::filesystem::path findShim() {
    if (const char* path = std::getenv("DAVIT_SHIM")) return path;
    return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "davit-shim";
}

}  // namespace

int main(int argc, char** argv) { return davit::runtime::runOciCommand({argv + 1, argv + argc}, findShim()); }
