// The human-readable pieces of views.
#include <boost/test/unit_test.hpp>

#include "api/views/common.hpp"
#include "api/views/container_view.hpp"

using namespace davit;
using namespace davit::api;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(views_text)

BOOST_AUTO_TEST_CASE(durations_read_like_docker) {
    const std::pair<std::chrono::seconds, const char*> table[] = {
        {0s, "Less than a second"}, {1s, "1 second"},      {59s, "59 seconds"},    {60s, "About a minute"},
        {119s, "About a minute"},   {120s, "2 minutes"},   {59min, "59 minutes"},  {60min, "About an hour"},
        {89min, "About an hour"},   {90min, "2 hours"},    {47h, "47 hours"},      {48h, "2 days"},
        {24h * 13, "13 days"},      {24h * 14, "2 weeks"}, {24h * 60, "2 months"}, {24h * 365 * 2, "2 years"}};
    for (const auto& [duration, text] : table) BOOST_TEST(humanDuration(duration) == text);
}

BOOST_AUTO_TEST_CASE(status_reads_like_docker_ps) {
    const SystemTime at(std::chrono::hours(1000));
    engine::ContainerState state;
    BOOST_TEST(statusText(state, at) == "Created");
    state.status = engine::Status::running;
    state.started_at = at - 5min;
    BOOST_TEST(statusText(state, at) == "Up 5 minutes");
    state.status = engine::Status::paused;
    BOOST_TEST(statusText(state, at) == "Up 5 minutes (Paused)");
    state.status = engine::Status::exited;
    state.exit_code = 137;
    state.finished_at = at - 3s;
    BOOST_TEST(statusText(state, at) == "Exited (137) 3 seconds ago");
    state.status = engine::Status::restarting;
    BOOST_TEST(statusText(state, at) == "Restarting (137) 3 seconds ago");
    state.status = engine::Status::dead;
    BOOST_TEST(statusText(state, at) == "Dead");
}

BOOST_AUTO_TEST_CASE(a_command_quotes_arguments_with_spaces) {
    engine::Container container;
    container.path = "sh";
    container.args = {"-c", "echo hi"};
    BOOST_TEST(commandText(container) == "sh -c 'echo hi'");
}

BOOST_AUTO_TEST_SUITE_END()
