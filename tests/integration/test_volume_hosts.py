"""Our volume driver in other people's engines: davit-plugin-host makes a Docker plugin of it, which dockerd and podman use, and davit
itself by the server's name."""
import json
import os
import shutil
import subprocess
import unittest

from harness import images, places
from harness.case import IMAGE, DaemonCase
from harness.dockerd import Dockerd
from harness.poll import until
from harness.volume_plugin import PLUGINS


class Host:
    """local.so behind a socket in Docker's plugin folder."""

    def __init__(self, name):
        self.home = places.work_dir('volume-host')
        self.root, self.socket = os.path.join(self.home, 'volumes'), os.path.join(PLUGINS, name + '.sock')
        self.process = None

    def start(self):
        os.makedirs(PLUGINS, exist_ok=True)
        self.process = subprocess.Popen([
            places.program('davit-plugin-host'), os.path.join(places.plugin_dir(), 'local.so'), '--listen', 'unix://' + self.socket,
            '--state', os.path.join(self.home, 'state'), '--config', json.dumps({'Root': self.root})])
        until(lambda: os.path.exists(self.socket), 'the plugin host listens')
        return self

    def kill(self):
        self.process.kill()
        self.process.wait(20)
        os.unlink(self.socket)

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        shutil.rmtree(self.home)

    def left(self):
        """What is in its folder, without the bookkeeping."""
        return [name for name in os.listdir(self.root) if not name.startswith('.')]


def mounted_below(folder):
    with open('/proc/self/mounts', encoding='utf-8') as file:
        return [line.split()[1] for line in file if line.split()[1].startswith(folder + '/')]


class UseCase:
    """The same steps in any engine; `cli` speaks to it, `host` serves the driver `driver`."""
    driver = 'served'

    def run_on(self, volume, line):
        return self.cli.ok('run', '--rm', *self.flags, '-v', volume + ':/d', IMAGE, 'sh', '-c', line)

    def use(self):
        self.cli.ok('volume', 'create', '-d', self.driver, 'plain')
        self.run_on('plain', 'echo kept > /d/f')
        self.assertEqual(self.run_on('plain', 'cat /d/f'), 'kept')
        # Bounded, by whatever means the folder's file system has.
        self.cli.ok('volume', 'create', '-d', self.driver, '-o', 'size=8m', 'small')
        self.assertEqual(self.run_on('small', 'dd if=/dev/zero of=/d/f bs=1M count=20 2>/dev/null; [ $(stat -c %s /d/f) -lt 9000000 ] && echo bounded'),
                         'bounded')
        shown = json.loads(self.cli.ok('volume', 'inspect', 'small'))[0]
        self.assertEqual((shown['Driver'], shown['Status']['Size']), (self.driver, 8 << 20))
        self.cli.ok('volume', 'create', '-d', self.driver, '-o', 'type=tmpfs', '-o', 'device=tmpfs', '-o', 'o=size=1m', 'ram')
        self.assertIn('1024', self.run_on('ram', 'df -k /d | tail -1'))
        self.assertIn('invalid option: "foo"', self.cli.fails('volume', 'create', '-d', self.driver, '-o', 'foo=1', 'bad'))
        until(lambda: mounted_below(self.host.root) == [], 'nothing is mounted')
        self.host.kill()
        self.host.start()
        self.assertEqual(self.run_on('plain', 'cat /d/f'), 'kept')
        self.assertEqual(self.run_on('small', 'ls /d'), 'f')
        self.cli.ok('volume', 'rm', 'plain', 'small', 'ram')
        self.assertEqual(self.host.left(), [])


class DockerdTest(unittest.TestCase, UseCase):
    flags = ('--network', 'none')

    def test_use(self):
        self.host = Host(self.driver).start()
        self.addCleanup(self.host.close)
        dockerd = Dockerd()
        self.addCleanup(dockerd.destroy)
        dockerd.start()
        self.cli = dockerd.cli
        self.cli.ok('load', input=images.busybox())
        self.use()


class DavitTest(DaemonCase, UseCase):
    config = {'bridge': 'none'}
    flags = ()

    def test_use(self):
        self.host = Host(self.driver).start()
        self.addCleanup(self.host.close)
        self.cli = self.docker
        self.use()


class PodmanTest(unittest.TestCase):
    """podman refuses to start containers on this kind of host, but not to make volumes."""

    def podman(self, *arguments):
        return subprocess.run(['podman', '--root', self.home + '/root', '--runroot', self.home + '/run', '--storage-driver', 'vfs', *arguments],
                              capture_output=True, text=True, timeout=60 * places.SLOW,
                              env={**os.environ, 'CONTAINERS_CONF': self.home + '/containers.conf', 'HOME': self.home})

    def ok(self, *arguments):
        result = self.podman(*arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.strip()

    def test_volume_plugins(self):
        host = Host('podmans').start()
        self.addCleanup(host.close)
        self.home = places.work_dir('podman')
        self.addCleanup(shutil.rmtree, self.home)
        with open(self.home + '/containers.conf', 'w', encoding='utf-8') as file:
            file.write(f'[engine.volume_plugins]\ndavits = "{host.socket}"\n')
        self.assertEqual(self.ok('volume', 'create', '--driver', 'davits', '-o', 'size=8m', 'data'), 'data')
        self.assertEqual(host.left(), ['data'])
        self.assertIn('davits', self.ok('volume', 'ls'))
        shown = json.loads(self.ok('volume', 'inspect', 'data'))[0]
        self.assertEqual(shown['Driver'], 'davits')
        self.ok('volume', 'mount', 'data')
        self.assertEqual(mounted_below(host.root), [os.path.join(host.root, 'data', '_data')])
        self.ok('volume', 'unmount', 'data')
        self.assertEqual(mounted_below(host.root), [])
        refused = self.podman('volume', 'create', '--driver', 'davits', '-o', 'foo=1', 'bad')
        self.assertIn('invalid option', refused.stderr)
        self.ok('volume', 'rm', 'data')
        self.assertEqual(host.left(), [])


if __name__ == '__main__':
    unittest.main()
