#include <algorithm>
#include <charconv>

#include "base/check.hpp"
#include "cli/template.hpp"
#include "cli/template_ast.hpp"
#include "cli/template_lexer.hpp"
#include "cli/units.hpp"

namespace davit::cli::tmpl {
namespace {

using Kind = Token::Kind;

class Parser {
  public:
    explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

    Block whole() {
        Block block;
        const std::string end = parseBlock(block);
        if (!end.empty()) fail("unexpected {{" + end + "}}");
        return block;
    }

  private:
    [[noreturn]] static void fail(const std::string& text) { throw Error(Code::invalid, "template: :1: " + text); }

    [[nodiscard]] bool atEnd() const { return at_ == tokens_.size(); }
    [[nodiscard]] const Token& peek(std::size_t ahead = 0) const {
        if (at_ + ahead >= tokens_.size()) fail("unexpected EOF");
        return tokens_[at_ + ahead];
    }
    Token next() {
        const Token token = peek();
        ++at_;
        return token;
    }
    bool acceptSymbol(std::string_view text) {
        if (peek().kind != Kind::symbol || peek().text != text) return false;
        ++at_;
        return true;
    }
    bool acceptWord(std::string_view text) {
        if (peek().kind != Kind::identifier || peek().text != text) return false;
        ++at_;
        return true;
    }
    void expectClose(std::string_view context) {
        if (next().kind != Kind::close) fail("unexpected token in " + std::string(context));
    }

    // Nodes up to {{end}}, {{else …}} or the text's end; returns the word that ended it ("" for the text's end). After
    // "else" the parser stands behind that word, after "end" behind its }}.
    std::string parseBlock(Block& block) {
        while (!atEnd()) {
            if (peek().kind == Kind::text) {
                block.nodes.push_back(
                    {.kind = Node::Kind::text, .text = next().text, .pipeline = {}, .body = {}, .otherwise = {}});
                continue;
            }
            next();
            if (acceptWord("else")) return "else";
            if (acceptWord("end")) {
                expectClose("end");
                return "end";
            }
            block.nodes.push_back(parseAction());
        }
        return "";
    }

    Node parseAction() {
        Node node;
        if (acceptWord("break") || acceptWord("continue")) {
            node.kind = tokens_[at_ - 1].text == "break" ? Node::Kind::break_ : Node::Kind::continue_;
            if (loop_depth_ == 0) fail("{{" + tokens_[at_ - 1].text + "}} outside {{range}}");
            expectClose("action");
            return node;
        }
        for (const auto& [word, kind] :
             {std::pair{"if", Node::Kind::if_}, {"range", Node::Kind::range}, {"with", Node::Kind::with}})
            if (acceptWord(word)) {
                node.kind = kind;
                parseControl(node, word);
                return node;
            }
        node.kind = Node::Kind::output;
        if (peek().kind == Kind::close) fail("missing value for command");
        node.pipeline = parsePipeline();
        expectClose("command");
        return node;
    }

    void parseControl(Node& node, const std::string& word) {
        if (peek().kind == Kind::close) fail("missing value for " + word);
        node.pipeline = parsePipeline();
        expectClose(word);
        loop_depth_ += node.kind == Node::Kind::range ? 1 : 0;
        std::string end = parseBlock(node.body);
        loop_depth_ -= node.kind == Node::Kind::range ? 1 : 0;
        if (end == "else") {
            if (peek().kind != Kind::close &&
                acceptWord(word)) {  // else if, else with: one nested node shares our {{end}}
                Node nested;
                nested.kind = node.kind;
                parseControl(nested, word);
                node.otherwise.nodes.push_back(std::move(nested));
                return;
            }
            expectClose("else");
            end = parseBlock(node.otherwise);
        }
        if (end != "end") fail("unexpected EOF");
    }

    Pipeline parsePipeline() {
        Pipeline pipeline;
        parseAssignment(pipeline);
        do {
            pipeline.commands.push_back(parseCommand());
        } while (acceptSymbol("|"));
        return pipeline;
    }

    // `$a :=`, `$a =` or `$a, $b :=` in front of a pipeline.
    void parseAssignment(Pipeline& pipeline) {
        const std::size_t start = at_;
        while (peek().kind == Kind::variable) {
            pipeline.variables.push_back(next().text);
            if (acceptSymbol(",")) continue;
            pipeline.declares = acceptSymbol(":=");
            if (pipeline.declares || acceptSymbol("=")) return;
            break;
        }
        at_ = start;
        pipeline.variables.clear();
    }

    CommandWords parseCommand() {
        CommandWords words;
        for (;;) {
            const Token& token = peek();
            const bool ends = token.kind == Kind::close || (token.kind == Kind::symbol && token.text != "(");
            if (ends) break;
            words.push_back(parseOperand());
        }
        if (words.empty()) fail("missing value for command");
        return words;
    }

    Operand parseOperand() {
        Operand operand;
        const Token token = next();
        operand.source = token.text;
        operand.position = token.position;
        switch (token.kind) {
            case Kind::dot:
                break;
            case Kind::field:
                operand.fields.push_back(token.text);
                operand.source = "." + token.text;
                break;
            case Kind::variable:
                operand.kind = Operand::Kind::variable;
                operand.name = token.text;
                break;
            case Kind::identifier:
                parseIdentifier(operand, token.text);
                break;
            case Kind::symbol:
                operand.kind = Operand::Kind::pipeline;
                operand.pipeline = std::make_shared<Pipeline>(parsePipeline());
                if (!acceptSymbol(")")) fail("unclosed left paren");
                break;
            default:
                operand.kind = Operand::Kind::literal;
                operand.literal = literal(token);
        }
        while (peek().kind == Kind::field && !peek().spaced) {
            if (operand.fields.size() == 1) operand.position = peek().position;
            operand.source += "." + peek().text;
            operand.fields.push_back(next().text);
        }
        return operand;
    }

    static void parseIdentifier(Operand& operand, const std::string& name) {
        operand.kind = Operand::Kind::literal;
        if (name == "true" || name == "false") {
            operand.literal = Value(name == "true");
        } else if (name != "nil") {
            operand.kind = Operand::Kind::function;
            operand.name = name;
            if (!isFunction(name)) fail("function \"" + name + "\" not defined");
        }
    }

    static Value literal(const Token& token) {
        if (token.kind == Kind::string) return token.text;
        if (token.text.find('.') == std::string::npos) return parseInteger(token.text);
        double value = 0;
        const auto [end, code] = std::from_chars(token.text.data(), token.text.data() + token.text.size(), value);
        if (code != std::errc() || end != token.text.data() + token.text.size())
            fail("bad number syntax: \"" + token.text + "\"");
        return value;
    }

    std::vector<Token> tokens_;
    std::size_t at_ = 0;
    int loop_depth_ = 0;
};

}  // namespace

Template Template::parse(std::string_view text) {
    Template made;
    made.root_ = std::make_shared<const Block>(Parser(tokenize(text)).whole());
    return made;
}

}  // namespace davit::cli::tmpl
