#include "plugin/loader.hpp"

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <thread>

#include "plugin_fixtures.hpp"

using namespace davit;
using namespace davit::plugin;
using namespace davit::plugin::test;

BOOST_AUTO_TEST_SUITE(loader)

BOOST_AUTO_TEST_CASE(a_sound_file_is_loaded_and_the_same_file_twice_is_one_descriptor) {
    const davit_plugin& first = loadPlugin(fixture("rude"));
    BOOST_TEST(first.name == std::string("rude"));
    BOOST_TEST(&loadPlugin(fixture("rude")) == &first);
}

BOOST_AUTO_TEST_CASE(broken_descriptors_are_refused_with_file_and_reason) {
    const std::pair<const char*, const char*> cases[] = {
        {"broken_magic", "magic 0x12345678"},      {"broken_major", "made for plugin ABI 2, this engine speaks 1"},
        {"broken_size", "of 24 bytes is too short"}, {"broken_symbol", "exports no davit_plugin_entry"},
        {"broken_null", "returned nothing"},       {"broken_no_drivers", "has no drivers"},
        {"broken_twice", "occurs twice"},          {"broken_no_call", "lacks open, close or call"},
        {"broken_kind", "of unknown kind 77"}};
    for (const auto& [name, reason] : cases) {
        const Error e = errorOf([&, file = fixture(name)] { (void)loadPlugin(file); });
        BOOST_TEST((e.code() == Code::invalid), name);
        BOOST_TEST(e.text().find(reason) != std::string::npos, e.text());
        BOOST_TEST(e.text().starts_with(fixture(name).native()), e.text());
    }
}

BOOST_AUTO_TEST_CASE(what_is_no_shared_object_is_refused) {
    const TempDir dir;
    const auto file = dir.path() / "text.so";
    std::ofstream(file) << "not an ELF file";
    BOOST_TEST((errorOf([&] { (void)loadPlugin(file); }).code() == Code::invalid));
}

BOOST_AUTO_TEST_CASE(a_file_renamed_over_a_loaded_one_is_loaded_beside_it) {
    const Places places;
    const auto file = places.own / "x.so";
    Places::install("rude", file);
    const davit_plugin& first = loadPlugin(file);
    Places::install("rude2", file);
    const davit_plugin& second = loadPlugin(file);
    BOOST_TEST(first.version == std::string("1.0"));
    BOOST_TEST(second.version == std::string("2.0"));
    BOOST_TEST(&loadPlugin(file) == &second);
}

BOOST_AUTO_TEST_CASE(a_file_overwritten_in_place_is_refused) {
    const Places places;
    const auto file = places.own / "x.so";
    Places::install("rude", file);
    (void)loadPlugin(file);
    std::filesystem::last_write_time(file, std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
    BOOST_TEST((errorOf([&] { (void)loadPlugin(file); }).code() == Code::conflict));
}

BOOST_AUTO_TEST_CASE(files_that_others_could_have_written_are_refused) {
    const Places places;
    const auto file = places.own / "x.so";
    Places::install("rude", file);
    const auto refusal = [&](const std::filesystem::path& path) {
        return errorOf([&] { (void)checkFile(path, {places.own}); });
    };
    BOOST_TEST((refusal(file).code() == Code::ok));
    std::filesystem::permissions(file, std::filesystem::perms(0775));
    BOOST_TEST(refusal(file).text().find("writable by group or others (mode 0775)") != std::string::npos);
    std::filesystem::permissions(file, std::filesystem::perms(0755));
    std::filesystem::permissions(places.own, std::filesystem::perms(0777));
    BOOST_TEST((refusal(file).code() == Code::forbidden));
    std::filesystem::permissions(places.own, std::filesystem::perms(0755));
    if (::geteuid() == 0) {
        BOOST_REQUIRE(::chown(file.c_str(), 1, 1) == 0);
        BOOST_TEST(refusal(file).text().find("owned by uid 1") != std::string::npos);
        BOOST_REQUIRE(::chown(file.c_str(), 0, 0) == 0);
    }
    std::filesystem::create_symlink(fixture("rude"), places.own / "link.so");
    BOOST_TEST((refusal(places.own / "link.so").code() == Code::forbidden));
    BOOST_TEST((refusal("x.so").code() == Code::forbidden));
    BOOST_TEST((refusal(places.foreign / "x.so").code() == Code::forbidden));
    BOOST_TEST((refusal(places.own / ".." / "own" / "x.so").code() == Code::ok));
    BOOST_TEST((refusal(places.own / "gone.so").code() == Code::not_found));
}

BOOST_AUTO_TEST_SUITE_END()
