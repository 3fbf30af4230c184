#include "users.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/json.hpp"

namespace davit::local {
namespace fs = std::filesystem;
namespace {

std::string bootId() {
    std::string id = readFile("/proc/sys/kernel/random/boot_id").value_or("");
    return id.substr(0, id.find('\n'));
}

}  // namespace

std::set<std::string> Users::read(const fs::path& volume) {
    const std::optional<std::string> text = readFile(volume / "users.json");
    if (!text) return {};
    try {
        const json::Document document = json::Document::parse(*text);
        if (document.root()["Boot"].string() != bootId()) return {};
        const std::vector<std::string> ids = document.root()["Users"].strings();
        return {ids.begin(), ids.end()};
    } catch (const Error&) {  // written in part before the machine went down
        return {};
    }
}

void Users::write(const fs::path& volume, const std::set<std::string>& users) {
    json::Writer out;
    out.object([&] {
        out.member("Boot", bootId()).member("Users", std::vector<std::string>(users.begin(), users.end()));
    });
    writeFileAtomically(volume / "users.json", out.take());
}

void Users::add(const std::string& name, const std::string& id) {
    const Lock lock(mutex_);
    users_[name].insert(id);
}

void Users::drop(const std::string& name, const std::string& id) {
    const Lock lock(mutex_);
    const auto found = users_.find(name);
    if (found == users_.end()) return;
    found->second.erase(id);
    if (found->second.empty()) users_.erase(found);
}

void Users::forget(const std::string& name) {
    const Lock lock(mutex_);
    users_.erase(name);
}

bool Users::any(const std::string& name) const {
    const Lock lock(mutex_);
    return users_.contains(name);
}

}  // namespace davit::local
