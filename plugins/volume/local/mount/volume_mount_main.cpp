// davit-volume-mount: mounts or unmounts one volume and ends; whoever started it ends it when it takes too long.
//
//     davit-volume-mount mount TYPE DEVICE TARGET WORDS     WORDS as mount(8)'s -o
//     davit-volume-mount loop TYPE FILE TARGET WORDS        through a loop device that goes with its last mount
//     davit-volume-mount unmount TARGET
//
// Exit status 0, or 1 with the cause on standard error.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <netdb.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "linux/mount_options.hpp"

namespace {

constexpr int kLoopAttempts = 64;  // others take free devices, too

std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> words;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find(',', at), text.size());
        if (end > at) words.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return words;
}

bool complain(const std::string& what) {
    std::fprintf(stderr, "%s\n", what.c_str());
    return false;
}

bool complainErrno() { return complain(std::strerror(errno)); }

bool isAddress(const std::string& text) {
    unsigned char buffer[sizeof(in6_addr)];
    return ::inet_pton(AF_INET, text.c_str(), buffer) == 1 || ::inet_pton(AF_INET6, text.c_str(), buffer) == 1;
}

// The kernel wants the server's address: addr=NAME becomes addr=ADDRESS.
bool resolve(std::string& word) {
    const std::string host = word.substr(5);
    if (isAddress(host)) return true;
    addrinfo* found = nullptr;
    if (const int result = ::getaddrinfo(host.c_str(), nullptr, nullptr, &found); result != 0)
        return complain("resolve " + host + ": " + ::gai_strerror(result));
    char address[NI_MAXHOST] = {};
    (void)::getnameinfo(found->ai_addr, found->ai_addrlen, address, sizeof address, nullptr, 0, NI_NUMERICHOST);
    ::freeaddrinfo(found);
    word = std::string("addr=") + address;
    return true;
}

bool mountOn(const std::string& type, const std::string& device, const std::string& target, const std::string& text) {
    std::vector<std::string> words = split(text);
    const bool remote = type == "nfs" || type == "nfs4" || type == "cifs";
    for (std::string& word : words)
        if (remote && word.starts_with("addr=") && !resolve(word)) return false;
    const davit::linux::MountOptions options = davit::linux::parseMountOptions(words);
    unsigned long flags = options.set;
    if (options.bind) flags |= MS_BIND | (options.recursive_bind ? static_cast<unsigned long>(MS_REC) : 0UL);
    if (::mount(device.c_str(), target.c_str(), type.empty() ? nullptr : type.c_str(), flags, options.data.c_str()) != 0)
        return complainErrno();
    // A bind takes over its source's flags: others need a second step.
    const unsigned long more = flags & ~static_cast<unsigned long>(MS_BIND | MS_REC);
    if (options.bind && more != 0 && ::mount(nullptr, target.c_str(), nullptr, MS_REMOUNT | MS_BIND | more, nullptr) != 0) {
        (void)complainErrno();
        (void)::umount2(target.c_str(), MNT_DETACH);
        return false;
    }
    if (options.propagation != 0 && ::mount(nullptr, target.c_str(), nullptr, options.propagation, nullptr) != 0) {
        (void)complainErrno();
        (void)::umount2(target.c_str(), MNT_DETACH);
        return false;
    }
    return true;
}

/// A loop device on the file that vanishes with its last user: nothing is left over whatever dies.
int attachLoop(const std::string& file, std::string& device) {
    const int backing = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
    const int control = ::open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    if (backing < 0 || control < 0) return -1;
    for (int attempt = 0; attempt < kLoopAttempts; ++attempt) {
        const int number = ::ioctl(control, LOOP_CTL_GET_FREE);
        if (number < 0) return -1;
        device = "/dev/loop" + std::to_string(number);
        const int loop = ::open(device.c_str(), O_RDWR | O_CLOEXEC);
        if (loop < 0) return -1;
        loop_config config{};
        config.fd = static_cast<__u32>(backing);
        config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
        if (::ioctl(loop, LOOP_CONFIGURE, &config) == 0) return loop;
        const int why = errno;
        ::close(loop);
        errno = why;
        if (why != EBUSY) return -1;
    }
    return -1;
}

bool mountLoop(const std::string& type, const std::string& file, const std::string& target, const std::string& words) {
    std::string device;
    const int loop = attachLoop(file, device);  // stays open until the mount holds it
    if (loop < 0) return complainErrno();
    return mountOn(type, device, target, words);
}

bool unmount(const std::string& target) {
    if (::umount2(target.c_str(), UMOUNT_NOFOLLOW) == 0 || errno == EINVAL) return true;  // EINVAL: nothing is mounted
    // Somebody stands in it: it goes when they leave.
    return (errno == EBUSY && ::umount2(target.c_str(), UMOUNT_NOFOLLOW | MNT_DETACH) == 0) || complainErrno();
}

}  // namespace

int main(int argc, char** argv) {
    const std::string mode = argc > 1 ? argv[1] : "";
    if (mode == "mount" && argc == 6) return mountOn(argv[2], argv[3], argv[4], argv[5]) ? 0 : 1;
    if (mode == "loop" && argc == 6) return mountLoop(argv[2], argv[3], argv[4], argv[5]) ? 0 : 1;
    if (mode == "unmount" && argc == 3) return unmount(argv[2]) ? 0 : 1;
    std::fprintf(stderr, "usage: davit-volume-mount mount|loop TYPE SOURCE TARGET WORDS\n       davit-volume-mount unmount TARGET\n");
    return 2;
}
