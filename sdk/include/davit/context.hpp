// What a driver gets when it is made, and what it may ask while it is being called.
//
//     class MyVolumes final : public davit::VolumeDriver {
//       public:
//         static constexpr const char* kName = "mine";
//         static constexpr const char* kDescription = "volumes of mine";
//         explicit MyVolumes(const davit::DriverContext& context);
//         …
//     };
//     DAVIT_PLUGIN("mine", "1.0", MyVolumes)
#pragma once

#include <time.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "davit/plugin.h"

namespace davit {

enum class LogLevel : int { debug = 0, info = 1, warning = 2, error = 3 };

/// Copyable: a driver keeps its own. Valid until the driver is destroyed. log() from any thread.
class DriverContext {
  public:
    /// Without a host: for tests of a driver class.
    explicit DriverContext(std::string config_json = "{}") : config_(std::move(config_json)) {}
    DriverContext(const davit_host* host, std::string_view config_json) : host_(host), config_(config_json) {
        if (config_.empty()) config_ = "{}";
    }

    /// The JSON object of the host's section for this driver; "{}" when it has none. See DriverConfig in config.hpp.
    [[nodiscard]] const std::string& configJson() const noexcept { return config_; }
    [[nodiscard]] std::string_view engineVersion() const noexcept {
        return host_ != nullptr && host_->engine_version != nullptr ? host_->engine_version : "";
    }
    void log(LogLevel level, std::string_view text) const noexcept {
        if (host_ != nullptr && host_->log != nullptr)
            host_->log(host_->ctx, static_cast<std::int32_t>(level), {text.data(), text.size()});
    }
    /// An extension of the host ("name/1"), or nullptr.
    [[nodiscard]] const void* query(const char* id) const noexcept {
        return host_ != nullptr && host_->query != nullptr ? host_->query(host_->ctx, id) : nullptr;
    }
    /// Where the driver may keep what it must still know after a restart: a directory of its own, mode 0700, that exists.
    /// Empty: the host has none to give.
    [[nodiscard]] std::string stateDirectory() const {
        const auto* path = static_cast<const char*>(query(DAVIT_HOST_STATE_DIRECTORY));
        return path != nullptr ? path : std::string();
    }

  private:
    const davit_host* host_ = nullptr;
    std::string config_;
};

/// The call that this thread is serving. A driver that waits or loops asks it now and then.
class CurrentCall {
  public:
    /// Milliseconds left, never negative; std::nullopt: no deadline, or no call on this thread.
    [[nodiscard]] static std::optional<std::int64_t> remainingMs() noexcept {
        const davit_call* call = slot();
        if (call == nullptr || call->deadline_ms == 0) return std::nullopt;
        timespec now{};
        ::clock_gettime(CLOCK_MONOTONIC, &now);
        const std::int64_t left = call->deadline_ms - (std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000);
        return left > 0 ? left : 0;
    }
    [[nodiscard]] static bool cancelled() noexcept {
        const davit_call* call = slot();
        return call != nullptr && call->cancelled != nullptr && call->cancelled(call->cancel_ctx) != 0;
    }
    /// Throws Error{cancelled} or Error{deadline} when there is no point in going on with `what`.
    static void check(std::string_view what) {
        if (cancelled()) throw Error(Code::cancelled, std::string(what) + ": the caller went away");
        if (remainingMs() == 0) throw Error(Code::deadline, std::string(what) + ": deadline exceeded");
    }

    /// Set by the glue around each call; restores the outer one.
    class Scope {
      public:
        explicit Scope(const davit_call& call) noexcept : outer_(slot()) { slot() = &call; }
        Scope(const Scope&) = delete;
        Scope& operator=(const Scope&) = delete;
        ~Scope() { slot() = outer_; }

      private:
        const davit_call* outer_;
    };

  private:
    static const davit_call*& slot() noexcept {
        static thread_local const davit_call* current = nullptr;
        return current;
    }
};

}  // namespace davit
