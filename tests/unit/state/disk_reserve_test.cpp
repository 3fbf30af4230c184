#include "state/disk_reserve.hpp"

#include <boost/test/unit_test.hpp>

#include "base/file.hpp"

using namespace davit;

BOOST_AUTO_TEST_SUITE(disk_reserve)

BOOST_AUTO_TEST_CASE(takes_its_space_and_gives_it_back) {
    const TempDir dir;
    state::DiskReserve reserve(dir.path() / "reserve", 1 << 20);
    BOOST_TEST(!reserve.held());
    BOOST_TEST(reserve.ensure());
    BOOST_TEST(reserve.held());
    BOOST_TEST(reserve.ensure());
    BOOST_TEST(reserve.release());
    BOOST_TEST(!reserve.held());
    BOOST_TEST(!reserve.release());
}

BOOST_AUTO_TEST_CASE(a_sparse_file_of_that_size_is_no_reserve) {
    const TempDir dir;
    writeFileAtomically(dir.path() / "reserve", "");
    std::filesystem::resize_file(dir.path() / "reserve", 1 << 20);
    state::DiskReserve reserve(dir.path() / "reserve", 1 << 20);
    BOOST_TEST(!reserve.held());
    BOOST_TEST(reserve.ensure());
    BOOST_TEST(reserve.held());
}

BOOST_AUTO_TEST_CASE(a_size_that_doesnt_fit_is_refused_without_a_trace) {
    const TempDir dir;
    state::DiskReserve reserve(dir.path() / "reserve", std::int64_t{1} << 60);
    BOOST_TEST(!reserve.ensure());
    BOOST_TEST(!std::filesystem::exists(dir.path() / "reserve"));
}

BOOST_AUTO_TEST_SUITE_END()
