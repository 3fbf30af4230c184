"""A container's group on cgroup v2: what it sees of it, who is in it, and that it goes; also when the daemon was killed."""
import os
import unittest

from harness.case import IMAGE
from harness.groups import ROOT, GroupCase
from harness.poll import until

# What an init system in a container does: its processes leave the container's own group, which then passes controllers on.
MOVE_DOWN = ('mkdir /sys/fs/cgroup/inner && echo 1 >/sys/fs/cgroup/inner/cgroup.procs && '
             'echo +pids >/sys/fs/cgroup/cgroup.subtree_control && exec sleep 1000')


class ViewTest(GroupCase):
    def inside(self, *options, script):
        return self.davit.run('run', '--rm', *options, IMAGE, 'sh', '-c', script)

    def test_its_own_group_is_the_root(self):
        script = 'cat /proc/self/cgroup /sys/fs/cgroup/memory.max; grep -c "" /sys/fs/cgroup/cgroup.procs; mkdir /sys/fs/cgroup/x'
        result = self.inside('-m', '32m', script=script)
        self.assertEqual(result.stdout.split()[:2], [b'0::/', str(32 << 20).encode()])
        self.assertIn(b'Read-only file system', result.stderr)

    def test_privileged_and_writable(self):
        """Docker gives a privileged container a cgroup namespace of its own on v2. The limits of its root are not its to change."""
        for options in (('--privileged',), ('--security-opt', 'writable-cgroups=true')):
            result = self.inside('-m', '32m', *options, script='cat /proc/self/cgroup; mkdir /sys/fs/cgroup/x && echo made; '
                                                               'echo max >/sys/fs/cgroup/memory.max')
            self.assertEqual(result.stdout, b'0::/\nmade\n', result.stderr)
            self.assertNotEqual(result.returncode, 0, 'the kernel guards the root of a namespace (nsdelegate)')

    def test_the_hosts(self):
        result = self.inside('--cgroupns', 'host', script='cat /proc/self/cgroup; ls -d /sys/fs/cgroup/vm-run.scope /sys/fs/cgroup/init.scope;'
                                                          'mkdir /sys/fs/cgroup/x')
        self.assertRegex(result.stdout.decode().split()[0], '^0::/.*/[0-9a-f]{64}$')
        self.assertIn(b'Read-only file system', result.stderr)

    def test_inspect_tells_the_mode(self):
        for options, mode in (((), 'private'), (('--privileged',), 'private'), (('--cgroupns', 'host'), 'host')):
            container = self.davit.ok('create', *options, IMAGE, 'true')
            self.assertEqual(self.api.inspect(container)['HostConfig']['CgroupnsMode'], mode)


class ExecTest(GroupCase):
    def exec_group(self, container):
        """The group, on the host, of a process that was exec'ed."""
        self.davit.ok('exec', '-d', container, 'sleep', '777')

        def found():
            for entry in filter(str.isdigit, os.listdir('/proc')):
                try:
                    with open(f'/proc/{entry}/cmdline', 'rb') as file:
                        if file.read() == b'sleep\x00777\x00':
                            return self.group_of(entry)
                except OSError:
                    pass
            return None

        return until(found, 'the process runs')

    def test_it_lands_in_the_group(self):
        container = self.davit.ok('run', '-d', '-m', '32m', '--memory-swap', '32m', IMAGE, 'sleep', '1000')
        self.assertEqual(self.exec_group(container), self.group(container))
        self.assertTrue(self.group(container).endswith('/' + container))
        self.assertEqual(self.davit.ok('exec', container, 'cat', '/proc/self/cgroup'), '0::/')
        self.assertEqual(self.davit.run('exec', container, 'tail', '-c', str(200 << 20), '/dev/zero').returncode, 137)

    def test_it_follows_a_container_that_moved_below(self):
        container = self.davit.ok('run', '-d', '--privileged', IMAGE, 'sh', '-c', MOVE_DOWN)
        until(lambda: self.group(container).endswith(container + '/inner'), 'the container moved')
        self.assertEqual(self.exec_group(container), self.group(container))


class LifeTest(GroupCase):
    def parent(self):
        return os.path.join(ROOT, os.path.basename(self.daemon.home))

    def groups(self):
        return [name for name in os.listdir(self.parent()) if os.path.isdir(os.path.join(self.parent(), name))]

    def test_groups_go_with_their_containers(self):
        self.davit.ok('run', '--rm', IMAGE, 'true')
        before = self.snapshot()
        for options in (('-m', '32m'), ('--privileged',), ('--pid', 'host')):
            self.davit.ok('run', '--rm', *options, IMAGE, 'true')
        container = self.davit.ok('run', '-d', '--pids-limit', '10', IMAGE, 'sleep', '1000')
        self.davit.ok('rm', '-f', container)
        self.assert_no_leak(before)
        self.assertEqual(self.groups(), [])

    def test_groups_that_the_container_made_go_too(self):
        container = self.davit.ok('run', '-d', '--privileged', IMAGE, 'sh', '-c', 'mkdir -p /sys/fs/cgroup/a/b/c /sys/fs/cgroup/.d; ' + MOVE_DOWN)
        until(lambda: self.group(container).endswith('/inner'), 'the container moved')
        self.davit.ok('rm', '-f', container)
        until(lambda: self.groups() == [], 'the groups are gone')

    def test_all_processes_end_without_a_pid_namespace(self):
        container = self.davit.ok('run', '-d', '--pid', 'host', IMAGE, 'sh', '-c', 'sleep 1000 & sleep 1000 & wait')
        group = self.group(container)

        def members():
            with open(group + '/cgroup.procs', encoding='utf-8') as file:
                return file.read().split()

        pids = until(lambda: members() if len(members()) == 3 else None, 'three processes run')
        self.davit.ok('kill', container)
        until(lambda: not any(os.path.exists(f'/proc/{pid}') for pid in pids), 'all have ended')
        self.davit.ok('rm', container)
        self.assertFalse(os.path.exists(group))

    def test_a_parent_that_passes_nothing_on(self):
        """A group that was made by hand gives its children no controllers until it is asked to."""
        top = os.path.join(ROOT, 'by-hand-' + os.path.basename(self.daemon.home))
        os.makedirs(top + '/below')
        self.addCleanup(lambda: [os.rmdir(path) for path in (top + '/below', top)])
        container = self.davit.ok('run', '-d', '-m', '32m', '--cgroup-parent', f'{os.path.basename(top)}/below', IMAGE, 'sleep', '1000')
        self.assertEqual(self.group(container), f'{top}/below/{container}')
        self.assertEqual(self.read(container, 'memory.max'), str(32 << 20))
        self.davit.ok('rm', '-f', container)

    def test_limits_outlive_the_daemon(self):
        container = self.davit.ok('run', '-d', '-m', '32m', '--memory-swap', '32m', '--pids-limit', '20', IMAGE, 'sh', '-c',
                                  'while [ ! -e /go ]; do sleep 1; done; exec tail -c 200000000 /dev/zero')
        pid, group = self.pid(container), self.group(container)
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual((self.pid(container), self.group(container)), (pid, group))
        self.assertEqual([self.read(container, name) for name in ('memory.max', 'pids.max')], [str(32 << 20), '20'])
        self.davit.ok('exec', container, 'touch', '/go')
        self.assertEqual(self.ended(container), (137, True))
        self.davit.ok('rm', container)
        self.assertFalse(os.path.exists(group))

    def test_killed_for_memory_while_no_daemon_looks(self):
        container = self.davit.ok('run', '-d', '-m', '32m', '--memory-swap', '32m', IMAGE, 'sh', '-c',
                                  'sleep 3; exec tail -c 200000000 /dev/zero')
        pid, group = self.pid(container), self.group(container)
        self.daemon.kill()
        until(lambda: not os.path.exists(f'/proc/{pid}'), 'the container ends', 20)
        self.daemon.start()
        self.assertEqual(self.ended(container), (137, True))
        self.davit.ok('rm', container)
        self.assertFalse(os.path.exists(group))

    def test_a_container_whose_shim_is_gone_too(self):
        """Nobody is left to clean up: the daemon ends what runs in the group, and in those below it."""
        container = self.davit.ok('run', '-d', '--privileged', IMAGE, 'sh', '-c', MOVE_DOWN)
        until(lambda: self.group(container).endswith('/inner'), 'the container moved')
        pid, shims = self.pid(container), self.daemon.shims()
        self.daemon.kill()
        for shim in shims:
            os.kill(shim, 9)
        self.daemon.start()
        self.ended(container)
        until(lambda: not os.path.exists(f'/proc/{pid}'), 'its process has ended')
        until(lambda: self.groups() == [], 'the groups are gone')


if __name__ == '__main__':
    unittest.main()
