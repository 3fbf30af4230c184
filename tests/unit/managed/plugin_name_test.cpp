#include "managed/plugin_name.hpp"

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"

using namespace davit;
using namespace davit::managed;

namespace {
const std::string kHex64(64, 'a');
}

BOOST_AUTO_TEST_SUITE(plugin_name)

BOOST_AUTO_TEST_CASE(names_have_a_tag_and_are_familiar) {
    const std::vector<std::pair<std::string, std::string>> cases = {{"vol", "vol:latest"},
                                                                    {"vol:1", "vol:1"},
                                                                    {"acme/vol", "acme/vol:latest"},
                                                                    {"docker.io/library/vol", "vol:latest"},
                                                                    {"localhost:5000/vol", "localhost:5000/vol:latest"}};
    for (const auto& [text, name] : cases) BOOST_TEST(pluginName(text) == name);
}

// The texts are those of dockerd 20.10.
BOOST_AUTO_TEST_CASE(what_is_no_name_is_refused_in_words) {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"", "failed to parse reference : invalid reference format"},
        {"Bad", "failed to parse reference Bad: invalid reference format: repository name (library/Bad) must be lowercase"},
        {"a:b:c", "failed to parse reference a:b:c: invalid reference format"},
        {":x", "failed to parse reference :x: invalid reference format"},
        {"x:", "failed to parse reference x:: invalid reference format"},
        {"-x", "failed to parse reference -x: invalid reference format"},
        {"a/", "failed to parse reference a/: invalid reference format"},
        {kHex64, "failed to parse reference " + kHex64 + ": invalid repository name (" + kHex64 + "), cannot specify 64-byte hexadecimal strings"},
        {"x@sha256:" + kHex64, "canonical references are not permitted"}};
    for (const auto& one : cases) {
        BOOST_TEST_CONTEXT(one.first) {
            BOOST_CHECK_EXCEPTION((void)pluginName(one.first), Error, [&](const Error& e) {
                BOOST_TEST(e.text() == one.second);
                return e.code() == Code::invalid;
            });
            BOOST_TEST(!tryPluginName(one.first));
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
