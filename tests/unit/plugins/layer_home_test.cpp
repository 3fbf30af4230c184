#include "archive/layer_home.hpp"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <thread>

#include "archive/fixtures.hpp"
#include "base/remove_tree.hpp"

using namespace davit;
using namespace davit::archive;
namespace fs = std::filesystem;

namespace {

const LayerHome::Dispose kRemove = [](const fs::path& path, const std::stop_token& stop) { (void)removeTree(path, stop); };
constexpr std::chrono::seconds kPatience{20};

}  // namespace

BOOST_AUTO_TEST_SUITE(layer_home)

BOOST_AUTO_TEST_CASE(what_was_not_published_is_swept) {
    const TempDir dir;
    LayerHome home(dir.path() / "home", kRemove);
    makeDirectories(home.path() / "staging/half/made", 0755);
    makeDirectories(home.path() / "trash/half/gone", 0755);
    home.draft("whole")->publish("whole");
    { const auto dropped = home.draft("never"); }
    BOOST_REQUIRE(home.settle(kPatience));
    LayerHome again(dir.path() / "home", kRemove);
    BOOST_REQUIRE(again.settle(kPatience));
    BOOST_TEST(fs::is_empty(home.path() / "staging"));
    BOOST_TEST(fs::is_empty(home.path() / "trash"));
    BOOST_TEST(again.list() == std::vector<std::string>{"whole"});
}

BOOST_AUTO_TEST_CASE(of_two_makers_one_wins) {
    const TempDir dir;
    LayerHome home(dir.path(), kRemove);
    const auto first = home.draft("x");
    const auto second = home.draft("x");
    first->publish("x");
    BOOST_CHECK_EXCEPTION(second->publish("x"), Error, [](const Error& e) { return e.code() == Code::conflict; });
    BOOST_CHECK_THROW((void)home.draft("x"), Error);
    home.remove("x");
    home.remove("x");
    BOOST_TEST(!home.has("x"));
}

BOOST_AUTO_TEST_CASE(ids_that_are_paths_are_refused) {
    const TempDir dir;
    const LayerHome home(dir.path(), kRemove);
    for (const char* id : {"", ".", "..", "a/b", "../x", "a\nb", "/abs"})
        BOOST_CHECK_EXCEPTION((void)home.of(id), Error, [](const Error& e) { return e.code() == Code::invalid; });
    BOOST_CHECK_EXCEPTION((void)home.require("nope"), Error,
                          [](const Error& e) { return e.code() == Code::not_found; });
}

BOOST_AUTO_TEST_CASE(holders_of_one_layer_take_turns) {
    LayerUses uses;
    std::atomic<int> inside = 0;
    std::atomic<bool> overlapped = false;
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 500; ++i) {
                LayerUses::Hold hold(uses, "a");
                if (++inside > 1) overlapped = true;
                ++hold.count();
                --inside;
            }
        });
    for (auto& thread : threads) thread.join();
    BOOST_TEST(!overlapped);
    LayerUses::Hold hold(uses, "a");
    BOOST_TEST(hold.count() == 4000);
}

BOOST_AUTO_TEST_CASE(sizes) {
    BOOST_TEST(parseSize("10") == 10);
    BOOST_TEST(parseSize("10G") == 10LL << 30);
    BOOST_TEST(parseSize("3kb") == 3072);
    BOOST_TEST(parseSize("2MiB") == 2 << 20);
    for (const char* bad : {"", "G", "-1", "10X", "10Gx", "99999999999T"})
        BOOST_CHECK_THROW((void)parseSize(bad), Error);
}

BOOST_AUTO_TEST_SUITE_END()
