#include "engine/container_table.hpp"

#include <boost/test/unit_test.hpp>

#include "make_container.hpp"

using namespace davit;
using namespace davit::engine;
using davit::engine::test::makeContainer;

namespace {

EntryPtr add(ContainerTable& table, const std::string& name, const std::string& id) {
    auto entry = std::make_shared<Entry>(makeContainer(name, id));
    table.reserveName(name, id);
    table.add(entry);
    return entry;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(container_table_suite)

BOOST_AUTO_TEST_CASE(resolves_id_name_and_unique_prefix) {
    ContainerTable table;
    const std::string first = "ab1" + std::string(61, '0');
    const std::string second = "ab2" + std::string(61, '0');
    add(table, "one", first);
    add(table, "ab2", second);
    add(table, "ab1", "ff" + std::string(62, '0'));
    BOOST_TEST(table.resolve(first)->id() == first);
    BOOST_TEST(table.resolve("/one")->id() == first);
    BOOST_TEST(table.resolve("ab2")->id() == second);
    // A name wins over a prefix.
    BOOST_TEST(table.resolve("ab1")->name() == "ab1");
    BOOST_TEST(table.resolve("ab10")->id() == first);
    BOOST_CHECK_EXCEPTION((void)table.resolve("ab"), Error,
                          [](const Error& failure) { return failure.code() == Code::invalid; });
    for (const char* unknown : {"", "zz", "/", "ab3"})
        BOOST_CHECK_EXCEPTION((void)table.resolve(unknown), Error, [&](const Error& failure) {
            return failure.code() == Code::not_found && failure.text() == std::string("No such container: ") + unknown;
        });
}

BOOST_AUTO_TEST_CASE(a_name_is_taken_until_its_owner_goes) {
    ContainerTable table;
    const std::string id(64, 'c');
    add(table, "web", id);
    BOOST_CHECK_EXCEPTION(table.reserveName("web", "other"), Error, [&](const Error& failure) {
        return failure.code() == Code::conflict &&
               failure.text() == "Conflict. The container name \"/web\" is already in use by container \"" + id +
                                     "\". You have to remove (or rename) that container to be able to reuse that name.";
    });
    table.releaseName("web", "other");
    BOOST_TEST(!table.tryReserveName("web", "other"));
    table.remove(id);
    BOOST_TEST(table.tryReserveName("web", "other"));
    BOOST_TEST(table.find(id) == nullptr);
}

BOOST_AUTO_TEST_SUITE_END()
