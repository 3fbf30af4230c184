#include "oci/image_config.hpp"

#include <boost/test/unit_test.hpp>

#include "oci/digest.hpp"

using namespace davit;
using namespace davit::oci;

namespace {
// As docker 20.10 writes it, shortened.
const std::string kDocker =
    R"({"architecture":"amd64","config":{"Hostname":"","User":"daemon","AttachStdin":false,"ExposedPorts":
{"80/tcp":{},"443/tcp":{}},"Env":["PATH=/bin","A=b"],"Cmd":["sh"],"Healthcheck":{"Test":["CMD-SHELL","true"],"Interval":5000000000,
"Retries":3},"Image":"sha256:x","Volumes":{"/data":{}},"WorkingDir":"/w","Entrypoint":null,"OnBuild":null,"Labels":{"k":"v"},
"StopSignal":"SIGINT"},"container":"abc","container_config":{"Cmd":["x"]},"created":"2022-05-11T18:40:27.4Z",
"docker_version":"20.10.24","history":[{"created":"2022-05-11T18:40:27Z","created_by":"a"},{"created_by":"b","empty_layer":true}],
"os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]}})";

void refused(const std::string& json, const std::string& part) {
    BOOST_CHECK_EXCEPTION((void)parseImageConfig(json), Error, [&](const Error& e) {
        BOOST_TEST(e.text().find(part) != std::string::npos, e.text());
        return e.code() == Code::invalid;
    });
}
}  // namespace

BOOST_AUTO_TEST_SUITE(image_config)

BOOST_AUTO_TEST_CASE(dockers_document_is_read) {
    const ImageConfig config = parseImageConfig(kDocker);
    BOOST_TEST(config.architecture == "amd64");
    BOOST_TEST(config.os == "linux");
    BOOST_TEST(formatRfc3339(config.created.value()) == "2022-05-11T18:40:27.4Z");
    BOOST_TEST(config.config.user == "daemon");
    BOOST_TEST((config.config.exposed_ports == std::set<std::string>{"443/tcp", "80/tcp"}));
    BOOST_TEST((config.config.cmd == std::vector<std::string>{"sh"}));
    BOOST_TEST(!config.config.entrypoint.has_value());
    BOOST_TEST((config.config.volumes == std::set<std::string>{"/data"}));
    BOOST_TEST(config.config.labels.at("k") == "v");
    BOOST_TEST(config.config.stop_signal == "SIGINT");
    BOOST_TEST(config.config.healthcheck->interval_ns == 5'000'000'000);
    BOOST_TEST(config.config.healthcheck->retries == 3);
    BOOST_TEST(config.diff_ids.size() == 1U);
    BOOST_TEST(config.history.size() == 2U);
    BOOST_TEST(config.history[1].empty_layer);
}

BOOST_AUTO_TEST_CASE(what_is_written_reads_the_same_and_is_stable) {
    const ImageConfig config = parseImageConfig(kDocker);
    const std::string once = imageConfigJson(config);
    const std::string twice = imageConfigJson(parseImageConfig(once));
    BOOST_TEST(once == twice);
    BOOST_TEST(once.find(R"("ExposedPorts":{"443/tcp":{},"80/tcp":{}})") != std::string::npos);
    BOOST_TEST(parseImageConfig(once).config.healthcheck->test.size() == 2U);
}

BOOST_AUTO_TEST_CASE(what_is_no_config_is_refused) {
    refused("", "");
    refused("[]", "not an object");
    refused("{}", "no RootFS key");
    refused(R"({"rootfs":{"type":"tarballs"}})", "tarballs");
    refused(R"({"rootfs":{"type":"layers","diff_ids":["sha256:../../x"]}})", "invalid checksum digest length");
    refused(R"({"rootfs":{"type":"layers"},"history":[{"created_by":"x"}]})", "too many non-empty layers");
    refused(R"({"rootfs":{"type":"layers"},"manifests":[]})", "manifest");
    refused(R"({"rootfs":{"type":"layers"},"config":{"Env":"x"}})", "");
    std::string many;
    for (int i = 0; i < 126; ++i) many += (i > 0 ? ",\"" : "\"") + sha256(std::to_string(i)) + "\"";
    refused(R"({"rootfs":{"type":"layers","diff_ids":[)" + many + "]}}", "max depth exceeded");
}

BOOST_AUTO_TEST_SUITE_END()
