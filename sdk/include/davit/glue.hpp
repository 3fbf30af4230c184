// The C face of a driver class: Glue<D>::kDescriptor is its davit_driver, DAVIT_PLUGIN the plugin's entry point.
#pragma once

#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <string_view>

#include "davit/context.hpp"
#include "davit/dispatch.hpp"
#include "davit/plugin.h"

namespace davit {

/// Fills the caller's error. The text is cut at a character's border and always terminated.
inline std::int32_t setError(davit_error* err, Code code, int sys_errno, std::string_view text) noexcept {
    const auto number = static_cast<std::int32_t>(code);
    if (err == nullptr) return number;
    err->code = number;
    err->sys_errno = sys_errno;
    if (err->message == nullptr || err->message_cap == 0) return number;
    std::size_t length = text.size();
    if (length >= err->message_cap) {
        length = err->message_cap - 1;
        while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U) --length;
    }
    std::memcpy(err->message, text.data(), length);
    err->message[length] = '\0';
    return number;
}

/// The only catch-all of the plugin side: runs `f` and turns what it throws into a code and a text. An exception that
/// leaves a plugin would end the daemon.
template <class F>
std::int32_t guard(davit_error* err, F&& f) noexcept {
    try {
        f();
        return DAVIT_OK;
    } catch (const Error& e) {
        const Code code = e.code() == Code::ok ? Code::system : e.code();
        return setError(err, code, e.sysErrno(), e.text());
    } catch (const std::bad_alloc&) {
        return setError(err, Code::system, ENOMEM, "out of memory");
    } catch (const std::exception& e) {
        return setError(err, Code::system, 0, e.what());
    } catch (...) {
        return setError(err, Code::system, 0, "the driver threw something that is no exception");
    }
}

/// A davit_reader as a ByteSource.
class ReaderSource final : public ByteSource {
  public:
    explicit ReaderSource(const davit_reader& reader) : reader_(reader) {}
    std::size_t read(std::span<std::byte> buffer) override {
        const std::int64_t got = reader_.read(reader_.ctx, buffer.data(), buffer.size());
        if (got < 0) throw Error::system("read the body stream", static_cast<int>(-got));
        return static_cast<std::size_t>(got);
    }

  private:
    const davit_reader& reader_;
};

/// A davit_writer as a ByteSink.
class WriterSink final : public ByteSink {
  public:
    explicit WriterSink(const davit_writer& writer) : writer_(writer) {}
    void write(std::span<const std::byte> data) override {
        if (data.empty()) return;
        const std::int64_t result = writer_.write(writer_.ctx, data.data(), data.size());
        if (result < 0) throw Error::system("write the stream", static_cast<int>(-result));
    }

  private:
    const davit_writer& writer_;
};

/// A driver class: derived from exactly one of the four interfaces, with a name and a description, made from a context.
template <class D>
concept DriverClass = (std::derived_from<D, StorageDriver> + std::derived_from<D, NetworkDriver> +
                       std::derived_from<D, IpamDriver> + std::derived_from<D, VolumeDriver>) == 1 &&
                      std::constructible_from<D, const DriverContext&> && requires {
                          { D::kName } -> std::convertible_to<const char*>;
                          { D::kDescription } -> std::convertible_to<const char*>;
                      };

template <class D>
consteval DriverKind kindOf() {
    if constexpr (std::derived_from<D, StorageDriver>)
        return DriverKind::storage;
    else if constexpr (std::derived_from<D, NetworkDriver>)
        return DriverKind::network;
    else if constexpr (std::derived_from<D, IpamDriver>)
        return DriverKind::ipam;
    else
        return DriverKind::volume;
}

template <class D>
class Glue {
    static_assert(DriverClass<D>,
                  "a driver derives from one driver interface, has static constexpr const char* kName and kDescription, "
                  "and a constructor that takes const davit::DriverContext&");

  public:
    static std::int32_t open(const davit_host* host, davit_str config, void** self, davit_error* err) {
        return guard(err, [&] {
            *self = std::make_unique<D>(DriverContext(host, {config.data, config.len})).release();
        });
    }
    static void close(void* self) {
        (void)guard(nullptr, [&] { const std::unique_ptr<D> owned(static_cast<D*>(self)); });
    }
    static std::int32_t call(void* self, const davit_call* call, davit_error* err) {
        return guard(err, [&] { serve(*static_cast<D*>(self), *call); });
    }

    static constexpr davit_driver kDescriptor{sizeof(davit_driver), static_cast<std::int32_t>(kindOf<D>()),
                                              D::kName,             D::kDescription,
                                              &Glue::open,          &Glue::close,
                                              &Glue::call,          nullptr};

  private:
    static void serve(D& driver, const davit_call& call) {
        const CurrentCall::Scope scope(call);
        std::optional<ReaderSource> body;
        std::optional<WriterSink> stream;
        if (call.body != nullptr) body.emplace(*call.body);
        if (call.stream != nullptr) stream.emplace(*call.stream);
        ServedCall served{.method = {call.method.data, call.method.len},
                          .request = {call.request.data, call.request.len},
                          .body = body ? &*body : nullptr,
                          .stream = stream ? &*stream : nullptr,
                          .reply = {}};
        dispatch(driver, served);
        if (call.reply == nullptr || served.reply.empty()) return;
        const std::int64_t result = call.reply->write(call.reply->ctx, served.reply.data(), served.reply.size());
        if (result < 0) throw Error::system("write the reply", static_cast<int>(-result));
    }
};

namespace detail {

template <class... Drivers>
inline constexpr const davit_driver* kDriverList[] = {&Glue<Drivers>::kDescriptor..., nullptr};

}  // namespace detail
}  // namespace davit

/// The plugin's entry point, once per shared object: DAVIT_PLUGIN("name", "1.0", FirstDriver, SecondDriver). Vendor and
/// licence may be defined before it as DAVIT_PLUGIN_VENDOR and DAVIT_PLUGIN_LICENSE.
#define DAVIT_PLUGIN(plugin_name, plugin_version, ...)                                                            \
    extern "C" DAVIT_EXPORT const davit_plugin* davit_plugin_entry(void) {                                        \
        static constexpr davit_plugin kPlugin{                                                                    \
            DAVIT_PLUGIN_MAGIC,   DAVIT_ABI_MAJOR,     DAVIT_ABI_MINOR,      0,                                   \
            sizeof(davit_plugin), plugin_name,         plugin_version,       DAVIT_PLUGIN_VENDOR,                 \
            DAVIT_PLUGIN_LICENSE, ::davit::detail::kDriverList<__VA_ARGS__>};                                     \
        return &kPlugin;                                                                                          \
    }

#ifndef DAVIT_PLUGIN_VENDOR
#define DAVIT_PLUGIN_VENDOR "davit"
#endif
#ifndef DAVIT_PLUGIN_LICENSE
#define DAVIT_PLUGIN_LICENSE "Apache-2.0"
#endif
