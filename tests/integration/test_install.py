"""`cmake --install` into a staging folder: the layout is there, and the daemon runs from it."""
import os
import stat
import subprocess
import unittest

from harness import places
from harness.cli import Cli
from harness.daemon import Daemon

BUILD = os.environ.get('DAVIT_TEST_BUILD', '')


@unittest.skipUnless(BUILD, 'needs a build folder')
class InstallTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stage = places.work_dir('stage')
        cls.addClassCleanup(subprocess.run, ['rm', '-rf', cls.stage], check=False)
        subprocess.run(['cmake', '--install', BUILD, '--prefix', '/usr'], env={**os.environ, 'DESTDIR': cls.stage}, check=True,
                       stdout=subprocess.DEVNULL)
        cls.usr = os.path.join(cls.stage, 'usr')

    def test_the_layout(self):
        for name in ('bin/davit', 'sbin/davitd', 'libexec/davit/davit-shim', 'libexec/davit/davit-init', 'libexec/davit/davit-runtime',
                     'libexec/davit/davit-plugin-host', 'libexec/davit/davit-resolver', 'libexec/davit/davit-dial-tls', 'lib/davit/plugins/vfs.so', 'lib/davit/plugins/overlay2.so',
                     'lib/davit/plugins/btrfs.so', 'lib/davit/plugins/host.so', 'lib/davit/plugins/null.so', 'include/davit/plugin.h',
                     'include/davit/sdk.hpp', 'lib/cmake/DavitSdk/DavitSdkConfig.cmake', 'lib/systemd/system/davit.service',
                     'share/bash-completion/completions/davit'):
            self.assertTrue(os.path.isfile(os.path.join(self.usr, name)), name)

    def test_plugins_are_safe_to_load(self):
        folder = os.path.join(self.usr, 'lib/davit/plugins')
        for name in os.listdir(folder):
            mode = os.stat(os.path.join(folder, name)).st_mode
            self.assertEqual(stat.S_IMODE(mode) & 0o022, 0, name)

    def test_no_path_of_the_build_is_in_it(self):
        for top, _, names in os.walk(self.usr):
            for name in names:
                with open(os.path.join(top, name), 'rb') as file:
                    self.assertNotIn(BUILD.encode() + b'/', file.read(), os.path.join(top, name))

    @unittest.skipIf(places.sanitized(), 'the run-time of a sanitizer is a shared library')
    def test_the_static_programs_are_static(self):
        for name in ('bin/davit', 'libexec/davit/davit-shim', 'libexec/davit/davit-init'):
            with open(os.path.join(self.usr, name), 'rb') as file:
                self.assertFalse(b'/ld-linux' in file.read(8192), name)

    def test_the_staged_daemon_runs(self):
        daemon = Daemon('staged')
        self.addCleanup(daemon.destroy)
        daemon.program = os.path.join(self.usr, 'sbin/davitd')
        daemon.start()
        cli = Cli(os.path.join(self.usr, 'bin/davit'), daemon.host, daemon.home)
        self.assertTrue(cli.ok('run', '--rm', 'davit/hello'))
        self.assertIn(os.path.join(self.usr, 'lib/davit/plugins'), cli.ok('plugin', 'ls', '--format', '{{json .}}').replace('\\/', '/'))

    def test_the_unit_names_the_installed_daemon(self):
        with open(os.path.join(self.usr, 'lib/systemd/system/davit.service'), encoding='utf-8') as file:
            self.assertRegex(file.read(), r'(?m)^ExecStart=/\S+/sbin/davitd$')

    def test_the_completion_is_valid_bash(self):
        path = os.path.join(self.usr, 'share/bash-completion/completions/davit')
        subprocess.run(['bash', '-n', path], check=True)


if __name__ == '__main__':
    unittest.main()
