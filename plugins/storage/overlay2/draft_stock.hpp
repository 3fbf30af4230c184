// DraftStock: directories of layers to come. Making one takes four inodes, which on ext4 are dear soon after others were deleted, and
// a container's start waits for them; so a few are made ahead.
//
//     <home>/ready/<n>/{diff/, work/, layer}    nobody's yet; what an earlier process left there is thrown away
//
// Never a used one: who still holds a descriptor of a removed container must not see the next one's files. Threads: any; an own one
// makes them, a moment after one was taken.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/thread_annotations.hpp"

namespace davit::overlay2 {

class DraftStock {
  public:
    /// `discard` gets rid of what is left in the directory.
    DraftStock(std::filesystem::path directory, std::size_t size, const std::function<void(const std::filesystem::path&)>& discard);
    DraftStock(const DraftStock&) = delete;
    DraftStock& operator=(const DraftStock&) = delete;
    ~DraftStock();

    /// A directory with its place; whoever has it moves it elsewhere.
    class Loan {
      public:
        Loan(DraftStock& stock, std::size_t place) noexcept : stock_(&stock), place_(place) {}
        Loan(Loan&& other) noexcept : stock_(std::exchange(other.stock_, nullptr)), place_(other.place_) {}
        Loan& operator=(Loan&&) = delete;
        ~Loan() {
            if (stock_ != nullptr) stock_->vacated(place_);
        }
        [[nodiscard]] std::filesystem::path path() const { return stock_->pathOf(place_); }

      private:
        DraftStock* stock_;
        std::size_t place_;
    };
    /// std::nullopt: none is ready.
    [[nodiscard]] std::optional<Loan> take() DAVIT_EXCLUDES(mutex_);

  private:
    enum class Place { empty, ready, lent };

    [[nodiscard]] std::filesystem::path pathOf(std::size_t place) const { return directory_ / std::to_string(place); }
    void vacated(std::size_t place) DAVIT_EXCLUDES(mutex_);
    void run() DAVIT_EXCLUDES(mutex_);
    void make(std::size_t place) const;

    const std::filesystem::path directory_;
    Mutex mutex_;
    Condition changed_;
    std::vector<Place> places_ DAVIT_GUARDED_BY(mutex_);
    std::chrono::steady_clock::time_point due_ DAVIT_GUARDED_BY(mutex_){};  ///< not before
    bool stopping_ DAVIT_GUARDED_BY(mutex_) = false;
    std::thread thread_;
};

}  // namespace davit::overlay2
