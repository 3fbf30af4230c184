"""Shims and network namespaces that are made ahead of their containers: used, replaced, and gone when they are no longer wanted."""
import contextlib
import glob
import os
import signal
import unittest

from harness import leaks
from harness.case import IMAGE, DaemonCase
from harness.poll import until


def waiting():
    """The shims that wait, and the processes in them."""
    return [line for line in leaks.processes() if leaks.waits(line)]


def waiting_pids():
    found = []
    for path in glob.glob('/proc/[0-9]*/cmdline'):
        try:
            with open(path, 'rb') as file:
                words = file.read().split(b'\0')
        except OSError:
            continue
        if words[0] == b'davit-shim' and words[1:] and words[1].startswith(b'---'):
            found.append(int(path.split('/')[2]))
    return found


def parent_of(pid):
    try:
        with open(f'/proc/{pid}/stat', encoding='utf-8') as file:
            return int(file.read().rsplit(')', 1)[1].split()[1])
    except OSError:
        return 0


class PreparedTest(DaemonCase):
    config = {'prepared-starts': 2}

    def until_ready(self, kinds=(1, 2)):
        """Two shims wait for each kind of the last starts. There is a process in each, unless its kind has no use for one."""
        def shims():
            return sum(1 for pid in waiting_pids() if parent_of(pid) == self.daemon.pid)

        until(lambda: shims() in [2 * number for number in kinds], 'shims wait')

    def parent(self, container):
        return parent_of(self.api.inspect(container)['State']['Pid'])

    def test_a_start_takes_what_waits_and_it_is_replaced(self):
        for _ in range(3):  # those that wait are of the last start's kind then
            self.until_ready()
            self.davit.ok('run', '--rm', IMAGE, 'true')
        self.until_ready()
        before = waiting_pids()
        container = self.api.create(IMAGE, ['sleep', '1000'])
        self.api.start(container)
        pid = self.api.inspect(container)['State']['Pid']
        self.assertIn(pid, before)
        self.assertIn(self.parent(container), before)
        with open(f'/proc/{self.parent(container)}/cmdline', 'rb') as file:
            self.assertIn(container.encode(), file.read())
        self.until_ready()

    def test_containers_that_share_namespaces_of_the_host_start_as_well(self):
        for options in (['--network', 'host'], ['--network', 'none'], ['--pid', 'host'], ['--ipc', 'host', '--uts', 'host'],
                        ['--pid', 'host', '--ipc', 'host', '--uts', 'host', '--network', 'host'], ['--network', 'none']):
            self.until_ready()
            with self.subTest(options=options):
                self.assertEqual(self.davit.ok('run', '--rm', *options, IMAGE, 'echo', 'ran'), 'ran')
        self.until_ready(kinds=[2])

    def test_kinds_that_take_turns_both_find_one(self):
        for network in ('none', 'bridge', 'none', 'bridge'):
            self.davit.ok('run', '--rm', '--network', network, IMAGE, 'true')
        self.until_ready(kinds=[2])
        for network in ('none', 'bridge'):
            before = waiting_pids()
            container = self.api.create(IMAGE, ['sleep', '1000'], host_config={'NetworkMode': network})
            self.api.start(container)
            self.assertIn(self.api.inspect(container)['State']['Pid'], before)
            self.until_ready(kinds=[2])

    def test_what_somebody_has_killed_is_done_without(self):
        self.until_ready()
        for pid in waiting_pids():
            with contextlib.suppress(ProcessLookupError):  # a process ends with its shim
                os.kill(pid, signal.SIGKILL)
        self.assertEqual(self.davit.ok('run', '--rm', IMAGE, 'echo', 'ran'), 'ran')
        self.assertEqual(self.davit.ok('run', '--rm', IMAGE, 'echo', 'again'), 'again')
        self.until_ready()

    def test_a_process_that_was_killed_in_its_shim_is_done_without(self):
        self.until_ready()
        for pid in waiting_pids():
            with open(f'/proc/{pid}/status', encoding='utf-8') as file:
                inner = next(line.split() for line in file if line.startswith('NSpid:'))
            if len(inner) > 2:
                os.kill(pid, signal.SIGKILL)
        for _ in range(2):
            self.assertEqual(self.davit.ok('run', '--rm', IMAGE, 'echo', 'ran'), 'ran')

    def test_what_is_mounted_after_they_were_made_is_seen(self):
        self.until_ready()
        folder = self.path('later')
        os.mkdir(folder)
        self.addCleanup(os.system, f'umount -l {folder}')
        self.assertEqual(os.system(f'mount -t tmpfs tmpfs {folder} && echo here > {folder}/file'), 0)
        self.assertEqual(self.davit.ok('run', '--rm', '-v', f'{folder}:/x', IMAGE, 'cat', '/x/file'), 'here')

    def test_they_keep_no_file_system_of_the_host_busy(self):
        folder = self.path('mounted')
        os.mkdir(folder)
        self.assertEqual(os.system(f'mount -t tmpfs tmpfs {folder}'), 0)
        self.davit.ok('run', '--rm', IMAGE, 'true')
        self.until_ready()
        for pid in waiting_pids():
            self.assertEqual(os.readlink(f'/proc/{pid}/ns/mnt'), os.readlink(f'/proc/{self.daemon.pid}/ns/mnt'))
        self.assertEqual(os.system(f'umount {folder}'), 0)

    def test_they_end_with_the_daemon_and_with_a_killed_one(self):
        self.until_ready()
        self.daemon.kill()
        until(lambda: not waiting(), 'nothing waits any more')
        self.daemon.start()
        self.until_ready()
        self.daemon.stop()
        until(lambda: not waiting(), 'nothing waits any more')
        self.daemon.start()


class WithoutTest(DaemonCase):
    config = {'prepared-starts': 0}

    def test_none_are_made(self):
        self.davit.ok('run', '--rm', IMAGE, 'true')  # makes what stays: control groups, the filter's cache
        before = self.snapshot()
        self.assertEqual(self.davit.ok('run', '--rm', IMAGE, 'echo', 'ran'), 'ran')
        self.assertEqual(waiting(), [])
        self.assert_no_leak(before)


if __name__ == '__main__':
    unittest.main()
