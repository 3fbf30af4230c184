// Server: davit-resolver. It answers the containers of user-defined networks at 127.0.0.11, whether davitd lives or not: davitd
// starts it, hands it the sockets that it opened in the sandboxes, and tells it who has which name (protocol.hpp).
//
// It ends by itself when it has no sandbox any more: at once when davitd is gone, else after a little while without work; and
// when its own socket's file is gone while no davitd is there, because then none will ever find it again. One thread.
#pragma once

#include <sys/types.h>

#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "resolver/event_loop.hpp"
#include "resolver/name_tables.hpp"
#include "resolver/packet.hpp"
#include "resolver/protocol.hpp"
#include "resolver/service.hpp"

namespace davit::resolver {

class Server {
  public:
    /// `listener`: the control socket, bound on `path`.
    Server(UniqueFd listener, std::filesystem::path path);
    /// Returns when it isn't needed any more.
    void run();

  private:
    void accept();
    void readControl();
    void dropControl();
    void apply(Packet& packet);
    void set(SandboxNames names, std::vector<UniqueFd> descriptors);
    void remove(const std::string& id);
    void removeDoubtful();
    void answer(const Message& message);
    void flushAnswers();
    void awaitWork();
    void lookForSocket();
    [[nodiscard]] bool findable() const;

    EventLoop loop_;
    NamespaceSwitch namespaces_;
    NameTables tables_;
    const UniqueFd listener_;
    const std::filesystem::path path_;
    const std::pair<dev_t, ino_t> file_;
    UniqueFd control_;
    std::deque<std::string> answers_;  ///< that davitd hasn't taken yet
    bool waiting_ = false;             ///< for it to take more
    std::set<std::string> doubtful_;   ///< davitd is telling everything and hasn't named them yet
    bool complete_ = true;             ///< see Surroundings
    const Surroundings surroundings_;
    std::map<std::string, std::unique_ptr<SandboxService>> services_;  ///< by sandbox
    EventLoop::Watch listener_watch_;
    EventLoop::Watch control_watch_;
    EventLoop::Timer idle_;
};

}  // namespace davit::resolver
