#include "archive/trash.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/id.hpp"
#include "base/tree_walker.hpp"

namespace davit::archive {
namespace fs = std::filesystem;
namespace {

constexpr std::uintmax_t kShortOfSpace = 128 << 20;
constexpr std::chrono::seconds kShortPatience{2};

bool isShortOfSpace(const fs::path& directory) {
    std::error_code failed;
    const fs::space_info space = fs::space(directory, failed);
    return !failed && space.available < kShortOfSpace;
}

}  // namespace

Trash::Trash(fs::path directory, Dispose dispose) : directory_(std::move(directory)), dispose_(std::move(dispose)) {
    makeDirectories(directory_, 0711);
    const UniqueFd fd = openFile(directory_, O_RDONLY | O_DIRECTORY);
    for (std::string& name : directoryNames(fd.get())) post(std::move(name));
}

Trash::~Trash() {
    std::jthread thread;
    {
        const Lock lock(mutex_);
        thread = std::move(thread_);
        thread.request_stop();  // under the lock: the thread looks at it there before it waits
    }
    changed_.notify_all();
}  // joined here

bool Trash::take(const fs::path& path) {
    std::string name = randomId();
    if (::rename(path.c_str(), (directory_ / name).c_str()) < 0) {
        if (errno == ENOENT) return false;
        throw Error::system("remove " + path.string(), errno);
    }
    post(std::move(name));
    if (isShortOfSpace(directory_)) (void)settle(kShortPatience);
    return true;
}

bool Trash::settle(std::chrono::milliseconds timeout) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    const Lock lock(mutex_);
    while (!names_.empty())
        if (changed_.wait_until(mutex_, deadline) == std::cv_status::timeout) return names_.empty();
    return true;
}

void Trash::post(std::string name) {
    {
        const Lock lock(mutex_);
        names_.push_back(std::move(name));
        if (!thread_.joinable()) thread_ = std::jthread([this](const std::stop_token& stop) { loop(stop); });
    }
    changed_.notify_all();
}

void Trash::loop(const std::stop_token& stop) {
    (void)::pthread_setname_np(::pthread_self(), "trash");  // only a help for who looks
    // On Linux a nice value is a thread's. Refused without privilege: then it stays as it is.
    (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), 10);
    while (!stop.stop_requested()) {
        std::string name;
        {
            const Lock lock(mutex_);
            while (names_.empty() && !stop.stop_requested()) changed_.wait(mutex_);
            if (stop.stop_requested()) return;
            name = names_.front();
        }
        try {
            dispose_(directory_ / name, stop);
        } catch (...) {  // a thread's entry; the next Trash tries it again
        }
        {
            const Lock lock(mutex_);
            names_.pop_front();
        }
        changed_.notify_all();
    }
}

}  // namespace davit::archive
