#include "volume/volume.hpp"

#include <boost/test/unit_test.hpp>

using namespace davit;
using namespace davit::volume;

BOOST_AUTO_TEST_SUITE(volume_names)

BOOST_AUTO_TEST_CASE(what_can_be_no_drivers_name_is_refused) {
    for (const std::string& name : {std::string(), std::string(".."), std::string("../x"), std::string("a/../b"), std::string("a\nb"),
                                    std::string("a\0b", 3), std::string(256, 'a')})
        BOOST_CHECK_THROW(checkName(name), Error);
    for (const std::string name : {"a", "data", "host/share", "size=10,name=x", "..a"}) BOOST_CHECK_NO_THROW(checkName(name));
}

BOOST_AUTO_TEST_SUITE_END()
