#include "engine/names.hpp"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace davit::engine {
namespace {

constexpr std::array<std::string_view, 96> kAdjectives = {
    "able",     "airy",     "alert",   "amber",    "ample",    "apt",      "awake",    "bold",     "brave",   "breezy",
    "bright",   "brisk",    "calm",    "candid",   "careful",  "cheery",   "civil",    "clear",    "clever",  "cool",
    "cosy",     "crisp",    "curious", "daring",   "deft",     "eager",    "earnest",  "easy",     "exact",   "fair",
    "fast",     "fearless", "fine",    "firm",     "fleet",    "fluent",   "fond",     "frank",    "free",    "fresh",
    "frugal",   "gentle",   "glad",    "golden",   "good",     "grand",    "handy",    "hardy",    "honest",  "humble",
    "jolly",    "just",     "keen",    "kind",     "lively",   "loyal",    "lucid",    "lucky",    "mellow",  "merry",
    "mild",     "modest",   "neat",    "nimble",   "noble",    "open",     "patient",  "placid",   "plain",   "polite",
    "proud",    "prudent",  "quick",   "quiet",    "rapid",    "ready",    "robust",   "sage",     "serene",  "sharp",
    "silent",   "sincere",  "smart",   "sober",    "solid",    "spry",     "stable",   "steady",   "sunny",   "swift",
    "tidy",     "upbeat",   "valiant", "vivid",    "warm",     "witty"};

// People of the sea, of ropes and of computing: a davit lowers boats.
constexpr std::array<std::string_view, 80> kSurnames = {
    "amundsen", "anning",   "backus",   "baret",     "bellard",  "bering",    "bernal",   "blackwell", "boole",
    "cabot",    "cerf",     "church",   "clarke",    "codd",     "cook",      "cousteau", "dahl",      "darwin",
    "dijkstra", "drebbel",  "earhart",  "engelbart", "erdos",    "euler",     "flinders", "floyd",     "fourier",
    "franklin", "gauss",    "goldberg", "hamilton",  "hamming",  "harrison",  "herschel", "hoare",     "hopper",
    "hudson",   "humboldt", "huygens",  "iverson",   "johnson",  "kay",       "kepler",   "kernighan", "knuth",
    "lamport",  "laplace",  "leibniz",  "liskov",    "lovelace", "magellan",  "maury",    "mccarthy",  "mercator",
    "milner",   "nansen",   "naur",     "noether",   "nygaard",  "pascal",    "perlman",  "pike",      "postel",
    "ritchie",  "ross",     "scott",    "shackleton", "shannon", "slocum",    "somerville", "stroustrup", "sutherland",
    "tarjan",   "thompson", "turing",   "vespucci",  "wheeler",  "wilkes",    "wirth",    "zuse"};

std::uint32_t randomNumber() {
    std::uint32_t number = 0;
    // The pool is never empty after boot, and these few bytes are never cut short.
    (void)!::getrandom(&number, sizeof number, 0);
    return number;
}

bool isAlphanumeric(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

bool isContainerName(std::string_view name) noexcept {
    if (name.size() < 2 || !isAlphanumeric(name[0])) return false;
    return std::all_of(name.begin() + 1, name.end(),
                       [](char c) { return isAlphanumeric(c) || c == '_' || c == '.' || c == '-'; });
}

std::string randomName(unsigned attempt) {
    const std::uint32_t number = randomNumber();
    std::string name(kAdjectives[number % kAdjectives.size()]);
    name += '_';
    name += kSurnames[(number / kAdjectives.size()) % kSurnames.size()];
    if (attempt > 0) name += std::to_string(randomNumber() % (attempt < 4 ? 10 : 1000000));
    return name;
}

}  // namespace davit::engine
