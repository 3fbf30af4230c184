#include "volume_home.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/id.hpp"
#include "base/json.hpp"

namespace davit::local {
namespace fs = std::filesystem;
namespace {

constexpr unsigned kRootMode = 0701;  // as Docker's: a user with a path of its own may go through
constexpr const char* kRecord = "volume.json";

constexpr std::pair<VolumeKind, std::string_view> kKinds[] = {
    {VolumeKind::directory, "directory"}, {VolumeKind::loop, "loop"}, {VolumeKind::mounted, "mounted"}};

std::string_view kindName(VolumeKind kind) {
    for (const auto& [value, name] : kKinds)
        if (value == kind) return name;
    return "directory";
}

VolumeKind parseKind(std::string_view text) {
    for (const auto& [value, name] : kKinds)
        if (name == text) return value;
    throw error(Code::invalid, "unknown kind of volume '{}'", text);
}

void syncDirectory(const fs::path& path) { check(::fsync(openFile(path, O_RDONLY | O_DIRECTORY).get()), "sync {}", path.string()); }

}  // namespace

void moveDirectory(const fs::path& from, const fs::path& to) {
    if (::syscall(SYS_renameat2, AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) < 0) {
        if (errno == EEXIST) throw error(Code::conflict, "{} exists", to.filename().string());
        throw Error::system("rename " + from.string() + " to " + to.string(), errno);
    }
    syncDirectory(to.parent_path());
    if (from.parent_path() != to.parent_path()) syncDirectory(from.parent_path());
}

VolumeHome::VolumeHome(fs::path root, archive::Trash::Dispose dispose) : root_(std::move(root)), trash_(root_ / ".trash", std::move(dispose)) {
    makeDirectories(root_, kRootMode);
    makeDirectories(root_ / ".staging", 0700);
    for (const auto& left : fs::directory_iterator(root_ / ".staging")) (void)trash_.take(left.path());
}

bool VolumeHome::has(const std::string& name) const { return ::access((of(name) / kRecord).c_str(), F_OK) == 0; }

std::vector<std::string> VolumeHome::list() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(root_)) {
        std::string name = entry.path().filename();
        if (!name.starts_with('.') && has(name)) names.push_back(std::move(name));
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::optional<Record> VolumeHome::find(const std::string& name) const {
    const std::optional<std::string> text = readFile(of(name) / kRecord);
    if (!text) return std::nullopt;
    try {
        const json::Document document = json::Document::parse(*text);
        const json::Value root = document.root();
        return Record{.kind = parseKind(root["Kind"].stringView()),
                      .options = root["Options"].stringMap(),
                      .limits = {.bytes = root["Size"].integer(), .inodes = root["Inodes"].integer()},
                      .created_at = root["CreatedAt"].string()};
    } catch (const Error& failure) {
        throw error(Code::system, "volume {}: its record is damaged: {}", name, failure.text());
    }
}

Record VolumeHome::require(const std::string& name) const {
    std::optional<Record> record = find(name);
    if (!record) throw error(Code::not_found, "no such volume: {}", name);
    return *std::move(record);
}

void VolumeHome::write(const fs::path& directory, const Record& record) const {
    json::Writer out;
    out.object([&] {
        out.member("Kind", kindName(record.kind)).member("Options", record.options);
        out.member("Size", record.limits.bytes).member("Inodes", record.limits.inodes).member("CreatedAt", record.created_at);
    });
    writeFileAtomically(directory / kRecord, out.take(), 0600, Sync::yes);
}

VolumeHome::Draft::Draft(VolumeHome& home) : home_(home), path_(home.root_ / ".staging" / randomId()) { makeDirectories(path_, kRootMode); }

VolumeHome::Draft::~Draft() {
    try {
        if (!published_) (void)home_.trash_.take(path_);
    } catch (const std::exception&) {  // a destructor; the next start finds it
    }
}

void VolumeHome::Draft::publish(const fs::path& place) {
    moveDirectory(path_, place);
    published_ = true;
}

}  // namespace davit::local
