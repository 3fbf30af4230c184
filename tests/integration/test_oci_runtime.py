"""davit-runtime by hand, as containerd, cri-o or a person at a terminal use it: bundles, hooks, terminals in the foreground."""
import json
import os
import shutil
import subprocess
import unittest

from harness import images, places
from harness.cli import Terminal
from harness.poll import until

RUNTIME = places.program('davit-runtime')


class OciRuntimeTest(unittest.TestCase):
    def setUp(self):
        self.folder = places.work_dir('oci')
        self.addCleanup(shutil.rmtree, self.folder)
        self.bundle, self.root = os.path.join(self.folder, 'bundle'), os.path.join(self.folder, 'state')
        rootfs = os.path.join(self.bundle, 'rootfs')
        for name in ('bin', 'etc', 'dev', 'proc', 'sys', 'tmp'):
            os.makedirs(os.path.join(rootfs, name))
        shutil.copy(images.BUSYBOX, os.path.join(rootfs, 'bin/busybox'))
        for name in images.APPLETS:
            os.symlink('busybox', os.path.join(rootfs, 'bin', name))
        with open(os.path.join(rootfs, 'etc/passwd'), 'w', encoding='utf-8') as file:
            file.write('root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n')
        self.addCleanup(self.delete_all)

    def delete_all(self):
        for line in self.runtime('list', '-q').stdout.split():
            self.runtime('delete', '--force', line)

    def write_config(self, *args, terminal=False, uid=0, **members):
        config = {
            'ociVersion': '1.0.2', 'root': {'path': 'rootfs'}, 'hostname': 'inside',
            'process': {'terminal': terminal, 'user': {'uid': uid, 'gid': uid}, 'args': args, 'env': ['PATH=/bin'], 'cwd': '/'},
            'mounts': [{'destination': '/proc', 'type': 'proc', 'source': 'proc'},
                       {'destination': '/dev', 'type': 'tmpfs', 'source': 'tmpfs', 'options': ['mode=755']},
                       {'destination': '/dev/pts', 'type': 'devpts', 'source': 'devpts', 'options': ['newinstance', 'ptmxmode=0666']}],
            'linux': {'cgroupsPath': '/' + os.path.basename(self.folder) + '/c',
                      'namespaces': [{'type': kind} for kind in ('mount', 'pid', 'network', 'ipc', 'uts')]}, **members}
        with open(os.path.join(self.bundle, 'config.json'), 'w', encoding='utf-8') as file:
            json.dump(config, file)

    def command(self, *arguments):
        return [RUNTIME, '--root', self.root, *arguments]

    def runtime(self, *arguments, check=None):
        result = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=30 * places.SLOW, stdin=subprocess.DEVNULL,
                                check=False)
        if check is not None:
            self.assertEqual(result.returncode, check, result.stderr)
        return result

    def run_bundle(self, check=0):
        return self.runtime('run', '--bundle', self.bundle, 'c1', check=check)

    def state(self):
        return json.loads(self.runtime('state', 'c1', check=0).stdout)

    def start_detached(self, *args, **members):
        self.write_config(*args, **members)
        # Its streams are the container's: nobody waits for their end.
        subprocess.run(self.command('run', '--detach', '--bundle', self.bundle, 'c1'), check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30 * places.SLOW)

    def hook(self, name, text):
        """A script in the bundle, outside of the root; it notes what it sees."""
        path = os.path.join(self.bundle, name)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(f'#!/bin/sh\n{text}\n')
        os.chmod(path, 0o755)
        return path

    def note(self, name):
        with open(os.path.join(self.bundle, name), encoding='utf-8') as file:
            return file.read()

    def test_run_in_the_foreground(self):
        self.write_config('sh', '-c', 'hostname; echo $HOME; exit 3', uid=1000)
        self.assertEqual(self.run_bundle(check=3).stdout, 'inside\n/home/user\n')
        self.assertEqual(json.loads(self.runtime('list', '--format', 'json', check=0).stdout), [])

    def test_run_on_a_terminal(self):
        self.write_config('sh', terminal=True)
        with Terminal(self.command('run', '--bundle', self.bundle, 'c1'), dict(os.environ), 31, 99) as terminal:
            terminal.send('stty size; tty; echo sum$((40+2))\n')
            shown = terminal.expect('sum42\r\n')
            self.assertIn('31 99', shown)
            self.assertIn('/dev/pts/0', shown)
            terminal.resize(20, 90)
            terminal.send('until [ "$(stty size)" = "20 90" ]; do usleep 10000; done; echo re""sized\n')
            terminal.expect('resized\r\n')
            terminal.send('exit 9\n')
            self.assertEqual(terminal.wait(), 9)

    def test_a_terminal_whose_other_side_is_a_pipe(self):
        self.write_config('sh', '-c', 'test -t 1 && seq 20000; exit 4', terminal=True)
        result = self.run_bundle(check=4)
        self.assertEqual(result.stdout.split(), [str(n) for n in range(1, 20001)])

    def test_a_detached_terminal_needs_a_socket(self):
        self.write_config('sh', terminal=True)
        self.assertIn('console socket', self.runtime('run', '--detach', '--bundle', self.bundle, 'c1', check=1).stderr)

    def test_exec(self):
        self.start_detached('sleep', '1000')
        self.assertEqual(self.runtime('exec', '--user', '1000', 'c1', 'sh', '-c', 'id -u; exit 6', check=6).stdout, '1000\n')
        with Terminal(self.command('exec', '-t', 'c1', 'sh'), dict(os.environ), 33, 77) as terminal:
            terminal.send('until [ "$(stty size)" = "33 77" ]; do usleep 10000; done; echo si""zed\n')
            terminal.expect('sized\r\n')
            terminal.send('exit 8\n')
            self.assertEqual(terminal.wait(), 8)
        self.runtime('exec', '--detach', 'c1', 'touch', '/tmp/there', check=0)
        until(lambda: self.runtime('exec', 'c1', 'ls', '/tmp/there').returncode == 0, 'the detached process works')

    def test_pause_and_resume(self):
        self.start_detached('sh', '-c', 'i=0; while :; do i=$((i+1)); echo $i >/tmp/count; usleep 5000; done')

        def count():
            with open(os.path.join(self.bundle, 'rootfs/tmp/count'), encoding='utf-8') as file:
                return file.read()
        until(lambda: os.path.exists(os.path.join(self.bundle, 'rootfs/tmp/count')), 'it counts')
        self.runtime('pause', 'c1', check=0)
        self.assertEqual(self.state()['status'], 'paused')
        before = count()
        self.assertIn('paused', self.runtime('exec', 'c1', 'true', check=1).stderr)
        self.assertIn('not running', self.runtime('pause', 'c1', check=1).stderr)
        self.assertEqual(count(), before)
        self.runtime('resume', 'c1', check=0)
        until(lambda: count() not in ('', before), 'it goes on')
        self.assertEqual(self.state()['status'], 'running')
        self.runtime('pause', 'c1', check=0)
        self.runtime('delete', '--force', 'c1', check=0)
        self.runtime('state', 'c1', check=1)

    def test_list_and_ps(self):
        self.start_detached('sh', '-c', 'sleep 1000')
        state = self.state()
        listed = json.loads(self.runtime('list', '--format', 'json', check=0).stdout)
        self.assertEqual([(entry['id'], entry['pid'], entry['status']) for entry in listed], [('c1', state['pid'], 'running')])
        self.assertIn(f'c1                       {state["pid"]}', self.runtime('list', check=0).stdout)
        self.assertIn(state['pid'], json.loads(self.runtime('ps', '--format', 'json', 'c1', check=0).stdout))
        self.assertRegex(self.runtime('ps', 'c1', check=0).stdout, rf'\n{state["pid"]} +s')

    # hooks

    def test_hooks_run_in_their_order_and_places(self):
        see = 'cat >{0}/{1}.state; readlink /proc/self/ns/mnt >{0}/{1}.ns; echo {1} >>{0}/order'
        hooks = {kind: [{'path': self.hook(kind, see.format(self.bundle, kind))}]
                 for kind in ('prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop')}
        os.mkdir(os.path.join(self.bundle, 'rootfs/out'))
        inside = os.path.join(self.bundle, 'rootfs/bin/at-start')
        with open(inside, 'w', encoding='utf-8') as file:
            file.write('#!/bin/sh\ncat >/out/state; echo "$1 $A" >/out/args; id -u >/out/uid; readlink /proc/self/ns/mnt >/out/ns\n')
        os.chmod(inside, 0o755)
        os.chmod(os.path.join(self.bundle, 'rootfs/out'), 0o777)
        hooks['startContainer'] = [{'path': '/bin/at-start', 'args': ['at-start', 'word'], 'env': ['A=b', 'PATH=/bin'], 'timeout': 10}]
        self.write_config('sh', '-c', 'ls /out/state; readlink /proc/self/ns/mnt', uid=1000, hooks=hooks)
        first, own = self.run_bundle().stdout.split()
        self.assertEqual(first, '/out/state')
        self.assertEqual(self.note('createContainer.ns').strip(), own)
        self.assertNotEqual(self.note('createRuntime.ns').strip(), own)
        self.assertEqual(self.note('rootfs/out/ns').strip(), own)
        self.assertEqual((self.note('rootfs/out/args'), self.note('rootfs/out/uid')), ('word b\n', '1000\n'))
        order = self.note('order').split()
        self.assertEqual((sorted(order), order[-1]), (sorted(['prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop']), 'poststop'))
        for name, status in (('createContainer.state', 'creating'), ('rootfs/out/state', 'created'), ('poststart.state', 'running'),
                             ('poststop.state', 'stopped')):
            state = json.loads(self.note(name))
            self.assertEqual((state['id'], state['status'], state['bundle']), ('c1', status, self.bundle), name)
        self.assertEqual(json.loads(self.note('createContainer.state'))['pid'], 1)

    def test_a_hook_that_fails_stops_the_start(self):
        self.write_config('true', hooks={'createContainer': [{'path': self.hook('fails', 'exit 5')}]})
        self.assertIn('fails failed: exit status 5', self.run_bundle(check=1).stderr)
        self.write_config('true', hooks={'createContainer': [{'path': self.hook('slow', 'sleep 100'), 'timeout': 1}]})
        self.assertIn('slow took too long', self.run_bundle(check=1).stderr)
        self.write_config('echo', 'it ran', hooks={'startContainer': [{'path': '/bin/false'}]})
        result = self.run_bundle(check=1)
        self.assertEqual(result.stdout, '')
        self.assertIn('hook /bin/false failed: exit status 1', result.stderr)
        self.assertEqual(self.runtime('list', '-q', check=0).stdout, '')


if __name__ == '__main__':
    unittest.main()
