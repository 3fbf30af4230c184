// davit plugin new: the start of a plugin, from the templates that are installed with the SDK.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <optional>

#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/file.hpp"
#include "cli/verbs.hpp"

namespace davit::cli {
namespace {

namespace fs = std::filesystem;

// A driver's name becomes a file name, a CMake target and a part of identifiers in both languages.
constexpr std::size_t kLongestName = 40;
constexpr std::array<std::string_view, 4> kKinds{"volume", "storage", "network", "ipam"};

void checkName(const std::string& name) {
    const auto is_word = [](unsigned char c) { return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '_'; };
    if (name.empty() || name.size() > kLongestName || std::islower(static_cast<unsigned char>(name[0])) == 0 ||
        !std::all_of(name.begin(), name.end(), is_word))
        throw error(Code::invalid, "plugin name \"{}\": at most {} of a-z, 0-9 and _, of which the first is a letter",
                    name, kLongestName);
}

// share/davit/template of the installation, or of the build tree, which has the same shape.
fs::path templateRoot() {
    const fs::path own = fs::read_symlink("/proc/self/exe").parent_path();
    fs::path root = (own / "../share/davit/template").lexically_normal();
    if (!fs::is_directory(root))
        throw error(Code::not_found, "the templates aren't in {}: install davit's SDK", root.native());
    return root;
}

fs::path templateFor(const std::string& kind, const std::string& language) {
    if (std::find(kKinds.begin(), kKinds.end(), kind) == kKinds.end())
        throw error(Code::invalid, "kind \"{}\": volume, storage, network or ipam", kind);
    if (language != "c" && language != "cpp") throw error(Code::invalid, "--lang {}: c or cpp", language);
    fs::path folder = templateRoot() / (kind + "-" + language);
    if (!fs::is_directory(folder)) throw error(Code::not_found, "kind {}: there is no template in {}", kind, language);
    return folder;
}

// quota_volumes -> QuotaVolumes
std::string pascalCase(const std::string& name) {
    std::string result;
    bool start = true;
    for (const char c : name) {
        if (c != '_') result += start ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
        start = c == '_';
    }
    return result;
}

void replaceAll(std::string& text, std::string_view from, const std::string& to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
        text.replace(at, from.size(), to);
}

std::string named(std::string text, const std::string& name) {
    replaceAll(text, "my_driver", name);
    replaceAll(text, "MyDriver", pascalCase(name));
    return text;
}

void writeProject(const fs::path& from, const fs::path& to, const std::string& name) {
    for (const auto& entry : fs::directory_iterator(from)) {
        const std::optional<std::string> text = readFile(entry.path());
        if (!text) throw error(Code::not_found, "{}: no such file", entry.path().native());
        const UniqueFd file = openFile(to / named(entry.path().filename(), name), O_WRONLY | O_CREAT | O_EXCL, 0644);
        writeAll(file.get(), named(*text, name));
    }
}

}  // namespace

int newPlugin(Cli&, CommandLine& line) {
    std::string language = "cpp", directory;
    line.flags()
        .string(&language, "lang", '\0', "Language: c or cpp")
        .string(&directory, "directory", '\0', "Where to write the project (default: the plugin's name)");
    const std::vector<std::string> words = line.parse();
    const std::string& name = words[1];
    checkName(name);
    const fs::path from = templateFor(words[0], language);
    const fs::path to = directory.empty() ? name : directory;
    check(::mkdir(to.c_str(), 0755), "create directory {}", to.native());
    Defer undo([&to] { removeTree(to); });
    writeProject(from, to, name);
    undo.dismiss();
    printOut(to.native() + "\n");
    return 0;
}

}  // namespace davit::cli
