#include "image/image_store.hpp"

#include <boost/test/unit_test.hpp>

#include "fixtures.hpp"
#include "image/image_filters.hpp"

using namespace davit;
using namespace davit::test;
using image::Image;

namespace {

const std::string kBase = makeTar({{"base", "1"}});
const std::string kTop = makeTar({{"top", "22"}});

struct ImagesFixture : Stores {
    std::string add(const std::vector<std::string>& tars, const std::vector<std::string>& names,
                    const std::string& comment = {}) {
        return load(makeArchive(makeConfig(tars, comment), tars, names)).at(0).id;
    }
    std::vector<std::string> remove(const std::string& name, bool force = false) {
        std::vector<std::string> lines;
        for (const auto& line : images->remove({.reference = name, .force = force}))
            lines.push_back(line.untagged.empty() ? "D " + line.deleted : "U " + line.untagged);
        return lines;
    }
    void conflicts(const std::string& name, bool force, const std::string& text) {
        const std::size_t before = images->count();
        const auto tags = images->resolve(name).repo_tags;
        BOOST_CHECK_EXCEPTION((void)remove(name, force), Error, [&](const Error& e) {
            BOOST_TEST(e.text() == text);
            return e.code() == Code::conflict;
        });
        BOOST_TEST(images->count() == before);
        BOOST_TEST((images->resolve(name).repo_tags == tags));
    }
    void usedBy(const std::string& image_id, bool running) {
        images->setUsers([=](const std::string& id) {
            return id == image_id ? std::vector<image::ImageUser>{{std::string(64, 'c'), running}}
                                  : std::vector<image::ImageUser>{};
        });
    }
    void notFound(const std::string& name, const std::string& text) {
        BOOST_CHECK_EXCEPTION((void)images->resolve(name), Error, [&](const Error& e) {
            BOOST_TEST(e.text() == text);
            return e.code() == Code::not_found;
        });
    }
    std::vector<std::string> listed(const image::ImageFilters& filters, bool all = false) {
        std::vector<std::string> names;
        for (const auto& s : images->list({.all = all, .shared_size = false, .filters = filters}))
            names.push_back(s.image.repo_tags.empty() ? "<none>" : s.image.repo_tags.front());
        std::sort(names.begin(), names.end());
        return names;
    }
};

std::string shortOf(const std::string& id) { return id.substr(7, 12); }

}  // namespace

BOOST_FIXTURE_TEST_SUITE(image_store, ImagesFixture)

BOOST_AUTO_TEST_CASE(an_image_is_found_by_name_id_and_prefix) {
    const std::string id = add({kBase}, {"app:1", "reg:5000/app:2"});
    for (const std::string& name :
         {std::string("app:1"), std::string("docker.io/library/app:1"), std::string("reg:5000/app:2"), id, id.substr(7),
          id.substr(7, 12), id.substr(0, 20), id.substr(7, 3)})
        BOOST_TEST(images->resolve(name).id == id);
    notFound("app", "No such image: app:latest");
    notFound("reg:5000/app", "No such image: reg:5000/app:latest");
    notFound(std::string(64, 'a'), "No such image: sha256:" + std::string(64, 'a'));
    notFound("sha256:" + std::string(64, 'b'), "No such image: sha256:" + std::string(64, 'b'));
    BOOST_CHECK_EXCEPTION((void)images->resolve("A B"), Error,
                          [](const Error& e) { return e.code() == Code::invalid; });
}

BOOST_AUTO_TEST_CASE(an_ambiguous_prefix_is_not_found) {
    std::set<std::string> first;
    std::string twice;
    for (int i = 0; twice.empty(); ++i) {
        const std::string id = add({kBase}, {}, std::to_string(i));
        if (!first.insert(id.substr(7, 1)).second) twice = id.substr(7, 1);
    }
    notFound(twice, "No such image: " + twice + ":latest");
}

BOOST_AUTO_TEST_CASE(tags_come_move_and_survive_a_restart) {
    const std::string one = add({kBase}, {"app:1"});
    const std::string two = add({kTop}, {"app:2"});
    images->tag("app:1", "new/name");
    images->tag(two, "app:1");
    BOOST_TEST((images->resolve(one).repo_tags == std::vector<std::string>{"new/name:latest"}));
    BOOST_TEST((images->resolve(two).repo_tags == std::vector<std::string>{"app:1", "app:2"}));
    BOOST_TEST(images->resolve(two).last_tag_time.has_value());
    reopen();
    BOOST_TEST(images->resolve("new/name").id == one);
    BOOST_TEST(images->resolve("app:1").id == two);
    BOOST_CHECK_THROW(images->tag(one, "x@sha256:" + std::string(64, 'a')), Error);
    BOOST_CHECK_THROW(images->tag(one, "Upper"), Error);
    BOOST_CHECK_THROW(images->tag("nope", "y"), Error);
}

BOOST_AUTO_TEST_CASE(removing_one_of_several_names_only_untags) {
    const std::string id = add({kBase}, {"a:1", "b:1"});
    BOOST_TEST((remove("a:1") == std::vector<std::string>{"U a:1"}));
    BOOST_TEST((remove("b:1") == std::vector<std::string>{"U b:1", "D " + id, "D " + oci::sha256(kBase)}));
    BOOST_TEST(held() == 0U);
    BOOST_TEST(images->count() == 0U);
    reopen();
    BOOST_TEST(images->count() == 0U);
}

BOOST_AUTO_TEST_CASE(an_image_with_several_names_isnt_removed_by_id_without_force) {
    const std::string id = add({kBase}, {"a:1", "b:1"});
    conflicts(id, false,
              "conflict: unable to delete " + shortOf(id) +
                  " (must be forced) - image is referenced in multiple repositories");
    BOOST_TEST((remove(shortOf(id), true) ==
                std::vector<std::string>{"U a:1", "U b:1", "D " + id, "D " + oci::sha256(kBase)}));
}

BOOST_AUTO_TEST_CASE(an_image_in_use_is_kept_with_dockers_words) {
    const std::string id = add({kBase}, {"a:1"});
    usedBy(id, true);
    conflicts("a:1", false,
              "conflict: unable to remove repository reference \"a:1\" (must force) - container cccccccccccc is using "
              "its referenced image " +
                  shortOf(id));
    conflicts(id, true,
              "conflict: unable to delete " + shortOf(id) +
                  " (cannot be forced) - image is being used by running container cccccccccccc");
    usedBy(id, false);
    conflicts(id, false,
              "conflict: unable to delete " + shortOf(id) +
                  " (must be forced) - image is being used by stopped container cccccccccccc");
}

BOOST_AUTO_TEST_CASE(a_tag_that_looks_like_the_ids_beginning_is_a_name) {
    const std::string id = add({kBase}, {"other:1"});
    images->tag(id, "app:" + id.substr(7, 2));
    BOOST_TEST((remove("app:" + id.substr(7, 2)) == std::vector<std::string>{"U app:" + id.substr(7, 2)}));
}

BOOST_AUTO_TEST_CASE(forcing_a_name_of_a_used_image_only_untags) {
    const std::string id = add({kBase}, {"a:1"});
    usedBy(id, true);
    BOOST_TEST((remove("a:1", true) == std::vector<std::string>{"U a:1"}));
    BOOST_TEST(images->resolve(id).repo_tags.empty());
}

BOOST_AUTO_TEST_CASE(children_keep_their_parent_and_take_it_with_them) {
    const std::string parent = add({kBase}, {});
    const image::LayerRef top = apply(kTop, oci::sha256(kBase));
    const std::string child =
        images->create({.config_json = makeConfig({kBase, kTop}), .parent = parent, .names = {"child:1"}}).id;
    conflicts(
        parent, true,
        "conflict: unable to delete " + shortOf(parent) + " (cannot be forced) - image has dependent child images");
    BOOST_TEST((listed({}) == std::vector<std::string>{"child:1"}));
    BOOST_TEST((listed({}, true) == std::vector<std::string>{"<none>", "child:1"}));
    const auto lines = remove("child:1");
    BOOST_REQUIRE(lines.size() >= 3U);
    BOOST_TEST(lines[1] == "D " + child);
    BOOST_TEST(std::count(lines.begin(), lines.end(), "D " + parent) == 1);
}

BOOST_AUTO_TEST_CASE(lists_are_filtered_as_docker_does) {
    add({kBase}, {"app:1", "app:2", "lib:1"});
    add({kTop}, {}, "dangling");
    using F = image::ImageFilters;
    BOOST_TEST((listed(F{}) == std::vector<std::string>{"<none>", "app:1"}));
    BOOST_TEST((listed(F{{"dangling", {"true"}}}) == std::vector<std::string>{"<none>"}));
    BOOST_TEST((listed(F{{"dangling", {"false"}}}) == std::vector<std::string>{"app:1"}));
    BOOST_TEST((listed(F{{"reference", {"lib"}}}) == std::vector<std::string>{"lib:1"}));
    BOOST_TEST(listed(F{{"label", {"k"}}}).empty());
    BOOST_TEST(listed(F{{"before", {"app:1"}}}).empty());
    BOOST_TEST(listed(F{{"until", {"1h"}}}).size() == 2U);
    BOOST_TEST(listed(F{{"until", {"2000-01-01"}}}).empty());
    BOOST_CHECK_EXCEPTION((void)listed(F{{"colour", {"red"}}}), Error,
                          [](const Error& e) { return e.text() == "invalid filter 'colour'"; });
    BOOST_CHECK_THROW((void)listed(F{{"dangling", {"maybe"}}}), Error);
    BOOST_CHECK_THROW((void)listed(F{{"before", {"nope"}}}), Error);
}

BOOST_AUTO_TEST_CASE(shared_layers_are_counted_once) {
    add({kBase, kTop}, {"a:1"});
    add({kBase}, {"b:1"});
    for (const auto& summary : images->list({.all = false, .shared_size = true, .filters = {}}))
        BOOST_TEST(summary.shared_size == 1);
    BOOST_TEST(images->layersSize() == 3);
}

BOOST_AUTO_TEST_CASE(history_begins_with_the_newest) {
    const std::string id = add({kBase, kTop}, {"a:1"});
    const auto lines = images->history("a:1");
    BOOST_REQUIRE(lines.size() == 2U);
    BOOST_TEST(lines[0].id == id);
    BOOST_TEST(lines[0].size == 2);
    BOOST_TEST((lines[0].tags == std::vector<std::string>{"a:1"}));
    BOOST_TEST(lines[1].id == "<missing>");
    BOOST_TEST(lines[1].size == 1);
}

BOOST_AUTO_TEST_CASE(prune_takes_the_dangling_or_all_that_nobody_uses) {
    const std::string used = add({kBase}, {"a:1"});
    add({kTop}, {});
    add({kTop}, {"b:1", "b:2"}, "b");
    usedBy(used, false);
    BOOST_TEST(images->prune({}).removed.size() == 1U);
    BOOST_TEST(images->count() == 2U);
    const auto pruned = images->prune({{"dangling", {"false"}}});
    BOOST_TEST(pruned.space_reclaimed == 2);
    BOOST_TEST(images->count() == 1U);
    BOOST_CHECK_THROW((void)images->prune({{"reference", {"x"}}}), Error);
}

BOOST_AUTO_TEST_CASE(events_tell_what_happened) {
    std::vector<std::string> seen;
    images->setEvents([&](const image::ImageEvent& event) { seen.push_back(event.action); });
    add({kBase}, {"a:1"});
    images->tag("a:1", "b");
    (void)remove("a:1");
    (void)remove("b");
    BOOST_TEST((seen == std::vector<std::string>{"load", "tag", "untag", "untag", "delete"}));
}

BOOST_AUTO_TEST_CASE(a_damaged_config_costs_only_its_image) {
    const std::string bad = add({kBase}, {"bad:1"});
    add({kTop}, {"good:1"});
    writeFileAtomically(path() / "image/configs" / (bad.substr(7) + ".json"), "{}");
    reopen();
    BOOST_TEST(images->count() == 1U);
    BOOST_REQUIRE(images->damaged().size() == 1U);
    BOOST_TEST(images->damaged()[0] == bad + ": its configuration is damaged");
    notFound("bad:1", "No such image: bad:1");
    BOOST_TEST((remove(bad) == std::vector<std::string>{"D " + bad}));
    BOOST_TEST(images->damaged().empty());
    BOOST_TEST(layers->reconcile({}).removed.size() == 1U);
    reopen();
    BOOST_TEST(images->damaged().empty());
}

BOOST_AUTO_TEST_CASE(a_lost_database_is_rebuilt_from_what_is_on_disk) {
    const std::string id = add({kBase, kTop}, {"app:1", "x/y:2"});
    for (const bool garbage : {true, false}) {
        close();
        if (garbage)
            writeFileAtomically(path() / "state.db", std::string(8192, 'x'));
        else
            for (const char* name : {"state.db", "state.db-wal", "state.db-shm"})
                std::filesystem::remove(path() / name);
        std::filesystem::create_directory(path() / "driver" / std::string(64, 'c'));
        open();
        BOOST_TEST(images->resolve("x/y:2").id == id);
        BOOST_TEST(images->resolve("app:1").size == 3);
        BOOST_TEST(layers->reconcile({}).removed.empty());
        BOOST_TEST(driver->exists(std::string(64, 'c')));
        removeTree(path() / "driver" / std::string(64, 'c'));
        std::filesystem::remove(path() / "image/keep-unknown-layers");
    }
}

BOOST_AUTO_TEST_CASE(until_takes_durations_and_times) {
    BOOST_TEST((image::parseUntil("1700000000") == SystemTime(std::chrono::seconds(1'700'000'000))));
    BOOST_TEST((image::parseUntil("2023-11-14T22:13:20Z") == SystemTime(std::chrono::seconds(1'700'000'000))));
    BOOST_TEST((image::parseUntil("2023-11-14T22:13:20") == SystemTime(std::chrono::seconds(1'700'000'000))));
    BOOST_TEST((now() - image::parseUntil("1h30m") >= std::chrono::minutes(90)));
    for (const char* text : {"", "x", "1", "1y", "-3h", "99999999999999999h"}) {
        if (std::string(text) == "1") continue;
        BOOST_CHECK_THROW((void)image::parseUntil(text), Error);
    }
}

BOOST_AUTO_TEST_SUITE_END()
