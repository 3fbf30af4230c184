#include "runtime/launcher/identity.hpp"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/launcher/failure.hpp"
#include "runtime/launcher/fs.hpp"

namespace davit::launcher {
namespace {

constexpr uint64_t kMaxFileBytes = 16U << 20;
constexpr uint32_t kMaxLine = 64U << 10;
constexpr uint64_t kMaxId = 2147483647;

const char* g_root = "/";

enum class Number { none, valid, out_of_range };

Number parseId(const char* text, uint32_t* id) {
    const bool negative = *text == '-';
    if (negative) ++text;
    if (*text == '\0') return Number::none;
    uint64_t value = 0;
    for (; *text != '\0'; ++text) {
        if (*text < '0' || *text > '9') return Number::none;
        if (value <= kMaxId) value = value * 10 + static_cast<uint64_t>(*text - '0');
    }
    if (negative || value > kMaxId) return Number::out_of_range;
    *id = static_cast<uint32_t>(value);
    return Number::valid;
}

bool outOfRange() { return fail("uids and gids must be in range 0-2147483647"); }

/// Reads a file of lines piece by piece. Lines longer than kMaxLine are skipped.
class Lines {
  public:
    /// False when it isn't there or isn't acceptable; then `*bad` says which.
    bool open(const char* path, bool* bad) {
        *bad = false;
        const Fd root(::open(g_root, O_PATH | O_DIRECTORY | O_CLOEXEC));
        file_.reset(openInRoot(root.get(), path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
        if (!file_) return false;
        struct stat facts;
        *bad = ::fstat(file_.get(), &facts) != 0 || !S_ISREG(facts.st_mode);
        return !*bad;
    }

    /// The next line without its newline, or null at the end.
    char* next() {
        while (true) {
            char* begin = buffer_ + begin_;
            char* newline = static_cast<char*>(memchr(begin, '\n', end_ - begin_));
            if (newline != nullptr) {
                *newline = '\0';
                begin_ = static_cast<uint32_t>(newline + 1 - buffer_);
                if (!skipping_) return begin;
                skipping_ = false;
            } else if (!fill()) {
                return last();
            }
        }
    }

  private:
    bool fill() {
        memmove(buffer_, buffer_ + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
        if (end_ == kMaxLine) {  // a line without end: forget it
            skipping_ = true;
            end_ = 0;
        }
        if (total_ >= kMaxFileBytes) return false;
        const ssize_t count = ::read(file_.get(), buffer_ + end_, kMaxLine - end_);
        if (count <= 0) return false;
        end_ += static_cast<uint32_t>(count);
        total_ += static_cast<uint64_t>(count);
        return true;
    }

    char* last() {
        if (begin_ == end_ || skipping_) return nullptr;
        char* line = buffer_ + begin_;
        buffer_[end_] = '\0';
        begin_ = end_;
        return line;
    }

    Fd file_;
    char* buffer_ = storage_;
    uint32_t begin_ = 0;
    uint32_t end_ = 0;
    uint64_t total_ = 0;
    bool skipping_ = false;
    static char storage_[kMaxLine + 1];
};

char Lines::storage_[kMaxLine + 1];

/// Cuts `line` at its colons; returns how many fields there are, at most `count`.
int splitFields(char* line, char** fields, int count) {
    int found = 0;
    while (found < count) {
        fields[found++] = line;
        char* colon = strchr(line, ':');
        if (colon == nullptr) break;
        *colon = '\0';
        line = colon + 1;
    }
    return found;
}

bool openLines(Lines* lines, const char* path, bool* there) {
    bool bad = false;
    *there = lines->open(path, &bad);
    return !bad || fail("the container's ", path, " is no regular file");
}

/// What was asked for and what the files said about it.
struct Lookup {
    char user[1024] = {};
    const char* group = nullptr;  ///< null: none given
    char matched_name[1024] = {};
    uint32_t primary_gid = 0;
};

bool splitUser(const char* text, Lookup* lookup) {
    if (strlen(text) >= sizeof lookup->user) return fail("the user name is too long");
    strcpy(lookup->user, text);
    char* colon = strchr(lookup->user, ':');
    if (colon != nullptr) {
        *colon = '\0';
        if (colon[1] != '\0') lookup->group = colon + 1;
    }
    if (lookup->user[0] == '\0') strcpy(lookup->user, "0");
    return true;
}

bool findUser(Lookup* lookup, Identity* identity) {
    const Number kind = parseId(lookup->user, &identity->uid);
    if (kind == Number::out_of_range) return outOfRange();
    Lines lines;
    bool there = false;
    if (!openLines(&lines, "etc/passwd", &there)) return false;
    while (char* line = there ? lines.next() : nullptr) {
        char* field[7];
        uint32_t uid = 0;
        uint32_t gid = 0;
        const int count = splitFields(line, field, 7);
        if (count < 4 || parseId(field[2], &uid) != Number::valid) continue;
        if (kind == Number::valid ? uid != identity->uid : strcmp(field[0], lookup->user) != 0) continue;
        if (parseId(field[3], &gid) != Number::valid) return outOfRange();
        identity->uid = uid;
        identity->gid = gid;
        TextBuffer(lookup->matched_name, sizeof lookup->matched_name).add(field[0]);
        if (count > 5 && field[5][0] != '\0') TextBuffer(identity->home, sizeof identity->home).add(field[5]);
        return true;
    }
    return kind == Number::valid || fail("unable to find user ", lookup->user, ": no matching entries in passwd file");
}

void addGroup(Identity* identity, uint32_t gid) {
    for (uint32_t i = 0; i < identity->group_count; ++i)
        if (identity->groups[i] == gid) return;
    if (identity->group_count < kMaxGroups) identity->groups[identity->group_count++] = gid;
}

bool listContains(const char* list, const char* name) {
    const size_t length = strlen(name);
    while (*list != '\0') {
        const char* end = strchrnul(list, ',');
        if (static_cast<size_t>(end - list) == length && memcmp(list, name, length) == 0) return true;
        list = *end != '\0' ? end + 1 : end;
    }
    return false;
}

/// The groups that list the user, when no group was asked for.
bool addMemberships(const Lookup& lookup, Identity* identity) {
    Lines lines;
    bool there = false;
    if (!openLines(&lines, "etc/group", &there)) return false;
    while (char* line = there ? lines.next() : nullptr) {
        char* field[4];
        uint32_t gid = 0;
        if (splitFields(line, field, 4) == 4 && parseId(field[2], &gid) == Number::valid &&
            listContains(field[3], lookup.matched_name))
            addGroup(identity, gid);
    }
    return true;
}

bool findGroup(const char* name, uint32_t* gid) {
    const Number kind = parseId(name, gid);
    if (kind == Number::out_of_range) return outOfRange();
    if (kind == Number::valid) return true;
    Lines lines;
    bool there = false;
    if (!openLines(&lines, "etc/group", &there)) return false;
    while (char* line = there ? lines.next() : nullptr) {
        char* field[4];
        if (splitFields(line, field, 4) >= 3 && strcmp(field[0], name) == 0 && parseId(field[2], gid) == Number::valid)
            return true;
    }
    return fail("unable to find group ", name, ": no matching entries in group file");
}

}  // namespace

bool resolveIdentity(const plan::View& view, const plan::Process& process, Identity* identity, const char* root) {
    g_root = root;
    identity->uid = process.uid;
    identity->gid = process.gid;
    const char* user = view.text(process.user);
    Lookup lookup;
    if (*user != '\0') {
        if (!splitUser(user, &lookup) || !findUser(&lookup, identity)) return false;
        if (lookup.group != nullptr && !findGroup(lookup.group, &identity->gid)) return false;
        if (lookup.group == nullptr && lookup.matched_name[0] != '\0' && !addMemberships(lookup, identity)) return false;
        addGroup(identity, identity->gid);  // SEC-10
    } else if (process.gids.count != 0 || process.group_names.count != 0) {
        addGroup(identity, identity->gid);
    }
    for (uint32_t i = 0; i < process.gids.count; ++i) addGroup(identity, view.at<uint32_t>(process.gids, i));
    for (uint32_t i = 0; i < process.group_names.count; ++i) {
        uint32_t gid = 0;
        if (!findGroup(view.textAt(process.group_names, i), &gid)) return false;
        addGroup(identity, gid);
    }
    return true;
}

}  // namespace davit::launcher
