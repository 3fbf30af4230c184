#include "image/config_changes.hpp"

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"

using namespace davit;
using Strings = std::vector<std::string>;

namespace {

oci::ImageDefaults changed(const Strings& lines) {
    oci::ImageDefaults config;
    image::applyConfigChanges(config, lines);
    return config;
}

void refused(const std::string& line, const std::string& text) {
    BOOST_CHECK_EXCEPTION((void)changed({line}), Error, [&](const Error& e) {
        BOOST_TEST(e.text() == text);
        return e.code() == Code::invalid;
    });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(config_changes)

BOOST_AUTO_TEST_CASE(commands_in_both_forms) {
    BOOST_TEST((changed({"CMD [\"a\", \"b c\"]"}).cmd == Strings{"a", "b c"}));
    BOOST_TEST((changed({"cmd echo $HOME"}).cmd == Strings{"/bin/sh", "-c", "echo $HOME"}));
    BOOST_TEST((changed({"ENTRYPOINT [\"x\"]"}).entrypoint == Strings{"x"}));
    BOOST_TEST((changed({"ENTRYPOINT"}).entrypoint == Strings{}));
    BOOST_TEST((changed({"CMD [not json"}).cmd == Strings{"/bin/sh", "-c", "[not json"}));
}

BOOST_AUTO_TEST_CASE(pairs_in_both_forms) {
    BOOST_TEST((changed({"ENV A=1 B='x y' C=\"q\\\"\"", "ENV A=2", "ENV D several words"}).env ==
                Strings{"A=2", "B=x y", "C=q\"", "D=several words"}));
    BOOST_TEST(changed({"LABEL a.b=c \"d e\"=f"}).labels.at("d e") == "f");
}

BOOST_AUTO_TEST_CASE(ports_users_paths) {
    BOOST_TEST((changed({"EXPOSE 80 53/UDP 7000-7002"}).exposed_ports ==
                std::set<std::string>{"53/udp", "7000/tcp", "7001/tcp", "7002/tcp", "80/tcp"}));
    BOOST_TEST(changed({"USER 1:2"}).user == "1:2");
    BOOST_TEST(changed({"WORKDIR /a", "WORKDIR b/../c"}).working_dir == "/a/c");
    BOOST_TEST((changed({"VOLUME [\"/a\", \"/b c\"]", "VOLUME /d /e"}).volumes ==
                std::set<std::string>{"/a", "/b c", "/d", "/e"}));
    BOOST_TEST(changed({"STOPSIGNAL 9"}).stop_signal == "9");
    BOOST_TEST((changed({"ONBUILD RUN x y"}).on_build == Strings{"RUN x y"}));
}

BOOST_AUTO_TEST_CASE(variables_are_those_of_the_lines_before) {
    const auto config = changed({"ENV A=/srv B=\"$A/b\"", "ENV B=$A/b C='$A' D=\\$A E=${A}x F=${NO:-none} G=${A:+yes} H=$NO",
                                 "ENV LINE it is $A", "WORKDIR $A/${F}", "USER $G", "LABEL at=$B", "VOLUME $A", "VOLUME [\"$B\"]",
                                 "ENV PORTS=\"80 81/udp\"", "EXPOSE $PORTS", "STOPSIGNAL $G", "CMD echo $A"});
    BOOST_TEST((config.env == Strings{"A=/srv", "B=/srv/b", "C=$A", "D=$A", "E=/srvx", "F=none", "G=yes", "H=", "LINE=it is /srv",
                                      "PORTS=80 81/udp"}));
    BOOST_TEST(config.working_dir == "/srv/none");
    BOOST_TEST(config.user == "yes");
    BOOST_TEST(config.labels.at("at") == "/srv/b");
    BOOST_TEST((config.volumes == std::set<std::string>{"/srv", "/srv/b"}));
    BOOST_TEST((config.exposed_ports == std::set<std::string>{"80/tcp", "81/udp"}));
    BOOST_TEST(config.stop_signal == "yes");
    BOOST_TEST(config.cmd->back() == "echo $A");
    BOOST_TEST((changed({"ENV A=$B B=1 C=$B"}).env == Strings{"A=", "B=1", "C="}));
    refused("ENV A=${B", "syntax error: missing '}'");
    refused("ENV A=${B:?is needed}", "B: is needed");
    refused("ENV A=${B:!x}", "unsupported modifier (!) in substitution");
}

BOOST_AUTO_TEST_CASE(health_checks) {
    const auto health = changed({"HEALTHCHECK --interval=1m30s --retries=3 CMD curl -f x"}).healthcheck.value();
    BOOST_TEST((health.test == Strings{"CMD-SHELL", "curl -f x"}));
    BOOST_TEST(health.interval_ns == 90'000'000'000);
    BOOST_TEST(health.retries == 3);
    BOOST_TEST((changed({"HEALTHCHECK NONE"}).healthcheck->test == Strings{"NONE"}));
    BOOST_TEST((changed({"HEALTHCHECK CMD [\"a\"]"}).healthcheck->test == Strings{"CMD", "a"}));
    BOOST_CHECK_THROW((void)changed({"HEALTHCHECK --interval=x CMD a"}), Error);
    BOOST_CHECK_THROW((void)changed({"HEALTHCHECK --colour=red CMD a"}), Error);
}

BOOST_AUTO_TEST_CASE(others_are_refused) {
    refused("RUN x", "run is not a valid change command");
    refused("FROM x", "from is not a valid change command");
    refused("ENV A", "ENV must have two arguments");
    refused("EXPOSE http", "invalid containerPort: http");
    refused("EXPOSE 80/icmp", "invalid proto: icmp");
    refused("HEALTHCHECK x", "Unknown type \"x\" in HEALTHCHECK (try CMD)");
    refused("ENV A='x", "unexpected end of statement while looking for matching '");
    refused("USER", "user requires at least one argument");
}

BOOST_AUTO_TEST_SUITE_END()
