// TarReply: an answer that is a tar. It begins with its first byte, so that what fails before it still gets a status of its own.
#pragma once

#include <optional>

#include "api/request.hpp"

namespace davit::api {

class TarReply final : public ByteSink {
  public:
    explicit TarReply(Request& request) : request_(request) {}
    void write(std::span<const std::byte> data) override { body().write(data); }
    void finish() { body().finish(); }

  private:
    http::BodyWriter& body() {
        if (!body_) body_.emplace(request_.startStream(200, "application/x-tar"));
        return *body_;
    }
    Request& request_;
    std::optional<http::BodyWriter> body_;
};

}  // namespace davit::api
