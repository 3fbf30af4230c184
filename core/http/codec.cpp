#include "http/codec.hpp"

#include <utility>  // Beast 1.74 forgets it, which C++20 shows

#include <boost/beast/http/basic_parser.hpp>

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>

#include "base/check.hpp"

namespace davit::http {
namespace {

namespace beast = boost::beast::http;
using boost::beast::error_code;
using boost::beast::string_view;

StatusError bad(std::string_view why) { return {400, "malformed HTTP message: " + std::string(why)}; }

// Collects what Beast recognises: the head's fields, and body bytes into a borrowed span.
template <bool isRequest>
class Parser final : public beast::basic_parser<isRequest> {
  public:
    RequestHead request;
    ResponseHead response;
    std::span<std::byte> out;
    std::size_t written = 0;

  private:
    void on_request_impl(beast::verb, string_view method, string_view target, int version, error_code& ec) override {
        request.method.assign(method.data(), method.size());
        request.target.assign(target.data(), target.size());
        request.version = static_cast<unsigned>(version);
        ec = {};
    }
    void on_response_impl(int code, string_view reason, int version, error_code& ec) override {
        response.status = static_cast<unsigned>(code);
        response.reason.assign(reason.data(), reason.size());
        response.version = static_cast<unsigned>(version);
        ec = {};
    }
    void on_field_impl(beast::field, string_view name, string_view value, error_code& ec) override {
        ec = {};
        if (in_body_) return;  // a trailer: nothing here needs one, and it must not pass for a field of the head
        (isRequest ? request.headers : response.headers).add(std::string(name), std::string(value));
    }
    void on_header_impl(error_code& ec) override { in_body_ = true, ec = {}; }
    void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code& ec) override { ec = {}; }
    std::size_t on_body_impl(string_view body, error_code& ec) override { return take(body, ec); }
    void on_chunk_header_impl(std::uint64_t, string_view, error_code& ec) override { ec = {}; }
    std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code& ec) override { return take(body, ec); }
    void on_finish_impl(error_code& ec) override { ec = {}; }

    std::size_t take(string_view body, error_code& ec) {
        ec = {};
        const std::size_t count = std::min(body.size(), out.size());
        if (count > 0) std::memcpy(out.data(), body.data(), count);
        out = out.subspan(count);
        written += count;
        return count;
    }
    bool in_body_ = false;
};

// Looks over new bytes of a head, up to its end. Returns the offset behind the empty line, or 0 while there is none.
std::size_t scanHead(std::string_view bytes, std::size_t from) {
    for (std::size_t i = from; i < bytes.size(); ++i) {
        const char c = bytes[i];
        if ((static_cast<unsigned char>(c) < 0x20 && c != '\r' && c != '\n' && c != '\t') || c == 0x7f)
            throw bad("control character in the head");
        if (i > 0 && bytes[i - 1] == '\r' && c != '\n') throw bad("bare CR in the head");
        if (c == '\n' && (i == 0 || bytes[i - 1] != '\r')) throw bad("bare LF in the head");
        if ((c == ' ' || c == '\t') && i > 0 && bytes[i - 1] == '\n') throw bad("folded header line");
        if (c == '\n' && i >= 3 && bytes[i - 2] == '\n') return i + 1;
    }
    return 0;
}

// "GET / HTTP/2.0" is well formed and not for us; anything else that Beast calls a bad version is no HTTP.
bool asksForOtherVersion(std::string_view head) {
    const std::string_view line = head.substr(0, head.find('\r'));
    if (line.size() < 9) return false;
    const std::string_view version = line.substr(line.size() - 9);
    const auto digit = [&](std::size_t at) { return version[at] >= '0' && version[at] <= '9'; };
    return version.starts_with(" HTTP/") && digit(6) && version[6] != '1' && version[7] == '.' && digit(8);
}

bool isDigits(std::string_view text) {
    return !text.empty() && text.size() <= 18 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

void checkFraming(const Headers& headers, unsigned version) {
    const std::size_t lengths = headers.count("Content-Length");
    const std::size_t codings = headers.count("Transfer-Encoding");
    if (lengths > 1) throw bad("more than one Content-Length");
    if (codings > 1) throw bad("more than one Transfer-Encoding");
    if (lengths + codings > 1) throw bad("Content-Length beside Transfer-Encoding");
    if (lengths == 1 && !isDigits(headers.value("Content-Length"))) throw bad("invalid Content-Length");
    if (codings == 0) return;
    if (version < 11) throw bad("Transfer-Encoding in HTTP/1.0");
    if (!equalNames(headers.value("Transfer-Encoding"), "chunked")) throw bad("unsupported transfer encoding");
}

void checkRequest(const RequestHead& head) {
    const std::size_t hosts = head.headers.count("Host");
    if (hosts > 1) throw bad("too many Host headers");
    if (hosts == 0 && head.version >= 11) throw bad("missing required Host header");
}

}  // namespace

// One of the two parsers, behind one face.
struct MessageReader::Impl {
    explicit Impl(Kind the_kind) : kind(the_kind) { renew(); }

    void renew() {
        request.reset();
        response.reset();
        if (kind == Kind::request)
            prepare(request.emplace());
        else
            prepare(response.emplace());
        head_done = false;
        scanned = 0;
    }
    template <bool isRequest>
    static void prepare(Parser<isRequest>& parser) {
        parser.header_limit(static_cast<std::uint32_t>(kMaxHeadSize));
        parser.body_limit(std::numeric_limits<std::uint64_t>::max());
    }
    template <typename Use>
    auto with(Use use) {
        return kind == Kind::request ? use(*request) : use(*response);
    }
    [[nodiscard]] std::string_view unread() const { return std::string_view(buffer).substr(position); }
    void consume(std::size_t count) {
        position += count;
        if (position == buffer.size()) {
            buffer.clear();
            position = 0;
        } else if (position >= kMaxHeadSize) {
            buffer.erase(0, position);
            position = 0;
        }
    }

    Kind kind;
    std::optional<Parser<true>> request;
    std::optional<Parser<false>> response;
    std::string buffer;
    std::size_t position = 0;  // what of buffer is used up
    std::size_t scanned = 0;   // what of unread() scanHead() has seen
    bool head_done = false;
};

MessageReader::MessageReader(Kind kind) : impl_(std::make_unique<Impl>(kind)) {}
MessageReader::MessageReader(MessageReader&&) noexcept = default;
MessageReader& MessageReader::operator=(MessageReader&&) noexcept = default;
MessageReader::~MessageReader() = default;

void MessageReader::feed(std::span<const std::byte> bytes) {
    impl_->buffer.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

bool MessageReader::parseHead() {
    const std::string_view bytes = impl_->unread();
    const std::size_t end = scanHead(bytes.substr(0, kMaxHeadSize), impl_->scanned);
    if (end == 0) {
        if (bytes.size() >= kMaxHeadSize) throw StatusError(431, "request header fields too large");
        impl_->scanned = bytes.size();
        return false;
    }
    error_code ec;
    const auto used = impl_->with([&](auto& parser) { return parser.put({bytes.data(), end}, ec); });
    if (ec == beast::error::bad_version && asksForOtherVersion(bytes.substr(0, end)))
        throw StatusError(505, "unsupported HTTP version");
    if (ec) throw bad(ec.message());
    if (!impl_->with([](auto& parser) { return parser.is_header_done(); })) throw bad("incomplete head");
    if (impl_->kind == Kind::request) {
        checkFraming(impl_->request->request.headers, impl_->request->request.version);
        checkRequest(impl_->request->request);
    } else {
        checkFraming(impl_->response->response.headers, 11);
    }
    impl_->consume(used);
    impl_->head_done = true;
    return true;
}

const RequestHead& MessageReader::requestHead() const noexcept { return impl_->request->request; }
const ResponseHead& MessageReader::responseHead() const noexcept { return impl_->response->response; }

void MessageReader::expectNoBody() {
    impl_->with([](auto& parser) { parser.skip(true); });
}

MessageReader::Body MessageReader::readBody(std::span<std::byte> out, std::size_t& count) {
    return impl_->with([&](auto& parser) {
        parser.out = out;
        parser.written = 0;
        while (!parser.is_done() && !parser.out.empty()) {
            const std::string_view bytes = impl_->unread();
            if (bytes.empty()) break;
            error_code ec;
            const std::size_t used = parser.put({bytes.data(), bytes.size()}, ec);
            impl_->consume(used);
            if (ec == beast::error::need_more) {
                // Only a chunk's frame (or the trailer) can wait for more while bytes are there.
                if (used == 0 && bytes.size() >= kMaxHeadSize) throw bad("chunk header too large");
                if (used == 0) break;
            } else if (ec) {
                throw bad(ec.message());
            }
        }
        count = parser.written;
        if (count > 0) return Body::data;
        return parser.is_done() ? Body::end : Body::need_more;
    });
}

void MessageReader::finishAtEnd() {
    error_code ec;
    impl_->with([&](auto& parser) {
        if (parser.is_done()) return;
        if (!impl_->head_done || !parser.need_eof())
            ec = beast::error::partial_message;
        else
            parser.put_eof(ec);
    });
    if (ec) throw error(Code::cancelled, "unexpected EOF: the peer closed the connection in the middle of a message");
}

bool MessageReader::bodyDone() const noexcept {
    return impl_->with([](auto& parser) { return parser.is_done(); });
}

bool MessageReader::hasBody() const noexcept {
    return impl_->with([](auto& parser) {
        if (parser.chunked()) return true;
        const auto length = parser.content_length();
        return length ? *length > 0 : !parser.is_done();
    });
}

bool MessageReader::keepAlive() const noexcept {
    return impl_->with([](auto& parser) { return parser.keep_alive(); });
}

bool MessageReader::hasRest() const noexcept { return !impl_->unread().empty(); }

std::string MessageReader::takeRest() {
    std::string rest(impl_->unread());
    impl_->consume(rest.size());
    return rest;
}

void MessageReader::next() { impl_->renew(); }

}  // namespace davit::http
