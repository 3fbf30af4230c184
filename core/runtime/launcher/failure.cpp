#include "runtime/launcher/failure.hpp"

namespace davit::launcher {

Failure g_failure;

TextBuffer& TextBuffer::add(const char* text) {
    while (*text != '\0' && length_ + 1 < size_) buffer_[length_++] = *text++;
    buffer_[length_] = '\0';
    return *this;
}

TextBuffer& TextBuffer::add(int64_t number) {
    char digits[24];
    char* at = digits + sizeof digits - 1;
    *at = '\0';
    uint64_t rest = number < 0 ? 0 - static_cast<uint64_t>(number) : static_cast<uint64_t>(number);
    do *--at = static_cast<char>('0' + rest % 10);
    while ((rest /= 10) != 0);
    if (number < 0) *--at = '-';
    return add(at);
}

namespace {

bool record(int exit_code, int error, const char* a, const char* b, const char* c, const char* d) {
    g_failure.error = error;
    g_failure.exit_code = exit_code;
    TextBuffer(g_failure.text, sizeof g_failure.text).add(a).add(b).add(c).add(d);
    return false;
}

}  // namespace

bool failWithErrno(const char* a, const char* b, const char* c, const char* d) { return record(0, errno, a, b, c, d); }
bool fail(const char* a, const char* b, const char* c, const char* d) { return record(0, 0, a, b, c, d); }
bool failExec(int exit_code, int error, const char* a, const char* b, const char* c, const char* d) {
    return record(exit_code, error, a, b, c, d);
}

}  // namespace davit::launcher
