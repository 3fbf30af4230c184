"""Debian's rclone as the volume plugin of somebody else: its volumes are FUSE mounts of a folder that stands for a cloud."""
import os
import shutil
import subprocess
import unittest

from harness.case import IMAGE, DaemonCase
from harness.poll import until
from harness.volume_plugin import PLUGINS


class Rclone:
    """`rclone serve docker` with everything it keeps below `home`."""

    def __init__(self, home):
        self.home, self.socket, self.process = home, os.path.join(PLUGINS, 'rclone.sock'), None
        self.cloud = os.path.join(home, 'cloud')
        for name in ('cloud', 'base', 'cache', 'config'):
            os.makedirs(os.path.join(home, name), exist_ok=True)

    def start(self, *flags):
        os.makedirs(PLUGINS, exist_ok=True)
        log = open(os.path.join(self.home, 'log'), 'ab')
        self.process = subprocess.Popen(
            ['rclone', 'serve', 'docker', '--socket-addr', self.socket, '--base-dir', os.path.join(self.home, 'base'), '--no-spec',
             '--cache-dir', os.path.join(self.home, 'cache'), '--config', os.path.join(self.home, 'config', 'rclone.conf'),
             '--vfs-cache-mode', 'writes', '--vfs-write-back', '0s', *flags],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, 'HOME': self.home})
        log.close()
        try:
            until(lambda: os.path.exists(self.socket), 'rclone listens', 30)
        except AssertionError as failure:
            with open(os.path.join(self.home, 'log'), encoding='utf-8') as file:
                raise AssertionError(f'{failure}; its log:\n{file.read()[-2000:]}') from failure
        return self

    def mounts(self):
        with open('/proc/self/mounts', encoding='utf-8') as file:
            return [line.split()[1] for line in file if line.split()[2] == 'fuse.rclone']

    def stop(self):
        until(lambda: self.mounts() == [], 'nothing is mounted')  # while it unmounts, rclone 1.60 may never end
        self.process.terminate()
        self.process.wait(60)

    def kill(self):
        """With all that a crash leaves: mounts that nobody serves."""
        self.process.kill()
        self.process.wait(60)
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        for mount in self.mounts():
            subprocess.run(['umount', '-l', mount], check=True)


class RcloneTest(DaemonCase):
    config = {'bridge': 'none'}

    def setUp(self):
        super().setUp()
        self.rclone = Rclone(self.path('rclone')).start()
        self.addCleanup(shutil.rmtree, self.rclone.home)
        self.addCleanup(self.rclone.kill)
        self.addCleanup(self.remove_volumes)

    def remove_volumes(self):
        self.remove_containers()
        for volume in self.api.call('GET', '/volumes')['Volumes']:
            self.api.call('DELETE', '/volumes/' + volume['Name'], force=1)

    def create(self, name, folder):
        os.makedirs(os.path.join(self.rclone.cloud, folder), exist_ok=True)
        self.docker.ok('volume', 'create', '-d', 'rclone', '-o', 'remote=' + os.path.join(self.rclone.cloud, folder), '-o', 'allow-other=true',
                       name)

    def sh(self, *arguments):
        *flags, line = arguments
        return self.docker.ok('run', '--rm', *flags, IMAGE, 'sh', '-c', line)

    def cloud(self, path):
        try:
            with open(os.path.join(self.rclone.cloud, path), encoding='utf-8') as file:
                return file.read()
        except FileNotFoundError:
            return None

    def test_the_whole_way(self):
        self.create('one', 'a')
        self.create('two', 'b')
        self.assertEqual(self.docker.ok('volume', 'ls', '-q').split(), ['one', 'two'])
        self.assertEqual(self.docker.ok('volume', 'inspect', '-f', '{{.Driver}} {{.Scope}}', 'one'), 'rclone local')
        self.sh('-v', 'one:/d', 'echo hello > /d/f')
        until(lambda: self.cloud('a/f') == 'hello\n', 'it is in the cloud')
        self.assertEqual(self.sh('-v', 'one:/d', '-v', 'two:/e', 'cp /d/f /e/g; cat /e/g'), 'hello')
        until(lambda: self.cloud('b/g') == 'hello\n', 'it is in the other')
        until(lambda: self.rclone.mounts() == [], 'nothing is mounted')
        self.docker.ok('volume', 'rm', 'one', 'two')
        self.assertEqual(self.docker.ok('volume', 'ls', '-q'), '')
        self.assertEqual(self.cloud('a/f'), 'hello\n')  # the cloud is not the volume's

    def test_an_option_it_does_not_know(self):
        self.assertIn('unsupported backend option "nonsense"', self.docker.fails('volume', 'create', '-d', 'rclone', '-o', 'type=local', '-o', 'nonsense=1', 'bad'))
        self.assertEqual(self.docker.ok('volume', 'ls', '-q'), '')

    def test_two_containers_at_once_share_one_mount(self):
        self.create('one', 'a')
        first = self.docker.ok('run', '-d', '-v', 'one:/d', IMAGE, 'sleep', '1000')
        second = self.docker.ok('run', '-d', '-v', 'one:/d:ro', IMAGE, 'sleep', '1000')
        self.assertEqual(len(self.rclone.mounts()), 1)
        self.docker.ok('exec', first, 'sh', '-c', 'echo shared > /d/f')
        self.assertEqual(until(lambda: self.docker.run('exec', second, 'cat', '/d/f').stdout, 'the other sees it'), b'shared\n')
        self.docker.ok('rm', '-f', first)
        self.assertEqual(self.docker.ok('exec', second, 'cat', '/d/f'), 'shared')
        self.docker.ok('rm', '-f', second)
        until(lambda: self.rclone.mounts() == [], 'nothing is mounted')

    def test_davitd_is_killed_and_started(self):
        self.create('one', 'a')
        box = self.docker.ok('run', '-d', '-v', 'one:/d', IMAGE, 'sleep', '1000')
        self.daemon.kill()
        self.daemon.start()
        self.docker.ok('exec', box, 'sh', '-c', 'echo still > /d/f')
        self.assertIn('volume is in use', self.docker.fails('volume', 'rm', 'one'))
        self.docker.ok('rm', '-f', box)
        until(lambda: self.rclone.mounts() == [], 'nothing is mounted')
        until(lambda: self.cloud('a/f') == 'still\n', 'it is in the cloud')

    def test_rclone_is_stopped_and_started(self):
        self.create('one', 'a')
        self.sh('-v', 'one:/d', 'echo kept > /d/f')
        until(lambda: self.cloud('a/f') == 'kept\n', 'it is in the cloud')
        self.rclone.stop()
        self.assertEqual(self.docker.ok('volume', 'ls', '-q'), 'one')
        self.rclone.start()
        self.assertEqual(self.sh('-v', 'one:/d', 'cat /d/f'), 'kept')

    def test_rclone_forgets(self):
        """A plugin that comes back without its volumes: they are made again as they were."""
        self.create('one', 'a')
        self.sh('-v', 'one:/d', 'echo kept > /d/f')
        until(lambda: self.cloud('a/f') == 'kept\n', 'it is in the cloud')
        self.rclone.stop()
        os.unlink(os.path.join(self.rclone.home, 'cache', 'docker-plugin.state'))
        self.rclone.start()
        self.assertEqual(self.sh('-v', 'one:/d', 'cat /d/f'), 'kept')

    def test_rclone_dies_under_a_container(self):
        self.create('one', 'a')
        box = self.docker.ok('run', '-d', '-v', 'one:/d', IMAGE, 'sleep', '1000')
        self.rclone.kill()
        self.assertEqual(self.docker.ok('exec', box, 'echo', 'alive'), 'alive')
        self.docker.ok('rm', '-f', box)
        self.rclone.start('--forget-state')  # rclone 1.60 never listens again while its state names a mount
        self.sh('-v', 'one:/d', 'echo again > /d/f')
        until(lambda: self.cloud('a/f') == 'again\n', 'it serves again')


if __name__ == '__main__':
    unittest.main()
