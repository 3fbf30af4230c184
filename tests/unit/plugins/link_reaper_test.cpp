#include <boost/test/unit_test.hpp>

#include "base/error.hpp"
#include "common/link_reaper.hpp"

using namespace davit;

namespace {

using Links = std::vector<std::string>;

Mutex mutex;
std::vector<Links> calls DAVIT_GUARDED_BY(mutex);
std::string log_text DAVIT_GUARDED_BY(mutex);

void note(const Links& links) {
    const Lock lock(mutex);
    calls.push_back(links);
    if (links.front() == "stuck") throw Error(Code::system, "no");
}

struct Fixture {
    Fixture() {
        const Lock lock(mutex);
        calls.clear();
        log_text.clear();
    }
    static LinkReaper<std::string>::Options options(bool together = false) {
        return {.remove = note, .together = together, .log = [](const std::string& text) {
                    const Lock lock(mutex);
                    log_text += text;
                }};
    }
    static std::vector<Links> removed() {
        const Lock lock(mutex);
        return calls;
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(link_reaper, Fixture)

BOOST_AUTO_TEST_CASE(a_flush_returns_when_the_link_it_means_is_gone) {
    LinkReaper<std::string> reaper(options());
    for (const char* link : {"a", "b"}) reaper.remove(link);
    reaper.flush([](const std::string& link) { return link == "b"; });
    BOOST_TEST((removed() == std::vector<Links>{{"a"}, {"b"}}));
}

BOOST_AUTO_TEST_CASE(together_many_links_go_in_few_calls) {
    LinkReaper<std::string> reaper(options(true));
    Links links;
    for (int i = 0; i < 1000; ++i) reaper.remove(links.emplace_back(std::to_string(i)));
    reaper.flush();
    Links gone;
    for (const Links& call : removed()) gone.insert(gone.end(), call.begin(), call.end());
    BOOST_TEST(gone == links, boost::test_tools::per_element());
    BOOST_TEST(removed().size() < 100U);
}

BOOST_AUTO_TEST_CASE(without_a_flush_they_go_too) {
    LinkReaper<std::string> reaper(options());
    reaper.remove("a");
    for (int tries = 0; tries < 500 && removed().empty(); ++tries) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    BOOST_TEST((removed() == std::vector<Links>{{"a"}}));
}

BOOST_AUTO_TEST_CASE(the_destructor_removes_what_is_left) {
    {
        LinkReaper<std::string> reaper(options());
        for (const char* link : {"a", "b"}) reaper.remove(link);
    }
    BOOST_TEST((removed() == std::vector<Links>{{"a"}, {"b"}}));
}

BOOST_AUTO_TEST_CASE(what_fails_is_logged_and_the_next_goes) {
    LinkReaper<std::string> reaper(options());
    for (const char* link : {"stuck", "b"}) reaper.remove(link);
    reaper.flush();
    BOOST_TEST((removed() == std::vector<Links>{{"stuck"}, {"b"}}));
    const Lock lock(mutex);
    BOOST_TEST(log_text == "no");
}

BOOST_AUTO_TEST_SUITE_END()
