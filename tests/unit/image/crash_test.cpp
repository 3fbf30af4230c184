// A daemon killed at any moment of load, remove and container work leaves a store that the next start finds whole.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include "fixtures.hpp"

using namespace davit;
using namespace davit::test;

namespace {

struct Work {
    std::vector<std::string> archives;
    std::vector<std::string> ids;
    std::vector<std::string> tops;
};

Work makeWork() {
    Work work;
    const std::string base = makeTar({{"etc/", ""}, {"etc/os", "x"}, {"big", std::string(400'000, 'b')}});
    for (int i = 0; i < 3; ++i) {
        Files files;
        for (int f = 0; f < 40; ++f)
            files.emplace_back("f" + std::to_string(f), std::string(2000, static_cast<char>('a' + i)));
        const std::string top = makeTar(files);
        const std::string config = makeConfig({base, top});
        work.archives.push_back(makeArchive(config, {base, top}, {"app:" + std::to_string(i)}));
        work.ids.push_back(oci::sha256(config));
        work.tops.push_back(oci::chainId(oci::sha256(base), oci::sha256(top)));
    }
    return work;
}

/// The child's life: tells the parent over the pipe what has been acknowledged.
[[noreturn]] void live(const std::filesystem::path& dir, const Work& work, int acknowledge) {
    Stores stores(dir);
    const auto tell = [&](char what) {
        if (::write(acknowledge, &what, 1) != 1) ::_exit(1);
    };
    for (int round = 0;; ++round) {
        const int at = round % 3;
        (void)stores.load(work.archives[static_cast<std::size_t>(at)]);
        tell(static_cast<char>('0' + at));
        const std::string container(64, static_cast<char>('a' + at));
        stores.layers->createWritable({.container_id = container,
                                       .chain_id = work.tops[static_cast<std::size_t>(at)],
                                       .mount_label = {},
                                       .storage_opt = {}});
        stores.layers->removeWritable(container);
        if (round % 2 == 0) continue;
        tell('-');  // from here on it may be gone
        const std::string name = "app:" + std::to_string(at);
        (void)stores.images->remove({.reference = name, .force = true});
    }
}

/// What the child acknowledged last: an image, or nothing sure.
std::string killAfter(const std::filesystem::path& dir, const Work& work, int milliseconds) {
    int pipe[2];
    BOOST_REQUIRE(::pipe(pipe) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        try {
            live(dir, work, pipe[1]);
        } catch (...) {  // the parent sees the end of the pipe
            ::_exit(2);
        }
    }
    ::close(pipe[1]);
    ::usleep(static_cast<useconds_t>(milliseconds) * 1000);
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    BOOST_TEST(WIFSIGNALED(status));
    std::string told;
    char byte = 0;
    while (::read(pipe[0], &byte, 1) == 1) told += byte;
    ::close(pipe[0]);
    return told;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(crash)

BOOST_AUTO_TEST_CASE(nothing_half_done_outlives_a_kill) {
    const Work work = makeWork();
    const TempDir dir;
    unsigned seed = 20;
    for (int round = 0; round < 40; ++round) {
        seed = seed * 1664525U + 1013904223U;
        const std::string told = killAfter(dir.path(), work, static_cast<int>(5 + (seed >> 16U) % 90));
        Stores stores(dir.path());
        const auto found = stores.layers->reconcile({});
        BOOST_TEST(found.failed.empty());
        BOOST_TEST(found.missing.empty());
        BOOST_TEST(stores.images->damaged().empty());
        // Every image there is is whole, and nothing is there that no image needs.
        std::set<std::string> needed;
        for (const auto& summary : stores.images->list({})) {
            for (const std::string& chain : oci::chainIds(summary.image.config->diff_ids)) needed.insert(chain);
            TextSink out;
            image::save(*stores.images, {summary.image.id}, out);
        }
        BOOST_TEST(stores.held() == needed.size());
        BOOST_TEST(stores.entriesIn("image/layers") == needed.size());
        BOOST_TEST(stores.entriesIn("image/tmp") == 0U);
        if (!told.empty() && told.back() != '-') {
            const auto at = static_cast<std::size_t>(told.back() - '0');
            BOOST_TEST(stores.images->find(work.ids[at]).has_value());
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
