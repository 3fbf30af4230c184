// InProcessTransport: a driver of a loaded .so, opened once, called as a function. A call costs about a microsecond.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/log.hpp"
#include "davit/plugin.h"
#include "plugin/transport.hpp"

namespace davit::plugin {

struct OpenOptions {
    std::string config_json = "{}";
    std::string engine_version;
    std::function<void(log::Level, std::string_view)> log;  ///< any thread; may be empty
    std::filesystem::path state_directory{};  ///< made when the driver asks for it; empty: none
};

/// Closes the driver when the last owner lets it go. Any thread, concurrently.
class InProcessTransport final : public Transport {
  public:
    /// Opens the driver. Throws its error: Error{unimplemented} means "not for this host".
    InProcessTransport(const davit_driver& driver, OpenOptions options);
    InProcessTransport(const InProcessTransport&) = delete;
    InProcessTransport& operator=(const InProcessTransport&) = delete;
    ~InProcessTransport() override;

    /// The timeout is the driver's to keep: it gets the moment as deadline_ms.
    std::string call(const Call& call) override;

  private:
    const davit_driver& driver_;
    OpenOptions options_;
    davit_host host_{};
    void* self_ = nullptr;
};

}  // namespace davit::plugin
