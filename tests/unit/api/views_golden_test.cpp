// Every member that a real engine (20.10, API 1.41) gave in its replies is in ours, with a value of the same type. The
// fixtures are shapes: scalars are "string", "number", "bool" or "null"; "object" is any object; {"*": shape} describes
// every member.
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <set>

#include "api/views/container_view.hpp"
#include "api/views/image_view.hpp"
#include "api/views/system_view.hpp"
#include "base/file.hpp"

using namespace davit;
using namespace davit::api;

namespace {

// Members that later engines dropped and no client of 1.51 reads.
const std::set<std::string> kGone = {".HostConfig.KernelMemory", ".HostConfig.KernelMemoryTCP", ".ClusterStore",
                                     ".ClusterAdvertise"};

std::string typeOf(const json::Value& value) {
    if (value.isNull()) return "null";
    if (value.isString()) return "string";
    if (value.isBool()) return "bool";
    if (value.isNumber()) return "number";
    return value.isArray() ? "array" : "object";
}

bool hasMember(const json::Value& object, std::string_view name) {
    for (const auto& [key, content] : object.object())
        if (key == name) return true;
    return false;
}

void compare(const json::Value& shape, const json::Value& ours, const std::string& path) {
    // Go's nil and an empty list or map are the same to clients.
    if (ours.isNull() || (shape.isString() && shape.stringView() == "null")) return;
    if (shape.isString()) {
        BOOST_TEST(typeOf(ours) == shape.stringView(),
                   path << " is " << typeOf(ours) << ", not " << shape.stringView());
        return;
    }
    BOOST_TEST_REQUIRE(typeOf(ours) == typeOf(shape), path << " is " << typeOf(ours) << ", not " << typeOf(shape));
    if (shape.isArray()) {
        if (shape.array().empty()) return;
        for (const json::Value element : ours.array()) compare(*shape.array().begin(), element, path + "[]");
        return;
    }
    for (const auto& [name, expected] : shape.object()) {
        const std::string member = path + "." + std::string(name);
        if (kGone.contains(member)) continue;
        if (name == "*") {
            for (const auto& [key, content] : ours.object()) compare(expected, content, member);
            continue;
        }
        const bool present = hasMember(ours, name);
        BOOST_TEST(present, member << " is missing");
        if (present) compare(expected, ours[name], member);
    }
}

void checkAgainst(const std::string& fixture, const json::Writer& ours) {
    const char* directory = std::getenv("DAVIT_API_FIXTURES");
    BOOST_TEST_REQUIRE(directory != nullptr);
    const auto text = readFile(std::string(directory) + "/" + fixture);
    BOOST_TEST_REQUIRE(text.has_value());
    const json::Document shape = json::Document::parse(*text);
    const json::Document document = json::Document::parse(ours.text());
    compare(shape.root(), document.root(), "");
}

engine::Container exampleContainer() {
    engine::Container container;
    container.id = std::string(64, 'a');
    container.name = "c1";
    container.created = now();
    container.image_id = "sha256:x";
    container.image_ref = "shape";
    container.path = "sleep";
    container.args = {"100"};
    container.state.status = engine::Status::running;
    container.state.started_at = now();
    auto config = std::make_shared<runtime::ContainerConfig>();
    config->labels = {{"a", "b"}};
    config->exposed_ports = {"80/tcp", "53/udp", "bad"};
    container.config = std::move(config);
    auto host = std::make_shared<runtime::HostConfig>();
    host->runtime = "davit";  // always filled in by the engine
    container.host_config = std::move(host);
    container.network.networks["none"] = {};
    container.mounts.emplace_back();
    container.exec_ids = {"x"};
    container.storage_driver = "vfs";
    container.storage_data = {{"a", "b"}};
    container.size = engine::ContainerSize{1, 2};
    return container;
}

image::Image exampleImage() {
    image::Image image;
    image.id = "sha256:abc";
    image.config_json = std::make_shared<std::string>(
        R"({"architecture":"amd64","os":"linux","config":{"Cmd":["sh"],"Env":["A=b"]},"rootfs":{"type":"layers","diff_ids":[]}})");
    auto config = std::make_shared<oci::ImageConfig>();
    config->architecture = "amd64";
    config->os = "linux";
    config->diff_ids = {"sha256:d"};
    image.config = std::move(config);
    image.repo_tags = {"shape:latest"};
    image.created = now();
    image.last_tag_time = now();
    return image;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(views_golden)

BOOST_AUTO_TEST_CASE(container_inspect) {
    json::Writer out;
    writeContainerDetails(out, exampleContainer());
    checkAgainst("container_inspect.json", out);
}

BOOST_AUTO_TEST_CASE(container_list) {
    json::Writer out;
    out.array([&] { writeContainerSummary(out, exampleContainer(), "shape", now()); });
    checkAgainst("container_list.json", out);
}

BOOST_AUTO_TEST_CASE(exec_inspect) {
    engine::Exec exec;
    exec.config.cmd = {"true"};
    json::Writer out;
    writeExec(out, exec);
    checkAgainst("exec_inspect.json", out);
}

BOOST_AUTO_TEST_CASE(system_version) {
    json::Writer out;
    writeVersion(out, {});
    checkAgainst("version.json", out);
}

BOOST_AUTO_TEST_CASE(system_info) {
    engine::SystemInfo info;
    info.driver_status = {{"Backing Filesystem", "extfs"}};
    info.runtimes = {{"davit", "davit-shim", {}}};
    json::Writer out;
    writeInfo(out, info);
    checkAgainst("info.json", out);
}

BOOST_AUTO_TEST_CASE(image_list) {
    json::Writer out;
    out.array([&] { writeImageSummary(out, {exampleImage()}, {.none_names = true, .virtual_size = true}); });
    checkAgainst("image_list.json", out);
}

BOOST_AUTO_TEST_CASE(image_inspect) {
    json::Writer out;
    writeImageDetails(out, {exampleImage(), "vfs", {}}, {.virtual_size = true, .container_config = true});
    checkAgainst("image_inspect.json", out);
}

BOOST_AUTO_TEST_CASE(image_history) {
    json::Writer out;
    writeHistory(out, {{"sha256:abc", now(), "RUN x", {"shape:latest"}, 5, ""}});
    checkAgainst("image_history.json", out);
}

BOOST_AUTO_TEST_CASE(nameless_images_follow_the_version) {
    image::Image image = exampleImage();
    image.repo_tags.clear();
    json::Writer old;
    writeImageSummary(old, {image}, {.none_names = true});
    BOOST_TEST(old.text().find("<none>:<none>") == std::string::npos);  // "<" is escaped
    BOOST_TEST(old.text().find("\\u003cnone\\u003e:\\u003cnone\\u003e") != std::string::npos);
    json::Writer modern;
    writeImageSummary(modern, {image}, {});
    BOOST_TEST(modern.text().find("\"RepoTags\":[]") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(progress_lines) {
    BOOST_TEST(progressLine({.stream = "Loaded image: x\n", .status = {}, .id = {}}) ==
               "{\"stream\":\"Loaded image: x\\n\"}\r\n");
    BOOST_TEST(progressLine({.stream = {}, .status = "Loading layer", .id = "abc", .current = 1, .total = 2}) ==
               "{\"status\":\"Loading layer\",\"progressDetail\":{\"current\":1,\"total\":2},\"id\":\"abc\"}\r\n");
}

BOOST_AUTO_TEST_SUITE_END()
