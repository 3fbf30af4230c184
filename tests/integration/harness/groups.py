"""Cases for a kernel with cgroup v2 and its controllers: what a container's group says. They fail elsewhere, they don't skip."""
import os

from harness.case import DaemonCase
from harness.poll import until

ROOT = '/sys/fs/cgroup'


def controllers():
    try:
        with open(f'{ROOT}/cgroup.controllers', encoding='utf-8') as file:
            return set(file.read().split())
    except OSError:
        return set()


class GroupCase(DaemonCase):
    @classmethod
    def setUpClass(cls):
        missing = {'memory', 'cpu', 'cpuset', 'io', 'pids'} - controllers()
        if missing:
            raise AssertionError(f'this suite needs cgroup v2 at {ROOT} with the controllers {", ".join(sorted(missing))}')
        super().setUpClass()

    def pid(self, container):
        return self.api.inspect(container)['State']['Pid']

    def group_of(self, pid):
        with open(f'/proc/{pid}/cgroup', encoding='utf-8') as file:
            return ROOT + file.read().strip().split('::', 1)[1]

    def group(self, container):
        return self.group_of(self.pid(container))

    def read(self, container, name):
        with open(os.path.join(self.group(container), name), encoding='utf-8') as file:
            return file.read().strip()

    def counter(self, container, file, name):
        """The value behind `name` in a file of such lines."""
        return int(dict(line.split() for line in self.read(container, file).splitlines())[name])

    def ended(self, container):
        """(exit code, whether the kernel killed for want of memory), once it has ended."""
        until(lambda: not self.api.inspect(container)['State']['Running'], 'the container ends', 20)
        state = self.api.inspect(container)['State']
        return state['ExitCode'], state['OOMKilled']
