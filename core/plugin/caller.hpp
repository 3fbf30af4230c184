// Caller: from a request struct to a reply struct through a Transport. What all four proxies are made of.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "davit/wire.hpp"
#include "plugin/transport.hpp"

namespace davit::plugin {

/// Throws a refusal as an Error with its code, or as a ForeignError when it has none.
[[noreturn]] void throwRefusal(const wire::Refusal& refusal);

class Caller {
  public:
    explicit Caller(std::shared_ptr<Transport> transport) : transport_(std::move(transport)) {}

    /// Throws what Transport::call throws, ForeignError for a reply that says Err or Error, Error{invalid} for a reply that
    /// isn't what the method promises.
    template <class M>
    typename M::Reply ask(const M& method, const typename M::Request& request, ByteSource* body = nullptr,
                          ByteSink* stream = nullptr) const {
        const std::string text = wire::encode(request);
        const std::string reply = transport_->call({.method = method.name,
                                                    .request = text,
                                                    .body = body,
                                                    .stream = stream,
                                                    .timeout = methodTimeout(method.name)});
        typename M::Reply result{};
        if (stream == nullptr) read(method.name, reply, [&result](wire::Reader& reader) { members(reader, result); });
        return result;
    }

  private:
    template <class F>
    static void read(std::string_view method, const std::string& reply, F&& take) {
        wire::Refusal refusal;
        try {
            const wire::Message message(reply);
            wire::Reader reader(message.root());
            refusal = wire::readRefusal(reader);
            if (refusal.text.empty()) take(reader);
        } catch (const Error& e) {
            throw Error(Code::invalid, std::string(method) + ": bad reply: " + e.text());
        }
        if (!refusal.text.empty()) throwRefusal(refusal);
    }

    std::shared_ptr<Transport> transport_;
};

/// `path` if it is absolute and free of "." and ".." components: what a plugin returns becomes the source of a mount.
/// Throws Error{invalid} naming the method.
[[nodiscard]] std::string checkedPath(std::string_view method, std::string path);

}  // namespace davit::plugin
