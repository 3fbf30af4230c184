#include "volume/survey.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <thread>

#include "base/thread_annotations.hpp"

namespace davit::volume {
namespace {

using Clock = std::chrono::steady_clock;

// What is known of one driver.
struct Standing {
    bool under_way = false;
    bool prompt = false;       ///< the last question was answered in time, with a list
    bool irrelevant = false;   ///< the last answer: it is no volume driver
    std::uint64_t asked = 0;   ///< number of questions so far
    std::uint64_t answered = 0;
    Clock::time_point begun;  ///< of the last question
    Survey::Answer last;
};

}  // namespace

// Outlives the survey while threads use it.
struct Survey::Shared {
    explicit Shared(DriverSource& source) : drivers(source) {}

    void question(const std::string& name) DAVIT_EXCLUDES(mutex);
    [[nodiscard]] bool done(const std::string& name, std::uint64_t ticket) DAVIT_REQUIRES(mutex) {
        return standings[name].answered >= ticket;
    }

    DriverSource& drivers;
    Mutex mutex;
    Condition changed;
    std::map<std::string, Standing> standings DAVIT_GUARDED_BY(mutex);
    int running DAVIT_GUARDED_BY(mutex) = 0;
};

void Survey::Shared::question(const std::string& name) {
    const auto begin = Clock::now();
    Answer answer{.driver = name, .scope = {}, .volumes = {}, .failure = {}};
    bool irrelevant = false;
    try {
        if (const auto driver = drivers.volumeNow(name)) {
            answer.volumes = driver->list();
            answer.scope = driver->capabilities().scope;
        } else {
            irrelevant = true;
        }
    } catch (const std::exception& failure) {  // a thread's entry
        answer.failure = failure.what();
    }
    {
        const Lock lock(mutex);
        Standing& standing = standings[name];
        standing.under_way = false;
        standing.prompt = answer.failure.empty() && Clock::now() - begin < kPatience;
        standing.irrelevant = irrelevant;
        standing.answered = standing.asked;
        standing.last = std::move(answer);
        --running;
    }
    changed.notify_all();
}

Survey::Survey(DriverSource& drivers) : shared_(std::make_shared<Shared>(drivers)) {}

Survey::~Survey() {
    const Lock lock(shared_->mutex);
    while (shared_->running > 0) shared_->changed.wait(shared_->mutex);
}

std::vector<Survey::Answer> Survey::ask() {
    struct Asked {
        std::string name;
        std::uint64_t ticket = 0;
        Clock::time_point until;
    };
    std::vector<Asked> asked;
    const std::vector<std::string> others = shared_->drivers.others();
    const Lock lock(shared_->mutex);
    for (const std::string& name : others) {
        Standing& standing = shared_->standings[name];
        if (!standing.under_way) {
            standing.under_way = true;
            standing.begun = Clock::now();
            ++standing.asked;
            ++shared_->running;
            std::thread([shared = shared_, name] { shared->question(name); }).detach();
        }
        asked.push_back({name, standing.asked, standing.begun + (standing.prompt ? kPatience : kGrace)});
    }
    std::vector<Answer> answers;
    for (const Asked& one : asked) {
        while (!shared_->done(one.name, one.ticket))
            if (shared_->changed.wait_until(shared_->mutex, one.until) == std::cv_status::timeout) break;
        Standing& standing = shared_->standings[one.name];
        if (standing.irrelevant) continue;
        if (shared_->done(one.name, one.ticket)) {
            answers.push_back(standing.last);
            continue;
        }
        standing.prompt = false;
        answers.push_back({.driver = one.name, .scope = {}, .volumes = {}, .failure = "plugin " + one.name + ": no answer yet"});
    }
    return answers;
}

}  // namespace davit::volume
