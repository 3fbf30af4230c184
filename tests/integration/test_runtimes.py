"""The same cases with every OCI runtime: the built-in one, runc, crun, and davit-runtime driven from outside as those are."""
import contextlib
import os
import shutil
import signal
import subprocess
import time
import unittest

from harness import leaks, places
from harness.case import IMAGE, DaemonCase
from harness.poll import until

UNIFIED = '/sys/fs/cgroup/unified'


def setUpModule():
    # crun refuses a hybrid host. In this suite's own mount namespace the host is a plain v1 one.
    if os.path.ismount(UNIFIED):
        subprocess.run(['mount', '-t', 'tmpfs', 'none', UNIFIED], check=True)


def program(name):
    found = shutil.which(name, path='/usr/sbin:/usr/bin:/sbin:/bin')
    if not found:
        raise RuntimeError(f'{name} is not installed: it is one of the test packages of bootstrap')
    return found


class Runtime:
    """`name` is the runtime's; every container of a class is run by it."""
    name = None

    @classmethod
    def setUpClass(cls):
        cls.config = {'runtimes': {
            'runc': {'path': program('runc')}, 'crun': {'path': 'crun'},
            'other': {'path': places.program('davit-runtime')},
            'debug': {'path': 'runc', 'runtimeArgs': ['--debug']}}}
        super().setUpClass()
        cls.cli = cls.docker

    def run_(self, *arguments, **keywords):
        return self.cli.run('run', '--runtime', self.name, *arguments, **keywords)

    def inside(self, *arguments):
        return self.run_('--rm', *arguments, check=0).stdout.decode().rstrip('\n')

    def fails(self, *arguments, status):
        return self.run_('--rm', *arguments, check=status).stderr.decode()

    def running(self, *options, command=('sleep', '1000')):
        self.run_('-d', '--name', 'c1', *options, IMAGE, *command, check=0)
        return self.api.inspect('c1')['State']['Pid']

    def run_dir(self):
        return os.path.join(self.daemon.exec_root, 'containers', self.api.inspect('c1')['Id'])

    # run

    def test_output_and_exit_code(self):
        result = self.run_('--rm', IMAGE, 'sh', '-c', 'echo out; echo err >&2; exit 42', check=42)
        self.assertEqual((result.stdout, result.stderr), (b'out\n', b'err\n'))
        self.run_('--rm', IMAGE, 'sh', '-c', 'kill -9 $$', check=0)  # pid 1 is immune to itself
        self.run_('--rm', '--init', IMAGE, 'sh', '-c', 'kill -9 $$', check=137)

    def test_it_is_that_runtime(self):
        self.running()
        self.assertEqual(self.api.inspect('c1')['HostConfig']['Runtime'], self.name)
        info = self.api.call('GET', '/info')
        self.assertIn(self.name, info['Runtimes'])
        self.assertEqual(info['Runtimes']['debug'], {'path': 'runc', 'runtimeArgs': ['--debug']})
        state = os.path.join(self.run_dir(), 'state', self.api.inspect('c1')['Id'])
        self.assertEqual(os.path.isdir(state), self.name != 'davit')

    def test_much_input_and_output(self):
        data = os.urandom(1 << 20)
        result = self.run_('--rm', '-i', IMAGE, 'cat', input=data, check=0)
        self.assertEqual(result.stdout, data)

    def test_a_terminal(self):
        with self.cli.terminal('run', '--runtime', self.name, '--rm', '-it', IMAGE, 'sh', rows=33, columns=111) as terminal:
            # An older CLI of Docker's tells the size after the start.
            terminal.send('until [ "$(stty size 2>&1)" = "33 111" ]; do usleep 10000; done; tty; echo sum$((40+2))\n')
            self.assertIn('/dev/pts/0', terminal.expect('sum42\r\n'))
            terminal.send('until [ "$(stty size)" = "20 90" ]; do usleep 10000; done; echo re""sized\n')

            def resized():
                terminal.resize(20, 90)  # docker's CLI listens for the signal a little after its first output
                return terminal.shows('resized\r\n')
            until(resized, 'the new size has arrived')
            terminal.send('exit 7\n')
            self.assertEqual(terminal.wait(), 7)

    def test_logs_with_a_terminal_and_without(self):
        self.run_('--name', 'c1', IMAGE, 'sh', '-c', 'echo one; echo two >&2', check=0)
        result = self.cli.run('logs', 'c1', check=0)
        self.assertEqual((result.stdout, result.stderr), (b'one\n', b'two\n'))
        self.run_('-t', '--name', 'c2', IMAGE, 'echo', 'three', check=0)
        self.assertEqual(self.cli.run('logs', 'c2', check=0).stdout, b'three\r\n')

    def test_users_are_looked_up_in_the_image(self):
        self.assertEqual(self.inside('-u', 'user', IMAGE, 'sh', '-c', 'id -u; id -G; echo $HOME'), '1000\n1000 2000\n/home')
        self.assertEqual(self.inside('-u', '77:88', '--group-add', 'extra', IMAGE, 'sh', '-c', 'id -u; id -G'), '77\n88 2000')
        self.assertEqual(self.inside(IMAGE, 'sh', '-c', 'id -u; echo $HOME'), '0\n/root')
        self.assertIn('unable to find user nobody-here', self.fails('-u', 'nobody-here', IMAGE, 'true', status=125))

    def test_limits(self):
        script = 'cd /sys/fs/cgroup; if [ -e memory.max ]; then cat memory.max; else cat memory/memory.limit_in_bytes; fi'
        self.assertEqual(self.inside('-m', '64m', IMAGE, 'sh', '-c', script), str(64 << 20))
        self.assertEqual(self.inside('--ulimit', 'nofile=100:200', IMAGE, 'sh', '-c', 'ulimit -n; ulimit -Hn'), '100\n200')
        self.run_('--name', 'c1', '-m', '16m', IMAGE, 'sh', '-c', 'head -c 200000000 /dev/zero | tail', timeout=60)
        self.assertTrue(self.api.inspect('c1')['State']['OOMKilled'])

    def test_the_default_posture(self):
        status = self.inside(IMAGE, 'grep', '-E', '^(CapBnd|CapEff|CapInh|CapAmb|NoNewPrivs|Seccomp):', '/proc/self/status')
        fields = dict(line.split(':\t') for line in status.splitlines())
        self.assertEqual(fields, {'CapInh': '0' * 16, 'CapEff': '00000000a80425fb', 'CapBnd': '00000000a80425fb',
                                  'CapAmb': '0' * 16, 'NoNewPrivs': '0', 'Seccomp': '2'})
        self.assertNotEqual(self.run_('--rm', IMAGE, 'unshare', '-U', 'true').returncode, 0)
        self.assertIn('Read-only', self.fails('--read-only', IMAGE, 'touch', '/x', status=1))

    def test_mounts_and_namespaces_of_others(self):
        os.makedirs(self.path('shared'), exist_ok=True)
        self.inside('-v', self.path('shared') + ':/data', '--tmpfs', '/scratch', IMAGE, 'sh', '-c', 'echo x >/scratch/a; cp /scratch/a /data')
        with open(self.path('shared/a'), encoding='utf-8') as file:
            self.assertEqual(file.read(), 'x\n')
        self.running('--ipc', 'shareable', command=('sh', '-c', 'echo from c1 >/dev/shm/file; sleep 1000'))
        seen = self.inside('--ipc', 'container:c1', '--pid', 'container:c1', '--network', 'container:c1', IMAGE, 'sh', '-c',
                           'until [ -s /dev/shm/file ]; do usleep 1000; done; cat /dev/shm/file; readlink /proc/1/ns/net; readlink /proc/self/ns/net')
        first, one, own = seen.splitlines()
        self.assertEqual((first, one), ('from c1', own))

    def test_a_host_name_and_an_environment(self):
        self.assertEqual(self.inside('-h', 'somewhere', '-e', 'A=b c', '-w', '/tmp', IMAGE, 'sh', '-c', 'hostname; echo $A; pwd'),
                         'somewhere\nb c\n/tmp')

    # errors

    def test_a_missing_command_is_127_and_one_that_cannot_run_126(self):
        error = self.fails(IMAGE, 'no-such-command', status=127)
        self.assertIn('failed to create task for container', error)
        self.assertIn('OCI runtime create failed: ', error)
        self.assertIn('executable file', error)
        self.fails(IMAGE, '/no/such/file', status=127)
        error = self.fails(IMAGE, '/etc/passwd', status=126)
        self.assertIn('ermission denied', error)
        self.assertEqual(self.api.containers(), [])

    def test_a_failed_start_leaves_nothing(self):
        self.inside(IMAGE, 'true')  # makes what stays for good
        before = self.snapshot()
        self.fails(IMAGE, 'no-such-command', status=127)
        self.run_('--rm', IMAGE, 'true', check=0)
        self.run_('--rm', '-t', IMAGE, 'true', check=0)
        self.assert_no_leak(before)

    # exec

    def test_exec(self):
        self.running('-u', 'user')
        result = self.cli.run('exec', 'c1', 'sh', '-c', 'id -u; echo err >&2; exit 9', check=9)
        self.assertEqual((result.stdout, result.stderr), (b'1000\n', b'err\n'))
        self.assertEqual(self.cli.run('exec', '-i', '-u', '0', 'c1', 'sh', '-c', 'id -u; cat', input=b'in', check=0).stdout, b'0\nin')
        self.assertEqual(self.cli.ok('exec', '-u', 'user', '-w', '/tmp', '-e', 'A=1', 'c1', 'sh', '-c', 'pwd; echo $A'), '/tmp\n1')
        self.assertEqual(self.cli.ok('exec', 'c1', 'readlink', '/proc/self/ns/pid'), self.cli.ok('exec', 'c1', 'readlink', '/proc/1/ns/pid'))
        for _ in range(10):  # some end before the runtime has told their pid
            self.cli.run('exec', 'c1', 'sh', '-c', 'exit 3', check=3)

    def test_exec_with_a_terminal(self):
        self.running()
        with self.cli.terminal('exec', '-it', 'c1', 'sh', rows=30, columns=100) as terminal:
            terminal.send('until [ "$(stty size)" = "30 100" ]; do usleep 10000; done; echo si""zed\n')
            terminal.expect('sized\r\n')
            terminal.send('exit 5\n')
            self.assertEqual(terminal.wait(), 5)

    def test_execs_at_the_same_time_and_detached(self):
        self.running()
        clients = [self.cli.spawn('exec', 'c1', 'sh', '-c', f'sleep 0.2; echo {n}; exit {n}') for n in range(8)]
        for n, client in enumerate(clients):
            self.assertEqual(client.communicate(timeout=30)[0], b'%d\n' % n)
            self.assertEqual(client.returncode, n)
        self.cli.ok('exec', '-d', 'c1', 'touch', '/tmp/there')
        until(lambda: self.cli.run('exec', 'c1', 'ls', '/tmp/there').returncode == 0, 'the detached process works')

    def test_exec_errors(self):
        self.running()
        self.assertIn('OCI runtime exec failed: ', self.cli.run('exec', 'c1', 'no-such-command', check=127).stderr.decode()
                      + self.cli.run('exec', 'c1', 'no-such-command', check=127).stdout.decode())
        self.cli.run('exec', 'c1', '/etc/passwd', check=126)
        result = self.cli.run('exec', '-u', 'nobody-here', 'c1', 'true')
        self.assertNotEqual(result.returncode, 0)
        self.assertIn(b'unable to find user nobody-here', result.stdout + result.stderr)
        self.assertEqual(self.cli.ok('exec', 'c1', 'echo', 'fine'), 'fine')
        left = [name for name in os.listdir(self.run_dir()) if name.startswith(('exec-', 'console'))]
        self.assertEqual(left, [])

    # life

    def test_kill_and_stop(self):
        self.running(command=('sh', '-c', 'trap "exit 21" TERM; echo ready; while :; do usleep 10000; done'))
        until(lambda: 'ready' in self.cli.ok('logs', 'c1'), 'the trap is set')
        self.cli.ok('stop', '-t', '20', 'c1')
        self.assertEqual(self.api.inspect('c1')['State']['ExitCode'], 21)
        self.cli.ok('start', 'c1')
        self.cli.ok('kill', 'c1')
        self.assertEqual(self.cli.ok('wait', 'c1'), '137')
        self.cli.ok('start', 'c1')
        self.cli.ok('stop', '-t', '0', 'c1')
        self.cli.ok('start', 'c1')
        self.assertTrue(self.api.inspect('c1')['State']['Running'])

    def test_it_runs_on_without_the_daemon(self):
        pid = self.running('-i', command=('sh', '-c', 'read line; echo got $line; exit 6'))
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual(self.api.inspect('c1')['State']['Pid'], pid)
        self.assertEqual(self.cli.ok('exec', 'c1', 'echo', 'there'), 'there')
        self.cli.run('exec', 'c1', 'no-such-command', check=127)
        client = self.cli.spawn('attach', 'c1')
        self.assertEqual(client.communicate(b'through\n', timeout=20)[0], b'got through\n')
        self.assertEqual(client.returncode, 6)
        self.assertEqual(self.cli.ok('logs', 'c1'), 'got through')

    def test_an_exit_without_the_daemon(self):
        pid = self.running(command=('sh', '-c', 'usleep 300000; echo last; exit 4'))
        self.daemon.kill()
        until(lambda: not os.path.exists(f'/proc/{pid}'), 'the container ends')
        self.daemon.start()
        self.assertEqual(self.api.inspect('c1')['State']['ExitCode'], 4)
        self.assertEqual(self.cli.ok('logs', 'c1'), 'last')

    def test_a_killed_monitor_leaves_nothing(self):
        self.inside(IMAGE, 'true')
        before = self.snapshot()
        pid = self.running()
        os.kill(self.daemon.shims()[0], signal.SIGKILL)
        until(lambda: self.api.inspect('c1')['State']['Status'] == 'exited', 'the daemon notices')
        until(lambda: not os.path.exists(f'/proc/{pid}'), 'no container runs without its monitor')
        self.cli.ok('start', 'c1')
        self.cli.ok('exec', 'c1', 'true')
        self.cli.ok('rm', '-f', 'c1')
        self.assert_no_leak(before)

    def test_the_daemon_killed_while_it_starts(self):
        self.inside(IMAGE, 'true')
        before = self.snapshot()
        for delay in (0.005, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.1):
            self.cli.ok('create', '--runtime', self.name, '--name', 'c1', IMAGE, 'sleep', '1000')
            client = self.cli.spawn('start', 'c1')
            time.sleep(delay)
            self.daemon.kill()
            self.daemon.start()  # at once: the runtime may be at work still
            client.communicate(timeout=20)
            state = self.api.inspect('c1')['State']
            monitors = 1 if state['Running'] else 0
            until(lambda: len(self.monitors()) == monitors, f'no container runs unseen: {state}')
            if state['Running']:
                self.cli.ok('exec', 'c1', 'true')
            self.cli.ok('rm', '-f', 'c1')
        self.assert_no_leak(before)

    def test_monitor_and_daemon_killed_while_it_starts(self):
        self.inside(IMAGE, 'true')
        before = self.snapshot()
        for delay in (0.01, 0.03, 0.05, 0.08, 0.12):
            self.cli.ok('create', '--runtime', self.name, '--name', 'c1', IMAGE, 'sleep', '1000')
            client = self.cli.spawn('start', 'c1')
            time.sleep(delay)
            self.daemon.kill()
            for pid in self.monitors():
                with contextlib.suppress(ProcessLookupError):  # one that found no daemon any more
                    os.kill(pid, signal.SIGKILL)
            client.communicate(timeout=20)
            self.daemon.start()
            self.cli.ok('rm', '-f', 'c1')
        self.assert_no_leak(before)

    def monitors(self):
        """Those of this daemon, which doesn't answer now; without those that wait for a container."""
        found = []
        for entry in filter(str.isdigit, os.listdir('/proc')):
            try:
                with open(f'/proc/{entry}/comm', encoding='utf-8') as file:
                    monitor = file.read().strip() == 'davit-shim'
                with open(f'/proc/{entry}/cmdline', encoding='utf-8') as file:
                    if monitor and not leaks.waits(file.read().replace('\0', ' ')):
                        found.append(int(entry))
            except OSError:
                continue
        return found


class BuiltinTest(Runtime, DaemonCase):
    name = 'davit'


class RuncTest(Runtime, DaemonCase):
    name = 'runc'

    def test_options_of_the_runtime(self):
        self.assertEqual(self.cli.ok('run', '--rm', '--runtime', 'debug', IMAGE, 'echo', 'there'), 'there')

    def test_a_daemon_that_comes_back_waits_for_a_slow_runtime(self):
        self.inside(IMAGE, 'true')
        before = self.snapshot()
        with open(self.path('slow'), 'w', encoding='utf-8') as file:
            file.write(f'#!/bin/sh\ncase " $* " in *" create "*) touch {self.path("begun")}; sleep 1.5;; esac\nexec runc "$@"\n')
        os.chmod(self.path('slow'), 0o755)
        self.daemon.write_config({**self.config, 'runtimes': {**self.config['runtimes'], 'slow': {'path': self.path('slow')}}})
        self.daemon.restart()
        self.cli.ok('create', '--runtime', 'slow', '--name', 'c1', IMAGE, 'sleep', '1000')
        client = self.cli.spawn('start', 'c1')
        until(lambda: os.path.exists(self.path('begun')), 'the runtime is at work')
        self.daemon.kill()
        client.communicate(timeout=20)
        self.daemon.start()
        self.assertTrue(self.api.inspect('c1')['State']['Running'])
        self.assertEqual(self.cli.ok('exec', 'c1', 'echo', 'there'), 'there')
        self.cli.ok('rm', '-f', 'c1')
        for name in ('slow', 'begun'):
            os.remove(self.path(name))
        self.assert_no_leak(before)


class CrunTest(Runtime, DaemonCase):
    name = 'crun'

    def forget_plain_files(self):
        """Where the hidden hierarchy was crun makes folders and files of no meaning, which it can't remove as control groups."""
        for entry in os.scandir(UNIFIED) if os.path.ismount(UNIFIED) else ():
            shutil.rmtree(entry.path)

    def snapshot(self):
        self.forget_plain_files()
        return super().snapshot()

    def assert_no_leak(self, before, seconds=10):
        self.forget_plain_files()
        super().assert_no_leak(before, seconds)


class DavitRuntimeTest(Runtime, DaemonCase):
    name = 'other'


if __name__ == '__main__':
    unittest.main()
