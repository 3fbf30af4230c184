// How the launcher reports failures: functions return false (or -1) after having written what failed into one record per
// process. No allocation, no exceptions: this runs between clone and exec.
#pragma once

#include <errno.h>
#include <stdint.h>

namespace davit::launcher {

struct Failure {
    int32_t error = 0;      ///< errno, or 0 when the text says all
    int32_t exit_code = 0;  ///< 126, 127 or 0
    char text[1000] = {};
};

/// The record of this process.
extern Failure g_failure;

/// Appends to a fixed text; what doesn't fit is cut.
class TextBuffer {
  public:
    TextBuffer(char* buffer, uint32_t size) : buffer_(buffer), size_(size) { buffer_[0] = '\0'; }
    TextBuffer& add(const char* text);
    TextBuffer& add(int64_t number);
    uint32_t length() const { return length_; }

  private:
    char* buffer_;
    uint32_t size_;
    uint32_t length_ = 0;
};

/// Records the texts one after the other with the current errno and returns false.
bool failWithErrno(const char* a, const char* b = "", const char* c = "", const char* d = "");
/// The same without an errno.
bool fail(const char* a, const char* b = "", const char* c = "", const char* d = "");
/// For the program itself: `exec: "x": …`.
bool failExec(int exit_code, int error, const char* a, const char* b = "", const char* c = "", const char* d = "");

}  // namespace davit::launcher
