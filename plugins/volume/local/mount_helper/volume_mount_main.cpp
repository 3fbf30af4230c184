// davit-volume-mount: mounts or unmounts one file system for the volume driver `local`, and ends. A server that doesn't answer holds
// this process up and no thread of the daemon; the driver kills it when its time is over. Started by the driver, never by hand.
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "protocol.hpp"

namespace davit::local::helper {
namespace {

struct Job {
    Order order;
    char text[kMostText + 1];
    const char* source = "";
    const char* target = "";
    const char* type = "";
    const char* options = "";
};

char g_resolved[kMostText];

bool readAll(void* to, size_t size) {
    char* at = static_cast<char*>(to);
    while (size > 0) {
        const ssize_t got = read(STDIN_FILENO, at, size);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        at += got;
        size -= static_cast<size_t>(got);
    }
    return true;
}

bool readJob(Job& job) {
    if (!readAll(&job.order, sizeof job.order) || job.order.version != kVersion || job.order.text > kMostText) return false;
    if (!readAll(job.text, job.order.text)) return false;
    job.text[job.order.text] = '\0';
    const char** fields[] = {&job.source, &job.target, &job.type, &job.options};
    const char* at = job.text;
    const char* const end = job.text + job.order.text;
    for (const char** field : fields) {
        if (at >= end) return false;
        *field = at;
        at += strlen(at) + 1;
    }
    return true;
}

// The kernel takes addresses only. IPv4 first, as Docker does.
int resolve(const char* host, char* address, size_t size) {
    addrinfo* found = nullptr;
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    if (const int failure = getaddrinfo(host, nullptr, &hints, &found); failure != 0) return failure;
    const addrinfo* best = found;
    while (best != nullptr && best->ai_family != AF_INET) best = best->ai_next;
    if (best == nullptr) best = found;
    const int failure = getnameinfo(best->ai_addr, best->ai_addrlen, address, static_cast<socklen_t>(size), nullptr, 0, NI_NUMERICHOST);
    freeaddrinfo(found);
    return failure;
}

// Puts an address in the place of the host's name.
Answer resolveAddress(Job& job) {
    const char* word = job.options;
    while (strncmp(word, "addr=", 5) != 0) {
        word = strchr(word, ',');
        if (word == nullptr) return {};
        ++word;
    }
    char host[NI_MAXHOST];
    char address[NI_MAXHOST];
    const size_t length = strcspn(word + 5, ",");
    if (length == 0) return {};
    if (length >= sizeof host) return {Stage::resolve, EAI_NONAME};
    memcpy(host, word + 5, length);
    host[length] = '\0';
    if (const int failure = resolve(host, address, sizeof address); failure != 0) return {Stage::resolve, failure};
    const int before = static_cast<int>(word + 5 - job.options);
    const int size = snprintf(g_resolved, sizeof g_resolved, "%.*s%s%s", before, job.options, address, word + 5 + length);
    if (size < 0 || size >= static_cast<int>(sizeof g_resolved)) return {Stage::mount, ENAMETOOLONG};
    job.options = g_resolved;
    return {};
}

const char* orNull(const char* text) { return *text != '\0' ? text : nullptr; }

Answer attach(Job& job) {
    const unsigned long flags = static_cast<unsigned long>(job.order.flags);
    if (job.order.resolve != 0)
        if (const Answer answer = resolveAddress(job); answer.stage != Stage::done) return answer;
    if (mount(job.source, job.target, job.type, flags, orNull(job.options)) != 0) return {Stage::mount, errno};
    // A bind mount takes its flags only when it is there.
    const unsigned long later = flags & ~static_cast<unsigned long>(MS_BIND | MS_REC | MS_SILENT);
    if ((flags & MS_BIND) != 0 && later != 0 && mount(nullptr, job.target, nullptr, MS_REMOUNT | MS_BIND | later, nullptr) != 0)
        return {Stage::attributes, errno};
    mount_attr attributes{};
    attributes.attr_set = job.order.recursive_set;
    attributes.attr_clr = job.order.recursive_clear;
    if ((attributes.attr_set | attributes.attr_clr) != 0 &&
        syscall(SYS_mount_setattr, AT_FDCWD, job.target, AT_RECURSIVE, &attributes, sizeof attributes) != 0)
        return {Stage::attributes, errno};
    if (job.order.propagation != 0 &&
        mount(nullptr, job.target, nullptr, static_cast<unsigned long>(job.order.propagation), nullptr) != 0)
        return {Stage::propagation, errno};
    return {};
}

Answer carryOut(Job& job) {
    switch (job.order.action) {
        case Action::mount: {
            const Answer answer = attach(job);
            // All or nothing; what was mounted already goes again.
            if (answer.stage == Stage::attributes || answer.stage == Stage::propagation) (void)umount2(job.target, MNT_DETACH | UMOUNT_NOFOLLOW);
            return answer;
        }
        case Action::remount:
            if (mount(nullptr, job.target, nullptr, MS_REMOUNT | static_cast<unsigned long>(job.order.flags), orNull(job.options)) != 0)
                return {Stage::mount, errno};
            return {};
        case Action::unmount:
            // Lazily, as Docker does: whoever still has a file open keeps it, and no server is waited for.
            if (umount2(job.target, MNT_DETACH | UMOUNT_NOFOLLOW) != 0) return {Stage::unmount, errno};
            return {};
    }
    return {Stage::order, EINVAL};
}

}  // namespace
}  // namespace davit::local::helper

int main() {
    using namespace davit::local::helper;
    static Job job;
    // Who starts a daemon that has died finds what is mounted, and nothing is mounted after that.
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    Answer answer{Stage::order, EINVAL};
    if (readJob(job) && getppid() == job.order.parent) answer = carryOut(job);
    return write(STDOUT_FILENO, &answer, sizeof answer) == static_cast<ssize_t>(sizeof answer) ? 0 : 1;
}
