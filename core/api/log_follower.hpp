// LogFollower: `logs -f` of one client. It keeps itself alive until the container ends, `until` passes, or the client
// goes.
#pragma once

#include <memory>
#include <optional>

#include "api/log_stream.hpp"
#include "base/thread_annotations.hpp"

namespace davit::api {

class LogFollower : public std::enable_shared_from_this<LogFollower> {
  public:
    LogFollower(const Context& context, std::unique_ptr<runtime::LogReader> reader, LogFormat format);

    /// Starts the answer and the following of the container `name`. Throws what ContainerService::wait() throws.
    void begin(Request& request, const char* content_type, const std::string& name);

  private:
    /// Something may have changed: another round, in a worker. Any thread.
    void wake() DAVIT_EXCLUDES(mutex_);
    void run();
    /// The log's inotify descriptor, emptied; -1 when there is none to be had.
    int wakeDescriptor();
    /// Reactor thread: waits for the descriptor, or looks from time to time.
    void watch(int fd) DAVIT_EXCLUDES(mutex_);
    /// Sends what is there. True when nothing more will come.
    bool sendAll();
    void end() DAVIT_EXCLUDES(mutex_);

    const Context& context_;
    const std::unique_ptr<runtime::LogReader> reader_;  // of the worker that runs
    const LogFormat format_;
    std::optional<http::BodyWriter> body_;  // of the worker that runs
    int watched_ = -1;                      // reactor thread

    Mutex mutex_;
    bool running_ DAVIT_GUARDED_BY(mutex_) = false;
    bool again_ DAVIT_GUARDED_BY(mutex_) = false;
    bool container_ended_ DAVIT_GUARDED_BY(mutex_) = false;
    bool client_gone_ DAVIT_GUARDED_BY(mutex_) = false;
    bool over_ DAVIT_GUARDED_BY(mutex_) = false;
    std::unique_ptr<engine::WaitTicket> ticket_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::api
