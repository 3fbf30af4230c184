#include "state_journal.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/check.hpp"
#include "base/json.hpp"

namespace davit {
namespace {

constexpr std::size_t kLargestJournal = 64U << 20U;
constexpr std::size_t kHistory = 1000;  // lines of history that are never worth a new file
constexpr off_t kRoom = 64 << 10;

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

bool isFull(int number) { return number == ENOSPC || number == EDQUOT; }

/// False: it failed because the disk is full.
template <class Work>
bool unlessFull(const Work& work) {
    try {
        work();
        return true;
    } catch (const Error& e) {
        if (!isFull(e.sysErrno())) throw;
        return false;
    }
}

}  // namespace

StateJournal::StateJournal(const std::filesystem::path& directory) {
    if (directory.empty()) return;
    file_ = directory / "journal";
    const Lock lock(mutex_);
    const std::string text = readFile(file_, kLargestJournal).value_or("");
    std::size_t at = 0;
    for (std::size_t end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
        try {
            apply(records_, std::string_view(text).substr(at, end - at));
        } catch (const Error&) {
            // Half a line that a later one was appended to, or damage: its neighbours count all the same.
        }
    }
    rewrite(static_cast<off_t>(at));
}

StateJournal::Records StateJournal::records() const {
    const Lock lock(mutex_);
    return records_;
}

void StateJournal::put(const std::string& name, const std::string& json, Sync sync) {
    const Lock lock(mutex_);
    const std::string text = line(name, &json);
    keepRoom(text.size());
    append(text, sync);
    records_[name] = json;
}

void StateJournal::reduce(const std::string& name, const std::string& json) {
    const Lock lock(mutex_);
    append(line(name, &json), Sync::no);
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
    if (lines_ > kHistory + 4 * records_.size()) rewrite(size_);
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

void StateJournal::keepRoom(std::size_t more) {
    if (file_.empty()) return;
    const off_t needed = size_ + static_cast<off_t>(more) + kRoom;
    if (needed <= allocated_) return;
    const off_t end = (needed / kRoom + 1) * kRoom;
    const int failed = ::fallocate(journal_.get(), FALLOC_FL_KEEP_SIZE, 0, end) == 0 ? 0 : errno;
    if (isFull(failed)) throw Error::system("keep the state in " + file_.native(), failed);
    allocated_ = end;  // on a file system that can't do it nothing is kept
}

void StateJournal::rewrite(off_t whole) {
    std::string text;
    for (const auto& [name, json] : records_) text += line(name, &json);
    const bool anew = unlessFull([&] { writeFileAtomically(file_, text, 0600, Sync::yes); });
    journal_ = openFile(file_, O_WRONLY | O_APPEND | O_CREAT, 0600);
    size_ = anew ? static_cast<off_t>(text.size()) : whole;
    lines_ = records_.size();
    allocated_ = 0;
    // Only where there is half a line: a truncation gives back the room behind the end.
    if (::lseek(journal_.get(), 0, SEEK_END) != size_) check(::ftruncate(journal_.get(), size_), "shorten {}", file_.native());
    (void)unlessFull([&] {
        mutex_.assertHeld();
        keepRoom(0);
    });
}

}  // namespace davit
