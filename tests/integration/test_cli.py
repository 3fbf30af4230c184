"""The life of containers through the command line: the same cases with the unmodified docker CLI and with davit."""
import hashlib
import json
import os
import re
import signal
import time
import unittest

from harness import places
from harness.case import IMAGE, DaemonCase
from harness.poll import until


class Containers:
    """Run, exec, attach, logs, stop: everything about containers. `self.cli` is the client under test."""

    def running(self, *options, name='c1', command=('sleep', '1000')):
        """A container in the background, removed by tearDown."""
        self.cli.ok('run', '-d', '--name', name, *options, IMAGE, *command)
        return name

    def state(self, container):
        return self.api.inspect(container)['State']

    # run

    def test_run_prints_the_containers_output(self):
        result = self.cli.run('run', '--rm', IMAGE, 'sh', '-c', 'echo out; echo err >&2', check=0)
        self.assertEqual((result.stdout, result.stderr), (b'out\n', b'err\n'))

    def test_run_exit_codes(self):
        for code in (0, 1, 42, 125, 126, 127, 128, 255):
            self.cli.run('run', '--rm', IMAGE, 'sh', '-c', f'exit {code}', check=code)

    def test_a_signal_gives_128_and_its_number(self):
        self.cli.run('run', '--rm', IMAGE, 'sh', '-c', 'sh -c "kill -TERM \\$\\$"; exit $?', check=143)
        self.running()
        self.cli.ok('kill', 'c1')
        self.assertEqual(self.cli.ok('wait', 'c1'), '137')

    def test_a_missing_command_is_127_and_a_directory_126(self):
        self.assertIn('executable file not found', self.cli.fails('run', '--rm', IMAGE, 'no-such-command', status=127))
        self.assertIn('no such file or directory', self.cli.fails('run', '--rm', IMAGE, '/no/such/file', status=127))
        self.assertIn('is a directory', self.cli.fails('run', '--rm', IMAGE, '/tmp', status=126))
        self.assertEqual(self.api.containers(), [])

    def test_an_error_of_the_engine_is_125(self):
        self.cli.fails('run', '--rm', '--no-such-flag', IMAGE, status=125)
        self.running()
        error = self.cli.fails('run', '--name', 'c1', IMAGE, status=125)
        self.assertIn('Conflict. The container name "/c1" is already in use by container', error)

    def test_a_pipe_reaches_the_container(self):
        data = os.urandom(1 << 20) * 8
        result = self.cli.run('run', '--rm', '-i', IMAGE, 'sha256sum', input=data, check=0)
        self.assertEqual(result.stdout.split()[0].decode(), hashlib.sha256(data).hexdigest())

    def test_much_output_comes_whole(self):
        result = self.cli.run('run', '--rm', IMAGE, 'sh', '-c', 'seq 200000', check=0)
        self.assertEqual(result.stdout, b''.join(b'%d\n' % n for n in range(1, 200001)))

    def test_detached_run_prints_the_id(self):
        container = self.cli.ok('run', '-d', '--name', 'c1', IMAGE, 'sleep', '1000')
        self.assertRegex(container, '^[0-9a-f]{64}$')
        self.assertEqual(self.api.inspect('c1')['Id'], container)
        self.assertTrue(self.state(container)['Running'])

    def test_rm_removes_the_container_at_its_end(self):
        self.cli.ok('run', '-d', '--rm', '--name', 'c1', IMAGE, 'sleep', '1000')
        self.cli.ok('stop', '-t', '0', 'c1')
        until(lambda: not self.api.containers(), 'the container is removed')

    def test_the_default_environment(self):
        lines = self.cli.ok('run', '--rm', '--hostname', 'h1', '-e', 'A=b c', IMAGE, 'env').splitlines()
        self.assertEqual(sorted(lines), ['A=b c', 'HOME=/root', 'HOSTNAME=h1',
                                         'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'])

    def test_entrypoint_and_workdir(self):
        self.assertEqual(self.cli.ok('run', '--rm', '-w', '/tmp/new', '--entrypoint', '/bin/pwd', IMAGE), '/tmp/new')

    # ps

    def test_ps_shows_what_runs(self):
        container = self.cli.ok('run', '-d', '--name', 'c1', '--label', 'k=v', IMAGE, 'sleep', '1000')
        self.cli.run('run', '--name', 'c2', IMAGE, 'false', check=1)
        table = self.cli.ok('ps').splitlines()
        self.assertRegex(table[0], r'^CONTAINER ID\s+IMAGE\s+COMMAND\s+CREATED\s+STATUS\s+PORTS\s+NAMES$')
        self.assertEqual(len(table), 2)
        self.assertRegex(table[1], rf'^{container[:12]}\s+{IMAGE}\s+"sleep 1000"\s+.* ago\s+Up .*\s+c1$')
        self.assertEqual(self.cli.ok('ps', '-q', '--no-trunc'), container)
        self.assertEqual(self.cli.ok('ps', '-a', '--format', '{{.Names}}').split(), ['c2', 'c1'])
        self.assertEqual(self.cli.ok('ps', '-a', '--filter', 'exited=1', '--format', '{{.Names}} {{.Status}}').split()[:3],
                         ['c2', 'Exited', '(1)'])
        self.assertEqual(self.cli.ok('ps', '-q', '-f', 'label=k=v'), container[:12])
        self.assertEqual(self.cli.ok('ps', '-q', '-f', 'label=k=w'), '')

    # logs

    def test_logs_are_split_by_stream(self):
        self.cli.run('run', '--name', 'c1', IMAGE, 'sh', '-c', 'for i in 1 2 3; do echo o$i; echo e$i >&2; done', check=0)
        result = self.cli.run('logs', 'c1', check=0)
        self.assertEqual((result.stdout, result.stderr), (b'o1\no2\no3\n', b'e1\ne2\ne3\n'))
        tail = self.cli.run('logs', '--tail', '2', 'c1', check=0)
        self.assertEqual(len(tail.stdout.splitlines() + tail.stderr.splitlines()), 2)
        self.assertRegex(self.cli.ok('logs', '-t', 'c1').splitlines()[0], r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z o1$')
        self.assertEqual(self.cli.ok('logs', '--since', '2100-01-01', 'c1'), '')

    def test_logs_follow_until_the_end(self):
        self.running(command=('sh', '-c', 'echo first; while [ ! -e /go ]; do usleep 20000; done; echo last'))
        follower = self.cli.spawn('logs', '-f', 'c1')
        self.assertEqual(follower.stdout.readline(), b'first\n')
        self.cli.ok('exec', 'c1', 'touch', '/go')
        rest, _ = follower.communicate(timeout=20)
        self.assertEqual((rest, follower.returncode), (b'last\n', 0))

    # exec

    def test_exec(self):
        self.running('-e', 'A=b')
        self.assertEqual(self.cli.ok('exec', 'c1', 'sh', '-c', 'echo $A'), 'b')
        self.cli.run('exec', 'c1', 'sh', '-c', 'exit 7', check=7)
        self.assertEqual(self.cli.ok('exec', '-e', 'B=c', '-w', '/tmp', '-u', '1000:2000', 'c1', 'sh', '-c', 'echo $B $(pwd) $(id -u):$(id -g)'),
                         'c /tmp 1000:2000')
        self.assertEqual(self.cli.ok('exec', '-i', 'c1', 'cat', input=b'through\n'), 'through')
        self.cli.ok('exec', '-d', 'c1', 'touch', '/made')
        until(lambda: self.cli.run('exec', 'c1', 'test', '-e', '/made').returncode == 0, 'a detached exec ran')

    def test_exec_failures(self):
        self.running()
        result = self.cli.run('exec', 'c1', 'no-such-command', check=127)
        self.assertIn(b'no-such-command', result.stdout + result.stderr)
        self.cli.fails('exec', 'c1', '/tmp', status=126)
        self.assertIn('No such container: nobody', self.cli.fails('exec', 'nobody', 'true'))
        self.cli.ok('stop', '-t', '0', 'c1')
        self.assertIn('is not running', self.cli.fails('exec', 'c1', 'true'))

    def test_exec_on_a_terminal(self):
        self.running()
        with self.cli.terminal('exec', '-it', 'c1', 'sh', rows=31, columns=97) as terminal:
            terminal.expect('#')
            terminal.send('tty; stty size; exit 5\n')
            terminal.expect('/dev/pts/')
            terminal.expect('31 97')
            self.assertEqual(terminal.wait(), 5)

    # terminals, attach, detach

    def test_run_on_a_terminal(self):
        with self.cli.terminal('run', '--rm', '-it', IMAGE, 'sh', rows=30, columns=90) as terminal:
            terminal.expect('#')
            terminal.send('echo $TERM; tty\n')
            terminal.expect('xterm')
            terminal.expect('/dev/')
            terminal.resize(40, 120)
            deadline = time.monotonic() + 10
            while True:  # the window change is news that travels on its own
                terminal.send('stty size\n')
                try:
                    terminal.expect('40 120', 1)
                    break
                except AssertionError:
                    self.assertLess(time.monotonic(), deadline)
            terminal.send('exit 3\n')
            self.assertEqual(terminal.wait(), 3)

    def test_detach_and_attach_again(self):
        with self.cli.terminal('run', '-it', '--name', 'c1', IMAGE, 'sh') as terminal:
            terminal.expect('#')
            terminal.send('\x10\x11')  # ctrl-p ctrl-q
            terminal.wait()
        self.assertTrue(self.state('c1')['Running'])
        with self.cli.terminal('attach', 'c1') as terminal:
            terminal.send('\necho again\n')
            terminal.expect('again')
            terminal.expect('again')
            terminal.send('exit 4\n')
            self.assertEqual(terminal.wait(), 4)
        self.assertEqual(self.state('c1')['ExitCode'], 4)

    def test_other_detach_keys(self):
        self.running('-it', command=('sh',))
        with self.cli.terminal('attach', '--detach-keys', 'ctrl-x,x', 'c1') as terminal:
            terminal.send('\n')
            terminal.expect('#')
            terminal.send('\x18x')
            terminal.wait()
        self.assertTrue(self.state('c1')['Running'])

    def test_attach_sees_output_and_takes_the_exit_code(self):
        self.running('-i', command=('sh', '-c', 'read line; echo got $line; exit 9'))
        result = self.cli.run('attach', 'c1', input=b'hello\n')
        self.assertEqual((result.stdout, result.returncode), (b'got hello\n', 9))

    def test_signals_go_through_the_client(self):
        client = self.cli.spawn('run', '--name', 'c1', IMAGE, 'sh', '-c', 'trap "echo caught; exit 8" TERM; echo ready; while :; do usleep 20000; done')
        self.assertEqual(client.stdout.readline(), b'ready\n')
        client.send_signal(signal.SIGTERM)
        rest, _ = client.communicate(timeout=20)
        self.assertEqual((rest, client.returncode), (b'caught\n', 8))

    # start, stop, kill, wait, rm

    def test_create_start_attach(self):
        container = self.cli.ok('create', '--name', 'c1', IMAGE, 'sh', '-c', 'echo hi; exit 6')
        self.assertEqual(self.state(container)['Status'], 'created')
        result = self.cli.run('start', '-a', 'c1')
        self.assertEqual((result.stdout, result.returncode), (b'hi\n', 6))
        self.assertEqual(self.cli.ok('start', 'c1'), 'c1')
        self.assertEqual(self.cli.ok('wait', 'c1'), '6')

    def test_stop_asks_first_and_kills_then(self):
        self.running(command=('sh', '-c', 'trap "exit 11" TERM; echo ready; while :; do usleep 20000; done'))
        until(lambda: 'ready' in self.cli.ok('logs', 'c1'), 'the trap is set')
        self.assertEqual(self.cli.ok('stop', 'c1'), 'c1')
        self.assertEqual(self.state('c1')['ExitCode'], 11)
        self.cli.ok('stop', 'c1')
        self.running(name='deaf')
        begin = time.monotonic()
        self.cli.ok('stop', '-t', '1', 'deaf')
        self.assertGreaterEqual(time.monotonic() - begin, 1)
        self.assertEqual(self.state('deaf')['ExitCode'], 137)

    def test_kill_sends_any_signal(self):
        self.running(command=('sh', '-c', 'trap "echo usr1" USR1; echo ready; while :; do usleep 20000; done'))
        until(lambda: 'ready' in self.cli.ok('logs', 'c1'), 'the trap is set')
        self.cli.ok('kill', '-s', 'USR1', 'c1')
        until(lambda: 'usr1' in self.cli.ok('logs', 'c1'), 'the signal came')
        self.cli.ok('kill', 'c1')
        until(lambda: not self.state('c1')['Running'], 'it is killed')
        self.assertIn('is not running', self.cli.fails('kill', 'c1'))

    def test_wait_for_several(self):
        self.running(name='aa', command=('sh', '-c', 'exit 3'))
        self.running(name='bb', command=('sh', '-c', 'usleep 200000; exit 4'))
        self.assertEqual(self.cli.ok('wait', 'aa', 'bb').split(), ['3', '4'])

    def test_rm(self):
        self.running()
        error = self.cli.fails('rm', 'c1')
        self.assertRegex(error.lower(), r'cannot remove container "?/?c1"?|you cannot remove a running container')
        self.assertEqual(self.cli.ok('rm', '-f', 'c1'), 'c1')
        self.assertIn('No such container: c1', self.cli.fails('rm', 'c1'))
        self.assertEqual(self.api.containers(), [])

    def test_inspect(self):
        container = self.cli.ok('run', '-d', '--name', 'c1', '-m', '64m', IMAGE, 'sleep', '1000')
        self.assertEqual(self.cli.ok('inspect', '-f', '{{.Id}} {{.State.Status}} {{.HostConfig.Memory}} {{.Name}}', 'c1'),
                         f'{container} running 67108864 /c1')
        both = json.loads(self.cli.ok('inspect', 'c1', IMAGE))
        self.assertEqual([item.get('Name', item.get('RepoTags')) for item in both], ['/c1', [IMAGE]])
        self.assertIn('No such object: nobody', self.cli.fails('inspect', 'nobody'))

    def test_short_ids_and_ambiguity(self):
        container = self.cli.ok('run', '-d', IMAGE, 'sleep', '1000')
        self.assertEqual(self.cli.ok('inspect', '-f', '{{.Id}}', container[:6]), container)

    def test_nothing_leaks(self):
        before = self.snapshot()
        for _ in range(5):
            self.cli.ok('run', '--rm', IMAGE, 'true')
            self.cli.ok('run', '-d', '--name', 'c1', IMAGE, 'sleep', '1000')
            self.cli.ok('exec', 'c1', 'true')
            self.cli.ok('rm', '-f', 'c1')
        self.assert_no_leak(before)


class DockerContainersTest(Containers, DaemonCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cli = cls.docker


class DavitContainersTest(Containers, DaemonCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cli = cls.davit

    @unittest.skipIf(places.sanitized(), 'the run-time of a sanitizer is a shared library')
    def test_it_loads_no_shared_library(self):
        """Which is what start-up time is made of."""
        with open(self.davit.program, 'rb') as file:
            self.assertFalse(b'/ld-linux' in file.read(8192))

    def test_help_names_every_command(self):
        text = self.cli.ok('--help')
        for verb in ('run create start stop kill rm ps logs exec attach wait inspect images load save import tag rmi history info '
                     'version plugin').split():
            self.assertTrue(re.search(rf'^\s+{verb}\s', text, re.M), verb)


if __name__ == '__main__':
    unittest.main()
