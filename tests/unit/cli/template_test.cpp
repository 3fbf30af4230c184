#include "cli/template.hpp"

#include <boost/test/unit_test.hpp>

#include "base/json.hpp"

using namespace davit;
using namespace davit::cli;

namespace {

const char* const kDocument =
    R"({"Name":"/web","Id":"0123456789abcdef","State":{"Status":"running","Pid":42,"Running":true},
  "Config":{"Env":["A=1","B=2"],"Labels":{"z":"26","a":"1","com.x/y":"q"},"Cmd":null},"Mounts":[{"Source":"/s","RW":true},{"Source":"/t","RW":false}],
  "Ratio":1.5,"Empty":[],"Zero":0,"Text":"a<b"})";

std::string run(const std::string& text) {
    const json::Document document = json::Document::parse(kDocument);
    try {
        return tmpl::Template::parse(text).run(tmpl::Value(document.root()));
    } catch (const Error& failure) {
        return "ERROR " + failure.text();
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(template_)

BOOST_AUTO_TEST_CASE(fields_and_text) {
    BOOST_TEST(run("x {{.Name}} {{ .State.Status }} {{.State.Pid}} {{.State.Running}} {{.Ratio}}") ==
               "x /web running 42 true 1.5");
    BOOST_TEST(run("{{.}}").starts_with("{/web 0123456789abcdef {running 42 true}"));
    BOOST_TEST(run("{{.Config.Env}} {{.Config.Labels}} {{.Empty}}") == "[A=1 B=2] map[a:1 com.x/y:q z:26] []");
}

BOOST_AUTO_TEST_CASE(json_keeps_the_servers_order_and_escapes) {
    BOOST_TEST(run("{{json .State}}") == R"({"Status":"running","Pid":42,"Running":true})");
    BOOST_TEST(run("{{json .Text}} {{json .Config.Cmd}} {{.Ratio | json}}") == "\"a\\u003cb\" null 1.5");
}

BOOST_AUTO_TEST_CASE(conditions) {
    BOOST_TEST(run("{{if .State.Running}}yes{{else}}no{{end}}") == "yes");
    BOOST_TEST(run("{{if .Empty}}a{{else if .Zero}}b{{else}}c{{end}}") == "c");
    BOOST_TEST(run("{{if and .Name (eq .State.Status \"running\")}}x{{end}}{{if or .Zero .Empty}}y{{end}}{{if not "
                   ".Zero}}z{{end}}") == "xz");
    BOOST_TEST(run("{{with .State}}{{.Status}}{{$.Name}}{{end}}{{with .Empty}}a{{else}}b{{end}}") == "running/webb");
    BOOST_TEST(run("{{eq .State.Pid 1 42}} {{ne .Name \"x\"}} {{lt 1 2}} {{le 2 2}} {{gt \"b\" \"a\"}} {{ge 1 2}}") ==
               "true true true true true false");
}

BOOST_AUTO_TEST_CASE(loops) {
    BOOST_TEST(run("{{range .Mounts}}{{.Source}},{{end}}") == "/s,/t,");
    BOOST_TEST(run("{{range $i, $e := .Config.Env}}{{$i}}={{$e}};{{end}}") == "0=A=1;1=B=2;");
    BOOST_TEST(run("{{range $k, $v := .Config.Labels}}{{$k}}:{{$v}} {{end}}") == "a:1 com.x/y:q z:26 ");
    BOOST_TEST(run("{{range .Empty}}x{{else}}none{{end}}") == "none");
    BOOST_TEST(run("{{range .Mounts}}{{if not .RW}}{{continue}}{{end}}{{.Source}}{{end}}") == "/s");
    BOOST_TEST(run("{{range .Mounts}}{{.Source}}{{break}}{{end}}") == "/s");
}

BOOST_AUTO_TEST_CASE(variables_live_in_their_block) {
    BOOST_TEST(run("{{$x := .Name}}{{$x}}{{if true}}{{$x = \"in\"}}{{end}}{{$x}}") == "/webin");
    BOOST_TEST(run("{{if $p := .State.Pid}}{{$p}}{{end}}") == "42");
    BOOST_TEST(run("{{range .Mounts}}{{$s := .Source}}{{$s}}{{end}}{{$s}}") ==
               "ERROR template: :1: undefined variable \"$s\"");
}

BOOST_AUTO_TEST_CASE(functions) {
    BOOST_TEST(
        run("{{index .Config.Labels \"com.x/y\"}} {{index .Mounts 1 \"Source\"}} {{(index .Mounts 0).Source}}") ==
        "q /t /s");
    BOOST_TEST(run("{{len .Config.Env}} {{len .Name}} {{slice .Name 1}} {{slice .Name 1 3}}") == "2 4 web we");
    BOOST_TEST(run("{{join .Config.Env \",\"}} {{upper \"ab\"}} {{lower \"AB\"}} {{title \"ab cd\"}}") ==
               "A=1,B=2 AB ab Ab Cd");
    BOOST_TEST(run("{{index (split \"a:b:c\" \":\") 1}} {{truncate .Id 12}} {{pad \"x\" 1 2}}|") ==
               "b 0123456789ab  x  |");
    BOOST_TEST(run("{{printf \"%s-%d-%05d-%q-%v-%.2f-%%\" .Name 7 42 \"q\" .State.Running 1.5}}") ==
               "/web-7-00042-\"q\"-true-1.50-%");
    BOOST_TEST(run("{{printf \"%-6s|%6s|\" \"ab\" \"cd\"}}{{println \"a\" 1}}{{print \"a\" 1 2}}") ==
               "ab    |    cd|a 1\na1 2");
    BOOST_TEST(run("{{.Name | printf \"%s!\" | upper}}") == "/WEB!");
    BOOST_TEST(run("{{`raw \"x\"`}}{{\"tab\\t\"}}{{'a'}}") == "raw \"x\"tab\t97");
}

BOOST_AUTO_TEST_CASE(trim_markers_and_comments) {
    BOOST_TEST(run("a \n {{- .Zero -}} \n b") == "a0b");
    BOOST_TEST(run("a{{/* nothing */}}b {{- /* x */ -}} c") == "abc");
}

BOOST_AUTO_TEST_CASE(missing_members) {
    BOOST_TEST(run("{{.Foo}}") == "ERROR template: :1:2: executing \"\" at <.Foo>: map has no entry for key \"Foo\"");
    BOOST_TEST(run("{{.Config.Labels.nope}}") == "<no value>");
    BOOST_TEST(run("{{.Config.Cmd}} {{len .Config.Cmd}} {{range .Config.Cmd}}x{{else}}none{{end}}") == "[] 0 none");
    BOOST_TEST(run("{{if .State.Health}}x{{else}}none{{end}}") == "none");
    BOOST_TEST(run("{{.Name.X}}") ==
               "ERROR template: :1:7: executing \"\" at <.Name.X>: can't evaluate field X in type string");
}

BOOST_AUTO_TEST_CASE(syntax_errors) {
    BOOST_TEST(run("{{.Name") == "ERROR template: :1: unclosed action");
    BOOST_TEST(run("{{if .Name}}") == "ERROR template: :1: unexpected EOF");
    BOOST_TEST(run("{{end}}") == "ERROR template: :1: unexpected {{end}}");
    BOOST_TEST(run("{{nope .Name}}") == "ERROR template: :1: function \"nope\" not defined");
    BOOST_TEST(run("{{}}") == "ERROR template: :1: missing value for command");
    BOOST_TEST(run("{{\"x}}") == "ERROR template: :1: unterminated quoted string");
    BOOST_TEST(run("{{break}}") == "ERROR template: :1: {{break}} outside {{range}}");
}

BOOST_AUTO_TEST_SUITE_END()
