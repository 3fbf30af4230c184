// The attributes that clang's -Wthread-safety checks, and a mutex that carries them. Empty for other compilers.
#pragma once

#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define DAVIT_ATTR(x) __attribute__((x))
#else
#define DAVIT_ATTR(x)
#endif

#define DAVIT_GUARDED_BY(x) DAVIT_ATTR(guarded_by(x))
#define DAVIT_REQUIRES(...) DAVIT_ATTR(requires_capability(__VA_ARGS__))
#define DAVIT_EXCLUDES(...) DAVIT_ATTR(locks_excluded(__VA_ARGS__))

namespace davit {

class DAVIT_ATTR(capability("mutex")) Mutex {
  public:
    void lock() DAVIT_ATTR(acquire_capability()) { mutex_.lock(); }
    void unlock() DAVIT_ATTR(release_capability()) { mutex_.unlock(); }
    bool try_lock() DAVIT_ATTR(try_acquire_capability(true)) { return mutex_.try_lock(); }
    /// Tells the checker that the caller holds it, in a lambda, whose surroundings it doesn't see. Nothing happens.
    void assertHeld() const DAVIT_ATTR(assert_capability(this)) {}

  private:
    std::mutex mutex_;
};

/// Holds a Mutex for a scope.
class DAVIT_ATTR(scoped_lockable) Lock {
  public:
    explicit Lock(Mutex& mutex) DAVIT_ATTR(acquire_capability(mutex)) : mutex_(mutex) { mutex_.lock(); }
    ~Lock() DAVIT_ATTR(release_capability()) { mutex_.unlock(); }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

  private:
    Mutex& mutex_;
};

/// A condition variable that waits on a Mutex: `while (!ready) changed.wait(mutex);`.
using Condition = std::condition_variable_any;

}  // namespace davit
