#include "volume/survey.hpp"

#include <boost/test/unit_test.hpp>

#include "fake_driver.hpp"

using namespace davit;
using namespace davit::volume;
using namespace davit::volume::test;

namespace {

struct SurveyFixture {
    TempDir directory;
    FakeSource source;

    std::shared_ptr<FakeDriver> add(const std::string& name) {
        return source.drivers[name] = std::make_shared<FakeDriver>(directory.path() / name);
    }
    static const Survey::Answer& of(const std::vector<Survey::Answer>& answers, const std::string& driver) {
        for (const Survey::Answer& answer : answers)
            if (answer.driver == driver) return answer;
        throw Error(Code::not_found, "no answer of " + driver);
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(survey, SurveyFixture)

BOOST_AUTO_TEST_CASE(everybody_is_asked_once_and_answers) {
    add("a")->create("one", {});
    add("b");
    source.other_kind = {"net"};
    Survey survey(source);
    const auto answers = survey.ask();
    BOOST_TEST(answers.size() == 2U);
    BOOST_TEST(of(answers, "a").volumes.at(0).name == "one");
    BOOST_TEST(of(answers, "b").failure == "");
}

BOOST_AUTO_TEST_CASE(one_that_hangs_is_not_waited_for_and_not_asked_twice) {
    add("good")->create("one", {});
    const auto bad = add("bad");
    bad->hold("List");
    Survey survey(source);
    for (int round = 0; round < 3; ++round) {
        const auto answers = survey.ask();
        BOOST_TEST(of(answers, "good").volumes.size() == 1U);
        BOOST_TEST(of(answers, "bad").failure == "plugin bad: no answer yet");
    }
    BOOST_TEST(bad->count("List") == 1);
    bad->release();
    while (!of(survey.ask(), "bad").failure.empty()) std::this_thread::yield();
}

BOOST_AUTO_TEST_CASE(a_failure_is_that_drivers) {
    add("a");
    add("dead");
    source.dead = {"dead"};
    Survey survey(source);
    const auto answers = survey.ask();
    BOOST_TEST(of(answers, "dead").failure == "dead doesn't answer");
    BOOST_TEST(of(answers, "a").failure == "");
}

BOOST_AUTO_TEST_SUITE_END()
