#include "plugin/directory_watcher.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>

#include <array>

#include "base/check.hpp"

namespace davit::plugin {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kEvents = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ATTRIB |
                                  IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
// A package manager writes several files: one notice for them.
constexpr int kSettleMs = 30;
constexpr int kMaxRounds = 10;  // an ancestor such as /run may never be quiet

}  // namespace

DirectoryWatcher::DirectoryWatcher(std::vector<fs::path> directories, std::function<void()> changed)
    : directories_(std::move(directories)),
      changed_(std::move(changed)),
      inotify_(check(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK), "watch the plugin directories")),
      stop_(check(::eventfd(0, EFD_CLOEXEC), "make an eventfd")) {
    watchAll();
    thread_ = std::thread([this] { run(); });
}

DirectoryWatcher::~DirectoryWatcher() {
    (void)::eventfd_write(stop_.get(), 1);  // can't fail: the counter is far from full
    thread_.join();
}

// Adding a watch that exists is how inotify renews it.
void DirectoryWatcher::watchAll() {
    for (fs::path directory : directories_) {
        while (::inotify_add_watch(inotify_.get(), directory.c_str(), kEvents) < 0 && directory.has_relative_path())
            directory = directory.parent_path();
    }
    for (const fs::path& directory : directories_) {
        std::error_code failure;
        for (fs::directory_iterator entry(directory, failure), end; !failure && entry != end; entry.increment(failure)) {
            std::error_code ignored;
            if (entry->is_directory(ignored))
                (void)::inotify_add_watch(inotify_.get(), entry->path().c_str(), kEvents);  // gone again: nothing to see
        }
    }
}

void DirectoryWatcher::run() {
    for (;;) {
        std::array<pollfd, 2> entries{{{inotify_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
        if (::poll(entries.data(), entries.size(), -1) < 0 && errno != EINTR) return;
        if (entries[1].revents != 0) return;
        pollfd stop{stop_.get(), POLLIN, 0};
        for (int round = 0; round < kMaxRounds; ++round) {
            if (::poll(&stop, 1, kSettleMs) > 0) return;
            if (!drain()) break;
        }
        watchAll();
        changed_();
    }
}

bool DirectoryWatcher::drain() const {
    alignas(inotify_event) char buffer[4096];
    bool any = false;
    while (::read(inotify_.get(), buffer, sizeof buffer) > 0) any = true;
    return any;
}

}  // namespace davit::plugin
