// alone(): one object's part of work on many.
#pragma once

#include <exception>
#include <string>

#include "base/log.hpp"

namespace davit::network {

/// Runs `work`; its fault is logged under the object's name and stays its own.
template <typename Work>
void alone(const std::string& what, Work&& work) {
    try {
        work();
    } catch (const std::exception& failure) {
        log::error("{}: {}", what, failure.what());
    }
}

}  // namespace davit::network
