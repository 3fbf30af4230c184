"""The conformance suites against every storage, network and IPAM driver, in process and through davit-plugin-host; and a real
dockerd that keeps its images and containers on our storage drivers."""
import os
import shutil
import subprocess
import unittest

from harness import images, places
from harness.dockerd import Dockerd
from harness.poll import until

STORAGE = ('vfs', 'overlay2', 'btrfs')
NETWORK = ('bridge', 'macvlan', 'ipvlan', 'host', 'null', 'ipam')


class Host:
    """A davit-plugin-host that serves one plugin on a socket."""

    def __init__(self, plugin, socket, *arguments):
        os.makedirs(os.path.dirname(socket), exist_ok=True)
        self.socket = socket
        self.process = subprocess.Popen([places.program('davit-plugin-host'), plugin, '--listen', f'unix://{socket}', *arguments])

    def __enter__(self):
        until(lambda: os.path.exists(self.socket), 'the plugin host listens')
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)


class StorageCase(unittest.TestCase):
    def setUp(self):
        self.folder = places.work_dir('conformance')
        self.addCleanup(shutil.rmtree, self.folder, True)

    def home(self, driver):
        """A folder that the driver can work in: btrfs gets a disk of its own."""
        home = os.path.join(self.folder, driver)
        os.makedirs(home)
        if driver == 'btrfs':
            image = os.path.join(self.folder, 'disk')
            with open(image, 'wb') as file:
                file.truncate(2 << 30)
            subprocess.run(['mkfs.btrfs', '-q', image], check=True)
            subprocess.run(['mount', '-o', 'loop', image, home], check=True)
            self.addCleanup(subprocess.run, ['umount', '-l', home], check=False)
        return home

    def plugin(self, driver):
        return os.path.join(places.plugin_dir(), driver + '.so')


class ConformanceTest(StorageCase):
    def check(self, target, driver):
        result = subprocess.run([places.program('davit'), 'plugin', 'check', '--home', self.home(driver), target], capture_output=True,
                                text=True, timeout=300 * places.SLOW, check=False)
        print(f'{driver} {target}: {(result.stdout.splitlines() or [""])[-1]}')
        self.assertEqual(result.returncode, 0, result.stdout[-3000:] + result.stderr[-3000:])


class NetworkConformanceTest(StorageCase):
    """Each in this suite's own network namespace; the third way is a server's socket, as of anybody's plugin."""

    def check(self, driver, target, *arguments):
        result = subprocess.run([places.program('davit'), 'plugin', 'check', *arguments, target], capture_output=True, text=True,
                                timeout=300 * places.SLOW, check=False)
        print(f'{driver} {" ".join(arguments)} {target}: {(result.stdout.splitlines() or [""])[-1]}')
        return result

    def kept(self, driver, target, *arguments):
        result = self.check(driver, target, *arguments)
        if f"not for this host: its kernel doesn't make {driver} links" in result.stdout:
            self.skipTest(f'this kernel makes no {driver} links')
        self.assertEqual(result.returncode, 0, result.stdout[-3000:] + result.stderr[-3000:])


class DockerdTest(StorageCase):
    def use(self, driver):
        name = f'davit-{driver}'
        with Host(self.plugin(driver), f'/run/docker/plugins/{name}.sock'):
            dockerd = Dockerd(name)
            self.addCleanup(dockerd.destroy)
            if driver == 'btrfs':
                data = os.path.join(dockerd.home, 'data')
                os.makedirs(data)
                subprocess.run(['mount', '--bind', self.home(driver), data], check=True)
                self.addCleanup(subprocess.run, ['umount', '-l', data], check=False)
            dockerd.start()
            cli = dockerd.cli
            self.assertEqual(cli.ok('info', '-f', '{{.Driver}}'), name)
            extra = [images.text('file', 'from a layer'), images.symlink('link', 'file')]
            cli.ok('load', input=images.busybox('stored:1', extra))
            script = 'cat /link; echo more >> /file; cat /file; rm /bin/vi; ls /bin/vi 2>&1'
            output = cli.run('run', '--network', 'none', '--name', 'changed', 'stored:1', 'sh', '-c', script, check=1).stdout
            self.assertEqual(output.split(b'\n')[0], b'from a layerfrom a layermore')
            self.assertEqual(sorted(line for line in cli.ok('diff', 'changed').splitlines() if not line.endswith('/dev')),
                             ['C /bin', 'C /file', 'D /bin/vi'])
            cli.ok('commit', 'changed', 'committed:1')
            self.assertEqual(cli.ok('run', '--rm', '--network', 'none', 'committed:1', 'cat', '/file'), 'from a layermore')
            self.assertTrue(cli.run('save', 'committed:1', check=0).stdout)
            cli.ok('rm', 'changed')
            cli.ok('rmi', 'committed:1', 'stored:1')
            dockerd.destroy()


def add_cases():
    for driver in STORAGE:
        def in_process(self, driver=driver):
            self.check(self.plugin(driver), driver)

        def over_http(self, driver=driver):
            with Host(self.plugin(driver), f'/run/conformance/{driver}.sock') as host:
                self.check(f'unix://{host.socket}', driver)

        def in_dockerd(self, driver=driver):
            self.use(driver)

        setattr(ConformanceTest, f'test_{driver}_in_process', in_process)
        setattr(ConformanceTest, f'test_{driver}_over_http', over_http)
        setattr(DockerdTest, f'test_a_real_dockerd_on_{driver}', in_dockerd)
    for driver in NETWORK:
        def in_process(self, driver=driver):
            self.kept(driver, self.plugin(driver), '--transport', 'in-process')

        def own_process(self, driver=driver):
            self.kept(driver, self.plugin(driver), '--transport', 'process')

        def served(self, driver=driver):
            if driver == 'ipvlan' and "its kernel doesn't make ipvlan links" in self.check(driver, self.plugin(driver)).stdout:
                self.skipTest('this kernel makes no ipvlan links')
            with Host(self.plugin(driver), f'/run/conformance/{driver}.sock', '--state', os.path.join(self.folder, 'state')) as host:
                self.kept(driver, f'unix://{host.socket}')

        setattr(NetworkConformanceTest, f'test_{driver}_in_process', in_process)
        setattr(NetworkConformanceTest, f'test_{driver}_in_a_process_of_its_own', own_process)
        setattr(NetworkConformanceTest, f'test_{driver}_as_a_server', served)


add_cases()

if __name__ == '__main__':
    unittest.main()
