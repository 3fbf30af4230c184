// Where the fixture plugins and the host executable are, and directories that a registry accepts.
#pragma once

#include <filesystem>
#include <string>

#include "base/file.hpp"
#include "plugin/registry.hpp"

namespace davit::plugin::test {

inline std::filesystem::path fixture(const std::string& name) {
    return std::filesystem::path(DAVIT_TEST_PLUGINS) / (name + ".so");
}
inline std::filesystem::path hostBinary() { return DAVIT_TEST_HOST; }

/// A root with an own and a foreign plugin directory, socket and spec directories, and a run directory.
struct Places {
    TempDir root;
    std::filesystem::path own = make("own"), foreign = make("foreign"), sockets = make("sockets"), specs = make("specs"),
                          run = root.path() / "run";

    std::filesystem::path make(const char* name) const {
        const auto path = root.path() / name;
        makeDirectories(path, 0755);
        return path;
    }
    /// Puts a copy in place with rename(2), as an installer does.
    static void install(const std::string& name, const std::filesystem::path& as) {
        const std::filesystem::path temporary = as.native() + ".new";
        std::filesystem::copy_file(fixture(name), temporary);
        std::filesystem::permissions(temporary, std::filesystem::perms(0755));
        std::filesystem::rename(temporary, as);
    }
    [[nodiscard]] RegistryOptions options() const {
        RegistryOptions result;
        result.plugin_directories = {own, foreign};
        result.own_directories = 1;
        result.host_binary = hostBinary();
        result.run_directory = run;
        result.discovery = {.socket_directories = {sockets}, .spec_directories = {specs}};
        result.engine_version = "test";
        result.appear_timeout = std::chrono::milliseconds(0);
        return result;
    }
};

/// The Error that `f` throws; fails the test when it throws none.
template <class F>
Error errorOf(F&& f) {
    try {
        f();
    } catch (const Error& e) {
        return e;
    }
    return {Code::ok, "nothing was thrown"};
}

/// Polls until `f` is true, at most `limit`.
template <class F>
bool eventually(F&& f, std::chrono::milliseconds limit = std::chrono::seconds(10)) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!f()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

}  // namespace davit::plugin::test
