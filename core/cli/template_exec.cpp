#include <algorithm>

#include "base/check.hpp"
#include "cli/template.hpp"
#include "cli/template_ast.hpp"

namespace davit::cli::tmpl {
namespace {

// Fields that Docker's Go structs have but its JSON leaves out when they are empty: reading them gives nil, not an
// error.
constexpr std::string_view kOptionalFields[] = {
    "Health",        "Healthcheck", "SizeRw",     "SizeRootFs", "Shell",     "StopSignal",  "StopTimeout",
    "MacAddress",    "Mounts",      "Parent",     "Container",  "Comment",   "Annotations", "Init",
    "Tmpfs",         "Sysctls",     "StorageOpt", "Variant",    "OsVersion", "ArgsEscaped", "ImageManifestDescriptor",
    "DockerVersion", "Author"};

bool isOptional(std::string_view name) {
    return std::find(std::begin(kOptionalFields), std::end(kOptionalFields), name) != std::end(kOptionalFields);
}

enum class Flow { normal, break_, continue_ };

class Executor {
  public:
    Executor(const Value& data, Mode mode) : mode_(mode) { variables_.emplace_back("$", data); }

    std::string run(const Block& block, const Value& dot) {
        (void)runBlock(block, dot);  // break and continue can't leave the outermost block: the parser saw to it
        return std::move(out_);
    }

  private:
    [[noreturn]] static void fail(const Operand& where, const std::string& text) {
        throw error(Code::invalid, "template: :{}: executing \"\" at <{}>: {}", where.position, where.source, text);
    }

    Flow runBlock(const Block& block, const Value& dot) {
        const std::size_t scope = variables_.size();
        Flow flow = Flow::normal;
        for (const Node& node : block.nodes) {
            flow = runNode(node, dot);
            if (flow != Flow::normal) break;
        }
        variables_.resize(scope);
        return flow;
    }

    Flow runNode(const Node& node, const Value& dot) {
        switch (node.kind) {
            case Node::Kind::text:
                out_ += node.text;
                return Flow::normal;
            case Node::Kind::break_:
                return Flow::break_;
            case Node::Kind::continue_:
                return Flow::continue_;
            case Node::Kind::output: {
                const Value value = evaluate(node.pipeline, dot);
                if (node.pipeline.variables.empty()) out_ += value.print();
                return Flow::normal;
            }
            case Node::Kind::range:
                return runRange(node, dot);
            case Node::Kind::if_:
            case Node::Kind::with:
                break;
        }
        const std::size_t scope = variables_.size();
        const Value value = evaluate(node.pipeline, dot);
        const Value& inner = node.kind == Node::Kind::with ? value : dot;
        const Flow flow = value.truth() ? runBlock(node.body, inner) : runBlock(node.otherwise, dot);
        variables_.resize(scope);
        return flow;
    }

    Flow runRange(const Node& node, const Value& dot) {
        const std::size_t scope = variables_.size();
        Pipeline plain = node.pipeline;
        plain.variables.clear();
        const Value over = evaluate(plain, dot);
        std::vector<std::pair<Value, Value>> pairs;
        if (over.isList()) {
            for (Value& item : over.items())
                pairs.emplace_back(static_cast<std::int64_t>(pairs.size()), std::move(item));
        } else if (over.isObject()) {
            for (auto& [name, item] : over.members()) pairs.emplace_back(name, item);
        } else if (over.integer() != nullptr) {
            for (std::int64_t i = 0; i < *over.integer(); ++i) pairs.emplace_back(i, i);
        } else if (!over.isNil()) {
            fail(node.pipeline.commands[0][0], "range can't iterate over " + over.print());
        }
        if (pairs.empty()) return runBlock(node.otherwise, dot);
        for (const auto& [key, item] : pairs) {
            variables_.resize(scope);
            const auto& names = node.pipeline.variables;
            if (names.size() == 2) variables_.emplace_back(names[0], key);
            if (!names.empty()) variables_.emplace_back(names.back(), item);
            if (runBlock(node.body, item) == Flow::break_) break;
        }
        variables_.resize(scope);
        return Flow::normal;
    }

    Value evaluate(const Pipeline& pipeline, const Value& dot) {
        std::optional<Value> result;
        for (const CommandWords& command : pipeline.commands) result = call(command, dot, result);
        if (!pipeline.variables.empty()) assign(pipeline, *result);
        return *result;
    }

    void assign(const Pipeline& pipeline, const Value& value) {
        const std::string& name = pipeline.variables.back();
        if (pipeline.declares) {
            variables_.emplace_back(name, value);
            return;
        }
        for (auto at = variables_.rbegin(); at != variables_.rend(); ++at)
            if (at->first == name) {
                at->second = value;
                return;
            }
        throw error(Code::invalid, "template: :1: undefined variable \"{}\"", name);
    }

    // One command; `piped` becomes its last argument.
    Value call(const CommandWords& words, const Value& dot, const std::optional<Value>& piped) {
        const Operand& first = words[0];
        if (first.kind == Operand::Kind::function) {
            if (first.name == "and" || first.name == "or") return shortCircuit(words, dot, piped);
            return readFields(callNamed(first, arguments(words, dot, piped)), first, {}, first.fields.size());
        }
        if (words.size() == 1 && !piped) return operandValue(first, dot, {});
        if (first.fields.empty()) fail(first, "can't give argument to non-function " + first.source);
        return operandValue(first, dot, arguments(words, dot, piped));
    }

    Value callNamed(const Operand& function, const List& given) {
        if (mode_ == Mode::headers && isFormattingFunction(function.name)) return given.empty() ? Value("") : given[0];
        try {
            const std::optional<Value> result = callFunction(function.name, given);
            if (!result) fail(function, "\"" + function.name + "\" is not a function");
            return *result;
        } catch (const Error& failure) {
            fail(function, failure.text());
        }
    }

    List arguments(const CommandWords& words, const Value& dot, const std::optional<Value>& piped) {
        List given;
        for (std::size_t i = 1; i < words.size(); ++i) given.push_back(argument(words[i], dot));
        if (piped) given.push_back(*piped);
        return given;
    }

    Value argument(const Operand& operand, const Value& dot) {
        if (operand.kind == Operand::Kind::function) return call({operand}, dot, std::nullopt);
        return operandValue(operand, dot, {});
    }

    // and, or: stop at the value that decides and give that value.
    Value shortCircuit(const CommandWords& words, const Value& dot, const std::optional<Value>& piped) {
        const bool stop_at = words[0].name == "or";
        Value last;
        for (std::size_t i = 1; i < words.size(); ++i) {
            last = argument(words[i], dot);
            if (last.truth() == stop_at) return last;
        }
        return piped ? *piped : last;
    }

    Value operandValue(const Operand& operand, const Value& dot, const List& given) {
        Value base = dot;
        if (operand.kind == Operand::Kind::literal) base = operand.literal;
        if (operand.kind == Operand::Kind::variable) base = variable(operand.name);
        if (operand.kind == Operand::Kind::pipeline) base = evaluate(*operand.pipeline, dot);
        return readFields(std::move(base), operand, given, operand.fields.size());
    }

    Value variable(const std::string& name) const {
        for (auto at = variables_.rbegin(); at != variables_.rend(); ++at)
            if (at->first == name) return at->second;
        throw error(Code::invalid, "template: :1: undefined variable \"{}\"", name);
    }

    Value readFields(Value value, const Operand& operand, const List& given, std::size_t count) const {
        for (std::size_t i = 0; i < count; ++i) {
            const bool last = i + 1 == count;
            value = field(value, operand.fields[i], operand, last ? given : List());
        }
        return value;
    }

    static Value field(const Value& of, const std::string& name, const Operand& operand, const List& given) {
        if (const Record* record = of.record(); record != nullptr)
            if (const auto at = record->methods.find(name); at != record->methods.end()) return at->second(given);
        if (!given.empty()) fail(operand, name + " has arguments but cannot be invoked as function");
        if (of.isNil()) fail(operand, "nil data; no entry for key \"" + name + "\"");
        if (!of.isObject()) fail(operand, "can't evaluate field " + name + " in type " + std::string(of.typeName()));
        if (std::optional<Value> found = of.member(name)) return *found;
        if (of.isMap() || isOptional(name)) return {};
        if (of.record() != nullptr) fail(operand, "can't evaluate field " + name + " in type formatter");
        fail(operand, "map has no entry for key \"" + name + "\"");
    }

    Mode mode_;
    std::vector<std::pair<std::string, Value>> variables_;
    std::string out_;
};

}  // namespace

std::string Template::run(const Value& data, Mode mode) const { return Executor(data, mode).run(*root_, data); }

}  // namespace davit::cli::tmpl
