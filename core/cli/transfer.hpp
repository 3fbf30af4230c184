// Archives to and from the daemon: files and standard streams as what a Client sends and receives. One thread.
#pragma once

#include <string>

#include "base/byte_stream.hpp"
#include "base/unique_fd.hpp"
#include "cli/client.hpp"

namespace davit::cli {

/// A descriptor as a byte source; borrowed.
class FdSource final : public ByteSource {
  public:
    explicit FdSource(int fd) : fd_(fd) {}
    std::size_t read(std::span<std::byte> buffer) override;

  private:
    int fd_;
};

/// The file to read from: `path`, or standard input for "" and "-". Throws Error{not_found} in Docker's words.
[[nodiscard]] UniqueFd openInput(const std::string& path);

void copyBody(ByteSource& body, int fd);

/// The answer as a file that appears under its name when it is complete. `what` names it in errors: "failed to save image: …".
void saveToFile(const std::string& what, const std::string& path, Client& client, const Client::Call& call);

}  // namespace davit::cli
