#include "image/words.hpp"

#include <utility>

#include "base/check.hpp"
#include "base/json.hpp"

namespace davit::image {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

bool startsName(char c) { return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// Reads a text from its front, one piece at a time: a character, what a backslash protects, or the value of a variable.
class PieceReader {
  public:
    PieceReader(std::string_view text, const Variables& variables) : rest_(text), variables_(variables) {}

    [[nodiscard]] bool atEnd() const noexcept { return rest_.empty(); }
    [[nodiscard]] char peek() const { return rest_.front(); }
    char take() {
        const char c = rest_.front();
        rest_.remove_prefix(1);
        return c;
    }
    /// `quote`: what it stands in. In single quotes nothing is special, in double quotes a backslash protects only what is.
    std::string piece(char quote) {
        const char c = take();
        if (quote == '\'' || rest_.empty()) return std::string(1, c);
        if (c == '\\' && (quote == 0 || std::string_view("\"$\\").find(rest_.front()) != std::string_view::npos)) return std::string(1, take());
        if (c != '$' || !variables_) return std::string(1, c);
        if (rest_.front() == '{') return braced();
        const std::string_view name = takeName();
        return name.empty() ? "$" : variables_(name).value_or("");
    }

  private:
    std::string_view takeName() {
        std::size_t length = 0;
        const auto belongs = [](char c) { return startsName(c) || (c >= '0' && c <= '9'); };
        if (!rest_.empty() && startsName(rest_.front()))
            while (length < rest_.size() && belongs(rest_[length])) ++length;
        const std::string_view name = rest_.substr(0, length);
        rest_.remove_prefix(length);
        return name;
    }
    /// What stands between the operator and its closing brace, itself with variables.
    std::string takeWord() {
        std::string word;
        while (!rest_.empty() && rest_.front() != '}') word += piece(0);
        return word;
    }
    std::string braced() {
        take();
        const std::string_view name = takeName();
        if (name.empty()) throw Error(Code::invalid, "bad substitution");
        const std::optional<std::string> value = variables_(name);
        std::string result = value.value_or("");
        if (rest_.starts_with(":") && rest_.size() > 1) {
            take();
            const char modifier = take();
            const std::string word = takeWord();
            if (modifier == '?' && result.empty()) throw error(Code::invalid, "{}: {}", name, word.empty() ? "not set" : word);
            if (modifier != '-' && modifier != '+' && modifier != '?')
                throw error(Code::invalid, "unsupported modifier ({}) in substitution", modifier);
            if (modifier == '-' ? result.empty() : modifier == '+' && !result.empty()) result = word;
        }
        if (rest_.empty() || take() != '}') throw Error(Code::invalid, "syntax error: missing '}'");
        return result;
    }

    std::string_view rest_;
    const Variables& variables_;
};

/// Calls `separate` for white space outside of quotes, and `add` for each piece of a word; an empty one opens a word.
template <class Add, class Separate>
void readPieces(std::string_view text, const Variables& variables, const Add& add, const Separate& separate) {
    PieceReader reader(text, variables);
    char quote = 0;
    while (!reader.atEnd()) {
        const char c = reader.peek();
        if (quote == 0 && kSpace.find(c) != std::string_view::npos) {
            separate(reader.take());
        } else if (c == quote) {
            reader.take();
            quote = 0;
        } else if (quote == 0 && (c == '"' || c == '\'')) {
            quote = reader.take();
            add("");
        } else {
            add(reader.piece(quote));
        }
    }
    if (quote != 0) throw error(Code::invalid, "unexpected end of statement while looking for matching {}", quote);
}

}  // namespace

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::vector<std::string> splitWords(std::string_view text, const Variables& variables) {
    std::vector<std::string> words;
    bool in_word = false;
    const auto add = [&](std::string_view piece) {
        if (!std::exchange(in_word, true)) words.emplace_back();
        words.back() += piece;
    };
    readPieces(text, variables, add, [&](char) { in_word = false; });
    return words;
}

std::string expandWord(std::string_view text, const Variables& variables) {
    std::string word;
    readPieces(text, variables, [&](std::string_view piece) { word += piece; }, [&](char space) { word += space; });
    return word;
}

std::vector<std::pair<std::string, std::string>> splitPairs(std::string_view instruction, std::string_view text,
                                                            const Variables& variables) {
    text = trimmed(text);
    std::vector<std::pair<std::string, std::string>> pairs;
    const std::size_t space = text.find_first_of(kSpace);
    if (text.substr(0, space).find('=') == std::string_view::npos) {
        if (space == std::string_view::npos) throw error(Code::invalid, "{} must have two arguments", instruction);
        pairs.emplace_back(expandWord(text.substr(0, space), variables), expandWord(trimmed(text.substr(space)), variables));
        return pairs;
    }
    for (const std::string& word : splitWords(text, variables)) {
        const std::size_t equal = word.find('=');
        if (equal == std::string::npos)
            throw error(Code::invalid, "Syntax error - can't find = in \"{}\". Must be of the form: name=value", word);
        if (equal == 0) throw error(Code::invalid, "{} names can not be blank", instruction);
        pairs.emplace_back(word.substr(0, equal), word.substr(equal + 1));
    }
    return pairs;
}

std::optional<std::vector<std::string>> jsonWords(std::string_view text) {
    text = trimmed(text);
    if (!text.starts_with('[')) return std::nullopt;
    try {
        return json::Document::parse(text).root().strings();
    } catch (const Error&) {  // then it is a shell line that happens to begin so
        return std::nullopt;
    }
}

}  // namespace davit::image
