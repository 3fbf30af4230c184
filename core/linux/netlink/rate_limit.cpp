#include "linux/netlink/rate_limit.hpp"

#include <net/if.h>
#include <netlink/route/qdisc.h>
#include <netlink/route/qdisc/tbf.h>
#include <netlink/route/tc.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/check.hpp"
#include "linux/netlink/libnl.hpp"

namespace davit::linux {
namespace {

constexpr int kLatency_us = 50000;           // what waits longer is dropped
constexpr std::uint64_t kLeastBurst = 70000;  // the largest packet that offloading makes

constexpr std::pair<std::string_view, double> kUnits[] = {
    {"", 0.125},      {"bit", 0.125},     {"kbit", 125.0},     {"mbit", 125e3},     {"gbit", 125e6},
    {"bps", 1.0},     {"kbps", 1000.0},   {"mbps", 1e6},       {"gbps", 1e9}};

struct ReleaseQdisc {
    void operator()(rtnl_qdisc* object) const noexcept { ::rtnl_qdisc_put(object); }
};
using Qdisc = std::unique_ptr<rtnl_qdisc, ReleaseQdisc>;

Qdisc rootOf(const std::string& link) {
    const unsigned index = ::if_nametoindex(link.c_str());
    if (index == 0) check(-1, "find link {}", link);
    Qdisc qdisc(::rtnl_qdisc_alloc());
    if (!qdisc) throw Error(Code::system, "limit a link's rate: out of memory");
    ::rtnl_tc_set_ifindex(TC_CAST(qdisc.get()), static_cast<int>(index));
    ::rtnl_tc_set_parent(TC_CAST(qdisc.get()), TC_H_ROOT);
    return qdisc;
}

}  // namespace

std::optional<std::uint64_t> readRate(const std::string& option, const std::string& value) {
    if (value.empty()) return std::nullopt;
    double number = 0;
    const auto [end, status] = std::from_chars(value.data(), value.data() + value.size(), number, std::chars_format::fixed);
    std::string unit(end, value.data() + value.size());
    std::transform(unit.begin(), unit.end(), unit.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto* known = std::find_if(std::begin(kUnits), std::end(kUnits), [&unit](const auto& one) { return one.first == unit; });
    if (status != std::errc() || known == std::end(kUnits) || !std::isfinite(number) || number < 0)
        throw error(Code::invalid, "invalid value for {}: \"{}\" is no rate such as 10mbit or 500kbps", option, value);
    if (number == 0) return std::nullopt;
    const double rate = number * known->second;
    if (rate < static_cast<double>(kSlowestRate) || rate > static_cast<double>(kFastestRate))
        throw error(Code::invalid, "invalid value for {}: \"{}\" isn't between 8kbit and 16gbit", option, value);
    return static_cast<std::uint64_t>(rate);
}

void limitRate(const std::string& link, std::optional<std::uint64_t> bytes_per_second) {
    const libnl::Socket socket = libnl::connect();
    const Qdisc qdisc = rootOf(link);
    if (!bytes_per_second) {
        // What the kernel puts there by itself can't be deleted and is no limit.
        (void)::rtnl_qdisc_delete(socket.get(), qdisc.get());
        return;
    }
    const auto rate = static_cast<int>(*bytes_per_second);
    const auto burst = static_cast<int>(std::max(kLeastBurst, *bytes_per_second / 100));
    libnl::check(::rtnl_tc_set_kind(TC_CAST(qdisc.get()), "tbf"), "limit a link's rate");
    ::rtnl_tc_set_mtu(TC_CAST(qdisc.get()), 1500);
    ::rtnl_tc_set_linktype(TC_CAST(qdisc.get()), 1);  // Ethernet
    ::rtnl_qdisc_tbf_set_rate(qdisc.get(), rate, burst, 0);
    libnl::check(::rtnl_qdisc_tbf_set_limit_by_latency(qdisc.get(), kLatency_us), "limit a link's rate");
    libnl::check(::rtnl_qdisc_add(socket.get(), qdisc.get(), NLM_F_CREATE | NLM_F_REPLACE), fmt::format("limit the rate of link {}", link));
}

}  // namespace davit::linux
