#include "address_pool.hpp"

namespace davit::ipam {

AddressPool::AddressPool(const IpPrefix& pool) : pool_(pool.network()) {
    for (const IpAddress& end : {pool_.first(), pool_.last()})
        if (isReserved(end)) (void)take(end);
}

bool AddressPool::isReserved(const IpAddress& address) const noexcept {
    if (pool_.address.family == IpFamily::v6) return pool_.length < 127 && address == pool_.first();
    return pool_.length < 31 && (address == pool_.first() || address == pool_.last());
}

bool AddressPool::take(const IpAddress& address) {
    const Uint128 number = address.number;
    auto next = taken_.upper_bound(number);
    const auto before = next == taken_.begin() ? taken_.end() : std::prev(next);
    if (before != taken_.end() && before->second >= number) return false;
    const bool joins_before = before != taken_.end() && before->second + 1 == number;
    const bool joins_next = next != taken_.end() && number + 1 == next->first;
    Uint128 last = number;
    if (joins_next) {
        last = next->second;
        taken_.erase(next);
    }
    if (joins_before)
        before->second = last;
    else
        taken_.emplace(number, last);
    return true;
}

std::optional<Uint128> AddressPool::lowestFree(Uint128 from, Uint128 to) const {
    const auto next = taken_.upper_bound(from);
    if (next != taken_.begin() && std::prev(next)->second >= from) {
        const Uint128 last = std::prev(next)->second;
        if (last >= to) return std::nullopt;  // also keeps last + 1 from overflowing
        return last + 1;  // ranges are never adjacent: what follows one is free
    }
    return from;
}

std::optional<IpAddress> AddressPool::takeLowest(const IpPrefix& range, std::optional<IpAddress> after) {
    const Uint128 first = range.first().number;
    const Uint128 last = range.last().number;
    std::optional<Uint128> found;
    if (after && after->number >= first && after->number < last) found = lowestFree(after->number + 1, last);
    if (!found) found = lowestFree(first, last);
    if (!found) return std::nullopt;
    const IpAddress address{pool_.address.family, *found};
    (void)take(address);
    return address;
}

void AddressPool::release(const IpAddress& address) {
    const auto next = taken_.upper_bound(address.number);
    if (isReserved(address) || next == taken_.begin()) return;
    const auto range = std::prev(next);
    const Uint128 last = range->second;
    if (last < address.number) return;
    if (last > address.number) taken_.emplace(address.number + 1, last);
    if (range->first == address.number)
        taken_.erase(range);
    else
        range->second = address.number - 1;
}

}  // namespace davit::ipam
