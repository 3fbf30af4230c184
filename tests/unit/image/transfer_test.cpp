#include "image/transfer.hpp"

#include <boost/test/unit_test.hpp>

#include "archive/tar_reader.hpp"
#include "fixtures.hpp"
#include "image/compression.hpp"
#include "image/default_image.hpp"

using namespace davit;
using namespace davit::test;

namespace {

const std::string kBase = makeTar({{"bin/", ""}, {"bin/sh", std::string(3000, 's')}, {"etc/", ""}, {"etc/os", "one"}});
const std::string kTop = makeTar({{"etc/", ""}, {"etc/os", "two"}, {"app", "code"}});

std::string zstd(const std::string& text) {
    TextSink out;
    image::ZstdSink sink(out);
    sink.write(std::as_bytes(std::span(text.data(), text.size())));
    sink.finish();
    return out.text;
}

void refused(Stores& stores, const std::string& archive, const std::string& part) {
    BOOST_CHECK_EXCEPTION((void)stores.load(archive), Error, [&](const Error& e) {
        BOOST_TEST(e.text().find(part) != std::string::npos, e.text());
        return e.code() == Code::invalid;
    });
    BOOST_TEST(stores.images->count() == 0U);
    BOOST_TEST(stores.held() == 0U);
    BOOST_TEST(stores.entriesIn("image/tmp") == 0U);
    BOOST_TEST(stores.entriesIn("image/layers") == 0U);
    std::filesystem::remove(stores.path() / "image/configs/names.json");
    BOOST_TEST(stores.entriesIn("image/configs") == 0U);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(transfer)

BOOST_AUTO_TEST_CASE(a_saved_image_is_loaded_and_saved_byte_for_byte) {
    Stores stores;
    const std::string config = makeConfig({kBase, kTop});
    const auto loaded = stores.load(makeArchive(config, {kBase, kTop}, {"me/app:1", "app:latest"}));
    BOOST_REQUIRE(loaded.size() == 1U);
    BOOST_TEST(loaded[0].id == oci::sha256(config));
    BOOST_TEST(stores.messages.back().stream == "Loaded image: app:latest\n");
    const image::Image found = stores.images->resolve("app");
    BOOST_TEST((found.repo_tags == std::vector<std::string>{"app:latest", "me/app:1"}));
    BOOST_TEST(*found.config_json == config);

    TextSink saved;
    image::save(*stores.images, {"app"}, saved);
    Stores other;
    const auto again = other.load(saved.text);
    BOOST_REQUIRE(again.size() == 1U);
    BOOST_TEST(again[0].id == loaded[0].id);
    BOOST_TEST((again[0].names == std::vector<std::string>{"app:latest"}));
    BOOST_TEST(stores.driver->inUse() == 0U);

    std::map<std::string, std::string> members;
    TextSource source(saved.text);
    archive::TarReader reader(source);
    while (const auto* entry = reader.next()) members[entry->path] = reader.readAll(1 << 20);
    BOOST_TEST(members.at("blobs/sha256/" + std::string(oci::digestHex(oci::sha256(kTop)))) == kTop);
    for (const char* name : {"manifest.json", "index.json", "oci-layout", "repositories"})
        BOOST_TEST(members.contains(name));
}

BOOST_AUTO_TEST_CASE(an_oci_layout_without_dockers_manifest_is_loaded) {
    Stores stores;
    (void)stores.load(makeArchive(makeConfig({kBase}), {kBase}, {"app:1"}));
    TextSink saved;
    image::save(*stores.images, {"app:1"}, saved);
    TextSource source(saved.text);
    archive::TarReader reader(source);
    TextSink pure;
    archive::TarWriter writer(pure);
    while (const auto* entry = reader.next())
        if (entry->kind == archive::TarEntry::Kind::regular && entry->path != "manifest.json" &&
            entry->path != "repositories") {
            const std::string path = entry->path;
            writer.add(path, reader.readAll(1 << 20));
        }
    writer.finish();
    Stores other;
    const auto loaded = other.load(pure.text);
    BOOST_REQUIRE(loaded.size() == 1U);
    BOOST_TEST((loaded[0].names == std::vector<std::string>{"app:1"}));
}

BOOST_AUTO_TEST_CASE(an_oci_layout_is_checked_blob_by_blob) {
    const std::string config = makeConfig({kBase});
    const auto descriptor = [](const std::string& type, const std::string& blob, std::int64_t more = 0) {
        return R"({"mediaType":")" + type + R"(","digest":")" + oci::sha256(blob) + R"(","size":)" +
               std::to_string(static_cast<std::int64_t>(blob.size()) + more) + "}";
    };
    const auto blob = [](const std::string& content) {
        return "blobs/sha256/" + std::string(oci::digestHex(oci::sha256(content)));
    };
    const auto archive = [&](const std::string& manifest, const std::string& layer_blob) {
        return makeTar({{blob(config), config},
                        {blob(kBase), layer_blob},
                        {blob(manifest), manifest},
                        {"index.json", R"({"schemaVersion":2,"manifests":[)" + descriptor("m", manifest) + "]}"}});
    };
    const std::string good =
        R"({"config":)" + descriptor("c", config) + R"(,"layers":[)" + descriptor("l", kBase) + "]}";
    Stores stores;
    BOOST_TEST(stores.load(archive(good, kBase)).size() == 1U);
    (void)stores.images->remove({.reference = oci::sha256(config)});
    std::string other = kBase;
    other[600] ^= 1;
    refused(stores, archive(good, other), "is damaged");
    const std::string wrong_size =
        R"({"config":)" + descriptor("c", config) + R"(,"layers":[)" + descriptor("l", kBase, 1) + "]}";
    refused(stores, archive(wrong_size, kBase), "another size");
    const std::string both =
        R"({"manifests":[],"config":)" + descriptor("c", config) + R"(,"layers":[)" + descriptor("l", kBase) + "]}";
    refused(stores, archive(both, kBase), "both index and manifest");
    const std::string lies = R"({"mediaType":"x","config":)" + descriptor("c", config) + R"(,"layers":[]})";
    refused(stores, archive(lies, kBase), "media type");
    const std::string traversal = R"({"config":{"digest":"sha256:../../../etc/passwd"},"layers":[]})";
    refused(stores, archive(traversal, kBase), "invalid checksum digest length");
}

BOOST_AUTO_TEST_CASE(compressed_archives_and_layers_are_read) {
    Stores stores;
    const std::string config = makeConfig({kBase, kTop});
    (void)stores.load(zstd(makeArchive(config, {zstd(kBase), zstd(kTop)}, {"app:1"})));
    const image::Image found = stores.images->resolve("app:1");
    BOOST_TEST(stores.tarOf(*stores.layers->look(found.chain_id)) == kTop);
}

BOOST_AUTO_TEST_CASE(an_image_without_tags_says_its_id) {
    Stores stores;
    const auto loaded = stores.load(makeArchive(makeConfig({kBase}), {kBase}, {}));
    BOOST_TEST(stores.messages.back().stream == "Loaded image ID: " + loaded[0].id + "\n");
}

BOOST_AUTO_TEST_CASE(progress_names_the_layer_and_ends_at_its_size) {
    Stores stores;
    (void)stores.load(makeArchive(makeConfig({kBase}), {kBase}, {"a:1"}));
    const auto& m = *std::find_if(stores.messages.rbegin(), stores.messages.rend(),
                                  [](const auto& x) { return !x.status.empty(); });
    BOOST_TEST(m.status == "Loading layer");
    BOOST_TEST(m.id == oci::digestHex(oci::sha256(kBase)).substr(0, 12));
    BOOST_TEST(m.current == static_cast<std::int64_t>(kBase.size()));
    BOOST_TEST(m.total == m.current);
}

BOOST_AUTO_TEST_CASE(loading_the_same_again_makes_no_layer) {
    Stores stores;
    const std::string archive = makeArchive(makeConfig({kBase, kTop}), {kBase, kTop}, {"app:1"});
    (void)stores.load(archive);
    const int created = stores.driver->created;
    (void)stores.load(archive);
    BOOST_TEST(stores.driver->created == created);
}

BOOST_AUTO_TEST_CASE(a_name_that_moves_is_told) {
    Stores stores;
    const auto first = stores.load(makeArchive(makeConfig({kBase}), {kBase}, {"app:1"}));
    (void)stores.load(makeArchive(makeConfig({kTop}), {kTop}, {"app:1"}));
    BOOST_TEST(stores.messages[stores.messages.size() - 2].stream ==
               "The image app:1 already exists, renaming the old one with ID " + first[0].id + " to empty string\n");
    BOOST_TEST(stores.images->find(first[0].id)->repo_tags.empty());
}

BOOST_AUTO_TEST_CASE(lies_leave_nothing) {
    Stores stores;
    const std::string config = makeConfig({kBase, kTop});
    refused(stores, "", "");
    refused(stores, "no tar at all, but long enough to be looked at as if it were one", "");
    refused(stores, makeTar({{"x", "y"}}), "manifest.json");
    refused(stores, makeArchive(config, {kBase, kBase}, {"app:1"}), "invalid diffID");
    refused(stores, makeArchive(config, {kBase}, {"app:1"}), "layers length mismatch: expected 2, got 1");
    refused(stores, makeArchive(config, {kBase, kTop}, {"../../etc:x"}), "invalid reference format");
    refused(stores, makeArchive(config, {kBase, kTop}, {"app"}), "invalid tag");
    refused(stores, makeArchive("{}", {kBase, kTop}, {"app:1"}), "RootFS");
    refused(stores, makeArchive(config, {kBase, kTop.substr(0, 1000)}, {"app:1"}), "");
    refused(stores, makeArchive(config, {kBase, zstd(kTop).substr(0, 100)}, {"app:1"}), "");
    for (const char* path : {"../../../etc/passwd", "/etc/passwd", "nope"}) {
        const std::string manifest = R"([{"Config":")" + std::string(path) + R"(","Layers":[]}])";
        refused(stores, makeTar({{"manifest.json", manifest}}), "is not in the archive");
    }
}

BOOST_AUTO_TEST_CASE(links_within_the_archive_are_followed_and_others_are_not) {
    Stores stores;
    TextSink out;
    archive::TarWriter tar(out);
    archive::TarEntry link;
    link.path = "b/layer.tar";
    link.kind = archive::TarEntry::Kind::symlink;
    link.link_target = "../a/layer.tar";
    tar.begin(link);
    link.path = "c/layer.tar";
    link.link_target = "../../etc/passwd";
    tar.begin(link);
    tar.add("a/layer.tar", kBase);
    tar.add("config.json", makeConfig({kBase}));
    tar.add("manifest.json", R"([{"Config":"config.json","RepoTags":["app:1"],"Layers":["b/layer.tar"]}])");
    tar.finish();
    BOOST_TEST(stores.load(out.text).size() == 1U);
    const image::RemoveImage request{.reference = "app:1"};
    (void)stores.images->remove(request);
    std::string hostile = out.text;
    refused(stores, hostile.replace(hostile.find("[\"b/"), 4, "[\"c/"), "is not in the archive");
}

BOOST_AUTO_TEST_CASE(a_mutated_archive_never_leaves_anything_half_loaded) {
    const std::string good = makeArchive(makeConfig({kBase, kTop}), {kBase, kTop}, {"app:1"});
    Stores stores;
    unsigned seed = 7;
    for (int round = 0; round < 150; ++round) {
        std::string bad = good;
        for (int i = 0; i < 4; ++i) {
            seed = seed * 1664525U + 1013904223U;
            bad[(seed >> 8U) % bad.size()] = static_cast<char>(seed >> 24U);
        }
        try {
            (void)stores.load(bad);
            for (const auto& summary : stores.images->list({}))
                (void)stores.images->remove({.reference = summary.image.id, .force = true});
        } catch (const Error&) {
        }
        BOOST_REQUIRE(stores.images->count() == 0U);
        BOOST_REQUIRE(stores.held() == 0U);
        BOOST_REQUIRE(stores.entriesIn("image/tmp") == 0U);
    }
}

BOOST_AUTO_TEST_CASE(an_imported_tar_becomes_an_image) {
    Stores stores;
    TextSource source(zstd(kBase));
    const std::string id =
        image::importImage(*stores.images, {.source = &source,
                                            .changes = {"CMD [\"sh\"]", "ENV A=1 B='two words'", "EXPOSE 80 53/udp",
                                                        "LABEL k=v", "WORKDIR /srv", "USER me"},
                                            .reference = "root/fs:1",
                                            .message = {},
                                            .origin = "-",
                                            .platform = {}});
    const image::Image found = stores.images->resolve("root/fs:1");
    BOOST_TEST(found.id == id);
    BOOST_TEST((found.config->config.cmd == std::vector<std::string>{"sh"}));
    BOOST_TEST((found.config->config.env == std::vector<std::string>{"A=1", "B=two words"}));
    BOOST_TEST((found.config->config.exposed_ports == std::set<std::string>{"53/udp", "80/tcp"}));
    BOOST_TEST(found.config->comment == "Imported from -");
    BOOST_TEST(found.config->diff_ids.front() == oci::sha256(kBase));
}

BOOST_AUTO_TEST_CASE(an_imported_tar_whose_members_hide_each_other_is_packed_anew) {
    Stores stores;
    TextSource source(makeTar({{"a", "first"}, {"b", "x"}, {"a", "second"}}));
    (void)image::importImage(*stores.images,
                             {.source = &source, .changes = {}, .reference = "x:1", .message = {}, .platform = {}});
    const image::Image found = stores.images->resolve("x:1");
    TextSink saved;
    image::save(*stores.images, {"x:1"}, saved);
    BOOST_TEST(stores.held() == 1U);
    TextSource tar(stores.tarOf(*stores.layers->look(found.chain_id)));
    archive::TarReader reader(tar);
    std::map<std::string, std::string> members;
    while (const auto* entry = reader.next()) members[entry->path] = reader.readAll(100);
    BOOST_TEST(members["a"] == "second");
}

BOOST_AUTO_TEST_CASE(an_import_that_fails_leaves_nothing) {
    Stores stores;
    for (const auto& [tar, change] :
         {std::pair<std::string, std::string>{"garbage" + std::string(600, 'x'), ""}, {kBase, "RUN x"}}) {
        TextSource source(tar);
        BOOST_CHECK_THROW((void)image::importImage(
                              *stores.images,
                              {.source = &source, .changes = {change}, .reference = {}, .message = {}, .platform = {}}),
                          Error);
        BOOST_TEST(stores.held() == 0U);
        BOOST_TEST(stores.images->count() == 0U);
    }
}

BOOST_AUTO_TEST_CASE(a_cancelled_load_leaves_nothing) {
    Stores stores;
    const std::string archive = makeArchive(makeConfig({kBase}), {kBase}, {"app:1"});
    TextSource source(archive);
    BOOST_CHECK_EXCEPTION(
        (void)image::load(*stores.images, source, {},
                          [](const image::TransferMessage&) { throw Error(Code::cancelled, "gone"); }),
        Error, [](const Error& e) { return e.code() == Code::cancelled; });
    BOOST_TEST(stores.held() == 0U);
    BOOST_TEST(stores.images->count() == 0U);
}

BOOST_AUTO_TEST_CASE(the_default_image_is_loaded_into_an_empty_store_once) {
    Stores stores;
    BOOST_TEST(image::loadDefaultImage(*stores.images));
    BOOST_TEST(!image::loadDefaultImage(*stores.images));
    const image::Image hello = stores.images->resolve(image::kDefaultImageName);
    BOOST_TEST((hello.config->config.cmd == std::vector<std::string>{"/bin/hello"}));
    const image::MountedLayer root = stores.layers->mountLayer(*stores.layers->look(hello.chain_id));
    BOOST_TEST(std::filesystem::is_symlink(root.path() / "bin/sh"));
    BOOST_TEST(std::filesystem::exists(root.path() / "etc/passwd"));
}

BOOST_AUTO_TEST_SUITE_END()
