#include "image/read_ahead.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <thread>
#include <vector>

#include "base/thread_annotations.hpp"

namespace davit::image {
namespace {
constexpr std::size_t kBuffers = 4;
constexpr std::size_t kBufferSize = 512U << 10;
}  // namespace

struct ReadAhead::Impl {
    Impl(ByteSource& from, Tap on_data) : source(from), tap(std::move(on_data)) {
        for (auto& buffer : buffers) buffer.resize(kBufferSize);
        thread = std::thread([this] { produce(); });
    }
    ~Impl() {
        {
            const Lock lock(mutex);
            stopping = true;
        }
        changed.notify_all();
        thread.join();
    }

    std::size_t fill(std::vector<std::byte>& buffer) {
        std::size_t size = 0;
        while (size < buffer.size()) {
            const std::size_t got = source.read(std::span(buffer).subspan(size));
            if (got == 0) break;
            size += got;
        }
        if (size > 0 && tap) tap(std::span(buffer).first(size));
        return size;
    }

    void produce() noexcept {
        for (std::size_t turn = 0;; ++turn) {
            const std::size_t slot = turn % kBuffers;
            {
                const Lock lock(mutex);
                while (produced - consumed == kBuffers && !stopping) changed.wait(mutex);
                if (stopping) return;
            }
            std::size_t size = 0;
            std::exception_ptr thrown;
            try {
                size = fill(buffers[slot]);
            } catch (...) {  // the thread's entry: it belongs to the reader
                thrown = std::current_exception();
            }
            {
                const Lock lock(mutex);
                sizes[slot] = size;
                failure = thrown;
                ++produced;
            }
            changed.notify_all();
            if (size == 0) return;
        }
    }

    /// Waits for the buffer at the reader's turn; 0 at the end.
    std::size_t await() {
        const Lock lock(mutex);
        while (produced == consumed) changed.wait(mutex);
        const std::size_t size = sizes[consumed % kBuffers];
        if (size == 0 && failure) std::rethrow_exception(failure);
        return size;
    }

    void release() {
        {
            const Lock lock(mutex);
            ++consumed;
        }
        changed.notify_all();
    }

    ByteSource& source;
    Tap tap;
    std::array<std::vector<std::byte>, kBuffers>
        buffers;             // a slot belongs to the producer or the reader, never to both
    std::size_t offset = 0;  // the reader's, within its slot

    Mutex mutex;
    Condition changed;
    std::array<std::size_t, kBuffers> sizes DAVIT_GUARDED_BY(mutex){};
    std::size_t produced DAVIT_GUARDED_BY(mutex) = 0;
    std::size_t consumed DAVIT_GUARDED_BY(mutex) = 0;
    std::exception_ptr failure DAVIT_GUARDED_BY(mutex);
    bool stopping DAVIT_GUARDED_BY(mutex) = false;
    std::size_t slot_read = 0;  // the reader's

    std::thread thread;
};

ReadAhead::ReadAhead(ByteSource& source, Tap tap) : impl_(std::make_unique<Impl>(source, std::move(tap))) {}
ReadAhead::~ReadAhead() = default;

std::size_t ReadAhead::read(std::span<std::byte> buffer) {
    const std::size_t size = impl_->await();
    if (size == 0) return 0;
    const auto& from = impl_->buffers[impl_->slot_read % kBuffers];
    const std::size_t count = std::min(buffer.size(), size - impl_->offset);
    std::memcpy(buffer.data(), from.data() + impl_->offset, count);
    impl_->offset += count;
    if (impl_->offset == size) {
        impl_->offset = 0;
        ++impl_->slot_read;
        impl_->release();
    }
    return count;
}

}  // namespace davit::image
