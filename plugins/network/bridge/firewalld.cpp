#include "firewalld.hpp"

#include <fmt/core.h>
#include <sys/stat.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "base/check.hpp"

namespace davit::bridge {
namespace {

constexpr const char* kBusSocket = "/run/dbus/system_bus_socket";
constexpr const char* kBusAddress = "unix:path=/run/dbus/system_bus_socket";
constexpr const char* kService = "org.fedoraproject.FirewallD1";
struct Side {
    const char* object;
    const char* interface;
};
constexpr Side kRunning{"/org/fedoraproject/FirewallD1", "org.fedoraproject.FirewallD1.zone"};
constexpr Side kOnDisk{"/org/fedoraproject/FirewallD1/config", "org.fedoraproject.FirewallD1.config"};
constexpr std::uint64_t kPatience_us = 5'000'000;
// Of them the first that the host has. Docker makes its own and keeps its bridges there.
constexpr const char* kAccepting[] = {"docker", "trusted"};

struct Release {
    void operator()(sd_bus* bus) const noexcept { ::sd_bus_close_unref(bus); }
    void operator()(sd_bus_message* message) const noexcept { ::sd_bus_message_unref(message); }
    void operator()(sd_bus_creds* creds) const noexcept { ::sd_bus_creds_unref(creds); }
};
using Bus = std::unique_ptr<sd_bus, Release>;
using Message = std::unique_ptr<sd_bus_message, Release>;

// What came instead of a reply. firewalld's own errors have one D-Bus name; their texts begin with what they are.
struct Refusal {
    sd_bus_error error{};
    Refusal() = default;
    Refusal(const Refusal&) = delete;
    Refusal& operator=(const Refusal&) = delete;
    ~Refusal() { ::sd_bus_error_free(&error); }

    bool begins(std::string_view code) const { return error.message != nullptr && std::string_view(error.message).starts_with(code); }
};

// Whether it runs, and in this network namespace: that of another one has nothing to do with us.
bool runsHere(sd_bus& bus) {
    sd_bus_creds* found = nullptr;
    if (::sd_bus_get_name_creds(&bus, kService, SD_BUS_CREDS_PID, &found) < 0) return false;
    const std::unique_ptr<sd_bus_creds, Release> owner(found);
    pid_t pid = 0;
    struct stat theirs {}, ours {};
    const bool known = ::sd_bus_creds_get_pid(found, &pid) >= 0 && ::stat(fmt::format("/proc/{}/ns/net", pid).c_str(), &theirs) == 0 &&
                       ::stat("/proc/thread-self/ns/net", &ours) == 0;
    return !known || (theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev);
}

// A call would wait for the bus's greeting as long as libsystemd likes: a minute and a half.
void awaitReady(sd_bus& bus) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(kPatience_us);
    while (::sd_bus_is_ready(&bus) <= 0) {
        const auto left = std::chrono::duration_cast<std::chrono::microseconds>(end - std::chrono::steady_clock::now()).count();
        const int done = left > 0 ? ::sd_bus_process(&bus, nullptr) : -ETIMEDOUT;
        const int result = done == 0 ? ::sd_bus_wait(&bus, static_cast<std::uint64_t>(left)) : done;
        if (result < 0) throw Error::system("firewalld: connect to the system bus", -result);
    }
}

// nullptr: there is no firewalld.
Bus reach() {
    sd_bus* made = nullptr;
    if (::access(kBusSocket, F_OK) != 0 || ::sd_bus_new(&made) < 0) return nullptr;
    Bus bus(made);
    const bool started = ::sd_bus_set_address(made, kBusAddress) >= 0 && ::sd_bus_set_bus_client(made, 1) >= 0 &&
                         ::sd_bus_set_method_call_timeout(made, kPatience_us) >= 0 && ::sd_bus_start(made) >= 0;
    if (!started) return nullptr;
    awaitReady(*bus);
    return runsHere(*bus) ? std::move(bus) : nullptr;
}

// The text of the reply; std::nullopt: the service refused.
std::optional<std::string> ask(sd_bus& bus, const Side& side, const char* method, std::initializer_list<const char*> words, Refusal& refusal) {
    const auto attempt = [method](int result) {
        if (result < 0) throw Error::system(std::string("firewalld: ") + method, -result);
    };
    sd_bus_message* made = nullptr;
    attempt(::sd_bus_message_new_method_call(&bus, &made, kService, side.object, side.interface, method));
    const Message call(made);
    attempt(::sd_bus_message_set_auto_start(made, 0));  // should it end just now: whoever ends it has his reasons
    for (const char* word : words) attempt(::sd_bus_message_append_basic(made, 's', word));
    sd_bus_message* answered = nullptr;
    const int result = ::sd_bus_call(&bus, made, 0, &refusal.error, &answered);
    const Message reply(answered);
    if (result < 0 && ::sd_bus_error_is_set(&refusal.error) == 0) attempt(result);
    if (result < 0) return std::nullopt;
    const char* text = nullptr;
    attempt(::sd_bus_message_read_basic(answered, 's', &text));
    return text;
}

[[noreturn]] void refused(const char* method, const std::string& bridge, const Refusal& refusal) {
    throw error(Code::unavailable, "firewalld: {} {}: {}", method, bridge, refusal.error.message != nullptr ? refusal.error.message : refusal.error.name);
}

// Empty: none of its own, so that the default zone's rules are for it.
std::string zoneOf(sd_bus& bus, const Side& side, const std::string& bridge) {
    Refusal refusal;
    auto zone = ask(bus, side, "getZoneOfInterface", {bridge.c_str()}, refusal);
    if (!zone) refused("getZoneOfInterface", bridge, refusal);
    return std::move(*zone);
}

void admit(sd_bus& bus, const std::string& bridge) {
    for (const char* zone : kAccepting) {
        Refusal refusal;
        // Somebody may have been quicker.
        if (ask(bus, kRunning, "addInterface", {zone, bridge.c_str()}, refusal) || refusal.begins("ZONE_ALREADY_SET") || refusal.begins("ZONE_CONFLICT")) return;
        if (!refusal.begins("INVALID_ZONE")) refused("addInterface", bridge, refusal);
    }
    throw error(Code::unavailable, "firewalld: addInterface {}: it has no zone \"trusted\"", bridge);
}

}  // namespace

void admitToFirewalld(const std::set<std::string>& bridges) {
    const Bus bus = bridges.empty() ? nullptr : reach();
    if (!bus) return;
    for (const std::string& bridge : bridges)
        if (zoneOf(*bus, kRunning, bridge).empty()) admit(*bus, bridge);
}

void dismissFromFirewalld(const std::string& bridge) {
    const Bus bus = reach();
    if (!bus) return;
    const std::string zone = zoneOf(*bus, kRunning, bridge);
    if (!zoneOf(*bus, kOnDisk, bridge).empty()) return;  // an administrator's choice
    for (const char* accepting : kAccepting) {
        Refusal refusal;
        if (zone == accepting && !ask(*bus, kRunning, "removeInterface", {accepting, bridge.c_str()}, refusal) && !refusal.begins("UNKNOWN_INTERFACE"))
            refused("removeInterface", bridge, refusal);
    }
}

}  // namespace davit::bridge
