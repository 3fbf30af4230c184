// The suites must notice what is wrong: a driver that does nothing right breaks every rule that it can break.
#include <boost/test/unit_test.hpp>
#include <set>

#include "conformance/other_suites.hpp"
#include "conformance/storage_suite.hpp"
#include "conformance/tar.hpp"

using namespace davit;
using namespace davit::conformance;

namespace {

// Accepts everything, keeps nothing.
class YesVolumes : public VolumeDriver {
  public:
    void create(const std::string&, const Options&) override {}
    void remove(const std::string&) override {}
    std::string mount(const std::string&, const std::string&) override { return "/proc/no/such/place"; }
    void unmount(const std::string&, const std::string&) override {}
    std::string path(const std::string&) override { return "/elsewhere"; }
    std::optional<VolumeInfo> get(const std::string& name) override { return VolumeInfo{.name = name, .mountpoint = {}, .created_at = {}}; }
    std::vector<VolumeInfo> list() override { return {}; }
    VolumeCapabilities capabilities() override { return {.scope = "galactic"}; }
};

// Claims what it doesn't have.
class BoastfulVolumes final : public YesVolumes {
  public:
    VolumeCapabilities capabilities() override {
        return {.scope = "local", .snapshot = true, .clone = true, .resize = true, .usage = true, .transfer = true, .rename = true};
    }
};

std::set<std::string_view> brokenBy(std::shared_ptr<VolumeDriver> driver, const Options& options = {}) {
    VolumeTarget target{.driver = std::move(driver), .options = options};
    std::set<std::string_view> broken;
    run<VolumeTarget>(volumeRules(), target, {}, [&broken](const Result& result) {
        if (result.outcome == Outcome::broken) broken.insert(result.name);
        if (result.outcome == Outcome::broken) BOOST_TEST(!result.message.empty());
    });
    return broken;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(conformance_suites)

BOOST_AUTO_TEST_CASE(a_driver_that_only_says_yes_is_found_out) {
    const auto broken = brokenBy(std::make_shared<YesVolumes>(), {{"size", "1048576"}});
    for (const char* name : {"created_is_there", "create_twice", "remove_twice", "unknown_names", "bad_names", "unknown_options", "mounts_are_counted", "content_stays", "capabilities",
                             "names_are_free_again", "mountpoint", "limits", "empty_at_first", "many_at_once", "one_volume_many_threads"})
        BOOST_TEST(broken.contains(name), name);
}

BOOST_AUTO_TEST_CASE(a_driver_that_claims_too_much_is_found_out) {
    const auto broken = brokenBy(std::make_shared<BoastfulVolumes>());
    for (const char* name : {"capabilities_are_true", "rename", "usage", "snapshots", "clone", "clone_of_snapshot", "transfer", "import_replaces_nothing", "bad_archives"})
        BOOST_TEST(broken.contains(name), name);
    BOOST_TEST(!broken.contains("capabilities"));
}

BOOST_AUTO_TEST_CASE(rules_have_names_of_their_own_and_sentences) {
    std::set<std::string_view> of_volumes;
    for (const auto& rule : volumeRules()) BOOST_TEST(of_volumes.insert(rule.name).second, rule.name);
    BOOST_TEST(of_volumes.size() > 25U);
    std::set<std::string_view> names;
    for (const auto& rule : storageRules()) {
        BOOST_TEST(names.insert(rule.name).second, rule.name);
        BOOST_TEST(rule.sentence.size() > 10U);
    }
    BOOST_TEST(names.size() > 40U);
}

BOOST_AUTO_TEST_CASE(one_rule_can_be_picked) {
    VolumeTarget target{std::make_shared<YesVolumes>()};
    int seen = 0;
    run<VolumeTarget>(volumeRules(), target, "capabilities", [&seen](const Result& result) {
        ++seen;
        BOOST_TEST((result.outcome == Outcome::broken));
    });
    BOOST_TEST(seen == 1);
}

BOOST_AUTO_TEST_CASE(archives_are_listed_as_they_were_made) {
    const std::string long_name = "d/" + std::string(150, 'n');
    const auto listed = listTar(makeTar({{.name = "d/", .type = '5'}, {.name = long_name, .content = std::string(1000, 'x')}, {.name = "l", .type = '2', .target = "t"}}));
    BOOST_TEST(listed.size() == 3U);
    BOOST_TEST(listed.at("d") == '5');
    BOOST_TEST(listed.at(long_name) == '0');
    BOOST_CHECK_THROW((void)listTar(std::string(512, 'g')), Broken);
}

BOOST_AUTO_TEST_SUITE_END()
