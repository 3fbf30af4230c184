#include "api/views/trace_view.hpp"

#include <boost/test/unit_test.hpp>

using namespace davit;
using namespace davit::api;
using namespace davit::plugin;

namespace {

std::shared_ptr<TracedCall> call(std::string_view request) {
    return std::make_shared<TracedCall>(
        TracedCall{.number = 7,
                   .begun = SystemTime(std::chrono::nanoseconds(1'700'000'000'000'000'012)),
                   .subject = std::make_shared<TraceSubject>(TraceSubject{"vol", "acme", "unix:///p.sock", Isolation::own_process}),
                   .kind = DriverKind::volume,
                   .method = "VolumeDriver.Mount",
                   .request = TracedText::of(request)});
}

constexpr const char* kHead = R"({"Call":7,"Phase":"begin","Time":"2023-11-14T22:13:20.000000012Z","Kind":"volume","Driver":"vol",)"
                              R"("Plugin":"acme","Method":"VolumeDriver.Mount","Transport":"unix:///p.sock","Isolation":"process")";
const std::string kEnd = std::string(kHead).replace(std::string(kHead).find("begin"), 5, "end");

}  // namespace

BOOST_AUTO_TEST_SUITE(trace_view)

BOOST_AUTO_TEST_CASE(a_call_begins_and_ends) {
    BOOST_TEST(traceLine({.call = call(R"({"Name":"v"})")}) == std::string(kHead) + R"(,"Request":"{\"Name\":\"v\"}"})" "\n");
    CallOutcome outcome;
    outcome.duration = std::chrono::microseconds(5);
    outcome.reply = TracedText::of("{}");
    outcome.sent = 3;
    outcome.received = 4;
    BOOST_TEST(traceLine({.call = call("{}"), .outcome = outcome}) ==
               kEnd + R"(,"Request":"{}","Duration":5000,"SentBytes":3,"ReceivedBytes":4,"Reply":"{}"})" "\n");
}

BOOST_AUTO_TEST_CASE(a_failure_has_its_code_and_a_cut_text_its_size) {
    CallOutcome outcome;
    outcome.failure = CallFailure{Code::deadline, {"no answ", 12}};
    const auto cut = call("{");
    cut->request.size = 5000;
    BOOST_TEST(traceLine({.call = cut, .outcome = outcome}) ==
               kEnd + R"(,"Request":"{","RequestSize":5000,"Duration":0,"Error":{"Code":"deadline","Text":"no answ","Size":12}})" "\n");
}

BOOST_AUTO_TEST_CASE(calls_of_no_kind_and_losses) {
    const auto activate = call("{}");
    activate->kind.reset();
    BOOST_TEST(traceLine({.call = activate}).find(R"("Kind":"",)") != std::string::npos);
    BOOST_TEST(traceLine({.call = nullptr, .dropped = 3}) == R"({"dropped":3})" "\n");
}

BOOST_AUTO_TEST_SUITE_END()
