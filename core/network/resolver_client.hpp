// ResolverClient: davitd's side of davit-resolver (resolver/server.hpp): starts it when the first sandbox needs it, finds one
// that has gone on while davitd was away, tells it of changes, and starts it again when it has ended or doesn't answer.
//
//     set(names, namespace)      sockets in the sandbox  ->  remembered  ->  told            (told later when it isn't there)
//     remove(id)                 forgotten  ->  told
//
// What is to be known is remembered here, so that a new one can be told everything; davitd's rows are where that comes from.
// A fault of the resolver's is logged and mended in the background: it fails no start. What is sent before set() returns is
// known to the resolver before it answers anything that is asked afterwards.
//
// Threads: any; of one sandbox only one set() or remove() is under way. No lock is held while something is sent. A thread of
// its own, which begins with the first need, waits for the other side.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/thread_annotations.hpp"
#include "base/unique_fd.hpp"
#include "network/resolver_sockets.hpp"
#include "resolver/protocol.hpp"

namespace davit::network {

struct ResolverOptions {
    std::filesystem::path program;  ///< davit-resolver
    std::filesystem::path socket;   ///< its control socket
};

struct ResolvedSandbox {
    resolver::SandboxNames names;
    std::filesystem::path network_namespace;
};

class ResolverConnection;

class ResolverClient {
  public:
    explicit ResolverClient(ResolverOptions options);
    ResolverClient(const ResolverClient&) = delete;
    ResolverClient& operator=(const ResolverClient&) = delete;
    /// The resolver goes on as long as it has sandboxes.
    ~ResolverClient();

    /// At the daemon's start, once: a resolver that runs is brought to know these sandboxes and no others; else one is started
    /// if there are any.
    void restore(std::vector<ResolvedSandbox> sandboxes);
    /// Throws Error{system} when a new sandbox can't get its sockets.
    void set(ResolvedSandbox sandbox);
    void remove(const std::string& id) noexcept;

  private:
    using ConnectionPtr = std::shared_ptr<ResolverConnection>;
    struct Entry {
        ResolvedSandbox sandbox;
        std::shared_ptr<ResolverSockets> sockets;  ///< opened, but not handed over yet
    };

    enum class Sockets { as_there, needed };

    void wake();
    void ensureThread() DAVIT_REQUIRES(mutex_);
    /// The connection on which the caller may send the change of that sandbox now; null: the thread does it.
    [[nodiscard]] ConnectionPtr turnFor(const std::string& id) DAVIT_REQUIRES(mutex_);
    /// Says what is wanted of the sandbox now. A failure ends the connection, which the thread sees.
    void tell(const ConnectionPtr& connection, const std::string& id, Sockets sockets);
    void tellOrDefer(const std::string& id, const ConnectionPtr& connection);

    // of the thread
    void watch();
    void stepAlone();
    void stepConnected(const ConnectionPtr& connection);
    void pause(int timeout_ms);
    [[nodiscard]] ConnectionPtr connectExisting();
    [[nodiscard]] ConnectionPtr startNew();
    void tellEverything(const ConnectionPtr& connection);
    [[nodiscard]] bool readAnswers(const ConnectionPtr& connection);
    void lost(const ConnectionPtr& connection);

    const ResolverOptions options_;
    const UniqueFd wake_;
    Mutex mutex_;
    std::map<std::string, Entry> wanted_ DAVIT_GUARDED_BY(mutex_);  ///< by sandbox
    std::set<std::string> changed_ DAVIT_GUARDED_BY(mutex_);        ///< what the thread still has to tell
    ConnectionPtr connection_ DAVIT_GUARDED_BY(mutex_);
    bool ready_ DAVIT_GUARDED_BY(mutex_) = false;                   ///< it has been told everything; changes may be sent to it
    bool look_for_one_ DAVIT_GUARDED_BY(mutex_) = false;            ///< one of an earlier davitd may be there
    bool stopping_ DAVIT_GUARDED_BY(mutex_) = false;
    std::thread thread_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::network
