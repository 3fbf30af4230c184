#include "resolver/server.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"

namespace davit::resolver {
namespace {

constexpr std::chrono::milliseconds kLinger{3000};
constexpr std::chrono::milliseconds kLookAround{5000};
constexpr std::size_t kSockets = 3;

std::pair<dev_t, ino_t> fileAt(const std::filesystem::path& path) {
    struct stat file {};
    if (::stat(path.c_str(), &file) != 0) return {};
    return {file.st_dev, file.st_ino};
}

bool fromOurselves(int socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == ::geteuid();
}

}  // namespace

Server::Server(UniqueFd listener, std::filesystem::path path)
    : listener_(std::move(listener)),
      path_(std::move(path)),
      file_(fileAt(path_)),
      surroundings_{loop_, tables_, namespaces_, [this] { readControl(); }, [this] { return complete_; }} {
    listener_watch_ = loop_.watch(listener_.get(), EPOLLIN, [this](std::uint32_t) { accept(); });
    awaitWork();
}

void Server::run() {
    loop_.run();
    if (findable()) (void)::unlink(path_.c_str());  // else it is another's
}

bool Server::findable() const { return file_ != std::pair<dev_t, ino_t>() && fileAt(path_) == file_; }

/// The newest davitd is the one that counts.
void Server::accept() {
    UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket || !fromOurselves(socket.get())) return;
    control_watch_.reset();
    control_ = std::move(socket);
    answers_.clear();
    waiting_ = false;
    control_watch_ = loop_.watch(control_.get(), EPOLLIN, [this](std::uint32_t) { readControl(); });
    awaitWork();
}

void Server::readControl() {
    Packet packet;
    if (control_ && waiting_) flushAnswers();
    while (control_) {
        const Received received = receivePacket(control_.get(), packet);
        if (received == Received::nothing) return;
        if (received == Received::end) return dropControl();
        try {
            apply(packet);
            flushAnswers();
        } catch (const Error&) {  // what isn't ours, or what the kernel refuses: davitd sees the end and comes again
            return dropControl();
        }
    }
}

void Server::dropControl() {
    control_watch_.reset();
    control_.reset();
    doubtful_.clear();
    complete_ = true;
    awaitWork();
}

void Server::apply(Packet& packet) {
    Message message = decode(packet.text);
    switch (message.operation) {
        case Message::Operation::hello: return answer({.operation = Message::Operation::hello, .version = kProtocolVersion});
        case Message::Operation::begin:
            for (const std::string& id : tables_.ids()) doubtful_.insert(id);
            complete_ = !tables_.empty();
            return;
        case Message::Operation::set: return set(std::move(message.names), std::move(packet.descriptors));
        case Message::Operation::remove: remove(message.id); break;
        case Message::Operation::end:
            removeDoubtful();
            complete_ = true;
            break;
        default: return;
    }
    answer({.operation = Message::Operation::done});
}

void Server::set(SandboxNames names, std::vector<UniqueFd> descriptors) {
    const std::string id = names.id;
    doubtful_.erase(id);
    if (descriptors.size() == kSockets) {
        auto fresh = std::make_unique<SandboxService>(
            surroundings_, id, SandboxSockets{std::move(descriptors[0]), std::move(descriptors[1]), std::move(descriptors[2])});
        std::swap(services_[id], fresh);
        loop_.bury(std::move(fresh));
    } else if (!services_.contains(id)) {
        return answer({.operation = Message::Operation::need, .id = id});
    }
    tables_.set(std::move(names));
    awaitWork();
    answer({.operation = Message::Operation::done});
}

void Server::remove(const std::string& id) {
    tables_.remove(id);
    doubtful_.erase(id);
    if (auto node = services_.extract(id)) loop_.bury(std::move(node.mapped()));
    awaitWork();
}

void Server::removeDoubtful() {
    for (const std::string& id : std::set<std::string>(std::move(doubtful_))) remove(id);
    doubtful_.clear();
}

void Server::answer(const Message& message) { answers_.push_back(encode(message)); }

/// While davitd sends much it may not read: what it doesn't take waits.
void Server::flushAnswers() {
    while (!answers_.empty() && sendPacket(control_.get(), answers_.front())) answers_.pop_front();
    const bool waits = !answers_.empty();
    if (waits != waiting_) control_watch_.change(waits ? EPOLLIN | EPOLLOUT : EPOLLIN);
    waiting_ = waits;
}

void Server::awaitWork() {
    if (services_.empty())
        idle_ = loop_.after(control_ ? kLinger : std::chrono::milliseconds(0), [this] { loop_.stop(); });
    else if (!control_)
        idle_ = loop_.after(kLookAround, [this] { lookForSocket(); });
    else
        idle_.reset();
}

void Server::lookForSocket() {
    if (!findable()) return loop_.stop();
    idle_ = loop_.after(kLookAround, [this] { lookForSocket(); });
}

}  // namespace davit::resolver
