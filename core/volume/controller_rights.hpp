// The right to change one volume, held for a scope: what makes operations on a volume follow each other.
#pragma once

#include <string>
#include <utility>

#include "base/check.hpp"
#include "volume/controller.hpp"

namespace davit::volume {

class VolumeController::Busy {
  public:
    enum class Missing { refuse, make };

    /// Waits for whoever holds it. Missing::refuse: throws Error{not_found} "get x: no such volume"; Missing::make: an entry
    /// without a volume is made, and goes again with this right unless it has got one (take()).
    Busy(VolumeController& controller, std::string name, Missing missing) : controller_(controller), name_(std::move(name)) {
        const Lock lock(controller_.mutex_);
        while (true) {
            const auto found = controller_.entries_.find(name_);
            if (found == controller_.entries_.end()) {
                if (missing == Missing::refuse) throw error(Code::not_found, "get {}: no such volume", name_);
                controller_.entries_[name_].busy = true;
                return;
            }
            if (!found->second.busy) {
                if (missing == Missing::refuse && !found->second.usable())
                    throw error(Code::not_found, "get {}: no such volume", name_);
                found->second.busy = true;
                return;
            }
            controller_.changed_.wait(controller_.mutex_);
        }
    }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;
    ~Busy() {
        {
            const Lock lock(controller_.mutex_);
            if (const auto found = controller_.entries_.find(name_); found != controller_.entries_.end()) {
                found->second.busy = false;
                const bool empty = found->second.state == VolumeState::creating && found->second.volume.name.empty();
                if (empty) controller_.entries_.erase(found);
            }
        }
        controller_.changed_.notify_all();
    }

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] Entry snapshot() const {
        const Lock lock(controller_.mutex_);
        return controller_.entries_.at(name_);
    }
    /// Changes the entry under the lock.
    template <typename Change>
    void change(Change&& apply) {
        const Lock lock(controller_.mutex_);
        apply(controller_.entries_.at(name_));
    }
    /// The volume is gone; the entry stays until the right is given back.
    void forget() {
        change([](Entry& entry) {
            const bool busy = entry.busy;
            entry = Entry{};
            entry.busy = busy;
        });
    }

  private:
    VolumeController& controller_;
    const std::string name_;
};

}  // namespace davit::volume
