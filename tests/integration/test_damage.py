"""Damaged state files: the daemon always starts, says what it found, and everything undamaged is there."""
import os
import re
import shutil
import unittest

from harness import images, places
from harness.case import IMAGE
from harness.cli import Cli
from harness.daemon import Daemon

DAMAGES = {
    'emptied': lambda data: b'',
    'halved': lambda data: data[:len(data) // 2],
    'garbage': lambda data: data[:len(data) // 3] + bytes((i * 37 + 11) % 256 for i in range(64)) + data[len(data) // 3 + 64:],
}


class DamageTest(unittest.TestCase):
    """Each case damages one file of a copy of the same store and starts a daemon on it."""

    @classmethod
    def setUpClass(cls):
        cls.template = places.work_dir('damage')
        cls.addClassCleanup(shutil.rmtree, cls.template, True)
        daemon = Daemon('original', 'vfs')
        cls.addClassCleanup(daemon.destroy)
        daemon.start()
        docker = Cli(places.docker(), daemon.host, daemon.home)
        docker.ok('load', input=images.busybox('one:1', [images.text('one', '1')]))
        docker.ok('load', input=images.busybox('two:1', [images.text('two', '2')]))
        docker.ok('create', '--name', 'first', 'one:1', 'cat', '/one')
        docker.ok('create', '--name', 'second', 'two:1', 'cat', '/two')
        docker.ok('start', '-a', 'first')
        docker.ok('network', 'create', 'own')
        docker.ok('run', '--rm', '--network', 'own', 'one:1', 'true')
        daemon.stop()
        shutil.copytree(daemon.data_root, os.path.join(cls.template, 'data'), symlinks=True)

    def daemon_on_a_copy(self):
        daemon = Daemon('copy', 'vfs')
        self.addCleanup(daemon.destroy)
        shutil.copytree(os.path.join(self.template, 'data'), daemon.data_root, symlinks=True, dirs_exist_ok=True)
        return daemon

    def state_files(self):
        """Everything of the engine's own; the content of layers is the images' business."""
        top = os.path.join(self.template, 'data')
        for folder, folders, names in os.walk(top):
            if os.path.exists(os.path.join(folder, 'bin', 'busybox')) or 'one' in names:
                folders.clear()  # a layer's root
                continue
            for name in names:
                path = os.path.join(folder, name)
                if not os.path.islink(path) and os.path.isfile(path) and not name.endswith('.log') and 0 < os.path.getsize(path) < 7 << 20:
                    yield os.path.relpath(path, top)

    def test_the_daemon_starts_whatever_file_is_damaged(self):
        # One file of each kind: what differs only in an id is of one kind.
        files = sorted({re.sub('[0-9a-f]{12,}', '<id>', name): name for name in self.state_files()}.values())
        self.assertTrue(any(name.endswith('.db') for name in files), files)
        print(f'{len(files)} kinds of files: {", ".join(files)}')
        for name in files:
            for damage, change in DAMAGES.items():
                with self.subTest(f'{name} {damage}'):
                    daemon = self.daemon_on_a_copy()
                    path = os.path.join(daemon.data_root, name)
                    with open(path, 'rb') as file:
                        data = file.read()
                    with open(path, 'wb') as file:
                        file.write(change(data))
                    daemon.start()
                    self.assert_usable(daemon, name)
                    daemon.destroy()

    def assert_usable(self, daemon, damaged):
        names = {container['Names'][0] for container in daemon.api.containers()}
        daemon.api.images()
        daemon.api.call('GET', '/info')
        if not damaged.endswith(('.db', '.db-wal', '.db-shm')):
            # A file belongs to one object at most: the other one must be there and whole.
            self.assertTrue(names & {'/first', '/second'}, names)
        docker = Cli(places.docker(), daemon.host, daemon.home)
        docker.ok('load', input=images.busybox())
        self.assertEqual(docker.ok('run', '--rm', IMAGE, 'echo', 'usable'), 'usable')
        if not damaged.endswith(('.db', '.db-wal', '.db-shm')):
            self.assertEqual(docker.ok('run', '--rm', '--network', 'own', IMAGE, 'echo', 'usable'), 'usable')
        for container in daemon.api.containers():
            daemon.api.remove(container['Id'])

    def test_a_damaged_database_is_kept_aside(self):
        daemon = self.daemon_on_a_copy()
        database = next(name for name in self.state_files() if name.endswith('.db'))
        path = os.path.join(daemon.data_root, database)
        with open(path, 'r+b') as file:
            file.write(b'this is no database' * 10)
        daemon.start()
        beside = [name for name in os.listdir(os.path.dirname(path)) if name.startswith(os.path.basename(path)) and
                  name not in (os.path.basename(path), os.path.basename(path) + '-wal', os.path.basename(path) + '-shm')]
        self.assertTrue(beside, os.listdir(os.path.dirname(path)))
        self.assertIn(os.path.basename(path), daemon.log())

    def test_a_vanished_container_folder(self):
        daemon = self.daemon_on_a_copy()
        containers = os.path.join(daemon.data_root, 'containers')
        for name in os.listdir(containers):
            shutil.rmtree(os.path.join(containers, name))
        daemon.start()
        self.assertEqual({c['Names'][0] for c in daemon.api.containers()}, {'/first', '/second'})
        docker = Cli(places.docker(), daemon.host, daemon.home)
        docker.ok('rm', 'first')
        self.assertEqual(docker.ok('start', '-a', 'second'), '2')

    def test_a_stale_pid_file_is_no_lock(self):
        daemon = self.daemon_on_a_copy()
        with open(os.path.join(daemon.home, 'davitd.pid'), 'w', encoding='utf-8') as file:
            file.write('1\n')
        daemon.start()
        self.assertTrue(daemon.alive())


if __name__ == '__main__':
    unittest.main()
