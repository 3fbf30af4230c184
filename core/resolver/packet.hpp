// Packets of a control connection (SOCK_SEQPACKET): a text each, with descriptors.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.hpp"

namespace davit::resolver {

constexpr std::size_t kMostPacket = 128 * 1024;
constexpr std::size_t kMostDescriptors = 8;

/// False with errno when it couldn't be sent: the peer is gone, doesn't read, or the text is too long.
[[nodiscard]] bool sendPacket(int socket, std::string_view text, const std::vector<int>& descriptors = {});

struct Packet {
    std::string text;
    std::vector<UniqueFd> descriptors;
};
enum class Received { packet, nothing, end };
/// Doesn't wait. A packet that is cut, or has more descriptors than that, is the end too: the peer isn't one of ours.
[[nodiscard]] Received receivePacket(int socket, Packet& packet);

}  // namespace davit::resolver
