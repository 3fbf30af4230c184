"""A real dockerd of a test's own, as the peer that davit's plugins must serve and that its behaviour is compared with."""
import os
import shutil
import subprocess

from harness import places
from harness.api import Api
from harness.cli import Cli
from harness.poll import until


class Dockerd:
    def __init__(self, storage_driver='vfs', arguments=(), networks=False, netns=None):
        """Without networks unless asked for. With `netns` it runs in that namespace of `ip netns`."""
        self.home = places.work_dir('dockerd')
        self.socket = os.path.join('/run', os.path.basename(self.home) + '.sock')
        self.log_path = os.path.join(self.home, 'log')
        with open(os.path.join(self.home, 'daemon.json'), 'w', encoding='utf-8') as file:
            file.write('{}')
        without = () if networks else ('--bridge', 'none', '--iptables=false', '--ip6tables=false')
        inside = ('nsenter', f'--net=/run/netns/{netns}') if netns else ()
        self.command = [
            *inside, 'dockerd', '--host', f'unix://{self.socket}', '--data-root', os.path.join(self.home, 'data'),
            '--exec-root', os.path.join('/run', os.path.basename(self.home)), '--pidfile', os.path.join(self.home, 'pid'),
            '--config-file', os.path.join(self.home, 'daemon.json'), '--experimental', *without,
            '--storage-driver', storage_driver, *arguments]
        self.process = None
        self.api = Api(self.socket, version='/v1.41')
        self.cli = Cli(places.docker(), f'unix://{self.socket}', self.home)

    def start(self, seconds=60):
        with open(self.log_path, 'ab') as log:
            # dockerd looks for helpers (containerd, runc, iptables) in the sbin folders too.
            environment = {**os.environ, 'PATH': os.environ['PATH'] + ':/usr/sbin:/sbin:/usr/local/sbin'}
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
        until(self._answers, 'dockerd answers', seconds)
        return self

    def _answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f'dockerd ended with {self.process.returncode}:\n{self.log()}')
        try:
            return self.api.request('GET', '/_ping').status == 200
        except OSError:
            return False

    def log(self):
        with open(self.log_path, encoding='utf-8', errors='replace') as file:
            return ''.join(file.readlines()[-40:])

    def destroy(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)
