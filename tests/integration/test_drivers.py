"""Drivers: none is in the daemon, each is a plugin that is listed with its state; every storage driver runs containers."""
import os
import shutil
import subprocess
import unittest

from harness import images, leaks, places
from harness.case import IMAGE, DaemonCase
from harness.cli import Cli
from harness.daemon import Daemon
from harness.poll import until

COLUMNS = '{{.Name}}\t{{.Kind}}\t{{.Transport}}\t{{.Version}}\t{{.State}}\t{{.Reason}}'


def listing(cli):
    rows = [line.split('\t') for line in cli.ok('plugin', 'ls', '--format', COLUMNS).splitlines()]
    return {row[0]: dict(zip(('name', 'kind', 'transport', 'version', 'state', 'reason'), row)) for row in rows}


class DaemonBinaryTest(unittest.TestCase):
    def test_the_daemon_contains_no_driver(self):
        davitd = places.program('davitd')
        libraries = subprocess.run(['ldd', davitd], capture_output=True, text=True, check=True).stdout
        symbols = subprocess.run(['nm', '-C', '--defined-only', davitd], capture_output=True, text=True, check=False).stdout
        symbols += subprocess.run(['nm', '-C', '-D', '--defined-only', davitd], capture_output=True, text=True, check=True).stdout
        with open(davitd, 'rb') as file:
            text = file.read()
        self.assertNotIn('davit_plugin_entry', symbols)
        self.assertNotIn('libbtrfsutil', libraries)
        for name in ('VfsDriver', 'Overlay2Driver', 'BtrfsDriver', 'HostDriver', 'NullDriver'):
            self.assertNotIn(name, symbols)
            self.assertNotIn(name.encode(), text)

    def test_each_plugin_exports_one_symbol(self):
        for name in places.plugin_files():
            out = subprocess.run(['nm', '-D', '--defined-only', os.path.join(places.plugin_dir(), name)], capture_output=True, text=True,
                                 check=True).stdout.split()
            self.assertEqual([word for word in out if len(word) > 1 and not word.isalnum() or word.startswith('davit')],
                             ['davit_plugin_entry'], name)


class PluginListTest(unittest.TestCase):
    """A copy of the programs, so that plugins can be taken away and put there."""

    def setUp(self):
        self.daemon = Daemon('plugins')
        self.addCleanup(self.daemon.destroy)
        self.daemon.program, self.plugins = places.copy_programs(os.path.join(self.daemon.home, 'programs'))
        self.cli = Cli(places.program('davit'), self.daemon.host, self.daemon.home)

    def file(self, name):
        return os.path.join(self.plugins, name)

    def test_every_driver_is_listed(self):
        self.daemon.start()
        rows = listing(self.cli)
        for name in places.plugin_files():
            row = rows[{'ipam.so': 'default'}.get(name, name.removesuffix('.so'))]
            self.assertEqual(row['transport'], 'in-process', row)
            self.assertTrue(row['version'], row)
            self.assertIn(row['state'], ('available', 'loaded', 'skipped'), row)
            if row['state'] == 'skipped':
                self.assertTrue(row['reason'], row)
        self.assertRegex(self.cli.ok('plugin', 'ls').splitlines()[0], r'^KIND\s+NAME\s+VERSION\s+TRANSPORT\s+STATE\s+REASON')

    def test_a_removed_plugin_is_told(self):
        self.daemon.storage_driver = 'vfs'
        self.daemon.start()
        self.assertIn('null', listing(self.cli))
        os.unlink(self.file('null.so'))

        def told():
            row = listing(self.cli).get('null')
            return row is None or row['state'] in ('failed', 'dead') or 'removed' in row['reason']
        until(told, 'the list says so')

    def test_a_missing_storage_driver_is_named(self):
        os.unlink(self.file('vfs.so'))
        self.daemon.storage_driver = 'vfs'
        self.daemon.spawn()
        self.assertNotEqual(self.daemon.process.wait(20), 0)
        self.assertIn('vfs', self.daemon.log())

    def test_broken_plugins_are_refused_with_a_reason(self):
        with open(self.file('garbage.so'), 'wb') as file:
            file.write(b'\x7fELF' + b'x' * 5000)
        with open(self.file('empty.so'), 'wb'):
            pass
        shutil.copy('/lib/x86_64-linux-gnu/libz.so.1', self.file('nosymbol.so'))
        shutil.copy(self.file('null.so'), self.file('writable.so'))
        os.chmod(self.file('writable.so'), 0o777)
        sources = {
            'magic': '#include <stddef.h>\nstruct { unsigned a, b, c, d; void* p[8]; } plugin = {1, 2, 3, 4, {0}};\n'
                     'const void* davit_plugin_entry(void) { return &plugin; }\n',
            'crashes': '#include <stdlib.h>\n__attribute__((constructor)) static void c(void) { abort(); }\n'
                       'const void* davit_plugin_entry(void) { return 0; }\n',
            'hangs': '#include <unistd.h>\n__attribute__((constructor)) static void c(void) { for (;;) pause(); }\n'
                     'const void* davit_plugin_entry(void) { return 0; }\n',
        }
        for name, source in sources.items():
            subprocess.run(['gcc', '-shared', '-fPIC', '-x', 'c', '-o', self.file(name + '.so'), '-'], input=source.encode(), check=True)
        self.daemon.start(60)
        rows = listing(self.cli)
        for name in ('garbage', 'empty', 'nosymbol', 'writable', 'magic', 'crashes', 'hangs'):
            self.assertEqual(rows[name]['state'], 'failed', rows[name])
            self.assertTrue(rows[name]['reason'], name)
        self.assertTrue(self.daemon.alive())

    def test_a_driver_in_a_process_of_its_own(self):
        self.daemon.write_config({'drivers': {'storage': {'vfs': {'isolation': 'process'}}}})
        self.daemon.storage_driver = 'vfs'
        self.daemon.start()
        self.assertNotEqual(listing(self.cli)['vfs']['transport'], 'in-process')
        self.cli.ok('load', input=images.busybox())
        self.assertEqual(self.cli.ok('run', '--rm', IMAGE, 'echo', 'isolated'), 'isolated')


class StorageDrivers:
    """Containers on one storage driver: what is written, kept apart, and removed again."""
    depth = 10

    def test_layers_are_shared_and_writes_are_not(self):
        self.docker.ok('run', '--name', 'aa', IMAGE, 'sh', '-c', 'echo a > /f; rm /etc/group; echo more >> /etc/passwd')
        self.assertEqual(self.docker.ok('run', '--rm', IMAGE, 'sh', '-c', 'test -e /f || echo none; wc -l < /etc/group; wc -l < /etc/passwd').split(),
                         ['none', '4', '2'])
        self.docker.ok('start', 'aa')
        self.docker.ok('wait', 'aa')

    def test_info_names_the_driver(self):
        self.assertEqual(self.docker.ok('info', '-f', '{{.Driver}}'), self.driver)

    def test_nothing_is_left_on_the_disk(self):
        self.docker.ok('run', '--rm', IMAGE, 'true')
        before = self.snapshot()
        for _ in range(3):
            self.docker.ok('run', '--rm', IMAGE, 'sh', '-c', 'mkdir -p /d/e; echo x > /d/e/f')
            self.load(images.busybox('more:1', [images.text('more', 'x' * 100000)]))
            self.docker.ok('rmi', 'more:1')
        self.assert_no_leak(before)

    def test_a_deep_image(self):
        layers = [images.tar(images.busybox_entries())] + [images.tar([images.text(f'layer{n}', str(n))]) for n in range(self.depth - 1)]
        self.load(images.archive('deep:1', layers))
        last = self.depth - 2
        self.assertEqual(self.docker.ok('run', '--rm', 'deep:1', 'sh', '-c', f'ls / | grep -c layer; cat /layer0 /layer{last}'),
                         f'{last + 1}\n0{last}')
        self.docker.ok('rmi', 'deep:1')

    def test_a_restart_keeps_the_driver(self):
        self.docker.ok('run', '-d', '--name', 'c1', IMAGE, 'sleep', '1000')
        configured, self.daemon.storage_driver = self.daemon.storage_driver, None
        try:
            self.daemon.restart()
            self.test_info_names_the_driver()
            self.assertEqual(self.docker.ok('exec', 'c1', 'echo', 'still'), 'still')
        finally:
            self.daemon.storage_driver = configured

    def test_a_size_is_kept_or_refused(self):
        result = self.docker.run('run', '--rm', '--storage-opt', 'size=20M', IMAGE, 'sh', '-c',
                                 'dd if=/dev/zero of=/big bs=1M count=40 2>/dev/null; sync; echo $(($(wc -c < /big) / 1048576))')
        if result.returncode == 0:
            self.assertLessEqual(int(result.stdout), 21)
        else:
            self.assertEqual(result.returncode, 125)
            self.assertIn(b'size', result.stderr)


class VfsTest(StorageDrivers, DaemonCase):
    driver = storage_driver = 'vfs'


class Overlay2Test(StorageDrivers, DaemonCase):
    driver = storage_driver = 'overlay2'
    depth = 125  # more than a page of mount options

    def test_the_root_is_mounted_in_the_containers_own_namespace(self):
        before = leaks.mounts()
        container = self.docker.ok('run', '-d', IMAGE, 'sleep', '1000')
        # The name of its network namespace is the host's, for drivers; of its files nothing is.
        namespace = self.api.inspect(container)['NetworkSettings']['SandboxKey']
        self.assertEqual([one for one in leaks.mounts() if namespace not in one], before)

    def test_a_start_changes_nothing_in_the_containers_layer(self):
        """What is mounted in every container has its place below the image, so nothing has to be made for it."""
        container = self.docker.ok('create', IMAGE, 'sh', '-c', 'test -e /.dockerenv && stat -c %d / /bin /etc | uniq | wc -l')
        self.assertEqual(self.docker.ok('start', '-a', container), '1')
        upper = self.api.inspect(container)['GraphDriver']['Data']['UpperDir']
        self.assertEqual(os.listdir(upper), [])

    def test_an_images_own_file_is_there_before_the_mount_point(self):
        entries = images.busybox_entries() + [images.text('.dockerenv', 'of the image')]
        self.load(images.archive('own:1', [images.tar(entries)]))
        self.assertEqual(self.docker.ok('run', '--rm', 'own:1', 'cat', '/.dockerenv'), 'of the image')
        self.docker.ok('rmi', 'own:1')


class BtrfsTest(StorageDrivers, DaemonCase):
    """On a loop device: nobody needs a btrfs disk for it."""
    driver = storage_driver = 'btrfs'

    @classmethod
    def setUpClass(cls):
        cls.disk = places.work_dir('btrfs')
        cls.addClassCleanup(shutil.rmtree, cls.disk, True)
        image, point = os.path.join(cls.disk, 'image'), os.path.join(cls.disk, 'data')
        os.mkdir(point)
        with open(image, 'wb') as file:
            file.truncate(1 << 30)
        subprocess.run(['mkfs.btrfs', '-q', image], check=True)
        subprocess.run(['mount', '-o', 'loop', image, point], check=True)
        cls.addClassCleanup(subprocess.run, ['umount', '-l', point], check=False)
        cls.data_root = point
        super().setUpClass()


if __name__ == '__main__':
    unittest.main()
