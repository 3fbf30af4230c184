// Writes Docker's json-file log: one JSON object per line of output, parts of at most 16 KiB, rotation by size.
//
// A write that fails is counted and the record dropped: the container never waits for the disk nor dies of it.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "runtime/plan.hpp"

namespace davit::shim {

enum Stream { stream_out = 0, stream_err = 1, stream_count = 2 };

inline constexpr uint32_t kLinePart = 16384;

class LogWriter {
  public:
    /// Copies what it needs. False and errno when the file can't be opened; without a path it writes nothing.
    bool open(const plan::View& view, const plan::LogFile& log);
    /// Raw output of the process; complete lines are written at once with one write per call.
    void write(Stream stream, const char* data, size_t size);
    /// The process's end: what is left without a newline becomes a record.
    void finish();
    uint64_t errors() const { return errors_; }

  private:
    void emit(Stream stream, bool newline);
    void appendText(const char* text, size_t size);
    void appendTime();
    void flush();
    void rotate();

    int fd_ = -1;
    char* path_ = nullptr;
    char* attributes_ = nullptr;
    int64_t max_size_ = -1;
    uint32_t max_files_ = 1;
    int64_t size_ = 0;  ///< of the file, with what is still in the buffer
    uint64_t errors_ = 0;
    uint32_t records_ = 0;  ///< in the buffer
    uint32_t used_[stream_count] = {};
    size_t filled_ = 0;
    char line_[stream_count][kLinePart];
    char buffer_[kLinePart * 6 + 65536];
};

}  // namespace davit::shim
