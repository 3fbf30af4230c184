#include <boost/test/unit_test.hpp>

#include "davit/wire_ipam.hpp"
#include "davit/wire_network.hpp"
#include "davit/wire_storage.hpp"
#include "davit/wire_volume.hpp"

using namespace davit;
using wire::decode;
using wire::encode;

BOOST_AUTO_TEST_SUITE(wire_messages)

BOOST_AUTO_TEST_CASE(dockers_requests_are_read) {
    const auto create = decode<wire::CreateVolume>("{\"Name\":\"v\\u003c\",\"Opts\":null}\n");
    BOOST_TEST(create.name == "v<");
    BOOST_TEST(create.options.empty());
    const auto layer = decode<CreateLayer>(R"({"ID":"a","Parent":"b","StorageOpt":{"size":"10G"}})");
    BOOST_TEST(layer.parent == "b");
    BOOST_TEST(layer.storage_opt.at("size") == "10G");
    const auto network = decode<CreateNetwork>(
        R"({"NetworkID":"n","Options":{"com.docker.network.enable_ipv6":false,"com.docker.network.generic":{"a":"b"}},)"
        R"("IPv4Data":[{"AddressSpace":"s","Gateway":"10.0.0.1/24","Pool":"10.0.0.0/24","AuxAddresses":{"h":"10.0.0.9/24"}}],"IPv6Data":[]})");
    BOOST_TEST(network.options.at("com.docker.network.enable_ipv6") == "false");
    BOOST_TEST(network.options.at("com.docker.network.generic") == R"({"a":"b"})");
    BOOST_TEST(network.ipv4.at(0).aux_addresses.at("h") == "10.0.0.9/24");
    const auto init = decode<StorageInit>(R"({"Home":"/h","Opts":["a=b"],"UIDMaps":[{"ContainerID":0,"HostID":100000,"Size":65536}],"GIDMaps":null})");
    BOOST_TEST(init.uid_maps.at(0).host_id == 100000U);
    BOOST_TEST(init.options.at(0) == "a=b");
}

BOOST_AUTO_TEST_CASE(empty_bodies_are_empty_objects) {
    for (const char* text : {"", "{}", " \n", "null"}) BOOST_TEST(decode<wire::NameRequest>(text).name.empty());
}

BOOST_AUTO_TEST_CASE(names_match_in_any_case_and_the_exact_one_wins) {
    BOOST_TEST(decode<wire::NameRequest>(R"({"name":"a"})").name == "a");
    BOOST_TEST(decode<wire::NameRequest>(R"({"NAME":"b","Name":"a","name":"c"})").name == "a");
}

BOOST_AUTO_TEST_CASE(wrong_types_are_errors_that_name_the_member) {
    try {
        (void)decode<wire::NameRequest>(R"({"Name":7})");
        BOOST_FAIL("a number was taken for a name");
    } catch (const Error& e) {
        BOOST_TEST(e.text() == "JSON member Name: a string was expected");
    }
    for (const char* text : {"[]", "7", "{", "{\"Name\":}", "{} x"}) BOOST_CHECK_THROW((void)decode<wire::NameRequest>(text), Error);
}

BOOST_AUTO_TEST_CASE(nesting_is_bounded_before_it_is_parsed) {
    const std::string deep = R"({"Name":)" + std::string(100000, '[');
    BOOST_CHECK_THROW((void)decode<wire::NameRequest>(deep), Error);
    BOOST_TEST(wire::depthOf(R"({"a":"[[[[","b":[{}]})") == 3U);
}

BOOST_AUTO_TEST_CASE(every_byte_of_a_name_survives) {
    std::string name;
    for (int c = 1; c < 256; ++c) name += static_cast<char>(c);
    BOOST_TEST(decode<LayerChange>(encode(LayerChange{name, LayerChange::Kind::deleted})).path == name);
}

BOOST_AUTO_TEST_CASE(structs_come_back_as_they_went) {
    const LayerChange change{"/a", LayerChange::Kind::deleted};
    BOOST_TEST((decode<wire::ChangesReply>(encode(wire::ChangesReply{{change}})).changes.at(0) == change));
    const MountSpec mount{"overlay", "overlay", {"lowerdir=/a:/b", "ro"}};
    BOOST_TEST(decode<wire::MountsReply>(encode(wire::MountsReply{{mount}})).mounts.at(0).options.at(1) == "ro");
    BOOST_TEST(!decode<wire::VolumeReply>(encode(wire::VolumeReply{})).volume.has_value());
    const wire::VolumeReply volume{VolumeInfo{.name = "v", .mountpoint = "/m", .created_at = {}, .status_json = R"({"k":[1]})"}};
    BOOST_TEST(decode<wire::VolumeReply>(encode(volume)).volume->status_json == R"({"k":[1]})");
    const JoinReply join{.src_name = "veth1", .dst_prefix = "eth", .gateway = "10.0.0.1", .gateway_ipv6 = {},
                         .static_routes = {{"10.1.0.0/16", 1, ""}}, .disable_gateway_service = true};
    BOOST_TEST(encode(join).find(R"("InterfaceName":{"SrcName":"veth1","DstPrefix":"eth"})") != std::string::npos);
    BOOST_TEST(decode<JoinReply>(encode(join)).static_routes.at(0).route_type == 1);
    BOOST_TEST(decode<wire::StatusReply>(encode(wire::StatusReply{{{"a", "b"}}})).status.at(0).second == "b");
    const Pool pool{.id = "p", .pool = "10.0.0.0/8", .data = {{"k", "v"}}};
    BOOST_TEST(decode<Pool>(encode(pool)).data.at("k") == "v");
}

BOOST_AUTO_TEST_CASE(empty_members_of_storage_requests_are_absent_as_in_docker) {
    BOOST_TEST(encode(CreateLayer{.id = "x", .parent = {}, .mount_label = {}, .storage_opt = {}}) == R"({"ID":"x"})");
}

BOOST_AUTO_TEST_CASE(maps_of_strings_take_numbers_as_text) {
    BOOST_TEST(decode<wire::MetadataReply>(R"({"Metadata":{"Size":12,"Ok":true,"No":null}})").metadata.at("Size") == "12");
}

BOOST_AUTO_TEST_SUITE_END()
