#include "draft_stock.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/tree_walker.hpp"

namespace davit::overlay2 {
namespace {

using namespace std::chrono_literals;

constexpr auto kPause = 15ms;  // the container that the last one was taken for is being started
constexpr auto kPauseAfterFailure = 1s;

/// ext4 puts the directories in this one into groups of inodes far from each other. In one group each new inode would have to pass
/// all those that earlier containers' ends have freed in the last minutes: a millisecond of an overlay's mount, which makes seven.
void spreadChildren(const std::filesystem::path& directory) {
    const UniqueFd fd = openFile(directory, O_RDONLY | O_DIRECTORY);
    int flags = 0;
    if (::ioctl(fd.get(), FS_IOC_GETFLAGS, &flags) != 0) return;
    flags |= FS_TOPDIR_FL;
    (void)::ioctl(fd.get(), FS_IOC_SETFLAGS, &flags);  // other file systems have neither the flag nor the need
}

}  // namespace

DraftStock::DraftStock(std::filesystem::path directory, std::size_t size,
                       const std::function<void(const std::filesystem::path&)>& discard)
    : directory_(std::move(directory)), places_(size, Place::empty) {
    makeDirectories(directory_, 0711);
    spreadChildren(directory_);
    for (const std::string& name : directoryNames(openFile(directory_, O_RDONLY | O_DIRECTORY).get())) discard(directory_ / name);
    thread_ = std::thread([this] { run(); });
}

DraftStock::~DraftStock() {
    {
        const Lock lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

std::optional<DraftStock::Loan> DraftStock::take() {
    const Lock lock(mutex_);
    const auto found = std::find(places_.begin(), places_.end(), Place::ready);
    if (found == places_.end()) return std::nullopt;
    *found = Place::lent;
    return Loan(*this, static_cast<std::size_t>(found - places_.begin()));
}

void DraftStock::vacated(std::size_t place) {
    const Lock lock(mutex_);
    places_[place] = Place::empty;
    due_ = std::chrono::steady_clock::now() + kPause;
    changed_.notify_all();
}

void DraftStock::run() {
    mutex_.lock();
    while (!stopping_) {
        const auto found = std::find(places_.begin(), places_.end(), Place::empty);
        if (found == places_.end()) {
            changed_.wait(mutex_);
            continue;
        }
        if (due_ > std::chrono::steady_clock::now()) {
            (void)changed_.wait_until(mutex_, due_);
            continue;
        }
        const auto place = static_cast<std::size_t>(found - places_.begin());
        mutex_.unlock();
        bool made = false;
        try {
            make(place);
            made = true;
        } catch (const std::exception&) {  // a thread's entry; a full disk, say: layers are made without, and say so themselves
        }
        mutex_.lock();
        if (made) places_[place] = Place::ready;
        else due_ = std::chrono::steady_clock::now() + kPauseAfterFailure;
    }
    mutex_.unlock();
}

/// Also where an earlier attempt has got only half way.
void DraftStock::make(std::size_t place) const {
    const std::filesystem::path path = pathOf(place);
    makeDirectories(path, 0711);
    makeDirectories(path / "diff", 0755);
    makeDirectories(path / "work", 0700);
    (void)openFile(path / "layer", O_WRONLY | O_CREAT, 0600);
}

}  // namespace davit::overlay2
