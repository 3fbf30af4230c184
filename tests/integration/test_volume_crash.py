"""kill -9 of davitd and of plugin processes under load on volumes: what was acknowledged is there with every byte, what was removed stays
away, who uses a volume is known, and at the end nothing is left over."""
import http.client
import os
import random
import subprocess
import sys
import threading
import time
import unittest

from harness.api import ApiError
from harness.case import IMAGE, DaemonCase
from harness.poll import until
from harness.volume_plugin import PLUGINS

KILLS = int(os.environ.get('DAVIT_TEST_KILLS', '50'))
GONE = (OSError, http.client.HTTPException, ValueError)
DRIVERS = ('local', 'mortal')


class Plugin:
    """A plugin server of its own process, started again when it is killed."""

    def __init__(self, home):
        self.socket, self.folder, self.process = os.path.join(PLUGINS, 'mortal.sock'), os.path.join(home, 'mortal'), None

    def start(self):
        program = os.path.join(os.path.dirname(__file__), 'harness', 'volume_plugin.py')
        self.process = subprocess.Popen([sys.executable, program, self.socket, self.folder])
        return self

    def kill(self):
        self.process.kill()
        self.process.wait()


class Client(threading.Thread):
    """Makes, uses and removes volumes of its own until it is told to stop, and remembers what was acknowledged. What a call that was cut
    off was about is in `unsure`."""

    def __init__(self, api, number):
        super().__init__()
        self.api, self.number, self.random = api, number, random.Random(number)
        self.stopping = threading.Event()
        self.volumes = {}                     # name -> (driver, the text in it or None)
        self.containers = {}                  # name -> volumes
        self.removed, self.unsure = set(), set()
        self.errors, self.done = [], 0

    def run(self):
        while not self.stopping.is_set():
            step = self.random.choice([self.create, self.create, self.write, self.write, self.run_box, self.remove_box, self.remove,
                                       self.anonymous, self.snapshot])
            try:
                if step():
                    self.done += 1
            except GONE:
                time.sleep(0.01)
            except ApiError as error:
                # A plugin that has just been killed is an honest answer; so is what a call that was cut off has done.
                if error.status >= 500 and 'mortal' not in error.message:
                    self.errors.append(str(error))

    def name(self, kind):
        return f'{kind}{self.number}-{self.random.getrandbits(40):x}'

    def pick(self, names):
        known = sorted(set(names) - self.unsure)
        return self.random.choice(known) if known else None

    def surely(self, name, call):
        self.unsure.add(name)
        result = call()
        self.unsure.discard(name)
        return result

    def create(self):
        if len(self.volumes) > 6:
            return False
        name, driver = self.name('vol'), self.random.choice(DRIVERS)
        self.surely(name, lambda: self.api.call('POST', '/volumes/create', {'Name': name, 'Driver': driver, 'Labels': {'of': name}}))
        self.volumes[name] = (driver, None)
        return True

    def write(self):
        """A container puts a text into a volume and ends."""
        name = self.pick(self.volumes)
        if name is None:
            return False
        driver, _ = self.volumes[name]
        text = f'{self.random.getrandbits(64):x}'

        def run():
            box = self.name('write')
            self.unsure.add(box)
            self.api.create(IMAGE, ['sh', '-c', f'echo {text} > /v/f && sync /v/f'], name=box, host_config={'Binds': [name + ':/v']})
            self.api.start(box)
            status = self.api.wait(box)
            self.api.remove(box)
            self.removed.add(box)
            self.unsure.discard(box)
            return status

        if self.surely(name, run) == 0:
            self.volumes[name] = (driver, text)
        return True

    def run_box(self):
        name = self.pick(self.volumes)
        if name is None or len(self.containers) > 3:
            return False
        box = self.name('box')

        def both():
            self.api.create(IMAGE, ['sleep', '1000'], name=box, host_config={'Binds': [name + ':/v']})
            self.api.start(box)

        self.surely(box, both)
        self.containers[box] = {name}
        return True

    def remove_box(self):
        box = self.pick(self.containers)
        if box is None:
            return False
        del self.containers[box]
        self.surely(box, lambda: self.api.remove(box))
        self.removed.add(box)
        return True

    def remove(self):
        used = {volume for volumes in self.containers.values() for volume in volumes}
        name = self.pick(set(self.volumes) - used)
        if name is None or len(self.volumes) < 3:
            return False
        known = self.volumes.pop(name)
        try:
            self.surely(name, lambda: self.api.call('DELETE', '/volumes/' + name))
        except ApiError as error:
            if error.status == 409:  # a container that is unsure has it
                self.volumes[name] = known
                self.unsure.discard(name)
                return False
            raise
        self.removed.add(name)
        return True

    def anonymous(self):
        box = self.name('anon')
        self.unsure.add(box)
        self.api.create(IMAGE, ['true'], name=box, host_config={'AutoRemove': True}, Volumes={'/a': {}})
        self.api.start(box)
        return True

    def snapshot(self):
        name = self.pick(one for one, (driver, _) in self.volumes.items() if driver == 'local')
        if name is None:
            return False
        clone = self.name('vol')
        self.surely(clone, lambda: self.api.call('POST', f'/davit/volumes/{name}/clone', {'Name': clone, 'Labels': {'of': clone}}))
        # What it holds isn't known for sure: somebody may have been writing.
        self.volumes[clone] = ('local', None)
        return True


class VolumeCrashTest(DaemonCase):
    config = {'bridge': 'none'}

    def text_in(self, name):
        """Through a container of its own."""
        box = self.api.create(IMAGE, ['sleep', '1000'], host_config={'Binds': [name + ':/v:ro,nocopy']})
        self.api.start(box)
        result = self.docker.run('exec', box, 'cat', '/v/f')
        self.api.remove(box)
        return result.stdout.decode().strip()

    def check_clients(self, clients):
        volumes = {volume['Name']: volume for volume in self.api.call('GET', '/volumes')['Volumes']}
        containers = {container['Names'][0][1:] for container in self.api.containers()}
        for client in clients:
            self.assertEqual(set(client.volumes) - set(volumes) - client.unsure, set(), 'volumes acknowledged and lost')
            self.assertEqual(set(client.containers) - containers - client.unsure, set(), 'containers acknowledged and lost')
            self.assertEqual(client.removed & (set(volumes) | containers), set(), 'removed and back')
            for name, (driver, text) in client.volumes.items():
                if name in client.unsure:
                    continue
                self.assertEqual((volumes[name]['Driver'], volumes[name]['Labels']), (driver, {'of': name}))
                if text is not None:
                    self.assertEqual(self.text_in(name), text)
            for box in set(client.containers) - client.unsure:
                for name in client.containers[box]:
                    with self.assertRaises(ApiError) as refused:
                        self.api.call('DELETE', '/volumes/' + name)
                    self.assertIn('volume is in use', refused.exception.message)

    def remove_everything(self):
        self.daemon.remove_containers()
        for volume in self.api.call('GET', '/volumes')['Volumes']:
            self.api.call('DELETE', '/volumes/' + volume['Name'])

    def folders(self):
        """What the drivers have on disk."""
        def names(folder):
            return [name for name in os.listdir(folder) if not name.startswith('.')] if os.path.isdir(folder) else []
        return names(os.path.join(self.daemon.data_root, 'volumes')) + names(os.path.join(self.plugin.folder, 'volumes'))

    def warm_up(self):
        for driver in DRIVERS:
            self.docker.ok('volume', 'create', '-d', driver, 'first')
            self.docker.ok('run', '--rm', '-v', 'first:/v', IMAGE, 'true')
            self.docker.ok('volume', 'rm', 'first')

    def test_random_kills_lose_nothing(self):
        self.plugin = Plugin(self.daemon.home).start()
        self.addCleanup(lambda: self.plugin.kill())
        until(lambda: os.path.exists(self.plugin.socket), 'the plugin listens')
        self.warm_up()
        before = self.snapshot()
        clients = [Client(self.api, number) for number in range(3)]
        chance, restarts = random.Random(7), []
        for client in clients:
            client.start()
        try:
            for _ in range(KILLS):
                time.sleep(chance.uniform(0.05, 0.6))
                if chance.random() < 0.4:
                    self.plugin.kill()
                    self.plugin.start()
                else:
                    self.daemon.kill()
                    restarts.append(self.daemon.start())
        finally:
            for client in clients:
                client.stopping.set()
            for client in clients:
                client.join()
        print(f'{KILLS} kills, {len(restarts)} of them of davitd, {sum(client.done for client in clients)} operations, restart median '
              f'{sorted(restarts)[len(restarts) // 2] * 1000:.0f} ms, max {max(restarts) * 1000:.0f} ms')
        self.assertEqual([error for client in clients for error in client.errors], [])
        self.assertGreater(sum(client.done for client in clients), KILLS)
        self.check_clients(clients)
        self.daemon.kill()
        self.daemon.start()
        self.check_clients(clients)
        self.remove_everything()
        until(lambda: self.folders() == [], 'no volume is left on disk')
        self.assertTrue(all(not volume['users'] for volume in json_of(self.plugin.folder).values()))
        self.daemon.restart()
        self.assertEqual(self.api.call('GET', '/volumes')['Volumes'], [])
        self.warm_up()
        self.assert_no_leak(before)


def json_of(folder):
    import json
    with open(os.path.join(folder, 'state.json'), encoding='utf-8') as file:
        return json.load(file)


if __name__ == '__main__':
    unittest.main()
