#include "state_journal.hpp"

#include <fcntl.h>

#include "base/check.hpp"
#include "base/json.hpp"

namespace davit {
namespace {

constexpr std::size_t kLargestJournal = 64U << 20U;
constexpr std::size_t kHistory = 1000;  // lines of history that are never worth a new file

std::string line(const std::string& name, const std::string* json) {
    json::Writer out;
    out.object([&] {
        out.member("Name", name);
        if (json == nullptr) return;
        out.key("Value");
        out.raw(*json);
    });
    return out.take() + "\n";
}

void apply(StateJournal::Records& records, std::string_view text) {
    const json::Document document = json::Document::parse(text);
    const std::string name = document.root()["Name"].string();
    const json::Value value = document.root()["Value"];
    if (value)
        records[name] = value.text();
    else
        records.erase(name);
}

}  // namespace

StateJournal::StateJournal(const std::filesystem::path& directory) {
    if (directory.empty()) return;
    file_ = directory / "journal";
    const Lock lock(mutex_);
    const std::string text = readFile(file_, kLargestJournal).value_or("");
    for (std::size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
        try {
            apply(records_, std::string_view(text).substr(at, end - at));
        } catch (const Error&) {
            // Half a line that a later one was appended to, or damage: its neighbours count all the same.
        }
    }
    rewrite();
}

StateJournal::Records StateJournal::records() const {
    const Lock lock(mutex_);
    return records_;
}

void StateJournal::put(const std::string& name, const std::string& json, Sync sync) {
    const Lock lock(mutex_);
    append(line(name, &json), sync);
    records_[name] = json;
}

void StateJournal::erase(const std::string& name, Sync sync) {
    const Lock lock(mutex_);
    if (!records_.contains(name)) return;
    append(line(name, nullptr), sync);
    records_.erase(name);
}

void StateJournal::append(const std::string& text, Sync sync) {
    if (file_.empty()) return;
    if (lines_ > kHistory + 4 * records_.size()) rewrite();
    try {
        writeAll(journal_.get(), text);
    } catch (const Error& e) {
        // A full disk: half a line would spoil the next one. When even this fails, the reader drops the two.
        [[maybe_unused]] const int ignored = ::ftruncate(journal_.get(), size_);
        throw error(e.code(), "keep the state in {}: {}", file_.native(), e.text());
    }
    size_ += static_cast<off_t>(text.size());
    ++lines_;
    if (sync == Sync::yes) check(::fdatasync(journal_.get()), "sync {}", file_.native());
}

void StateJournal::rewrite() {
    std::string text;
    for (const auto& [name, json] : records_) text += line(name, &json);
    writeFileAtomically(file_, text, 0600, Sync::yes);
    journal_ = openFile(file_, O_WRONLY | O_APPEND);
    size_ = static_cast<off_t>(text.size());
    lines_ = records_.size();
}

}  // namespace davit
