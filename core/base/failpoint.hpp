// Failpoints: places where a test makes the process die, wait or fail, to show that nothing is lost there.
//
//     DAVIT_FAILPOINT("start.shim_spawned");
//
// Compiled to nothing unless DAVIT_FAILPOINTS is defined (CMake option of that name). The environment variable
// DAVIT_FAILPOINTS, read once, says what happens:
//
//     name=action[->action…][;name=…]      action: [N*]off | abort | exit[(status)] | error(ERRNO) | delay(ms) | panic
//
// "2*off->1*abort" passes twice, then aborts; an action without a count is for ever, after the last one nothing happens.
// error() throws Error::system with that errno (a number or ENOSPC, EIO, ENOMEM, EACCES), panic throws std::runtime_error.
// Threads: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace davit::failpoint {

struct Action {
    enum class Kind { off, abort, exit, error, delay, panic };
    Kind kind = Kind::off;
    int argument = 0;
    int remaining = -1;  ///< -1: for ever
};

struct Point {
    std::string name;
    std::vector<Action> actions;
};

/// Throws Error{invalid} naming the part that it doesn't understand.
[[nodiscard]] std::vector<Point> parse(std::string_view text);

/// Replaces what the environment said; for tests.
void configure(std::string_view text);

/// Does what is configured for `name`.
void hit(const char* name);

}  // namespace davit::failpoint

#if defined(DAVIT_FAILPOINTS)
#define DAVIT_FAILPOINT(name) ::davit::failpoint::hit(name)
#else
#define DAVIT_FAILPOINT(name) static_cast<void>(0)
#endif
