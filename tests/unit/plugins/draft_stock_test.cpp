#include "plugins/storage/overlay2/draft_stock.hpp"

#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include "base/file.hpp"
#include "base/remove_tree.hpp"

using namespace davit;
using overlay2::DraftStock;
namespace fs = std::filesystem;

namespace {

/// The thread makes them in its own time.
std::optional<DraftStock::Loan> takeSoon(DraftStock& stock) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < deadline) {
        if (auto loan = stock.take()) return loan;
        ::usleep(1000);
    }
    return std::nullopt;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(draft_stock)

BOOST_AUTO_TEST_CASE(what_is_lent_is_whole_and_is_replaced_when_it_was_moved_away) {
    const TempDir dir;
    DraftStock stock(dir.path() / "ready", 2, [](const fs::path&) {});
    for (int round = 0; round < 5; ++round) {
        const auto loan = takeSoon(stock);
        BOOST_REQUIRE(loan.has_value());
        BOOST_TEST(fs::is_empty(loan->path() / "diff"));
        BOOST_TEST(fs::is_empty(loan->path() / "work"));
        BOOST_TEST(fs::file_size(loan->path() / "layer") == 0U);
        fs::rename(loan->path(), dir.path() / std::to_string(round));
    }
}

BOOST_AUTO_TEST_CASE(one_is_never_lent_twice) {
    const TempDir dir;
    DraftStock stock(dir.path() / "ready", 2, [](const fs::path&) {});
    const auto first = takeSoon(stock);
    const auto second = takeSoon(stock);
    BOOST_REQUIRE((first && second));
    BOOST_TEST(first->path() != second->path());
    BOOST_TEST(!stock.take().has_value());
}

BOOST_AUTO_TEST_CASE(what_an_earlier_process_left_is_thrown_away) {
    const TempDir dir;
    makeDirectories(dir.path() / "ready/0/diff/of/somebody", 0755);
    DraftStock stock(dir.path() / "ready", 1, [](const fs::path& left) { removeTree(left); });
    const auto loan = takeSoon(stock);
    BOOST_REQUIRE(loan.has_value());
    BOOST_TEST(fs::is_empty(loan->path() / "diff"));
}

BOOST_AUTO_TEST_SUITE_END()
