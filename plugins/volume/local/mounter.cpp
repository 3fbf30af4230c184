#include "mounter.hpp"

#include <dlfcn.h>
#include <netdb.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.hpp"
#include "linux/mount_options.hpp"
#include "mount_helper/protocol.hpp"

namespace davit::local {
namespace {

namespace fs = std::filesystem;
using helper::Action;
using helper::Answer;
using helper::Order;
using helper::Stage;

constexpr const char* kProgram = "davit-volume-mount";
constexpr std::chrono::seconds kTimeToUndo{2};
constexpr std::array kWithAddress{"nfs", "nfs4", "cifs", "smb3"};

// Beside this code, in the build tree, or where it is installed.
fs::path findProgram() {
    Dl_info own{};
    if (::dladdr(reinterpret_cast<const void*>(&findProgram), &own) == 0) throw Error(Code::system, "find the driver's own file");
    const fs::path directory = fs::absolute(own.dli_fname).parent_path();
    for (const char* place : {".", "../bin", "../../../libexec/davit"})
        if (fs::exists(directory / place / kProgram)) return fs::canonical(directory / place / kProgram);
    throw error(Code::system, "{} isn't installed: it belongs to the driver in {}", kProgram, directory.native());
}

struct Parsed {
    Order order;
    std::string data;
};

Parsed parse(Action action, const Mount& mount) {
    const linux::MountOptions options = linux::parseMountOptions(mount.words);
    Parsed parsed;
    parsed.order.action = action;
    parsed.order.flags = options.set;
    if (options.bind) parsed.order.flags |= MS_BIND;
    if (options.recursive_bind) parsed.order.flags |= MS_REC;
    parsed.order.propagation = options.propagation;
    parsed.order.recursive_set = options.recursive_set;
    parsed.order.recursive_clear = options.recursive_clear;
    parsed.order.resolve = std::any_of(kWithAddress.begin(), kWithAddress.end(), [&](const char* type) { return mount.type == type; });
    parsed.data = options.data;
    return parsed;
}

// Passwords of cifs aren't for logs.
std::string withoutSecrets(const std::string& data) {
    std::string shown;
    for (std::size_t at = 0; at < data.size();) {
        const std::size_t end = std::min(data.find(',', at), data.size());
        const std::string word = data.substr(at, end - at);
        shown += (shown.empty() ? "" : ",") + (word.starts_with("password") || word.starts_with("pass=") ? "password=***" : word);
        at = end + 1;
    }
    return shown;
}

std::string describe(const Mount& mount, const Parsed& parsed) {
    std::string text = fmt::format("failed to mount local volume: mount {}:{}", mount.source, mount.target.string());
    if (parsed.order.flags != 0) text += fmt::format(", flags: {:#x}", parsed.order.flags);
    if (!parsed.data.empty()) text += ", data: " + withoutSecrets(parsed.data);
    return text;
}

Answer ask(Programs& programs, Parsed parsed, const Mount& mount, const std::string& doing, std::chrono::milliseconds least = {}) {
    std::string text;
    for (const std::string& field : {mount.source, mount.target.string(), mount.type, parsed.data}) {
        if (field.find('\0') != std::string::npos) throw error(Code::invalid, "{}: a zero byte in an option", doing);
        text.append(field).push_back('\0');
    }
    if (text.size() > helper::kMostText) throw error(Code::invalid, "{}: the options are too long", doing);
    parsed.order.parent = ::getpid();
    parsed.order.text = static_cast<std::uint32_t>(text.size());
    const std::string input = std::string(reinterpret_cast<const char*>(&parsed.order), sizeof parsed.order) + text;
    const auto outcome = programs.run({findProgram()}, input, doing, least);
    Answer answer;
    if (outcome.status.dockerCode() != 0 || outcome.output.size() != sizeof answer)
        throw error(Code::system, "{}: {} ended with {}", doing, kProgram, outcome.status.dockerCode());
    std::memcpy(&answer, outcome.output.data(), sizeof answer);
    return answer;
}

void requireDone(const Answer& answer, const std::string& doing) {
    if (answer.stage == Stage::done) return;
    if (answer.stage == Stage::resolve)
        throw error(Code::system, "error resolving passed in network volume address: {}", ::gai_strerror(answer.error));
    throw Error::system(doing, answer.error);
}

}  // namespace

void Mounter::mount(const Mount& mount) {
    const Parsed parsed = parse(Action::mount, mount);
    const std::string doing = describe(mount, parsed);
    requireDone(ask(programs_, parsed, mount, doing), doing);
}

void Mounter::remount(const Mount& mount) {
    const Parsed parsed = parse(Action::remount, mount);
    const std::string doing = fmt::format("remount {}", mount.target.string());
    requireDone(ask(programs_, parsed, mount, doing), doing);
}

void Mounter::unmount(const fs::path& target) {
    const std::string doing = fmt::format("unmount {}", target.string());
    const Mount mount{.source = {}, .target = target, .type = {}, .words = {}};
    const Answer answer = ask(programs_, parse(Action::unmount, mount), mount, doing, kTimeToUndo);
    if (answer.stage == Stage::unmount && answer.error == EINVAL) return;
    requireDone(answer, doing);
}

}  // namespace davit::local
