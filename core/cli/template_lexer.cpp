#include "cli/template_lexer.hpp"

#include <algorithm>
#include <cctype>

#include "base/check.hpp"

namespace davit::cli::tmpl {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

bool isWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || (c & 0x80) != 0; }

class Lexer {
  public:
    explicit Lexer(std::string_view text) : all_(text), rest_(text) {}

    std::vector<Token> run() {
        bool trim = false;
        while (!rest_.empty()) {
            const std::size_t open = rest_.find("{{");
            std::string_view text = rest_.substr(0, open);
            rest_.remove_prefix(text.size());
            if (trim) text = withoutLeadingSpace(text);
            const bool trims_before = rest_.starts_with("{{-") && rest_.size() > 3 && isSpace(rest_[3]);
            if (trims_before) text = text.substr(0, text.find_last_not_of(kSpace) + 1);
            if (!text.empty()) add(Token::Kind::text, std::string(text));
            if (rest_.empty()) break;
            take(trims_before ? 3 : 2);
            trim = action();
        }
        return std::move(tokens_);
    }

  private:
    static bool isSpace(char c) { return kSpace.find(c) != std::string_view::npos; }
    [[noreturn]] static void fail(const std::string& text) { throw Error(Code::invalid, "template: :1: " + text); }

    static std::string_view withoutLeadingSpace(std::string_view text) {
        const std::size_t first = text.find_first_not_of(kSpace);
        return first == std::string_view::npos ? std::string_view() : text.substr(first);
    }

    std::string_view take(std::size_t count) {
        const std::string_view head = rest_.substr(0, count);
        rest_.remove_prefix(head.size());
        return head;
    }

    void add(Token::Kind kind, std::string text) {
        tokens_.push_back({kind, std::move(text), spaced_, position_});
        spaced_ = false;
    }

    // The tokens up to }}. Returns whether the text that follows is to be trimmed.
    bool action() {
        if (skipComment()) return comment_trims_;
        spaced_ = true;
        add(Token::Kind::open, "");
        spaced_ = true;
        for (;;) {
            while (!rest_.empty() && isSpace(rest_[0])) {
                spaced_ = true;
                take(1);
            }
            if (rest_.empty()) fail("unclosed action");
            const bool trims = spaced_ && rest_.starts_with("-}}");
            if (trims || rest_.starts_with("}}")) {
                take(trims ? 3 : 2);
                add(Token::Kind::close, "");
                return trims;
            }
            token();
        }
    }

    bool skipComment() {
        const std::string_view start = withoutLeadingSpace(rest_);
        if (!start.starts_with("/*")) return false;
        const std::size_t end = start.find("*/");
        if (end == std::string_view::npos) fail("unclosed comment");
        rest_ = start.substr(end + 2);
        const std::string_view after = withoutLeadingSpace(rest_);
        comment_trims_ = after.starts_with("-}}");
        if (!comment_trims_ && !after.starts_with("}}")) fail("comment ends before closing delimiter");
        rest_ = after.substr(comment_trims_ ? 3 : 2);
        return true;
    }

    [[nodiscard]] std::string position() const {
        const std::string_view before = all_.substr(0, all_.size() - rest_.size());
        const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
        return fmt::format("{}:{}", std::count(before.begin(), before.end(), '\n') + 1, before.size() - line_start);
    }

    void token() {
        position_ = position();
        const char c = rest_[0];
        const char next = rest_.size() > 1 ? rest_[1] : '\0';
        if (c == '"' || c == '\'') return quoted(c);
        if (c == '`') return rawString();
        if (c == '$') return add(Token::Kind::variable, "$" + word(1));
        if (c == '.' && isWord(next) && std::isdigit(static_cast<unsigned char>(next)) == 0)
            return add(Token::Kind::field, word(1));
        if (std::isdigit(static_cast<unsigned char>(c)) != 0 || ((c == '-' || c == '+') && std::isdigit(next) != 0))
            return number();
        if (isWord(c)) return add(Token::Kind::identifier, word(0));
        if (c == '.') return add(Token::Kind::dot, std::string(take(1)));
        if (c == ':' && next == '=') return add(Token::Kind::symbol, std::string(take(2)));
        if (std::string_view("()|,=").find(c) != std::string_view::npos)
            return add(Token::Kind::symbol, std::string(take(1)));
        fail(fmt::format("unexpected {} in operand", "\"" + std::string(1, c) + "\""));
    }

    // Drops `skip` characters and takes the word that follows.
    std::string word(std::size_t skip) {
        take(skip);
        std::size_t end = 0;
        while (end < rest_.size() && isWord(rest_[end])) ++end;
        return std::string(take(end));
    }

    void number() {
        std::size_t end = 1;
        while (end < rest_.size() && (isWord(rest_[end]) || rest_[end] == '.')) ++end;
        add(Token::Kind::number, std::string(take(end)));
    }

    void rawString() {
        const std::size_t end = rest_.find('`', 1);
        if (end == std::string_view::npos) fail("unterminated raw quoted string");
        const std::string_view text = take(end + 1);
        add(Token::Kind::string, std::string(text.substr(1, text.size() - 2)));
    }

    void quoted(char quote) {
        std::string out;
        take(1);
        while (!rest_.empty() && rest_[0] != quote && rest_[0] != '\n') {
            if (rest_[0] == '\\' && rest_.size() > 1)
                out += unescaped(take(2)[1]);
            else
                out += take(1);
        }
        if (rest_.empty() || rest_[0] != quote)
            fail(quote == '"' ? "unterminated quoted string" : "unterminated character constant");
        take(1);
        if (quote == '"') return add(Token::Kind::string, out);
        if (out.size() != 1) fail("malformed character constant");
        add(Token::Kind::character, std::to_string(static_cast<unsigned char>(out[0])));
    }

    static char unescaped(char c) {
        switch (c) {
            case 'n':
                return '\n';
            case 't':
                return '\t';
            case 'r':
                return '\r';
            case '0':
                return '\0';
            default:
                return c;
        }
    }

    std::string_view all_;
    std::string_view rest_;
    std::string position_;
    std::vector<Token> tokens_;
    bool spaced_ = false;
    bool comment_trims_ = false;
};

}  // namespace

std::vector<Token> tokenize(std::string_view text) { return Lexer(text).run(); }

}  // namespace davit::cli::tmpl
