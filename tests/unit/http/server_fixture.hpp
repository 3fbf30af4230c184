// A server on a socket of its own for a test.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <thread>


#include "base/file.hpp"
#include "http/client.hpp"
#include "http/server.hpp"

namespace davit::http::test {

using namespace std::chrono_literals;

struct TestServer {
    explicit TestServer(std::function<void(Exchange)> handler)
        : TestServer(ServerOptions{.handler = std::move(handler)}) {}
    explicit TestServer(ServerOptions options) : server(std::move(options)) {
        server.listen(listenUnix({.path = path()}));
        server.start();
    }
    [[nodiscard]] std::string path() const { return directory.path() / "test.sock"; }
    [[nodiscard]] std::unique_ptr<Stream> connect() const { return connectUnix(path(), after(2s)); }
    [[nodiscard]] ClientConnection client() const { return {connect(), "test"}; }

    TempDir directory;
    Server server;
};

/// Everything until the peer closes.
inline std::string readAll(Stream& stream) {
    std::string text;
    std::array<std::byte, 4096> block;
    while (const std::size_t count = stream.read(block, after(5s)))
        text.append(reinterpret_cast<const char*>(block.data()), count);
    return text;
}

/// Reads until `text` has come; the whole of what was read.
inline std::string readUntil(Stream& stream, std::string_view text) {
    std::string all;
    std::array<std::byte, 1> block;
    while (!all.ends_with(text) && stream.read(block, after(5s)) > 0) all += static_cast<char>(block[0]);
    return all;
}

/// Polls a condition for five seconds.
inline bool eventually(const std::function<bool()>& condition) {
    for (const Deadline end = after(5s); std::chrono::steady_clock::now() < end;) {
        if (condition()) return true;
        std::this_thread::yield();
    }
    return condition();
}

}  // namespace davit::http::test
