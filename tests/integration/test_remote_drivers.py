"""Drivers that are somebody else's servers: our own ones served by davit-plugin-host and used by their plugin's name; servers that
hang, lie and die; and a real dockerd on our drivers."""
import json
import os
import shutil
import socket
import subprocess
import threading
import unittest

from harness import images, places
from harness.case import IMAGE, DaemonCase
from harness.dockerd import Dockerd
from harness.ipam_plugin import IpamPlugin
from harness.kernel import makes
from harness.network_plugin import FOLDER, NetworkPlugin
from harness.poll import until

SUBNET = '10.208.3.0/24'
PLUGINS = ('bridge', 'macvlan', 'ipam', 'host', 'null')


class Host:
    """A davit-plugin-host that serves one of our plugins in Docker's plugin folder."""

    def __init__(self, plugin, name):
        self.plugin, self.name = plugin, name
        self.state = places.work_dir('plugin-state')
        self.socket = os.path.join(FOLDER, name + '.sock')
        self.process = None

    def start(self):
        os.makedirs(FOLDER, exist_ok=True)
        self.process = subprocess.Popen([places.program('davit-plugin-host'), os.path.join(places.plugin_dir(), self.plugin + '.so'),
                                         '--listen', 'unix://' + self.socket, '--state', self.state])
        until(lambda: os.path.exists(self.socket), 'the plugin host listens')
        return self

    def kill(self):
        self.process.kill()
        self.process.wait(20)

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        shutil.rmtree(self.state, ignore_errors=True)


class RemoteCase(DaemonCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.remove_networks)

    def remove_networks(self):
        self.remove_containers()
        for network in self.api.call('GET', '/networks', filters={'type': ['custom']}):
            self.api.call('DELETE', '/networks/' + network['Id'])

    def pings(self, container, address):
        return self.docker.run('exec', container, 'busybox', 'ping', '-c', '1', '-W', '2', address).returncode == 0

    def run_on(self, network, *arguments):
        return self.docker.ok('run', '-d', '--network', network, *arguments, IMAGE, 'sleep', '1000')

    def address(self, container, network, key='IPAddress'):
        return self.api.inspect(container)['NetworkSettings']['Networks'][network][key]


    @classmethod
    def warm_up(cls, *drivers):
        """What a first network and a first container leave for the next: tables of the packet filter, folders, threads."""
        for driver in drivers:
            cls.docker.ok('network', 'create', '-d', driver, '--subnet', SUBNET, '--ipv6', 'first')
            clients = [cls.docker.spawn('run', '--rm', '--network', 'first', IMAGE, 'true') for _ in range(4)]
            for client in clients:
                client.communicate(timeout=60 * places.SLOW)
            cls.docker.ok('network', 'rm', 'first')


class ServedTest(RemoteCase):
    """Our drivers over the remote path: davitd knows them by the names of their sockets only. Its own bridge driver stays away, since
    two of them in one network namespace would take each other's rules for damage."""
    config = {'bridge': 'none'}

    @classmethod
    def setUpClass(cls):
        cls.hosts = {}
        ipvlan = ('ipvlan',) if makes('ipvlan') else ()
        for plugin in PLUGINS + ipvlan:
            cls.hosts[plugin] = Host(plugin, 'served-' + plugin).start()
            cls.addClassCleanup(cls.hosts[plugin].close)
        super().setUpClass()
        cls.warm_up('served-bridge', 'served-macvlan', *('served-' + plugin for plugin in ipvlan))

    def use(self, driver):
        before = self.snapshot()
        self.docker.ok('network', 'create', '-d', driver, '--ipam-driver', 'served-ipam', '--ipv6', 'one')
        shown = json.loads(self.docker.ok('network', 'inspect', 'one'))[0]
        self.assertEqual((shown['Driver'], shown['IPAM']['Driver']), (driver, 'served-ipam'))
        first, second = self.run_on('one'), self.run_on('one')
        for key in ('IPAddress', 'GlobalIPv6Address'):
            self.assertTrue(self.pings(first, self.address(second, 'one', key)), key)
        self.docker.ok('network', 'disconnect', 'one', second)
        self.assertFalse(self.pings(first, self.address(first, 'one').rsplit('.', 1)[0] + '.3'))
        self.docker.ok('network', 'connect', 'one', second)
        self.assertTrue(self.pings(second, self.address(first, 'one')))
        self.daemon.kill()
        self.daemon.start()
        self.assertTrue(self.pings(second, self.address(first, 'one')))
        self.docker.ok('rm', '-f', first, second)
        self.docker.ok('network', 'rm', 'one')
        self.assert_no_leak(before)

    def test_bridge(self):
        self.use('served-bridge')

    def test_macvlan(self):
        self.use('served-macvlan')

    def test_ipvlan(self):
        if 'ipvlan' not in self.hosts:
            self.skipTest('this kernel makes no ipvlan links')
        self.use('served-ipvlan')

    def namespace_on(self, driver):
        """The network namespace of a container on a network of the driver, and its interfaces."""
        for snapshot in (False, True):  # the first use opens connections
            before = snapshot and self.snapshot()
            self.docker.ok('network', 'create', '-d', driver, 'one')
            seen = self.docker.ok('run', '--rm', '--network', 'one', IMAGE, 'sh', '-c', 'readlink /proc/self/ns/net; ls /sys/class/net').split()
            self.docker.ok('network', 'rm', 'one')
        self.assert_no_leak(before)
        return seen[0], sorted(seen[1:])

    def test_null(self):
        namespace, interfaces = self.namespace_on('served-null')
        self.assertNotEqual(namespace, os.readlink('/proc/self/ns/net'))
        self.assertEqual(interfaces, ['lo'])

    def test_host(self):
        namespace, interfaces = self.namespace_on('served-host')
        self.assertEqual(namespace, os.readlink('/proc/self/ns/net'))
        self.assertEqual(interfaces, sorted(name for _, name in socket.if_nameindex()))
        self.docker.ok('network', 'create', '-d', 'served-host', 'one')
        second = self.docker.run('network', 'create', '-d', 'served-host', 'two')
        self.assertIn(b'only one instance of "served-host" network is allowed', second.stderr)

    def test_published_ports(self):
        self.docker.ok('network', 'create', '-d', 'served-bridge', '--subnet', SUBNET, 'one')
        container = self.docker.ok('run', '-d', '--network', 'one', '-p', '8080:80', IMAGE, 'sh', '-c',
                                   'echo hello >/index.html; exec busybox httpd -f -p 80 -h /')
        self.assertRegex(self.docker.ok('port', container), r'80/tcp -> 0\.0\.0\.0:8080')
        until(lambda: subprocess.run(['busybox', 'wget', '-qO-', 'http://127.0.0.1:8080/index.html'], capture_output=True,
                                     check=False).stdout == b'hello\n', 'the published port answers')

    def test_a_served_driver_that_is_killed_comes_back(self):
        self.docker.ok('network', 'create', '-d', 'served-bridge', '--subnet', SUBNET, 'one')
        first = self.run_on('one')
        self.hosts['bridge'].kill()
        self.hosts['bridge'].start()
        second = self.run_on('one')
        self.assertTrue(self.pings(first, self.address(second, 'one')))
        self.docker.ok('rm', '-f', first, second)
        self.docker.ok('network', 'rm', 'one')


GARBAGE = (b'not json', b'', b'[]', b'"text"', b'{"Err":', b'{"Err": "x"' + b' ' * 10)


class NetworkFaultTest(RemoteCase):
    @classmethod
    def setUpClass(cls):
        cls.plugin = FaultyNetwork('faulty')
        cls.addClassCleanup(cls.plugin.close)
        super().setUpClass()
        cls.warm_up('bridge', 'faulty')

    def setUp(self):
        super().setUp()
        self.plugin.faults.clear()
        self.plugin.release.clear()
        self.plugin.hanging = False
        self.addCleanup(self.plugin.faults.clear)
        self.addCleanup(self.plugin.release.set)
        self.docker.ok('network', 'create', '-d', 'bridge', '--subnet', '10.208.4.0/24', 'healthy')
        self.neighbour = self.run_on('healthy', '--ip', '10.208.4.7')

    def assert_healthy(self):
        self.assertEqual(self.docker.ok('run', '--rm', '--network', 'healthy', IMAGE, 'sh', '-c',
                                        'ping -c 1 -W 2 10.208.4.7 >/dev/null && echo reached'), 'reached')

    def create(self):
        self.docker.ok('network', 'create', '-d', 'faulty', '--subnet', SUBNET, 'one')

    def works(self):
        """The network takes a container with the address that the failed attempts had."""
        self.plugin.faults.clear()
        self.assertEqual(self.docker.ok('run', '--rm', '--network', 'one', '--ip', '10.208.3.9', IMAGE, 'echo', 'works'), 'works')

    def refused(self):
        return self.docker.fails('run', '--rm', '--network', 'one', '--ip', '10.208.3.9', IMAGE, 'true', status=125)

    def test_garbage(self):
        before = self.snapshot()
        for garbage in GARBAGE:
            self.plugin.faults['CreateNetwork'] = garbage
            self.assertIn('NetworkDriver.CreateNetwork', self.docker.fails('network', 'create', '-d', 'faulty', '--subnet', SUBNET, 'one'))
            self.assertEqual(self.docker.ok('network', 'ls', '-q', '-f', 'type=custom', '-f', 'name=one'), '')
        self.plugin.faults.clear()
        self.create()
        for method in ('CreateEndpoint', 'Join'):
            for garbage in GARBAGE:
                self.plugin.faults = {method: garbage}
                self.assertIn('NetworkDriver.' + method, self.refused())
                self.assert_healthy()
        self.works()
        self.docker.ok('network', 'rm', 'one')
        self.assert_no_leak(before)

    def test_lies(self):
        self.create()
        before = self.snapshot()
        table = {'another address': ('CreateEndpoint', {'Interface': {'Address': '10.208.3.66/24'}}, 'replaced the address'),
                 'no MAC address': ('CreateEndpoint', {'Interface': {'MacAddress': 'zz:zz'}}, ''),
                 'a link that is not there': ('Join', {'InterfaceName': {'SrcName': 'nolink', 'DstPrefix': 'eth'}}, 'nolink'),
                 'a link that can not move': ('Join', {'InterfaceName': {'SrcName': 'lo', 'DstPrefix': 'eth'}}, 'lo'),
                 'no gateway': ('Join', {'Gateway': 'nonsense'}, 'nonsense'),
                 'a gateway elsewhere': ('Join', {'Gateway': '192.0.2.1'}, '192.0.2.1'),
                 'no route': ('Join', {'StaticRoutes': [{'Destination': 'x', 'RouteType': 0, 'NextHop': 'y'}]}, '')}
        for name, (method, lie, text) in table.items():
            with self.subTest(name):
                self.plugin.faults = {method: lie}
                self.plugin.calls.clear()
                self.assertIn(text, self.refused())
                self.assertEqual(self.plugin.methods()[-1], 'DeleteEndpoint')
                self.assert_healthy()
        self.works()
        self.assert_no_leak(before)

    def test_errors_of_http(self):
        self.create()
        self.plugin.faults['Join'] = {'Err': 'text with "quotes" and\nlines'}
        self.assertIn('text with "quotes"', self.refused())
        self.works()

    def test_a_server_that_hangs_in_join(self):
        self.create()
        before = self.snapshot()
        self.plugin.faults['Join'] = 'hang'
        errors = []
        thread = threading.Thread(target=lambda: errors.append(self.refused()))
        thread.start()
        until(lambda: self.plugin.hanging, 'the server hangs')
        self.assert_healthy()  # meanwhile
        self.docker.ok('network', 'ls')
        self.assertTrue(thread.is_alive())
        thread.join()
        self.assertRegex(errors[0], 'NetworkDriver.Join: .*: no answer within 30000 ms')
        self.plugin.release.set()
        self.works()
        self.assert_no_leak(before)

    def test_a_server_that_dies_in_join(self):
        self.create()
        before = self.snapshot()
        self.plugin.faults['Join'] = 'die once'
        self.assertEqual(self.docker.ok('run', '--rm', '--network', 'one', IMAGE, 'echo', 'repeated'), 'repeated')
        self.plugin.faults['Join'] = 'die'
        self.assertIn('NetworkDriver.Join', self.refused())
        self.assert_healthy()
        self.works()
        self.assert_no_leak(before)


class FaultyNetwork(NetworkPlugin):
    def __init__(self, name):
        self.faults = {}         # method -> what is wrong with it
        self.hanging = False
        self.release = threading.Event()
        super().__init__(name)

    def answer(self, method, request):
        name = method.rsplit('.', 1)[-1]
        fault = self.faults.get(name)
        if fault is None:
            return super().answer(method, request)
        if fault == 'hang':
            self.calls.append((method, request))
            self.hanging = True
            self.release.wait(120)
            return None
        if fault in ('die', 'die once'):
            self.calls.append((method, request))
            if fault == 'die once':
                del self.faults[name]
            return None
        if isinstance(fault, bytes) or 'Err' in fault:
            self.calls.append((method, request))
            return fault
        return {**super().answer(method, request), **fault}


class IpamFaultTest(RemoteCase):
    @classmethod
    def setUpClass(cls):
        cls.plugin = IpamPlugin('lying')
        cls.addClassCleanup(cls.plugin.close)
        super().setUpClass()
        cls.warm_up('bridge')

    def setUp(self):
        super().setUp()
        self.plugin.lies.clear()
        self.addCleanup(self.plugin.lies.clear)
        self.docker.ok('network', 'create', '-d', 'bridge', '--subnet', '10.208.4.0/24', 'healthy')

    def create(self, *arguments):
        return self.docker.run('network', 'create', '-d', 'bridge', '--ipam-driver', 'lying', *arguments, 'one')

    def test_an_honest_one_works(self):
        before = self.snapshot()
        self.assertEqual(self.create('--ipv6').returncode, 0)
        container = self.run_on('one')
        self.assertTrue(self.address(container, 'one').startswith('10.77.'))
        self.docker.ok('rm', '-f', container)
        self.docker.ok('network', 'rm', 'one')
        until(lambda: not self.plugin.pools, 'everything was given back')
        self.assert_no_leak(before)

    def test_pools_that_can_not_be(self):
        before = self.snapshot()
        for pool, arguments, text in (('nonsense', (), 'which is no CIDR'), ('fd00::/64', (), 'for IPv4'),
                                      ('10.208.4.0/25', (), 'could not find an available, non-overlapping'),
                                      ('10.99.0.0/24', ('--subnet', SUBNET), 'instead of ' + SUBNET)):
            with self.subTest(pool):
                self.plugin.calls.clear()
                self.plugin.lies = {'RequestPool': {'PoolID': 'p', 'Pool': pool, 'Data': {}}, 'RequestAddress': {'Address': '10.99.0.1/24'}}
                result = self.create(*arguments)
                self.assertEqual(result.returncode, 1)
                self.assertIn(text, result.stderr.decode())
                methods = self.plugin.methods()
                self.assertEqual(methods.count('RequestPool'), methods.count('ReleasePool'))
        self.plugin.lies = {'RequestPool': {'PoolID': 'p', 'Pool': '10.208.4.0/25', 'Data': {}}, 'RequestAddress': {'Address': '10.208.4.1/25'}}
        self.assertIn('networks have overlapping IPv4', self.create('--subnet', '10.208.4.0/25').stderr.decode())
        self.assertEqual(self.docker.ok('network', 'ls', '-q', '-f', 'type=custom', '-f', 'name=one'), '')
        self.assert_no_leak(before)

    def test_addresses_that_can_not_be(self):
        self.assertEqual(self.create('--subnet', SUBNET).returncode, 0)
        before = self.snapshot()
        for address, arguments, text in (('10.99.0.5/24', (), 'outside of ' + SUBNET), ('nonsense', (), 'no address in CIDR form'),
                                         ('10.208.3.66/24', ('--ip', '10.208.3.9'), 'instead of 10.208.3.9')):
            self.plugin.lies = {'RequestAddress': {'Address': address, 'Data': {}}}
            self.assertIn(text, self.docker.fails('run', '--rm', '--network', 'one', *arguments, IMAGE, 'true', status=125))
            self.docker.ok('run', '--rm', '--network', 'healthy', IMAGE, 'true')
        self.plugin.lies.clear()
        self.docker.ok('run', '--rm', '--network', 'one', '--ip', '10.208.3.9', IMAGE, 'true')
        self.assert_no_leak(before)

    def test_a_gateway_that_can_not_be(self):
        before = self.snapshot()
        self.plugin.lies = {'RequestAddress': {'Address': '10.99.0.1/24', 'Data': {}}}
        self.assertIn('outside of ' + SUBNET, self.create('--subnet', SUBNET).stderr.decode())
        until(lambda: not self.plugin.pools, 'the pool was given back')
        self.assert_no_leak(before)

    def test_garbage(self):
        for method in ('GetDefaultAddressSpaces', 'RequestPool', 'RequestAddress'):
            for garbage in GARBAGE:
                self.plugin.lies = {method: garbage}
                self.assertIn('IpamDriver.' + method, self.create('--subnet', SUBNET).stderr.decode())
        self.plugin.lies.clear()
        self.assertEqual(self.docker.ok('network', 'ls', '-q', '-f', 'type=custom', '-f', 'name=one'), '')
        self.assertEqual(self.create('--subnet', SUBNET).returncode, 0)


class DockerdTest(unittest.TestCase):
    """A real dockerd whose networks and addresses are ours."""

    @classmethod
    def setUpClass(cls):
        for plugin in PLUGINS:
            cls.addClassCleanup(Host(plugin, 'davit-' + plugin).start().close)
        cls.dockerd = Dockerd()
        cls.addClassCleanup(cls.dockerd.destroy)
        cls.dockerd.start()
        cls.dockerd.cli.ok('load', input=images.busybox('busybox:test'))

    def tearDown(self):
        cli = self.dockerd.cli
        for container in cli.ok('ps', '-aq').split():
            cli.run('rm', '-f', container)
        cli.run('network', 'rm', 'one')

    def use(self, *arguments):
        cli = self.dockerd.cli
        links = subprocess.run(['ip', '-o', 'link'], capture_output=True, text=True, check=True).stdout.count('\n')
        cli.ok('network', 'create', *arguments, 'one')
        first, second = (cli.ok('run', '-d', '--network', 'one', 'busybox:test', 'sleep', '1000') for _ in range(2))
        address = cli.ok('inspect', '-f', '{{.NetworkSettings.Networks.one.IPAddress}}', second)
        self.assertEqual(cli.run('exec', first, 'busybox', 'ping', '-c', '1', '-W', '2', address).returncode, 0)
        cli.ok('network', 'disconnect', 'one', second)
        self.assertEqual(cli.run('exec', first, 'busybox', 'ping', '-c', '1', '-W', '1', address).returncode, 1)
        cli.ok('network', 'connect', 'one', second)
        address = cli.ok('inspect', '-f', '{{.NetworkSettings.Networks.one.IPAddress}}', second)
        self.assertEqual(cli.run('exec', first, 'busybox', 'ping', '-c', '1', '-W', '2', address).returncode, 0)
        gateway = cli.ok('inspect', '-f', '{{.NetworkSettings.Networks.one.Gateway}}', first)
        cli.ok('rm', '-f', first, second)
        cli.ok('network', 'rm', 'one')
        until(lambda: subprocess.run(['ip', '-o', 'link'], capture_output=True, text=True, check=True).stdout.count('\n') == links,
              'the links are gone')
        return address, gateway

    def test_our_bridge(self):
        self.assertEqual(self.use('-d', 'davit-bridge', '--subnet', SUBNET)[1], '10.208.3.1')

    def test_our_bridge_and_our_addresses(self):
        self.assertTrue(self.use('-d', 'davit-bridge', '--ipam-driver', 'davit-ipam', '--subnet', '10.208.5.0/24')[0].startswith('10.208.5.'))

    def test_our_macvlan(self):
        self.use('-d', 'davit-macvlan', '--ipam-driver', 'davit-ipam', '--subnet', '10.208.6.0/24')


if __name__ == '__main__':
    unittest.main()
