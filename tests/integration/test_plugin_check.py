"""`davit plugin check` and plugins that are deliberately bad: each is reported in words, with an exit status, and none ends or blocks the
report."""
import json
import os
import shutil
import subprocess
import unittest

from harness import places
from harness.volume_plugin import VolumePlugin

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')

# What a bad .so does differently from the SDK's template: (text in its source, what stands there instead).
BAD_OBJECTS = {
    'crashes_in_a_call': [('/*id*/) override { return existing(name); }', '/*id*/) override { *(volatile int*)8 = 1; return existing(name); }')],
    'crashes_in_open': [('davit::DriverConfig config(context);', '*(volatile int*)8 = 1;\n        davit::DriverConfig config(context);')],
    'crashes_when_loaded': [('DAVIT_PLUGIN(', '__attribute__((constructor)) static void bad() { __builtin_trap(); }\nDAVIT_PLUGIN(')],
    'exits': [('std::vector<davit::VolumeInfo> list() override {', 'std::vector<davit::VolumeInfo> list() override {\n        ::_exit(7);')],
    'blocks': [('std::string path(const std::string& name) override {',
                'std::string path(const std::string& name) override {\n        for (;;) ::pause();')],
    'throws_no_exception': [('void remove(const std::string& name) override {',
                             'void remove(const std::string& name) override {\n        throw 5;')],
    'lies_about_its_abilities': [('std::string path(', 'davit::VolumeCapabilities capabilities() override { return {.snapshot = true}; }\n'
                                  '    std::string path(')],
}
BAD_DESCRIPTORS = {
    'wrong_magic': ('{1, 1, 0, 0, 80, "x", "1", "", "", 0}', 'magic'),
    'wrong_version': ('{0x74697664u, 9, 0, 0, 80, "x", "1", "", "", 0}', '9'),
}


class BadObjects(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = places.work_dir('bad-objects')
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        with open(os.path.join(SOURCES, 'sdk/template/volume-cpp/my_driver.cpp'), encoding='utf-8') as file:
            cls.example = file.read()

    def build(self, name, source, *flags):
        output = os.path.join(self.folder, name + '.so')
        subprocess.run(['g++', '-std=c++20', '-shared', '-fPIC', '-O1', '-w', '-DRAPIDJSON_HAS_STDSTRING=1', '-I', os.path.join(SOURCES, 'sdk/include'),
                        '-I', os.path.join(SOURCES, 'core'), '-x', 'c++', '-o', output, '-'], input=source.encode(), check=True)
        os.chmod(output, 0o755)
        return output

    def made(self, name):
        source = self.example
        for old, new in BAD_OBJECTS[name]:
            self.assertIn(old, source)
            source = source.replace(old, new)
        return self.build(name, '#include <unistd.h>\n' + source)

    def check(self, *arguments, transport='in-process', patience='2'):
        config = json.dumps({'Root': os.path.join(self.folder, 'root')})
        return subprocess.run([places.program('davit'), 'plugin', 'check', *arguments, '--config', config, '--transport', transport,
                               '--patience', patience], capture_output=True, text=True, timeout=300 * places.SLOW)

    def broken(self, result):
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        return [line for line in result.stdout.splitlines() if 'BROKEN' in line]

    def test_a_good_one(self):
        output = self.build('good', self.example)
        for transport in ('in-process', 'process'):
            result = self.check(output, transport=transport, patience='60')
            self.assertEqual(result.returncode, 0, result.stdout)
            self.assertIn(' 0 broken', result.stdout)

    @unittest.skipIf(places.sanitized(), 'the sanitizer ends the process before the signal does')
    def test_one_that_crashes_in_a_call(self):
        result = self.check(self.made('crashes_in_a_call'))
        lines = self.broken(result)
        self.assertIn('signal 11 (Segmentation fault), in VolumeDriver.Mount', lines[0])
        # The rules that don't mount are kept all the same.
        self.assertIn('kept    created_is_there', result.stdout)

    @unittest.skipIf(places.sanitized(), 'the sanitizer ends the process before the signal does')
    def test_one_that_crashes_when_it_is_opened(self):
        lines = self.broken(self.check(self.made('crashes_in_open')))
        self.assertEqual(len(lines), 1)
        self.assertIn('open', lines[0])
        self.assertIn('signal 11', lines[0])

    def test_one_that_crashes_when_it_is_loaded(self):
        lines = self.broken(self.check(self.made('crashes_when_loaded')))
        self.assertEqual(len(lines), 1)
        self.assertRegex(lines[0], 'the driver ended its process with signal (4|5)')

    def test_one_that_ends_the_process(self):
        self.assertIn('the driver ended its process with exit status 7, in VolumeDriver.List', self.broken(self.check(self.made('exits')))[0])

    def test_one_that_blocks_is_given_up(self):
        result = self.check(self.made('blocks'))
        self.assertIn("no end: the driver doesn't answer, in VolumeDriver.Path", self.broken(result)[0])

    def test_one_that_throws_what_is_no_exception(self):
        result = self.check(self.made('throws_no_exception'))
        self.assertIn('the driver threw something that is no exception', result.stdout)
        self.broken(result)

    def test_one_that_lies_about_its_abilities(self):
        result = self.check(self.made('lies_about_its_abilities'))
        self.assertTrue(any('snapshot' in line or 'abilities' in line or 'capabilities' in line for line in self.broken(result)), result.stdout)

    def test_descriptors_that_are_none(self):
        for name, (descriptor, text) in BAD_DESCRIPTORS.items():
            output = self.build(name, f'struct P {{ unsigned a, b, c, d; unsigned long size; const char *n, *v, *w, *l; void* drivers; }};\n'
                                f'static P plugin = {descriptor};\nextern "C" const void* davit_plugin_entry() {{ return &plugin; }}\n')
            result = self.check(output)
            self.assertEqual(result.returncode, 2, result.stdout)
            self.assertIn(text, result.stderr)
        for target, text in (('/nope.so', 'No such file'), ('/bin/true', 'cannot'), ('ftp://x', 'ftp')):
            result = self.check(target)
            self.assertEqual(result.returncode, 2, target)
            self.assertIn(text, result.stderr)


class BadServers(unittest.TestCase):
    """Servers of the protocol. `raw` answers are bytes as they are."""

    def setUp(self):
        self.home = places.work_dir('bad-servers')
        self.addCleanup(shutil.rmtree, self.home)
        self.plugin = VolumePlugin(os.path.join('/run', os.path.basename(self.home) + '.sock'), os.path.join(self.home, 'volumes'))
        self.addCleanup(self.plugin.close)

    def check(self, patience='2'):
        return subprocess.run([places.program('davit'), 'plugin', 'check', 'unix://' + self.plugin.socket, '--patience', patience],
                              capture_output=True, text=True, timeout=300 * places.SLOW)

    def reported(self, *words, status=1):
        result = self.check()
        self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        for word in words:
            self.assertIn(word, result.stdout + result.stderr)

    def answer(self, method, body, status='200 OK', version='1.1', headers=''):
        if isinstance(body, str):
            body = body.encode()
        self.plugin.raw[method] = f'HTTP/{version} {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n'.encode() + body

    def test_one_that_hangs(self):
        self.plugin.hang = {'Create'}
        self.reported("no end: the driver doesn't answer, in VolumeDriver.Create", 'given up')

    def test_one_that_never_says_what_it_is(self):
        self.plugin.hang = {'Activate'}
        self.reported("no end: the driver doesn't answer")

    def test_one_that_dies_in_a_call(self):
        self.plugin.raw['Mount'] = b''
        self.reported('VolumeDriver.Mount', 'BROKEN')

    def test_half_a_body(self):
        self.plugin.raw['Get'] = b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"Volume":'
        self.reported('VolumeDriver.Get', 'BROKEN')

    def test_no_json(self):
        self.answer('List', 'hello')
        self.reported('VolumeDriver.List: bad reply', 'BROKEN')

    def test_wrong_types(self):
        self.answer('List', '{"Volumes": 5}')
        self.reported('VolumeDriver.List: bad reply', 'BROKEN')

    def test_a_hundred_megabytes(self):
        self.answer('List', b'{"Volumes":[' + b' ' * (100 << 20) + b']}')
        self.reported('VolumeDriver.List', 'BROKEN')

    def test_one_without_an_end(self):
        self.plugin.raw['List'] = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n' + b'100000\r\n' + b' ' * (1 << 20) + b'\r\n' * 1
        self.reported('VolumeDriver.List', 'BROKEN')

    def test_a_redirect(self):
        self.answer('Get', '', status='302 Found', headers='Location: http://127.0.0.1/\r\n')
        self.reported('BROKEN')

    def test_mountpoints_that_lead_elsewhere(self):
        for place in ('../../etc', 'relative', '/a/../../etc'):
            self.answer('Mount', json.dumps({'Mountpoint': place}))
            self.reported('VolumeDriver.Mount', 'BROKEN')

    def test_one_that_forgets_its_volumes(self):
        self.answer('Get', '{}')
        self.reported('BROKEN', 'created_is_there')

    def test_an_interface_that_is_none(self):
        self.answer('Activate', '{"Implements": []}')
        self.reported('it implements nothing', status=2)

    def test_http_1_0_and_closed_connections_are_no_fault(self):
        self.answer('Capabilities', '{"Capabilities":{"Scope":"local"}}', version='1.0', headers='Connection: close\r\n')
        result = self.check('60')
        self.assertRegex(result.stdout, r'kept    capabilities\s')
        self.assertNotIn('bad reply', result.stdout)


if __name__ == '__main__':
    unittest.main()
