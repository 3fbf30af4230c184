"""kill -9 of the daemon at random moments under load: what was acknowledged is there, what was removed stays away, containers
run on, and at the end nothing is left over."""
import glob
import http.client
import os
import random
import threading
import time
import unittest

from harness import images, places
from harness.api import ApiError
from harness.case import IMAGE, DaemonCase
from harness.poll import until

KILLS = int(os.environ.get('DAVIT_TEST_KILLS', '50'))
GONE = (OSError, http.client.HTTPException, ValueError)


class Client(threading.Thread):
    """Creates, starts, executes in, stops and removes containers, and loads and removes images, until it is told to stop. It
    remembers what the daemon acknowledged; a call that was cut off leaves its object in `unsure`."""

    def __init__(self, api, number):
        super().__init__()
        self.api, self.number, self.random = api, number, random.Random(number)
        self.stopping = threading.Event()
        self.created, self.removed, self.unsure = set(), set(), set()
        self.running = set()
        self.errors, self.done = [], 0

    def run(self):
        while not self.stopping.is_set():
            step = self.random.choice([self.create, self.create, self.remove, self.execute, self.stop_one, self.run_to_end, self.load])
            try:
                step()
                self.done += 1
            except GONE:
                time.sleep(0.01)
            except ApiError as error:
                # A removal that was cut off by the kill may have happened: a later "not found" is right.
                if error.status >= 500:
                    self.errors.append(str(error))

    def create(self):
        if len(self.created) > 6:
            return
        name = f'k{self.number}-{self.random.getrandbits(40):x}'
        self.unsure.add(name)
        self.api.create(IMAGE, ['sleep', '100000'], name=name)
        self.unsure.discard(name)
        self.created.add(name)
        self.unsure.add('start ' + name)
        self.api.start(name)
        self.unsure.discard('start ' + name)
        self.running.add(name)

    def pick(self):
        return self.random.choice(sorted(self.created)) if self.created else None

    def remove(self):
        name = self.pick()
        if name is None:
            return
        self.created.discard(name)
        self.running.discard(name)
        self.unsure.add(name)
        self.api.remove(name)
        self.unsure.discard(name)
        self.removed.add(name)

    def execute(self):
        name = self.pick()
        if name in self.running:
            made = self.api.call('POST', f'/containers/{name}/exec', {'Cmd': ['true'], 'AttachStdout': True})
            self.api.call('POST', f'/exec/{made["Id"]}/start', {'Detach': False})

    def stop_one(self):
        name = self.pick()
        if name in self.running and len(self.running) > 2:
            self.running.discard(name)
            self.api.call('POST', f'/containers/{name}/stop', t=0)

    def run_to_end(self):
        name = f'r{self.number}-{self.random.getrandbits(40):x}'
        self.unsure.add(name)
        self.api.create(IMAGE, ['true'], name=name, host_config={'AutoRemove': True})
        self.api.start(name)

    def load(self):
        tag = f'load{self.number}:{self.random.getrandbits(16):x}'
        self.api.request('POST', '/images/load', images.busybox(tag, [images.text('tag', tag)]))
        self.api.request('DELETE', f'/images/{tag}', force=1)


class CrashTest(DaemonCase):
    def assert_acknowledged(self, clients):
        there = {container['Names'][0][1:]: container for container in self.api.containers()}
        for client in clients:
            lost = client.created - set(there)
            self.assertEqual(lost, set(), 'acknowledged and lost')
            self.assertEqual(client.removed & set(there), set(), 'removed and back')
            for name in client.running:
                state = self.api.inspect(name)['State']
                self.assertTrue(state['Running'], f'{name} runs no more: {state}')
                os.kill(state['Pid'], 0)

    def test_random_kills_lose_nothing(self):
        before_images = sorted(tag for image in self.api.images() for tag in image['RepoTags'])
        before = self.snapshot()
        witness = self.api.create(IMAGE, ['sh', '-c', 'i=0; while :; do i=$((i+1)); echo $i; usleep 20000; done'], name='witness')
        self.api.start(witness)
        pid = self.api.inspect(witness)['State']['Pid']
        clients = [Client(self.api, number) for number in range(3)]
        restarts = []
        chance = random.Random(7)
        for client in clients:
            client.start()
        try:
            for _ in range(KILLS):
                time.sleep(chance.uniform(0.05, 0.6))
                self.daemon.kill()
                restarts.append(self.daemon.start())
        finally:
            for client in clients:
                client.stopping.set()
            for client in clients:
                client.join()
        print(f'{KILLS} kills, {sum(client.done for client in clients)} operations, restart median '
              f'{sorted(restarts)[len(restarts) // 2] * 1000:.0f} ms, max {max(restarts) * 1000:.0f} ms')
        self.assertEqual([error for client in clients for error in client.errors], [])
        self.assertGreater(sum(client.done for client in clients), KILLS)
        self.assert_acknowledged(clients)

        # The witness wrote one number after another through all of it: same process, no line lost.
        self.assertEqual(self.api.inspect(witness)['State']['Pid'], pid)
        lines = self.docker.ok('logs', 'witness').split()
        self.assertEqual(lines, [str(n) for n in range(1, len(lines) + 1)])

        self.daemon.remove_containers()
        for image in self.api.images():
            for tag in image['RepoTags'] or [image['Id']]:
                if tag not in before_images:
                    self.api.call('DELETE', f'/images/{tag}', force=1)
        self.daemon.restart()
        self.assert_no_leak(before)

    def test_an_exit_while_the_daemon_is_away_is_known_afterwards(self):
        self.docker.ok('run', '-d', '--name', 'c1', IMAGE, 'sh', '-c', 'while [ ! -e /go ]; do usleep 10000; done; echo last; exit 5')
        self.docker.ok('exec', '-d', 'c1', 'sh', '-c', 'usleep 500000; touch /go')
        pid = self.api.inspect('c1')['State']['Pid']
        self.daemon.kill()
        until(lambda: not os.path.exists(f'/proc/{pid}'), 'the container ends')
        self.daemon.start()
        state = self.api.inspect('c1')['State']
        self.assertEqual((state['Status'], state['ExitCode']), ('exited', 5))
        self.assertEqual(self.docker.ok('logs', 'c1'), 'last')

    def test_containers_can_be_used_after_a_kill(self):
        container = self.docker.ok('run', '-d', '-i', '--name', 'c1', IMAGE, 'sh', '-c', 'read line; echo got $line; sleep 1000')
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual(self.docker.ok('exec', 'c1', 'echo', 'there'), 'there')
        client = self.docker.spawn('attach', 'c1')
        client.stdin.write(b'through\n')
        client.stdin.flush()
        self.assertEqual(client.stdout.readline(), b'got through\n')
        self.assertEqual(self.docker.ok('stop', '-t', '0', 'c1'), 'c1')
        client.communicate(timeout=20)
        self.assertEqual(client.returncode, 137)
        self.assertEqual(self.docker.ok('rm', 'c1'), 'c1')
        self.assertEqual(self.api.containers(), [])
        self.assertEqual(len(container), 64)

    def test_a_killed_shim_ends_its_container(self):
        self.docker.ok('run', '-d', '--name', 'c1', IMAGE, 'sleep', '1000')
        pid = self.api.inspect('c1')['State']['Pid']
        shims = self.daemon.shims()
        self.assertEqual(len(shims), 1)
        os.kill(shims[0], 9)
        until(lambda: self.api.inspect('c1')['State']['Status'] == 'exited', 'the daemon notices')
        self.assertEqual(self.api.inspect('c1')['State']['ExitCode'], 137)
        until(lambda: not os.path.exists(f'/proc/{pid}'), 'no container runs without its monitor')

    def remains(self):
        """Files that are still to be deleted, in all drivers' trash."""
        return sum(len(files) + len(folders) for trash in glob.glob(os.path.join(self.daemon.data_root, 'storage/*/trash'))
                   for _, folders, files in os.walk(trash))

    def test_no_one_waits_for_the_files_of_a_removed_image(self):
        """The reply tells of the commit, the end of the daemon cuts the deletion off, and the next start goes on with it."""
        self.docker.ok('run', '--rm', IMAGE, 'true')  # makes what stays after a first container
        before = self.snapshot()
        for end in (self.daemon.stop, self.daemon.kill):
            self.load(images.busybox('many:1', [images.text(f'many/{n}', '') for n in range(30000)]))
            lines = self.docker.ok('rmi', 'many:1').splitlines()
            self.assertEqual(lines[0], 'Untagged: many:1')
            self.assertTrue(all(line.startswith('Deleted: sha256:') for line in lines[1:]) and len(lines) >= 3, lines)
            begin = time.monotonic()
            end()
            self.assertLess(time.monotonic() - begin, 2 * places.SLOW)
            self.assertGreater(self.remains(), 0)
            self.assertLess(self.daemon.start(), 2 * places.SLOW)
            self.assertNotIn('many:1', [tag for image in self.api.images() for tag in image['RepoTags']])
            self.assertEqual(self.docker.ok('run', '--rm', IMAGE, 'echo', 'there'), 'there')
            until(lambda: self.remains() == 0, 'the rest is deleted', 60)
        self.assert_no_leak(before)

    def test_two_daemons_do_not_share_a_store(self):
        other = type(self.daemon)('other', data_root=self.daemon.data_root)
        self.addCleanup(other.destroy)
        other.spawn()
        self.assertNotEqual(other.process.wait(20), 0)
        self.assertTrue(self.api.call('GET', '/version'))

    def test_a_kill_during_start_up(self):
        self.docker.ok('run', '-d', '--name', 'c1', IMAGE, 'sleep', '1000')
        for delay in (0, 0.002, 0.005, 0.01, 0.02, 0.05):
            self.daemon.kill()
            self.daemon.spawn()
            time.sleep(delay)
        self.daemon.kill()
        self.daemon.start()
        self.assertTrue(self.api.inspect('c1')['State']['Running'])


if __name__ == '__main__':
    unittest.main()
