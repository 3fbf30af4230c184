// Pins the plugin ABI: a change that moves a member breaks every plugin that exists.
#include <boost/test/unit_test.hpp>
#include <cstddef>

#include "base/error.hpp"
#include "davit/plugin.h"
#include "driver/driver.hpp"

#define AT(type, member, offset) BOOST_TEST(offsetof(type, member) == std::size_t{offset})

BOOST_AUTO_TEST_SUITE(layout)

BOOST_AUTO_TEST_CASE(structs_of_abi_1_0_are_where_they_were_on_64_bit) {
    static_assert(sizeof(void*) == 8);
    BOOST_TEST(sizeof(davit_str) == 16U);
    AT(davit_str, data, 0); AT(davit_str, len, 8);
    BOOST_TEST(sizeof(davit_error) == 32U);
    AT(davit_error, size, 0); AT(davit_error, code, 8); AT(davit_error, sys_errno, 12);
    AT(davit_error, message_cap, 16); AT(davit_error, message, 24);
    BOOST_TEST(sizeof(davit_reader) == 16U);
    AT(davit_reader, ctx, 0); AT(davit_reader, read, 8);
    BOOST_TEST(sizeof(davit_writer) == 16U);
    AT(davit_writer, ctx, 0); AT(davit_writer, write, 8);
    BOOST_TEST(sizeof(davit_call) == 96U);
    AT(davit_call, size, 0); AT(davit_call, flags, 8); AT(davit_call, method, 16); AT(davit_call, request, 32);
    AT(davit_call, reply, 48); AT(davit_call, body, 56); AT(davit_call, stream, 64); AT(davit_call, deadline_ms, 72);
    AT(davit_call, cancel_ctx, 80); AT(davit_call, cancelled, 88);
    BOOST_TEST(sizeof(davit_host) == 40U);
    AT(davit_host, size, 0); AT(davit_host, ctx, 8); AT(davit_host, engine_version, 16); AT(davit_host, log, 24);
    AT(davit_host, query, 32);
    BOOST_TEST(sizeof(davit_driver) == 64U);
    AT(davit_driver, size, 0); AT(davit_driver, kind, 8); AT(davit_driver, name, 16); AT(davit_driver, description, 24);
    AT(davit_driver, open, 32); AT(davit_driver, close, 40); AT(davit_driver, call, 48); AT(davit_driver, query, 56);
    BOOST_TEST(sizeof(davit_plugin) == 64U);
    AT(davit_plugin, magic, 0); AT(davit_plugin, abi_major, 4); AT(davit_plugin, abi_minor, 8); AT(davit_plugin, size, 16);
    AT(davit_plugin, name, 24); AT(davit_plugin, version, 32); AT(davit_plugin, vendor, 40); AT(davit_plugin, license, 48);
    AT(davit_plugin, drivers, 56);
}

BOOST_AUTO_TEST_CASE(numbers_mean_the_same_in_c_and_in_cpp) {
    BOOST_TEST(static_cast<int>(davit::Code::invalid) == DAVIT_INVALID);
    BOOST_TEST(static_cast<int>(davit::Code::not_found) == DAVIT_NOT_FOUND);
    BOOST_TEST(static_cast<int>(davit::Code::conflict) == DAVIT_CONFLICT);
    BOOST_TEST(static_cast<int>(davit::Code::forbidden) == DAVIT_FORBIDDEN);
    BOOST_TEST(static_cast<int>(davit::Code::unimplemented) == DAVIT_UNIMPLEMENTED);
    BOOST_TEST(static_cast<int>(davit::Code::unavailable) == DAVIT_UNAVAILABLE);
    BOOST_TEST(static_cast<int>(davit::Code::deadline) == DAVIT_DEADLINE);
    BOOST_TEST(static_cast<int>(davit::Code::cancelled) == DAVIT_CANCELLED);
    BOOST_TEST(static_cast<int>(davit::Code::system) == DAVIT_SYSTEM);
    BOOST_TEST(static_cast<int>(davit::DriverKind::storage) == DAVIT_STORAGE);
    BOOST_TEST(static_cast<int>(davit::DriverKind::network) == DAVIT_NETWORK);
    BOOST_TEST(static_cast<int>(davit::DriverKind::ipam) == DAVIT_IPAM);
    BOOST_TEST(static_cast<int>(davit::DriverKind::volume) == DAVIT_VOLUME);
}

BOOST_AUTO_TEST_CASE(a_shorter_struct_lacks_its_later_members) {
    davit_call call{};
    call.size = offsetof(davit_call, deadline_ms);
    BOOST_TEST(DAVIT_HAS(&call, davit_call, stream));
    BOOST_TEST(!DAVIT_HAS(&call, davit_call, deadline_ms));
}

BOOST_AUTO_TEST_SUITE_END()
