#include "cli/flags.hpp"

#include <fmt/format.h>
#include <getopt.h>

#include <algorithm>

#include "cli/units.hpp"

namespace davit::cli {

// One parse. getopt_long gets one argument (and the next, which may be its value) at a time: so "-x" and "-t=false" can
// be told exactly, and positional arguments may stand anywhere.
class FlagParser {
  public:
    FlagParser(FlagSet& set, const std::vector<std::string>& arguments) : flags_(set.flags_), arguments_(arguments) {
        shorts_ = "+:";
        for (std::size_t i = 0; i < flags_.size(); ++i) {
            const bool is_switch = flags_[i].type.empty();
            longs_.push_back({flags_[i].name.c_str(), is_switch ? optional_argument : required_argument, nullptr,
                              kFirstLong + static_cast<int>(i)});
            if (flags_[i].shorthand == '\0') continue;
            shorts_ += flags_[i].shorthand;
            if (!is_switch) shorts_ += ':';
        }
        longs_.push_back({nullptr, 0, nullptr, 0});
    }

    std::vector<std::string> run(bool interspersed) {
        std::vector<std::string> positional;
        std::size_t at = 0;
        while (at < arguments_.size()) {
            const std::string& argument = arguments_[at];
            if (argument == "--") {
                ++at;
                break;
            }
            if (argument.size() > 1 && argument[0] == '-') {
                at += parseOption(at);
                continue;
            }
            if (!interspersed) break;
            positional.push_back(argument);
            ++at;
        }
        positional.insert(positional.end(), arguments_.begin() + static_cast<std::ptrdiff_t>(at), arguments_.end());
        return positional;
    }

  private:
    static constexpr int kFirstLong = 1000;

    // Parses the option at `at`; returns how many arguments it took.
    std::size_t parseOption(std::size_t at) {
        std::string program;
        std::string option = arguments_[at];
        std::string value = at + 1 < arguments_.size() ? arguments_[at + 1] : "";
        char* vector[] = {program.data(), option.data(), at + 1 < arguments_.size() ? value.data() : nullptr, nullptr};
        const int count = vector[2] == nullptr ? 2 : 3;
        opterr = 0;
        optind = 0;  // glibc: start afresh
        do {
            const int found = ::getopt_long(count, vector, shorts_.c_str(), longs_.data(), nullptr);
            if (found >= kFirstLong)
                applyLong(static_cast<std::size_t>(found - kFirstLong), option, optarg);
            else if (found == '?' && optopt == '=' && last_switch_ != nullptr)
                return applySwitchValue(option);
            else if (found == '?' || found == ':')
                unknown(found, option);
            else
                applyShort(static_cast<char>(found), option);
        } while (optind == 1);
        return static_cast<std::size_t>(optind - 1);
    }

    void applyLong(std::size_t index, const std::string& option, const char* value) {
        // getopt_long takes abbreviations, pflag doesn't.
        if (option.substr(2, option.find('=') - 2) != flags_[index].name) unknown('?', option);
        apply(flags_[index], value != nullptr ? value : "true");
    }

    void applyShort(char shorthand, const std::string& option) {
        for (Flag& flag : flags_) {
            if (flag.shorthand != shorthand) continue;
            last_switch_ = flag.type.empty() ? &flag : nullptr;
            if (flag.type.empty()) {
                const std::size_t here = option.find(shorthand, 1);
                if (here + 1 < option.size() && option[here + 1] == '=') return;  // -t=false: see applySwitchValue
                return apply(flag, "true");
            }
            // "-p=80" and "-p80" mean the same; "-p =80" keeps its equals sign.
            const bool attached = optind == 2;
            return apply(flag, attached && optarg[0] == '=' ? optarg + 1 : optarg);
        }
    }

    std::size_t applySwitchValue(const std::string& option) {
        apply(*last_switch_, option.substr(option.find('=') + 1));
        return 1;
    }

    void apply(Flag& flag, const std::string& value) {
        try {
            flag.set(value);
        } catch (const Error& failure) {
            const std::string shown =
                flag.shorthand == '\0' ? "--" + flag.name : fmt::format("-{}, --{}", flag.shorthand, flag.name);
            throw FlagError(
                fmt::format("invalid argument {} for \"{}\" flag: {}", quoted(value), shown, failure.text()));
        }
        flag.changed = true;
    }

    // Go's %q for the usual cases.
    static std::string quoted(const std::string& text) {
        std::string out = "\"";
        for (const char c : text) {
            if (c == '"' || c == '\\') out += '\\';
            out += c;
        }
        return out + "\"";
    }

    [[noreturn]] void unknown(int kind, const std::string& option) const {
        const bool is_long = option.starts_with("--");
        const std::string name = option.substr(0, option.find('='));
        const char letter = static_cast<char>(optopt);
        if (kind == ':' && (is_long ? isExact(name) : true))
            throw FlagError("flag needs an argument: " + (is_long ? name : fmt::format("'{}' in -{}", letter, letter)));
        if (is_long) throw FlagError("unknown flag: " + name);
        const std::size_t at = option.find(letter, 1);
        throw FlagError(fmt::format("unknown shorthand flag: '{}' in -{}", letter,
                                    option.substr(at == std::string::npos ? 1 : at)));
    }

    [[nodiscard]] bool isExact(const std::string& name) const {
        return std::any_of(flags_.begin(), flags_.end(), [&](const Flag& flag) { return "--" + flag.name == name; });
    }

    std::vector<Flag>& flags_;
    const std::vector<std::string>& arguments_;
    std::string shorts_;
    std::vector<option> longs_;
    Flag* last_switch_ = nullptr;
};

Flag& FlagSet::add(Flag flag) { return flags_.emplace_back(std::move(flag)); }

FlagSet& FlagSet::boolean(bool* target, std::string name, char shorthand, std::string usage) {
    add({.name = std::move(name),
         .shorthand = shorthand,
         .type = {},
         .usage = std::move(usage),
         .default_text = *target ? "true" : "",
         .set = [target](const std::string& value) { *target = parseBool(value); }});
    return *this;
}

FlagSet& FlagSet::string(std::string* target, std::string name, char shorthand, std::string usage) {
    add({.name = std::move(name),
         .shorthand = shorthand,
         .type = "string",
         .usage = std::move(usage),
         .default_text = target->empty() ? "" : "\"" + *target + "\"",
         .set = [target](const std::string& value) { *target = value; }});
    return *this;
}

FlagSet& FlagSet::list(std::vector<std::string>* target, std::string name, char shorthand, std::string usage,
                       std::string type) {
    return custom([target](const std::string& value) { target->push_back(value); }, std::move(name), shorthand,
                  std::move(type), std::move(usage));
}

FlagSet& FlagSet::integer(std::int64_t* target, std::string name, char shorthand, std::string usage) {
    custom([target](const std::string& value) { *target = parseInteger(value); }, std::move(name), shorthand, "int",
           std::move(usage));
    return defaultText(*target == 0 ? "" : std::to_string(*target));
}

FlagSet& FlagSet::custom(std::function<void(const std::string&)> set, std::string name, char shorthand,
                         std::string type, std::string usage) {
    add({.name = std::move(name),
         .shorthand = shorthand,
         .type = std::move(type),
         .usage = std::move(usage),
         .default_text = {},
         .set = std::move(set)});
    return *this;
}

FlagSet& FlagSet::hide() {
    flags_.back().hidden = true;
    return *this;
}

FlagSet& FlagSet::defaultText(std::string text) {
    flags_.back().default_text = std::move(text);
    return *this;
}

FlagSet& FlagSet::interspersed(bool yes) {
    interspersed_ = yes;
    return *this;
}

std::vector<std::string> FlagSet::parse(const std::vector<std::string>& arguments) {
    return FlagParser(*this, arguments).run(interspersed_);
}

bool FlagSet::changed(std::string_view name) const {
    return std::any_of(flags_.begin(), flags_.end(),
                       [&](const Flag& flag) { return flag.changed && flag.name == name; });
}

}  // namespace davit::cli
