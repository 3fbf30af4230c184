"""Limits on a kernel with cgroup v2: each is checked by its effect, and by the file where the effect can't be measured."""
import os
import time
import unittest

from harness.case import IMAGE
from harness.groups import GroupCase

MIB = 1 << 20
# Keeps this many bytes in memory for ever, unless it is killed.
HOLD = 'tail -c %d /dev/zero'
SPIN = ('sh', '-c', 'while :; do :; done')


class InfoTest(GroupCase):
    def test_info_says_so(self):
        for cli in (self.docker, self.davit):
            self.assertEqual(cli.ok('info', '-f', '{{.CgroupVersion}} {{.CgroupDriver}}'), '2 cgroupfs')
        self.assertIn('name=cgroupns', self.docker.ok('info', '-f', '{{.SecurityOptions}}'))
        info = self.api.call('GET', '/info')
        self.assertEqual([info[name] for name in ('MemoryLimit', 'SwapLimit', 'CpuCfsQuota', 'CPUShares', 'CPUSet', 'PidsLimit')], [True] * 6)
        self.assertFalse(info['OomKillDisable'])
        self.assertEqual([line for line in info['Warnings'] or [] if 'support' in line], [])


class MemoryTest(GroupCase):
    def test_too_much_is_killed(self):
        container = self.davit.ok('run', '-d', '-m', '32m', '--memory-swap', '32m', IMAGE, 'sh', '-c', 'exec ' + HOLD % (200 * MIB))
        self.assertEqual(self.ended(container), (137, True))
        self.assertEqual(self.docker.run('run', '--name', 'front', '-m', '32m', '--memory-swap', '32m', IMAGE, 'sh', '-c',
                                         'exec ' + HOLD % (200 * MIB)).returncode, 137)
        self.assertTrue(self.api.inspect('front')['State']['OOMKilled'])

    def test_a_killed_child_counts_but_the_code_is_the_containers(self):
        container = self.davit.ok('run', '-d', '-m', '32m', '--memory-swap', '32m', IMAGE, 'sh', '-c', HOLD % (200 * MIB) + '; exit 3')
        self.assertEqual(self.ended(container), (3, True))

    def test_enough_is_not_killed(self):
        fits = 'head -c 60000000 /dev/zero | tail -c 60000000 | wc -c'
        self.assertEqual(self.davit.ok('run', '--name', 'fits', '-m', '128m', IMAGE, 'sh', '-c', fits), '60000000')
        self.assertFalse(self.api.inspect('fits')['State']['OOMKilled'])
        container = self.davit.ok('run', '-d', '-m', '32m', IMAGE, 'sleep', '1000')
        self.davit.ok('kill', container)
        self.assertEqual(self.ended(container), (137, False))

    def test_files(self):
        def files(*options):
            container = self.davit.ok('run', '-d', *options, IMAGE, 'sleep', '1000')
            return [self.read(container, f'memory.{name}') for name in ('max', 'swap.max', 'low')]

        self.assertEqual(files(), ['max', 'max', '0'])
        self.assertEqual(files('-m', '32m'), [str(32 * MIB), str(32 * MIB), '0'])
        self.assertEqual(files('-m', '32m', '--memory-swap', '32m'), [str(32 * MIB), '0', '0'])
        self.assertEqual(files('-m', '32m', '--memory-swap', '80m', '--memory-reservation', '16m'),
                         [str(32 * MIB), str(48 * MIB), str(16 * MIB)])
        self.assertEqual(files('-m', '32m', '--memory-swap', '-1'), [str(32 * MIB), 'max', '0'])

    def test_what_v2_lacks_is_discarded_with_a_warning(self):
        result = self.davit.run('run', '--rm', '-m', '32m', '--oom-kill-disable', '--memory-swappiness', '10', IMAGE, 'echo', 'ran', check=0)
        self.assertEqual(result.stdout, b'ran\n')
        self.assertIn(b'OomKillDisable discarded', result.stderr)
        self.assertIn(b'swappiness discarded', result.stderr)


class CpuTest(GroupCase):
    def used(self, container):
        return self.counter(container, 'cpu.stat', 'usage_usec') / 1e6

    def test_a_quarter_is_no_more_than_that(self):
        container = self.davit.ok('run', '-d', '--cpus', '0.25', IMAGE, *SPIN)
        self.assertEqual(self.read(container, 'cpu.max'), '25000 100000')
        begin, first = time.monotonic(), self.used(container)
        time.sleep(4)
        share = (self.used(container) - first) / (time.monotonic() - begin)
        self.assertLess(share, 0.35)
        self.assertGreater(share, 0.1)

    def test_quota_and_period(self):
        def limit(*options):
            return self.read(self.davit.ok('run', '-d', *options, IMAGE, 'sleep', '1000'), 'cpu.max')

        self.assertEqual(limit(), 'max 100000')
        self.assertEqual(limit('--cpu-quota', '30000'), '30000 100000')
        self.assertEqual(limit('--cpu-quota', '30000', '--cpu-period', '50000'), '30000 50000')
        self.assertEqual(limit('--cpu-period', '50000'), 'max 50000')

    def test_shares_become_a_weight(self):
        for shares, weight in (('2', '1'), ('512', '20'), ('1024', '39'), ('262144', '10000')):
            container = self.davit.ok('run', '-d', '--cpu-shares', shares, IMAGE, 'sleep', '1000')
            self.assertEqual(self.read(container, 'cpu.weight'), weight, shares)
        self.assertEqual(self.read(self.davit.ok('run', '-d', IMAGE, 'sleep', '1000'), 'cpu.weight'), '100')

    def test_weights_divide_a_processor(self):
        many, few = (self.davit.ok('run', '-d', '--cpuset-cpus', '0', '--cpu-shares', shares, IMAGE, *SPIN) for shares in ('8192', '1024'))
        before = self.used(many), self.used(few)
        time.sleep(5)
        self.assertGreater((self.used(many) - before[0]) / (self.used(few) - before[1]), 3)

    def test_cpuset(self):
        last = str(os.cpu_count() - 1)
        container = self.davit.ok('run', '-d', '--cpuset-cpus', last, '--cpuset-mems', '0', IMAGE, 'sleep', '1000')
        self.assertEqual([self.read(container, f'cpuset.{name}.effective') for name in ('cpus', 'mems')], [last, '0'])
        self.assertEqual(self.davit.ok('exec', container, 'nproc'), '1')
        self.assertIn('Requested CPUs are not available', self.davit.fails('run', '--rm', '--cpuset-cpus', '999', IMAGE, 'true', status=125))


class PidsTest(GroupCase):
    def test_fork_fails(self):
        script = 'for i in 1 2 3 4 5 6 7 8; do sleep 1000 & done'
        self.assertIn(b"can't fork", self.davit.run('run', '--rm', '--pids-limit', '5', IMAGE, 'sh', '-c', script).stderr)
        container = self.davit.ok('run', '-d', '--pids-limit', '5', IMAGE, 'sleep', '1000')
        self.assertIn(b"can't fork", self.davit.run('exec', container, 'sh', '-c', script).stderr)
        self.assertGreater(self.counter(container, 'pids.events', 'max'), 0)

    def test_no_limit(self):
        for options in ((), ('--pids-limit', '-1')):
            self.assertEqual(self.read(self.davit.ok('run', '-d', *options, IMAGE, 'sleep', '1000'), 'pids.max'), 'max')


def disk():
    """The whole disk that the machine's root lies on: (path, major, minor)."""
    number = os.stat('/').st_dev
    folder = os.path.realpath(f'/sys/dev/block/{os.major(number)}:{os.minor(number)}')
    if os.path.exists(folder + '/partition'):
        folder = os.path.dirname(folder)
    path = '/dev/' + os.path.basename(folder)
    return path, os.major(os.stat(path).st_rdev), os.minor(os.stat(path).st_rdev)


class BlockTest(GroupCase):
    def test_weight(self):
        container = self.davit.ok('run', '-d', '--blkio-weight', '500', IMAGE, 'sleep', '1000')
        self.assertEqual(self.read(container, 'io.weight'), f'default {1 + (500 - 10) * 9999 // 990}')

    def test_a_slow_disk_is_slow(self):
        path, major, minor = disk()
        container = self.davit.ok('run', '-d', '--device', f'{path}:/dev/disk:r', '--device-read-bps', f'{path}:1mb', '--device-write-iops',
                                  f'{path}:70', IMAGE, 'sleep', '1000')
        self.assertEqual(self.read(container, 'io.max'), f'{major}:{minor} rbps={MIB} wbps=max riops=max wiops=70')
        begin = time.monotonic()
        self.davit.ok('exec', container, 'dd', 'if=/dev/disk', 'of=/dev/null', 'bs=64k', 'count=64', 'iflag=direct')
        self.assertGreater(time.monotonic() - begin, 3)  # 4 MiB


class DevicesTest(GroupCase):
    """The filter is a program in the kernel, for every process of the group; nodes can be made, opening them is what is refused."""

    def setUp(self):
        super().setUp()
        self.disk, self.major, self.minor = disk()

    def opens(self, mode, *options, make=True):
        """Whether a node of the disk can be opened in a new container: the shell's <, > or <>."""
        script = (f'mknod /disk b {self.major} {self.minor}; ' if make else '') + f'exec 3{mode}/disk'
        result = self.davit.run('run', '--rm', *options, IMAGE, 'sh', '-c', script)
        if result.returncode:
            self.assertIn(b'Operation not permitted', result.stderr)
        return result.returncode == 0

    def test_defaults(self):
        script = ('for n in null zero full random urandom tty; do [ $n = tty ] || head -c 1 /dev/$n >/dev/null || exit 1; done; '
                  'echo x >/dev/null; head -c 1 /dev/zero | od -An -tx1; mknod /m c 1 1 && mknod /k c 1 11 && (exec 3</m); (exec 3</k)')
        result = self.davit.run('run', '--rm', IMAGE, 'sh', '-c', script)
        self.assertEqual(result.stdout.split(), [b'00'])
        self.assertEqual(result.stderr.count(b'Operation not permitted'), 2, result.stderr)
        self.assertFalse(self.opens('<'))

    def test_rights_of_a_device(self):
        for rights, read, write in (('r', True, False), ('w', False, True), ('rw', True, True), ('rwm', True, True)):
            given = ('--device', f'{self.disk}:/disk:{rights}')
            self.assertEqual((self.opens('<', *given, make=False), self.opens('<>', *given, make=False)), (read, read and write), rights)
        self.assertTrue(self.opens('>', '--device', f'{self.disk}:/disk:w', make=False))
        self.assertFalse(self.opens('>', '--device', f'{self.disk}:/disk:r', make=False))

    def test_rules(self):
        def rule(numbers, rights):
            return '--device-cgroup-rule', f'b {numbers} {rights}'

        self.assertTrue(self.opens('<', *rule(f'{self.major}:*', 'r')))
        self.assertTrue(self.opens('<', *rule('*:*', 'r')))
        self.assertFalse(self.opens('<', *rule(f'{self.major}:{self.minor + 1}', 'rwm')))
        self.assertFalse(self.opens('<>', *rule(f'{self.major}:*', 'r')))
        self.assertTrue(self.opens('<>', *rule(f'{self.major}:*', 'r'), *rule(f'*:{self.minor}', 'w')), 'two rules together')

    def test_privileged_opens_all(self):
        self.assertTrue(self.opens('<', '--privileged'))
        self.assertTrue(self.opens('<>', '--privileged'))

    def test_exec_is_under_the_containers_filter(self):
        container = self.davit.ok('run', '-d', IMAGE, 'sleep', '1000')
        script = f'mknod /disk b {self.major} {self.minor}; exec 3</disk'
        self.assertIn('Operation not permitted', self.davit.run('exec', '--privileged', container, 'sh', '-c', script).stderr.decode())


if __name__ == '__main__':
    unittest.main()
