#include "image/layer_store.hpp"

#include <boost/test/unit_test.hpp>
#include <thread>

#include "base/failpoint.hpp"
#include "fixtures.hpp"

using namespace davit;
using namespace davit::test;
using image::LayerRef;

namespace {

const std::string kBase = makeTar({{"etc/", ""}, {"etc/os", "one"}, {"gone", "x"}});
const std::string kTop = makeTar({{"etc/", ""}, {"etc/os", "two!"}, {".wh.gone", ""}});
const std::string kContainer(64, 'c');

}  // namespace

BOOST_AUTO_TEST_SUITE(layer_store)

BOOST_AUTO_TEST_CASE(a_layer_is_what_its_tar_says) {
    Stores stores;
    const LayerRef base = stores.apply(kBase);
    const LayerRef top = stores.apply(kTop, base->chain_id);
    BOOST_TEST(base->diff_id == oci::sha256(kBase));
    BOOST_TEST(base->chain_id == base->diff_id);
    BOOST_TEST(top->chain_id == oci::chainId(base->chain_id, oci::sha256(kTop)));
    BOOST_TEST(base->size == 4);
    BOOST_TEST(stores.layers->chainSize(top->chain_id) == 8);
    BOOST_TEST(stores.tarOf(base.layer()) == kBase);
    BOOST_TEST(stores.tarOf(top.layer()) == kTop);
    const auto mounted = stores.layers->mountLayer(top.layer());
    BOOST_TEST(readFile(mounted.path() / "etc/os").value() == "two!");
    BOOST_TEST(!std::filesystem::exists(mounted.path() / "gone"));
}

BOOST_AUTO_TEST_CASE(what_nothing_needs_goes_with_its_last_reference) {
    Stores stores;
    {
        LayerRef base = stores.apply(kBase);
        const LayerRef top = stores.apply(kTop, base->chain_id);
        base.reset();
        BOOST_TEST(stores.held() == 2U);
    }
    BOOST_TEST(stores.held() == 0U);
    BOOST_TEST(stores.layers->layers().empty());
    BOOST_TEST(stores.entriesIn("image/layers") == 0U);
}

BOOST_AUTO_TEST_CASE(a_container_keeps_its_layers_alive) {
    Stores stores;
    {
        const LayerRef base = stores.apply(kBase);
        stores.layers->createWritable(
            {.container_id = kContainer, .chain_id = base->chain_id, .mount_label = {}, .storage_opt = {}});
    }
    BOOST_TEST(stores.held() == 2U);
    stores.layers->removeWritable(kContainer);
    BOOST_TEST(stores.held() == 0U);
    stores.layers->removeWritable(kContainer);
}

BOOST_AUTO_TEST_CASE(a_wrong_digest_leaves_nothing) {
    Stores stores;
    TextSource source(kBase);
    BOOST_CHECK_EXCEPTION((void)stores.layers->applyLayer({.parent = {},
                                                           .source = &source,
                                                           .expected_diff_id = oci::sha256("x"),
                                                           .reopen = {},
                                                           .mount_label = {},
                                                           .progress = {}}),
                          Error, [](const Error& e) { return e.text().find("invalid diffID") != std::string::npos; });
    BOOST_TEST(stores.held() == 0U);
    BOOST_TEST(stores.entriesIn("image/layers") == 0U);
}

BOOST_AUTO_TEST_CASE(unknown_parents_and_too_many_layers_are_refused) {
    Stores stores;
    BOOST_CHECK_EXCEPTION((void)stores.apply(kBase, oci::sha256("nope")), Error,
                          [](const Error& e) { return e.code() == Code::not_found; });
    LayerRef at;
    for (int i = 0; i < 125; ++i) at = stores.apply(makeTar({{"f" + std::to_string(i), "x"}}), at ? at->chain_id : "");
    BOOST_CHECK_EXCEPTION((void)stores.apply(kBase, at->chain_id), Error,
                          [](const Error& e) { return e.text() == "max depth exceeded"; });
}

BOOST_AUTO_TEST_CASE(the_same_layer_twice_in_a_chain_is_two_layers) {
    Stores stores;
    const LayerRef one = stores.apply(kBase);
    const LayerRef two = stores.apply(kBase, one->chain_id);
    BOOST_TEST(one->chain_id != two->chain_id);
    BOOST_TEST(stores.held() == 2U);
}

BOOST_AUTO_TEST_CASE(concurrent_callers_share_the_work) {
    Stores stores;
    const std::string tar = makeTar({{"big", std::string(4 << 20, 'b')}});
    std::vector<std::thread> threads;
    std::vector<LayerRef> refs(6);
    for (std::size_t i = 0; i < refs.size(); ++i)
        threads.emplace_back([&, i] {
            TextSource source(tar);
            refs[i] = stores.layers->applyLayer({.parent = {},
                                                 .source = &source,
                                                 .expected_diff_id = oci::sha256(tar),
                                                 .reopen = {},
                                                 .mount_label = {},
                                                 .progress = {}});
        });
    for (auto& thread : threads) thread.join();
    BOOST_TEST(stores.driver->created == 1);
    refs.clear();
    BOOST_TEST(stores.held() == 0U);
}

BOOST_AUTO_TEST_CASE(concurrent_callers_that_dont_know_the_digest_end_with_one_layer) {
    Stores stores;
    std::vector<std::thread> threads;
    std::vector<LayerRef> refs(6);
    for (std::size_t i = 0; i < refs.size(); ++i) threads.emplace_back([&, i] { refs[i] = stores.apply(kBase); });
    for (auto& thread : threads) thread.join();
    BOOST_TEST(stores.held() == 1U);
    BOOST_TEST(stores.entriesIn("image/layers") == 1U);
}

BOOST_AUTO_TEST_CASE(layers_come_and_go_under_many_hands) {
    Stores stores;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < 25; ++i) {
                const LayerRef base = stores.apply(kBase);
                const LayerRef top = stores.apply(kTop, base->chain_id);
                const std::string id = std::string(63, 'a') + static_cast<char>('0' + t);
                stores.layers->createWritable(
                    {.container_id = id, .chain_id = top->chain_id, .mount_label = {}, .storage_opt = {}});
                stores.layers->removeWritable(id);
            }
        });
    for (auto& thread : threads) thread.join();
    BOOST_TEST(stores.held() == 0U);
    BOOST_TEST(stores.layers->reconcile({}).removed.empty());
}

BOOST_AUTO_TEST_CASE(members_that_hide_each_other_are_kept_whole_when_they_can_be_read_again) {
    Stores stores;
    const std::string tar = makeTar({{"a", "first"}, {"a", "second"}});
    const LayerRef layer = stores.apply(tar);
    BOOST_TEST(layer->exact);
    BOOST_TEST(stores.tarOf(layer.layer()) == tar);
    const LayerRef inexact = stores.apply(makeTar({{"b", "first"}, {"b", "second"}}), {}, false);
    BOOST_TEST(!inexact->exact);
}

BOOST_AUTO_TEST_CASE(a_layer_changed_on_disk_isnt_written) {
    Stores stores;
    const LayerRef layer = stores.apply(kBase);
    writeFileAtomically(stores.path() / "driver" / layer->driver_id / "etc/os", "ONE");
    BOOST_CHECK_EXCEPTION((void)stores.tarOf(layer.layer()), Error,
                          [](const Error& e) { return e.text().find("changed on disk") != std::string::npos; });
}

BOOST_AUTO_TEST_CASE(a_writable_layer_changes_alone) {
    Stores stores;
    const LayerRef base = stores.apply(kBase);
    stores.layers->createWritable(
        {.container_id = kContainer, .chain_id = base->chain_id, .mount_label = {}, .storage_opt = {}});
    BOOST_CHECK_EXCEPTION(
        stores.layers->createWritable(
            {.container_id = kContainer, .chain_id = base->chain_id, .mount_label = {}, .storage_opt = {}}),
        Error, [](const Error& e) { return e.code() == Code::conflict; });
    {
        const auto root = stores.layers->mountWritable(kContainer);
        writeFileAtomically(root.path() / "new", "12345");
        std::filesystem::remove(root.path() / "gone");
    }
    const auto changes = stores.layers->changes(kContainer);
    BOOST_REQUIRE(changes.size() == 2U);
    BOOST_TEST(changes[0].path == "/gone");
    BOOST_TEST((changes[0].kind == LayerChange::Kind::deleted));
    BOOST_TEST(changes[1].path == "/new");
    BOOST_TEST(stores.layers->writableSize(kContainer) == 5);
    BOOST_TEST(stores.layers->rootSize(kContainer) == 9);
    TextSink diff;
    stores.layers->diff(kContainer, diff);
    BOOST_TEST(diff.text.find(".wh.gone") != std::string::npos);
    const auto mounts = stores.layers->rootMounts(kContainer);
    BOOST_REQUIRE(mounts.size() == 1U);
    BOOST_TEST(mounts[0].type == "bind");
    BOOST_TEST(stores.layers->rootMounts(kContainer)[0].source == mounts[0].source);
    BOOST_TEST(stores.driver->inUse() == 1U);
    stores.layers->releaseMounts(kContainer);
    stores.layers->releaseMounts(kContainer);
    BOOST_TEST(stores.driver->inUse() == 0U);
}

BOOST_AUTO_TEST_CASE(a_storage_opt_that_the_driver_refuses_leaves_nothing) {
    Stores stores;
    BOOST_CHECK_EXCEPTION(
        stores.layers->createWritable(
            {.container_id = kContainer, .chain_id = {}, .mount_label = {}, .storage_opt = {{"size", "1G"}}}),
        Error, [](const Error& e) { return e.code() == Code::invalid; });
    BOOST_TEST(stores.held() == 0U);
    stores.layers->createWritable({.container_id = kContainer, .chain_id = {}, .mount_label = {}, .storage_opt = {}});
}

BOOST_AUTO_TEST_CASE(a_restart_keeps_what_is_needed_and_removes_the_rest) {
    Stores stores;
    const std::string id = stores.load(makeArchive(makeConfig({kBase, kTop}), {kBase, kTop}, {"app:1"})).at(0).id;
    const std::string chain = stores.images->resolve("app:1").chain_id;
    stores.layers->createWritable(
        {.container_id = kContainer, .chain_id = chain, .mount_label = {}, .storage_opt = {}});
    stores.layers->createWritable(
        {.container_id = std::string(64, 'd'), .chain_id = chain, .mount_label = {}, .storage_opt = {}});
    std::filesystem::create_directory(stores.path() / "driver" / std::string(64, 'e'));
    std::filesystem::create_directory(stores.path() / "driver" / (kContainer + "-init"));
    std::filesystem::create_directory(stores.path() / "image/layers" / std::string(64, 'f'));
    stores.reopen();
    const auto found = stores.layers->reconcile({kContainer});
    BOOST_TEST(found.removed.size() == 2U);
    BOOST_TEST(found.failed.empty());
    BOOST_TEST(found.missing.empty());
    BOOST_TEST(stores.held() == 4U);
    BOOST_TEST(stores.layers->hasWritable(kContainer));
    BOOST_TEST(stores.entriesIn("image/layers") == 2U);
    BOOST_TEST(stores.images->resolve("app:1").id == id);
    BOOST_TEST(stores.layers->reconcile({kContainer}).removed.empty());
}

BOOST_AUTO_TEST_CASE(a_vanished_layer_is_reported_and_can_be_loaded_again) {
    Stores stores;
    const std::string archive = makeArchive(makeConfig({kBase, kTop}), {kBase, kTop}, {"app:1"});
    const std::string other = makeTar({{"other", "x"}});
    (void)stores.load(archive);
    (void)stores.load(makeArchive(makeConfig({other}), {other}, {"other:1"}));
    const std::string chain = stores.images->resolve("app:1").chain_id;
    removeTree(stores.path() / "driver" / stores.layers->look(chain)->driver_id);
    stores.reopen();
    BOOST_TEST(stores.layers->reconcile({}).missing.size() == 1U);
    BOOST_TEST(stores.images->damaged().size() == 1U);
    BOOST_TEST(stores.images->count() == 1U);
    (void)stores.load(archive);
    BOOST_TEST(stores.images->damaged().empty());
    BOOST_TEST(stores.tarOf(*stores.layers->look(chain)) == kTop);
    stores.reopen();
    BOOST_TEST(stores.images->count() == 2U);
}

BOOST_AUTO_TEST_CASE(a_driver_that_cant_remove_is_asked_again_at_the_next_start) {
    Stores stores;
    {
        const LayerRef base = stores.apply(kBase);
        stores.driver->fail_remove = true;
    }
    BOOST_TEST(stores.held() == 1U);
    stores.reopen();
    BOOST_TEST(stores.layers->reconcile({}).removed.size() == 1U);
    BOOST_TEST(stores.held() == 0U);
}

#if defined(DAVIT_FAILPOINTS)
BOOST_AUTO_TEST_CASE(a_failure_at_any_step_leaves_nothing) {
    for (const char* point :
         {"image.layer_intent", "image.layer_tmp", "image.layer_extracted", "container.rootfs_prepared"}) {
        Stores stores;
        failpoint::configure(std::string(point) + "=error(EIO)");
        const auto work = [&] {
            const LayerRef base = stores.apply(kBase);
            stores.layers->createWritable(
                {.container_id = kContainer, .chain_id = base->chain_id, .mount_label = {}, .storage_opt = {}});
        };
        BOOST_CHECK_THROW(work(), Error);
        failpoint::configure("");
        BOOST_TEST(stores.held() == 0U, point);
        BOOST_TEST(stores.entriesIn("image/layers") == 0U, point);
        const LayerRef again = stores.apply(kBase);
        BOOST_TEST(static_cast<bool>(again));
    }
}
#endif

BOOST_AUTO_TEST_SUITE_END()
