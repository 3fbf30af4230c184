"""A davitd of a test's own: its data, its run-time folder and its socket are in a temporary folder."""
import contextlib
import glob
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import time

from harness import places
from harness.api import Api, ApiError
from harness.poll import until


class Daemon:
    def __init__(self, name='test', storage_driver=None, config=None, arguments=(), data_root=None, environment=None):
        self.home = places.work_dir(name)
        self.data_root = data_root or os.path.join(self.home, 'data')
        # Sockets have short names (108 bytes), and the files in /run vanish with the test's namespace.
        self.exec_root = os.path.join('/run', os.path.basename(self.home))
        self.socket = os.path.join(self.exec_root + '.sock')
        self.log_path = os.path.join(self.home, 'davitd.log')
        self.config_path = os.path.join(self.home, 'daemon.json')
        self.host = f'unix://{self.socket}'
        self.storage_driver = storage_driver or os.environ.get('DAVIT_TEST_STORAGE')
        self.arguments = list(arguments)
        self.program = places.program('davitd')
        self.environment = environment or {}
        self.process = None
        self.api = Api(self.socket)
        self.write_config(config or {})

    def write_config(self, config):
        """Every test daemon has a cgroup parent of its own: leaks.py looks for it."""
        config = {'cgroup-parent': os.path.basename(self.home), **config}
        runtime = os.environ.get('DAVIT_TEST_RUNTIME')
        if runtime and 'default-runtime' not in config:
            config = {**config, 'runtimes': {**config.get('runtimes', {}), 'tested': {'path': runtime}}, 'default-runtime': 'tested'}
        with open(self.config_path, 'w', encoding='utf-8') as file:
            json.dump(config, file)

    def command(self):
        command = [self.program, '-H', self.host, '--data-root', self.data_root, '--exec-root', self.exec_root,
                   '--config-file', self.config_path, '--pidfile', os.path.join(self.home, 'davitd.pid')]
        if self.storage_driver:
            command += ['--storage-driver', self.storage_driver]
        return command + self.arguments

    def spawn(self):
        """Starts the process without waiting for it to answer."""
        log = open(self.log_path, 'ab')
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                        env={**os.environ, **self.environment}, start_new_session=True)
        log.close()
        return self

    def start(self, seconds=20):
        """Starts it and returns how many seconds it took until it answered."""
        begin = time.monotonic()
        self.spawn()
        until(self.answers, 'davitd answers', seconds, every=0.005)
        return time.monotonic() - begin

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f'davitd ended with {self.process.returncode}:\n{self.log()}')
        try:
            return self.api.request('GET', '/_ping').status == 200
        except OSError:
            return False

    @property
    def bridge(self):
        """The link of the default network: daemons with roots of their own have one of their own. It and the rules stay for the next
        start."""
        return 'davit-' + hashlib.sha256(self.data_root.encode()).hexdigest()[:8]

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def log(self, last=60):
        with open(self.log_path, encoding='utf-8', errors='replace') as file:
            return ''.join(file.readlines()[-last:])

    def kill(self):
        """As a crash: nothing is cleaned up."""
        self.process.kill()
        self.process.wait()

    def stop(self, seconds=20):
        """The ordinary end; returns the exit status."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds * places.SLOW)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f'davitd did not end {seconds} s after SIGTERM:\n{self.log()}') from None
        return self.process.returncode

    def restart(self):
        self.stop()
        return self.start()

    def remove_containers(self):
        for container in self.api.containers():
            try:
                self.api.remove(container['Id'])
            except ApiError as failure:
                if 'already in progress' not in str(failure):
                    raise
        until(lambda: not self.api.containers(), 'the containers are gone')

    def destroy(self):
        """Removes the containers, ends the daemon, deletes its folders."""
        try:
            if self.alive():
                self.remove_containers()
            self.stop()
            self.check_sanitizers()
        finally:
            if self.process is not None and self.process.poll() is None:
                self.kill()
            subprocess.run(['umount', '-q', '-l', '-R', self.data_root], check=False)
            self.remove_cgroup_parents()
            if self.data_root.startswith(self.home):  # else somebody else's daemon may use it
                for remains in (('ip', 'link', 'del', self.bridge), ('nft', 'delete', 'table', 'ip', 'davit'),
                                ('nft', 'delete', 'table', 'ip6', 'davit')):
                    subprocess.run(remains, stderr=subprocess.DEVNULL, check=False)
            shutil.rmtree(self.home, ignore_errors=True)
            shutil.rmtree(self.exec_root, ignore_errors=True)

    def check_sanitizers(self):
        """What a sanitizer built into the daemon or its drivers' processes had to say, leaks at the end included."""
        if not os.path.exists(self.log_path):  # it never ran, or a case has deleted its folder
            return
        with open(self.log_path, encoding='utf-8', errors='replace') as file:
            log = file.read()
        # Its tracer of leaks may fail itself while a thread is on its way out; that is no report.
        if re.search(r'ERROR: \w+Sanitizer:|: runtime error: ', log):
            raise AssertionError(f'a sanitizer reports:\n{log[-8000:]}')

    def remove_cgroup_parents(self):
        """The daemon leaves its parent groups for its next start; these would be nobody's. A group in use stays."""
        name = os.path.basename(self.home)
        for parent in glob.glob(f'/sys/fs/cgroup/{name}') + glob.glob(f'/sys/fs/cgroup/*/{name}'):
            with contextlib.suppress(OSError):
                os.rmdir(parent)

    def shims(self):
        """The pids of the monitors of this daemon's containers: their command line names the container."""
        ids = {container['Id'] for container in self.api.containers()}
        found = []
        for entry in filter(str.isdigit, os.listdir('/proc')):
            try:
                with open(f'/proc/{entry}/cmdline', encoding='utf-8', errors='replace') as file:
                    words = file.read().replace('\0', ' ').split()
            except OSError:
                continue
            if words and os.path.basename(words[0]) == 'davit-shim' and ids & set(words):
                found.append(int(entry))
        return found
