"""kill -9 of the daemon under load on networks: what was acknowledged is there and works, what was removed stays away, published
ports and transfers go on meanwhile, and at the end nothing is left over."""
import http.client
import os
import random
import socket
import threading
import time
import unittest
import urllib.request

from harness import leaks
from harness.api import ApiError
from harness.case import IMAGE, DaemonCase
from harness.poll import until

KILLS = int(os.environ.get('DAVIT_TEST_KILLS', '50'))
GONE = (OSError, http.client.HTTPException, ValueError)
SERVER = ['sh', '-c', 'hostname >/index.html; exec busybox httpd -f -p 80 -h /']


def published(port):
    """What the server behind the port says; it may only be starting."""
    def answer():
        try:
            with urllib.request.urlopen(f'http://127.0.0.1:{port}/index.html', timeout=5) as reply:
                return reply.read().decode().strip()
        except OSError:
            return None
    return until(answer, f'port {port} answers')


class Client(threading.Thread):
    """Creates, connects, disconnects and removes networks and containers of its own until it is told to stop. It remembers what the
    daemon acknowledged; what a call that was cut off was about is in `unsure`."""

    def __init__(self, api, number):
        super().__init__()
        self.api, self.number, self.random = api, number, random.Random(number)
        self.stopping = threading.Event()
        self.networks, self.removed = set(), set()
        self.containers = {}                        # name -> the networks it is on
        self.ports = {}                             # name -> its published port
        self.unsure = set()
        self.errors, self.done = [], 0

    def run(self):
        while not self.stopping.is_set():
            step = self.random.choice([self.create, self.run_box, self.run_box, self.connect, self.connect, self.disconnect, self.remove,
                                       self.remove_network, self.run_to_end])
            try:
                if step():
                    self.done += 1
            except GONE:
                time.sleep(0.01)
            except ApiError as error:
                # Something that was cut off may have happened: a later refusal is right.
                if error.status >= 500:
                    self.errors.append(str(error))

    def name(self, kind):
        return f'{kind}{self.number}-{self.random.getrandbits(40):x}'

    def pick(self, names):
        known = sorted(set(names) - self.unsure)
        return self.random.choice(known) if known else None

    def surely(self, name, call):
        """`name` is unsure while the call is under way, and for good when it is cut off."""
        self.unsure.add(name)
        result = call()
        self.unsure.discard(name)
        return result

    def create(self):
        if len(self.networks) > 4:
            return False
        name = self.name('net')
        self.surely(name, lambda: self.api.call('POST', '/networks/create', {'Name': name, 'Internal': self.random.random() < 0.2}))
        self.networks.add(name)
        return True

    def run_box(self):
        network = self.pick(self.networks)
        if network is None or len(self.containers) > 5:
            return False
        name = self.name('box')

        def both():
            self.api.create(IMAGE, SERVER, name=name,
                            host_config={'NetworkMode': network, 'PortBindings': {'80/tcp': [{'HostIp': '', 'HostPort': ''}]}})
            self.api.start(name)
            return self.api.inspect(name)['NetworkSettings']['Ports']['80/tcp']

        ports = self.surely(name, both)
        self.containers[name] = {network}
        if ports:
            self.ports[name] = ports[0]['HostPort']
        return True

    def connect(self):
        name, network = self.pick(self.containers), self.pick(self.networks)
        if name is None or network is None or network in self.containers[name]:
            return False
        self.surely(name, lambda: self.api.call('POST', f'/networks/{network}/connect', {'Container': name}))
        self.containers[name].add(network)
        self.ports.pop(name, None)  # the port moves with the gateway
        return True

    def disconnect(self):
        name = self.pick(self.containers)
        if name is None or len(self.containers[name]) < 2:
            return False
        network = self.random.choice(sorted(self.containers[name]))
        self.surely(name, lambda: self.api.call('POST', f'/networks/{network}/disconnect', {'Container': name}))
        self.containers[name].discard(network)
        self.ports.pop(name, None)
        return True

    def remove(self):
        name = self.pick(self.containers)
        if name is None or len(self.containers) < 3:
            return False
        del self.containers[name]
        self.ports.pop(name, None)
        self.surely(name, lambda: self.api.remove(name))
        self.removed.add(name)
        return True

    def remove_network(self):
        used = {network for networks in self.containers.values() for network in networks}
        name = self.pick(self.networks - used)
        if name is None:
            return False
        self.networks.discard(name)
        try:
            self.surely(name, lambda: self.api.call('DELETE', f'/networks/{name}'))
        except ApiError as error:
            if error.status == 403:  # a container that is unsure is on it
                self.networks.add(name)
                self.unsure.discard(name)
                return False
            raise
        self.removed.add(name)
        return True

    def run_to_end(self):
        network = self.pick(self.networks)
        if network is None:
            return False
        name = self.name('run')
        self.unsure.add(name)
        self.api.create(IMAGE, ['true'], name=name, host_config={'NetworkMode': network, 'AutoRemove': True})
        self.api.start(name)
        return True


class NetworkCrashTest(DaemonCase):
    def check_clients(self, clients):
        """Everything that was acknowledged is there and works, and no address is given twice."""
        networks = {network['Name'] for network in self.api.call('GET', '/networks')}
        containers = {container['Names'][0][1:] for container in self.api.containers()}
        addresses = set()
        for client in clients:
            self.assertEqual(client.networks - networks - client.unsure, set(), 'networks acknowledged and lost')
            self.assertEqual(set(client.containers) - containers - client.unsure, set(), 'containers acknowledged and lost')
            self.assertEqual(client.removed & (networks | containers), set(), 'removed and back')
            for name in set(client.containers) - client.unsure:
                shown = self.api.inspect(name)
                self.assertTrue(shown['State']['Running'], shown['State'])
                self.assertEqual(set(shown['NetworkSettings']['Networks']), client.containers[name])
                inside = self.docker.ok('exec', name, 'ip', '-4', '-o', 'addr')
                interfaces = {line.split()[1] for line in inside.splitlines()} - {'lo'}
                self.assertEqual(len(interfaces), len(client.containers[name]), inside)
                for network, endpoint in shown['NetworkSettings']['Networks'].items():
                    self.assertIn(f'inet {endpoint["IPAddress"]}/', inside)
                    self.assertNotIn((network, endpoint['IPAddress']), addresses)
                    addresses.add((network, endpoint['IPAddress']))
                if name in client.ports:
                    self.assertEqual(published(client.ports[name]), shown['Config']['Hostname'])

    def remove_everything(self):
        self.daemon.remove_containers()
        for network in self.api.call('GET', '/networks', filters={'type': ['custom']}):
            self.api.call('DELETE', '/networks/' + network['Id'])

    def test_random_kills_lose_nothing(self):
        self.docker.ok('run', '--rm', '-p', '80', IMAGE, 'true')  # what a first container makes for all stays
        before, routes, settings = self.snapshot(), leaks.routes(), leaks.settings()
        clients = [Client(self.api, number) for number in range(3)]
        chance, restarts = random.Random(11), []
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
        self.check_clients(clients)
        self.daemon.kill()
        self.daemon.start()
        self.check_clients(clients)

        self.remove_everything()
        self.daemon.restart()
        self.assert_no_leak(before)
        self.assertEqual(leaks.routes(), routes)
        self.assertEqual(leaks.settings(), settings)

    def view(self, container):
        return [self.api.inspect(container), *(self.api.call('GET', f'/networks/{name}') for name in ('bridge', 'own', 'host', 'none'))]

    def test_ports_and_transfers_go_on_without_the_daemon(self):
        size = 32 << 20
        self.docker.ok('network', 'create', 'own')
        container = self.docker.ok('run', '-d', '-p', '8096:80', '--network', 'own', IMAGE, 'sh', '-c',
                                   f'echo hello >/index.html; dd if=/dev/zero of=/big bs=65536 count={size >> 16}; exec busybox httpd -f -p 80 -h /')
        self.assertEqual(published(8096), 'hello')
        before = self.view(container)
        with socket.create_connection(('127.0.0.1', 8096), timeout=30) as stream:
            stream.sendall(b'GET /big HTTP/1.0\r\n\r\n')
            received = len(stream.recv(65536))
            self.daemon.kill()
            self.assertEqual(published(8096), 'hello')
            while received < size // 2:
                received += len(stream.recv(65536))
            self.daemon.start()
            while chunk := stream.recv(1 << 20):
                received += len(chunk)
        self.assertGreater(received, size)
        self.assertEqual(self.view(container), before)
        self.assertEqual(published(8096), 'hello')
        self.remove_everything()


if __name__ == '__main__':
    unittest.main()
