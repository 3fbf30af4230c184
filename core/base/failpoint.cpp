#include "base/failpoint.hpp"

#include <unistd.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <thread>

#include "base/check.hpp"
#include "base/thread_annotations.hpp"

namespace davit::failpoint {
namespace {

int number(std::string_view text) {
    int value = 0;
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (bad != std::errc() || end != text.data() + text.size())
        throw error(Code::invalid, "failpoint: not a number: {}", text);
    return value;
}

int errnoOf(std::string_view text) {
    static const std::map<std::string_view, int> known = {
        {"ENOSPC", ENOSPC}, {"EIO", EIO}, {"ENOMEM", ENOMEM}, {"EACCES", EACCES}, {"EMFILE", EMFILE}};
    const auto found = known.find(text);
    return found != known.end() ? found->second : number(text);
}

Action parseAction(std::string_view text) {
    static const std::map<std::string_view, Action::Kind> kinds = {
        {"off", Action::Kind::off},     {"abort", Action::Kind::abort}, {"exit", Action::Kind::exit},
        {"error", Action::Kind::error}, {"delay", Action::Kind::delay}, {"panic", Action::Kind::panic}};
    Action action;
    if (const std::size_t star = text.find('*'); star != std::string_view::npos) {
        action.remaining = number(text.substr(0, star));
        text.remove_prefix(star + 1);
    }
    const std::size_t open = text.find('(');
    const auto kind = kinds.find(text.substr(0, open));
    if (kind == kinds.end()) throw error(Code::invalid, "failpoint: unknown action: {}", text);
    action.kind = kind->second;
    if (open == std::string_view::npos) return action;
    if (text.back() != ')') throw error(Code::invalid, "failpoint: missing ')': {}", text);
    const std::string_view argument = text.substr(open + 1, text.size() - open - 2);
    action.argument = action.kind == Action::Kind::error ? errnoOf(argument) : number(argument);
    return action;
}

/// Splits `text` at each `separator` and gives the parts to `take`.
template <typename Take>
void split(std::string_view text, std::string_view separator, Take&& take) {
    while (!text.empty()) {
        const std::size_t at = text.find(separator);
        if (const std::string_view part = text.substr(0, at); !part.empty()) take(part);
        if (at == std::string_view::npos) return;
        text.remove_prefix(at + separator.size());
    }
}

struct Registry {
    std::atomic<bool> any{false};
    Mutex mutex;
    std::vector<Point> points DAVIT_GUARDED_BY(mutex);

    Registry() {
        const char* text = std::getenv("DAVIT_FAILPOINTS");
        if (text == nullptr) return;
        const Lock lock(mutex);
        points = parse(text);
        any = !points.empty();
    }
};

Registry& registry() {
    static Registry instance;
    return instance;
}

/// The next action of `name`, its count taken down.
Action take(const char* name) {
    Registry& all = registry();
    const Lock lock(all.mutex);
    for (Point& point : all.points) {
        if (point.name != name) continue;
        for (Action& action : point.actions) {
            if (action.remaining == 0) continue;
            if (action.remaining > 0) --action.remaining;
            return action;
        }
    }
    return {};
}

}  // namespace

std::vector<Point> parse(std::string_view text) {
    std::vector<Point> points;
    split(text, ";", [&](std::string_view part) {
        const std::size_t equals = part.find('=');
        if (equals == std::string_view::npos) throw error(Code::invalid, "failpoint: missing '=': {}", part);
        Point point{std::string(part.substr(0, equals)), {}};
        split(part.substr(equals + 1), "->", [&](std::string_view one) { point.actions.push_back(parseAction(one)); });
        points.push_back(std::move(point));
    });
    return points;
}

void configure(std::string_view text) {
    Registry& all = registry();
    const Lock lock(all.mutex);
    all.points = parse(text);
    all.any = !all.points.empty();
}

void hit(const char* name) {
    if (!registry().any) return;
    const Action action = take(name);
    switch (action.kind) {
        case Action::Kind::off: return;
        case Action::Kind::abort: std::abort();
        case Action::Kind::exit: ::_exit(action.argument);
        case Action::Kind::error: throw Error::system(std::string("failpoint ") + name, action.argument);
        case Action::Kind::delay: std::this_thread::sleep_for(std::chrono::milliseconds(action.argument)); return;
        case Action::Kind::panic: throw std::runtime_error(std::string("failpoint ") + name);
    }
}

}  // namespace davit::failpoint
