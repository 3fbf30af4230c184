#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "base/file.hpp"
#include "base/json.hpp"
#include "cli/run_options.hpp"

using namespace davit;
using namespace davit::cli;

namespace {

std::string fixtures() {
    const char* path = std::getenv("DAVIT_CLI_FIXTURES");
    BOOST_REQUIRE(path != nullptr);
    return path;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
        text.replace(at, from.size(), to);
    return text;
}

// Collects the paths at which two JSON values differ.
void compare(const json::Value& wanted, const json::Value& got, const std::string& path, std::string& differences) {
    if (wanted.isObject() && got.isObject()) {
        std::set<std::string> names;
        for (const auto& [name, value] : wanted.object()) names.emplace(name);
        for (const auto& [name, value] : got.object()) names.emplace(name);
        for (const std::string& name : names) compare(wanted[name], got[name], path + "." + name, differences);
        return;
    }
    if (path == ".HostConfig.Binds" && wanted && got) {
        const auto sorted = [](const json::Value& value) {
            const std::vector<std::string> texts = value.strings();
            return std::multiset<std::string>(texts.begin(), texts.end());
        };
        if (sorted(wanted) == sorted(got)) return;
    } else if (wanted.isArray() && got.isArray() && wanted.array().size() == got.array().size()) {
        auto other = got.array().begin();
        for (const json::Value item : wanted.array()) {
            compare(item, *other, path + "[]", differences);
            ++other;
        }
        return;
    }
    if (wanted.text() != got.text()) differences += path + ": docker " + wanted.text() + ", davit " + got.text() + "\n";
}

struct Outcome {
    std::string json;
    std::string failure;
};

Outcome build(std::vector<std::string> words) {
    const bool run = words.front() == "run";
    words.erase(words.begin());
    FlagSet flags;
    RunOptions options;
    declareRunFlags(flags, options, run);
    try {
        const std::vector<std::string> positional = flags.parse(words);
        RequestFacts facts;
        facts.detach = options.detach;
        return {buildCreateRequest(options, flags, positional, facts).json, ""};
    } catch (const Error& failure) {
        return {"", failure.text()};
    }
}

// Refused by docker's CLI, but in davit by the verb or by the daemon.
bool checkedElsewhere(const std::string& failure) {
    for (const char* text : {"the input device is not a TTY", "only supported on a Docker daemon running on windows",
                             "conflicting options: cannot specify both --attach", "container ID file found",
                             "error parsing specified platform", "invalid pull option", "invalid reference format"})
        if (failure.find(text) != std::string::npos) return true;
    return false;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(run_request)

BOOST_AUTO_TEST_CASE(every_recorded_command_line_gives_dockers_request_or_error) {
    const std::filesystem::path before = std::filesystem::current_path();
    std::filesystem::current_path(fixtures());
    const json::Document recorded = json::Document::parse(readFile("create_requests.json").value());
    int requests = 0;
    int errors = 0;
    for (const json::Value item : recorded.root().array()) {
        const std::string line = item["args"].text();
        const Outcome outcome = build(item["args"].strings());
        if (item["error"]) {
            if (checkedElsewhere(item["error"].string())) continue;
            BOOST_TEST(outcome.failure == item["error"].string(),
                       line << "\n  docker: " << item["error"].string() << "\n  davit:  " << outcome.failure);
            ++errors;
            continue;
        }
        BOOST_TEST_REQUIRE(outcome.failure == "", line << ": " << outcome.failure);
        const json::Document wanted = json::Document::parse(replaced(item["body"].text(), "@CWD@", fixtures()));
        const json::Document got = json::Document::parse(outcome.json);
        std::string differences;
        compare(wanted.root(), got.root(), "", differences);
        BOOST_TEST(differences == "", line << "\n" << differences);
        ++requests;
    }
    BOOST_TEST(requests > 45);
    BOOST_TEST(errors > 40);
    std::filesystem::current_path(before);
}

BOOST_AUTO_TEST_CASE(run_has_99_documented_flags_with_help_aside) {
    FlagSet flags;
    RunOptions options;
    declareRunFlags(flags, options, true);
    std::set<std::string> names;
    for (const Flag& flag : flags.flags())
        if (flag.name != "net" && flag.name != "net-alias" && flag.name != "dns-opt" &&
            !flag.name.starts_with("io-max") && flag.name != "cpu-count" && flag.name != "cpu-percent")
            names.insert(flag.name);
    BOOST_TEST(names.size() == 99U);
}

BOOST_AUTO_TEST_CASE(old_daemons_get_the_mac_address_at_the_top) {
    FlagSet flags;
    RunOptions options;
    declareRunFlags(flags, options, true);
    const auto positional = flags.parse({"--mac-address", "02:42:ac:11:00:02", "x"});
    RequestFacts facts;
    facts.api_minor = 43;
    const json::Document old_request =
        json::Document::parse(buildCreateRequest(options, flags, positional, facts).json);
    BOOST_TEST(old_request.root()["MacAddress"].string() == "02:42:ac:11:00:02");
    facts.api_minor = 51;
    const json::Document new_request =
        json::Document::parse(buildCreateRequest(options, flags, positional, facts).json);
    BOOST_TEST(new_request.root()["MacAddress"].isNull());
}

BOOST_AUTO_TEST_SUITE_END()
