#!/usr/bin/env python3
"""The rules of check.py find what they are for: each test plants one violation in a small tree."""
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import check  # noqa: E402  (beside this file)

CLEAN = {
    'core/base/error.hpp': '#pragma once\n#include <string>\n',
    'core/base/json.cpp': '#include <rapidjson/document.h>\n',
    'core/driver/storage_driver.hpp': '#pragma once\n#include "base/error.hpp"\n',
    'core/image/layer_store.hpp': '#pragma once\n#include "driver/storage_driver.hpp"\n',
    'core/engine/engine.hpp': '#pragma once\n#include "image/layer_store.hpp"\n',
    'core/app/main.cpp': '#include "engine/engine.hpp"\n#include <Poco/Net/SSLManager.h>\n',
    'plugins/storage/vfs/vfs_driver.hpp': '#pragma once\n#include <davit/sdk.hpp>\n#include "driver/storage_driver.hpp"\n',
    'sdk/include/davit/sdk.hpp': '#pragma once\n#include "driver/storage_driver.hpp"\n#include <rapidjson/writer.h>\n',
}


def problems(extra):
    with tempfile.TemporaryDirectory() as root:
        for path, text in {**CLEAN, **extra}.items():
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), 'w', encoding='utf-8') as file:
                file.write(text)
        return check.violations(root)[1]


class CheckTest(unittest.TestCase):
    def assert_found(self, extra, text):
        found = problems(extra)
        self.assertEqual(len(found), 1, found)
        self.assertIn(text, found[0])

    def test_a_clean_tree_has_no_violation(self):
        self.assertEqual(problems({}), [])

    def test_an_arrow_up_is_found(self):
        self.assert_found({'core/image/a.cpp': '#include "engine/engine.hpp"\n'}, 'image may not use engine')

    def test_a_sibling_is_found(self):
        self.assert_found({'core/runtime/a.cpp': '#include "image/layer_store.hpp"\n'}, 'runtime may not use image')

    def test_the_cli_knows_only_base_and_http(self):
        self.assert_found({'core/cli/a.cpp': '#include "driver/storage_driver.hpp"\n'}, 'cli may not use driver')

    def test_core_including_a_plugin_is_found(self):
        self.assert_found({'core/engine/a.cpp': '#include "../../plugins/storage/vfs/vfs_driver.hpp"\n'},
                          'engine may not use plugins')

    def test_a_plugin_including_the_engine_is_found(self):
        self.assert_found({'plugins/storage/vfs/a.cpp': '#include "engine/engine.hpp"\n'}, 'plugins may not use engine')

    def test_a_plugin_including_another_is_found(self):
        self.assert_found({'plugins/storage/zfs/a.cpp': '#include "../vfs/vfs_driver.hpp"\n'}, 'of another plugin')

    def test_plugins_share_what_is_no_plugin(self):
        shared = {'plugins/network/common/a.hpp': '#pragma once\n'}
        self.assertEqual(problems({**shared, 'plugins/network/one/b.cpp': '#include "common/a.hpp"\n'}), [])
        self.assert_found({**shared, 'core/network/b.cpp': '#include "common/a.hpp"\n'}, 'network may not use plugins')

    def test_a_circle_is_found(self):
        self.assert_found({'core/base/a.hpp': '#pragma once\n#include "base/b.hpp"\n',
                           'core/base/b.hpp': '#pragma once\n#include "base/a.hpp"\n'}, 'circle')

    def test_poco_outside_its_places_is_found(self):
        self.assert_found({'core/http/server.cpp': '#include <Poco/Net/Socket.h>\n'}, 'Poco belongs')

    def test_rapidjson_outside_its_places_is_found(self):
        self.assert_found({'core/engine/a.cpp': '#include <rapidjson/writer.h>\n'}, 'RapidJSON belongs')

    def test_a_comparison_with_a_drivers_name_is_found(self):
        self.assert_found({'core/engine/a.cpp': 'bool f(std::string n) { return n == "vfs"; }\n'}, 'compares a driver')

    def test_a_default_in_app_is_no_comparison(self):
        self.assertEqual(problems({'core/app/a.cpp': 'bool f(std::string n) { return n == "vfs"; }\n'}), [])

    def test_a_folder_without_a_place_is_found(self):
        self.assert_found({'core/misc/a.cpp': '\n'}, 'has no place')

    def test_a_long_file_is_found(self):
        self.assert_found({'core/base/a.cpp': '\n' * 801}, '801 lines')

    def test_a_header_without_guard_is_found(self):
        self.assert_found({'core/base/a.hpp': '\n'}, 'no #pragma once')


if __name__ == '__main__':
    unittest.main()
