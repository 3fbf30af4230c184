"""`davit plugin new`: what it writes builds against an installed SDK, and its own tests pass over both transports."""
import json
import os
import shutil
import subprocess
import unittest

from harness import places

BUILD = os.environ.get('DAVIT_TEST_BUILD', '')
TEMPLATES = [(kind, language) for kind in ('volume', 'network', 'ipam', 'storage') for language in ('c', 'cpp')]
TYPES = {'volume': 'docker.volumedriver/1.0', 'network': 'docker.networkdriver/1.0', 'ipam': 'docker.ipamdriver/1.0',
         'storage': 'docker.graphdriver/1.0'}


@unittest.skipUnless(BUILD, 'needs a build folder')
class NewPluginTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stage = places.work_dir('sdk')
        cls.addClassCleanup(shutil.rmtree, cls.stage, True)
        subprocess.run(['cmake', '--install', BUILD, '--prefix', cls.stage], check=True, stdout=subprocess.DEVNULL)

    def setUp(self):
        self.folder = places.work_dir('author')
        self.addCleanup(shutil.rmtree, self.folder, True)

    def new(self, *arguments):
        return subprocess.run([os.path.join(self.stage, 'bin/davit'), 'plugin', 'new', *arguments], cwd=self.folder,
                              capture_output=True, text=True, check=False)

    def must(self, *command):
        result = subprocess.run(command, capture_output=True, text=True, timeout=300 * places.SLOW, check=False)
        self.assertEqual(result.returncode, 0, f'{command}\n{result.stdout[-4000:]}{result.stderr[-4000:]}')
        return result.stdout

    def build(self, project):
        build = os.path.join(self.folder, 'build')
        self.must('cmake', '-S', project, '-B', build, f'-DCMAKE_PREFIX_PATH={self.stage}', '-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror',
                  '-DCMAKE_C_FLAGS=-Wall -Wextra -Werror')
        self.must('cmake', '--build', build)
        return build

    def builds_and_keeps_the_rules(self, kind, language):
        name = f'of_{kind}'
        result = self.new('--lang', language, kind, name)
        self.assertEqual((result.returncode, result.stdout), (0, name + '\n'), result.stderr)
        project = os.path.join(self.folder, name)
        self.assertEqual(sorted(os.listdir(project)), ['CMakeLists.txt', f'{name}.{language}'])
        for file in os.listdir(project):
            with open(os.path.join(project, file), encoding='utf-8') as text:
                self.assertNotRegex(text.read(), 'my_driver|MyDriver', file)
        build = self.build(project)
        symbols = self.must('nm', '-D', '--defined-only', '--format=just-symbols', os.path.join(build, 'plugins', name + '.so'))
        self.assertEqual(symbols.split(), ['davit_plugin_entry'])
        output = self.must('ctest', '--test-dir', build, '--output-on-failure', '--verbose')
        self.assertIn('100% tests passed, 0 tests failed out of 2', output)
        self.assertEqual(output.count(' 0 broken'), 2, output)
        self.assertIn(f'{kind} driver {name} of {name} 1.0, in process', output)
        self.assertIn(f'{kind} driver {name} of {name} 1.0, in a process of its own', output)
        for _ in range(2):  # a second time replaces the first
            self.must('cmake', '--build', build, '--target', name + '_package')
        with open(os.path.join(build, 'package', name, 'config.json'), encoding='utf-8') as file:
            self.assertEqual(json.load(file)['interface']['types'], [TYPES[kind]])
        self.assertTrue(os.path.exists(os.path.join(build, 'package', name, 'rootfs/plugin', name + '.so')))

    def test_a_directory_of_ones_own_choice(self):
        self.assertEqual(self.new('--directory', 'elsewhere', 'volume', 'mine').returncode, 0)
        self.assertEqual(sorted(os.listdir(self.folder)), ['elsewhere'])
        self.assertIn('mine.cpp', os.listdir(os.path.join(self.folder, 'elsewhere')))

    def test_an_existing_directory_is_left_alone(self):
        os.mkdir(os.path.join(self.folder, 'mine'))
        result = self.new('volume', 'mine')
        self.assertEqual((result.returncode, result.stderr.strip()), (1, 'create directory mine: File exists'))
        self.assertEqual(os.listdir(os.path.join(self.folder, 'mine')), [])

    def test_what_is_no_name_is_refused(self):
        for name in ('', 'Upper', '1st', '../up', 'a/b', 'a-b', 'a b', 'x' * 41, '_x', 'a.so'):
            result = self.new('volume', '--', name)
            self.assertEqual(result.returncode, 1, name)
            self.assertIn(f'plugin name "{name}": at most 40 of a-z, 0-9 and _', result.stderr)
        self.assertEqual(os.listdir(self.folder), [])

    def test_unknown_kinds_and_languages_are_refused_in_words(self):
        for arguments, text in ((('disk', 'x'), 'kind "disk": volume, storage, network or ipam'),
                                (('--lang', 'rust', 'volume', 'x'), '--lang rust: c or cpp')):
            result = self.new(*arguments)
            self.assertEqual((result.returncode, result.stderr.strip()), (1, text))
        self.assertEqual(os.listdir(self.folder), [])


def add_cases():
    for kind, language in TEMPLATES:
        def builds(self, kind=kind, language=language):
            self.builds_and_keeps_the_rules(kind, language)

        setattr(NewPluginTest, f'test_{kind}_in_{language}_builds_and_keeps_the_rules', builds)


add_cases()

if __name__ == '__main__':
    unittest.main()
