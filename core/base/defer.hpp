// Defer: runs a function when the scope ends, unless dismissed. For undoing half-done work.
#pragma once

#include <utility>

namespace davit {

template <typename F>
class [[nodiscard]] Defer {
  public:
    explicit Defer(F f) : f_(std::move(f)) {}
    Defer(const Defer&) = delete;
    Defer& operator=(const Defer&) = delete;
    ~Defer() {
        if (!armed_) return;
        try {
            f_();
        } catch (...) {  // a destructor: the failure that is already under way matters more
        }
    }
    void dismiss() noexcept { armed_ = false; }

  private:
    F f_;
    bool armed_ = true;
};

}  // namespace davit
