#include "users.hpp"

#include "base/file.hpp"
#include "base/json.hpp"

namespace davit::local {
namespace {

constexpr std::size_t kLongestFile = 64 << 20;

const std::string& bootId() {
    static const std::string id = readFile("/proc/sys/kernel/random/boot_id").value_or("");
    return id;
}

}  // namespace

Users::Users(const std::filesystem::path& volume_dir) : file_(volume_dir / "users.json") {
    const auto text = readFile(file_, kLongestFile);
    if (!text) return;
    try {
        const json::Document document = json::Document::parse(*text);
        if (document.root()["Boot"].string() != bootId()) return;
        for (const json::Value id : document.root()["Ids"].array()) ids_.insert(id.string());
    } catch (const Error&) {
        ids_.clear();
    }
}

void Users::add(const std::string& id) {
    if (ids_.insert(id).second) save();
}

void Users::remove(const std::string& id) {
    if (ids_.erase(id) > 0) save();
}

void Users::save() const {
    json::Writer out;
    out.object([&] {
        out.member("Boot", bootId()).array("Ids", [&] {
            for (const std::string& id : ids_) out.value(id);
        });
    });
    writeFileAtomically(file_, out.text());
}

}  // namespace davit::local
