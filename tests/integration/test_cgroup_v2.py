"""Limits on a kernel with cgroup v2: each is checked by its effect."""
import os
import time
import unittest

from harness import places
from harness.case import IMAGE, DaemonCase


def controllers():
    try:
        with open('/sys/fs/cgroup/cgroup.controllers', encoding='utf-8') as file:
            return set(file.read().split())
    except OSError:
        return set()


@unittest.skipUnless({'memory', 'cpu', 'pids'} <= controllers(), 'cgroup v2 with its controllers is not mounted here')
class CgroupV2Test(DaemonCase):
    def group(self, container):
        pid = self.api.inspect(container)['State']['Pid']
        with open(f'/proc/{pid}/cgroup', encoding='utf-8') as file:
            return '/sys/fs/cgroup' + file.read().strip().split('::', 1)[1]

    def read(self, container, name):
        with open(os.path.join(self.group(container), name), encoding='utf-8') as file:
            return file.read().strip()

    def test_info_says_so(self):
        self.assertEqual(self.davit.ok('info', '-f', '{{.CgroupVersion}}'), '2')
        self.assertIn('name=cgroupns', self.davit.ok('info', '-f', '{{.SecurityOptions}}'))

    def test_memory(self):
        container = self.davit.ok('run', '-d', '-m', '32m', '--memory-swap', '32m', IMAGE, 'sh', '-c',
                                  'head -c 100000000 /dev/zero | tail -c 100000000 > /dev/null; exit 137')
        self.assertEqual(self.davit.ok('wait', container), '137')
        self.assertTrue(self.api.inspect(container)['State']['OOMKilled'])
        container = self.davit.ok('run', '-d', '-m', '32m', '--memory-swap', '64m', '--memory-reservation', '16m', IMAGE, 'sleep', '1000')
        self.assertEqual([self.read(container, f'memory.{name}') for name in ('max', 'swap.max', 'low')],
                         [str(32 << 20), str(32 << 20), str(16 << 20)])

    def test_cpu(self):
        """A loop that may use a quarter of a processor gets no more."""
        container = self.davit.ok('run', '-d', '--cpus', '0.25', IMAGE, 'sh', '-c', 'while :; do :; done')
        self.assertEqual(self.read(container, 'cpu.max'), '25000 100000')

        def used():
            return int(next(line.split()[1] for line in self.read(container, 'cpu.stat').splitlines() if line.startswith('usage_usec')))

        begin, first = time.monotonic(), used()
        time.sleep(3)
        share = (used() - first) / 1e6 / (time.monotonic() - begin)
        self.assertLess(share, 0.35)
        self.assertGreater(share, 0.1)

    def test_cpu_shares_become_a_weight(self):
        container = self.davit.ok('run', '-d', '--cpu-shares', '512', IMAGE, 'sleep', '1000')
        self.assertEqual(self.read(container, 'cpu.weight'), str(1 + ((512 - 2) * 9999) // 262142))

    def test_pids(self):
        result = self.davit.run('run', '--rm', '--pids-limit', '5', IMAGE, 'sh', '-c', 'for i in 1 2 3 4 5 6 7 8; do sleep 1 & done')
        self.assertIn(b"can't fork", result.stderr)

    def test_devices(self):
        script = 'mknod /tmp/m c 1 1; (exec 3</tmp/m) 2>&1; head -c 1 /dev/zero | od -An -tx1'
        result = self.davit.run('run', '--rm', IMAGE, 'sh', '-c', script)
        self.assertIn(b'Operation not permitted', result.stdout + result.stderr)
        self.assertIn(b'00', result.stdout)
        self.assertEqual(self.davit.run('run', '--rm', '--privileged', IMAGE, 'sh', '-c', 'mknod /tmp/m c 1 5; head -c 1 /tmp/m').returncode, 0)

    def test_the_container_sees_its_own_hierarchy(self):
        self.assertEqual(self.davit.ok('run', '--rm', IMAGE, 'cat', '/proc/self/cgroup'), '0::/')
        self.assertIn('Read-only', self.davit.run('run', '--rm', IMAGE, 'mkdir', '/sys/fs/cgroup/x').stderr.decode())
        self.assertNotEqual(self.davit.ok('run', '--rm', '--cgroupns', 'host', IMAGE, 'cat', '/proc/self/cgroup'), '0::/')

    def test_groups_go_with_their_containers(self):
        before = self.snapshot()
        for _ in range(3):
            self.davit.ok('run', '--rm', '-m', '32m', IMAGE, 'true')
        self.assert_no_leak(before, 10 * places.SLOW)


if __name__ == '__main__':
    unittest.main()
