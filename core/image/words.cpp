#include "image/words.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "base/json.hpp"

namespace davit::image {
namespace {
constexpr std::string_view kSpace = " \t\r\n";
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::vector<std::string> splitWords(std::string_view text) {
    std::vector<std::string> words;
    std::string word;
    bool in_word = false;
    char quote = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quote == 0 && kSpace.find(c) != std::string_view::npos) {
            if (in_word) words.push_back(std::exchange(word, {}));
            in_word = false;
            continue;
        }
        in_word = true;
        if (c == '\\' && quote != '\'' && i + 1 < text.size())
            word += text[++i];
        else if (quote == 0 && (c == '"' || c == '\''))
            quote = c;
        else if (c == quote)
            quote = 0;
        else
            word += c;
    }
    if (quote != 0) throw error(Code::invalid, "unexpected end of statement while looking for matching {}", quote);
    if (in_word) words.push_back(std::move(word));
    return words;
}

std::vector<std::pair<std::string, std::string>> splitPairs(std::string_view instruction, std::string_view text) {
    text = trimmed(text);
    std::vector<std::pair<std::string, std::string>> pairs;
    const std::size_t space = text.find_first_of(kSpace);
    if (text.substr(0, space).find('=') == std::string_view::npos) {
        if (space == std::string_view::npos) throw error(Code::invalid, "{} must have two arguments", instruction);
        pairs.emplace_back(text.substr(0, space), trimmed(text.substr(space)));
        return pairs;
    }
    for (const std::string& word : splitWords(text)) {
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
