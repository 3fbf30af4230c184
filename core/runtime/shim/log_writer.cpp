#include "runtime/shim/log_writer.hpp"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <initializer_list>

#include "runtime/launcher/failure.hpp"

namespace davit::shim {
namespace {

using launcher::TextBuffer;

/// Days since 1970 to year, month, day (proleptic Gregorian).
struct Date {
    int64_t year;
    unsigned month;
    unsigned day;
};

Date dateOf(int64_t days) {
    const int64_t shifted = days + 719468;  // since 0000-03-01
    const int64_t era = shifted / 146097;
    const auto day_of_era = static_cast<unsigned>(shifted - era * 146097);
    const unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const unsigned month = (5 * day_of_year + 2) / 153;
    const unsigned civil_month = month < 10 ? month + 3 : month - 9;
    return {static_cast<int64_t>(year_of_era) + era * 400 + (civil_month <= 2), civil_month,
            day_of_year - (153 * month + 2) / 5 + 1};
}

void digits(char* at, uint64_t value, int count) {
    for (int i = count - 1; i >= 0; --i, value /= 10) at[i] = static_cast<char>('0' + value % 10);
}

/// The length of the valid UTF-8 sequence at `text`, or 0.
size_t sequenceLength(const unsigned char* text, size_t size) {
    const unsigned lead = text[0];
    const size_t length = lead < 0x80 ? 1 : lead >= 0xc2 && lead < 0xe0 ? 2 : (lead & 0xf0) == 0xe0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
    if (length == 0 || length > size) return 0;
    for (size_t i = 1; i < length; ++i)
        if ((text[i] & 0xc0) != 0x80) return 0;
    if (lead == 0xe0 && text[1] < 0xa0) return 0;
    if (lead == 0xed && text[1] > 0x9f) return 0;  // surrogates
    if (lead == 0xf0 && text[1] < 0x90) return 0;
    if (lead == 0xf4 && text[1] > 0x8f) return 0;
    return length;
}

constexpr char kHex[] = "0123456789abcdef";

/// Escapes one byte below 0x80 as Go's encoding/json does; the number of characters.
size_t escapeAscii(unsigned char byte, char* out) {
    const char* simple = byte == '"' ? "\\\"" : byte == '\\' ? "\\\\" : byte == '\n' ? "\\n" : byte == '\r' ? "\\r" : byte == '\t' ? "\\t" : nullptr;
    if (simple != nullptr) {
        memcpy(out, simple, 2);
        return 2;
    }
    if (byte >= 0x20 && byte != '<' && byte != '>' && byte != '&') {
        *out = static_cast<char>(byte);
        return 1;
    }
    memcpy(out, "\\u00", 4);
    out[4] = kHex[byte >> 4];
    out[5] = kHex[byte & 15];
    return 6;
}

char* copyText(const char* text) { return *text != '\0' ? ::strdup(text) : nullptr; }

}  // namespace

bool LogWriter::open(const plan::View& view, const plan::LogFile& log) {
    path_ = copyText(view.text(log.path));
    attributes_ = copyText(view.text(log.attributes));
    max_size_ = log.max_size;
    max_files_ = log.max_files > 0 ? log.max_files : 1;
    if (path_ == nullptr) return true;
    fd_ = ::open(path_, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    struct stat facts;
    if (fd_ < 0 || ::fstat(fd_, &facts) != 0) return false;
    size_ = facts.st_size;
    return true;
}

void LogWriter::write(Stream stream, const char* data, size_t size) {
    if (path_ == nullptr) return;
    while (size != 0) {
        const char* newline = static_cast<const char*>(memchr(data, '\n', size));
        const size_t line = newline != nullptr ? static_cast<size_t>(newline - data) : size;
        const size_t room = kLinePart - used_[stream];
        const size_t taken = line < room ? line : room;
        memcpy(line_[stream] + used_[stream], data, taken);
        used_[stream] += static_cast<uint32_t>(taken);
        data += taken;
        size -= taken;
        if (size != 0 && *data == '\n') {
            emit(stream, true);
            ++data;
            --size;
        } else if (used_[stream] == kLinePart) {
            emit(stream, false);
        }
    }
    flush();
}

void LogWriter::finish() {
    for (const Stream stream : {stream_out, stream_err})
        if (used_[stream] != 0) emit(stream, false);
    flush();
}

void LogWriter::appendText(const char* text, size_t size) {
    const auto* at = reinterpret_cast<const unsigned char*>(text);
    while (size != 0) {
        const size_t length = sequenceLength(at, size);
        if (length == 1) {
            filled_ += escapeAscii(*at, buffer_ + filled_);
        } else if (length == 0) {
            memcpy(buffer_ + filled_, "\\ufffd", 6);
            filled_ += 6;
        } else if (length == 3 && at[0] == 0xe2 && at[1] == 0x80 && (at[2] & 0xfe) == 0xa8) {
            memcpy(buffer_ + filled_, at[2] == 0xa8 ? "\\u2028" : "\\u2029", 6);
            filled_ += 6;
        } else {
            memcpy(buffer_ + filled_, at, length);
            filled_ += length;
        }
        at += length != 0 ? length : 1;
        size -= length != 0 ? length : 1;
    }
}

void LogWriter::appendTime() {
    struct timespec now;
    ::clock_gettime(CLOCK_REALTIME, &now);
    const Date date = dateOf(now.tv_sec / 86400);
    const auto second = static_cast<uint64_t>(now.tv_sec % 86400);
    char text[] = "0000-00-00T00:00:00.000000000";
    digits(text, static_cast<uint64_t>(date.year), 4);
    digits(text + 5, date.month, 2);
    digits(text + 8, date.day, 2);
    digits(text + 11, second / 3600, 2);
    digits(text + 14, second / 60 % 60, 2);
    digits(text + 17, second % 60, 2);
    digits(text + 20, static_cast<uint64_t>(now.tv_nsec), 9);
    size_t length = sizeof text - 1;
    while (text[length - 1] == '0') --length;
    if (text[length - 1] == '.') --length;
    memcpy(buffer_ + filled_, text, length);
    filled_ += length;
    buffer_[filled_++] = 'Z';
}

void LogWriter::emit(Stream stream, bool newline) {
    const size_t attributes = attributes_ != nullptr ? strlen(attributes_) : 0;
    const size_t need = used_[stream] * size_t{6} + attributes + 128;
    if (filled_ + need > sizeof buffer_) flush();
    if (max_size_ > 0 && size_ >= max_size_) rotate();
    const size_t before = filled_;
    const auto literal = [this](const char* text) {
        const size_t length = strlen(text);
        memcpy(buffer_ + filled_, text, length);
        filled_ += length;
    };
    literal("{\"log\":\"");
    appendText(line_[stream], used_[stream]);
    literal(newline ? "\\n\",\"stream\":\"" : "\",\"stream\":\"");
    literal(stream == stream_out ? "stdout\"" : "stderr\"");
    if (attributes != 0 && attributes < sizeof buffer_ / 2) {
        literal(",\"attrs\":");
        literal(attributes_);
    }
    literal(",\"time\":\"");
    appendTime();
    literal("\"}\n");
    used_[stream] = 0;
    size_ += static_cast<int64_t>(filled_ - before);
    ++records_;
}

void LogWriter::flush() {
    if (filled_ == 0) return;
    size_t done = 0;
    while (fd_ >= 0 && done < filled_) {
        const ssize_t count = ::write(fd_, buffer_ + done, filled_ - done);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        done += static_cast<size_t>(count);
    }
    if (done != filled_) {
        errors_ += records_;
        size_ -= static_cast<int64_t>(filled_);
        // A record that is there by half would spoil the next one.
        if (fd_ >= 0 && done != 0) (void)!::ftruncate(fd_, size_);
    }
    filled_ = 0;
    records_ = 0;
}

void LogWriter::rotate() {
    flush();
    char from[PATH_MAX];
    char to[PATH_MAX];
    for (uint32_t number = max_files_ - 1; number > 0; --number) {
        TextBuffer source(from, sizeof from);
        source.add(path_);
        if (number > 1) source.add(".").add(int64_t{number - 1});
        TextBuffer(to, sizeof to).add(path_).add(".").add(int64_t{number});
        (void)::rename(from, to);  // a missing one is no harm
    }
    if (fd_ >= 0) (void)::close(fd_);
    if (max_files_ == 1) (void)::unlink(path_);
    fd_ = ::open(path_, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    size_ = 0;
}

}  // namespace davit::shim
