// The rights that the parts of a NetworkController hold while they change something, each for a scope.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "base/check.hpp"
#include "network/controller.hpp"

namespace davit::network {

/// Keeps a network from being removed while an endpoint on it is being made.
class NetworkController::Pin {
  public:
    Pin(NetworkController& controller, std::string network_id) : controller_(controller), id_(std::move(network_id)) {
        const Lock lock(controller_.mutex_);
        const auto found = controller_.networks_.find(id_);
        if (found == controller_.networks_.end() || found->second.busy) throw error(Code::not_found, "network {} not found", id_);
        ++found->second.users;
    }
    Pin(const Pin&) = delete;
    Pin& operator=(const Pin&) = delete;
    ~Pin() {
        const Lock lock(controller_.mutex_);
        --controller_.networks_.at(id_).users;
    }

  private:
    NetworkController& controller_;
    std::string id_;
};

/// The right to change one sandbox; absent when it is gone.
class NetworkController::Busy {
  public:
    Busy(NetworkController& controller, std::string id) : controller_(controller), id_(std::move(id)) {
        const Lock lock(controller_.mutex_);
        while (true) {
            const auto found = controller_.sandboxes_.find(id_);
            if (found == controller_.sandboxes_.end()) return;
            if (!found->second.busy) {
                found->second.busy = true;
                sandbox_ = found->second.sandbox;
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
            if (const auto found = controller_.sandboxes_.find(id_); found != controller_.sandboxes_.end() && sandbox_)
                found->second.busy = false;
        }
        controller_.changed_.notify_all();
    }
    /// As it was when the right was taken.
    [[nodiscard]] const std::optional<Sandbox>& sandbox() const noexcept { return sandbox_; }
    /// The same when that container's run isn't over; else throws Error{conflict} "container x is not running".
    [[nodiscard]] const Sandbox& running(const std::string& container_id) const {
        if (!sandbox_ || sandbox_->ending) throw error(Code::conflict, "container {} is not running", container_id);
        return *sandbox_;
    }

  private:
    NetworkController& controller_;
    const std::string id_;
    std::optional<Sandbox> sandbox_;
};

}  // namespace davit::network
