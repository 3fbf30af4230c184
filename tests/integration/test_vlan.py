"""Networks on a link of the host, macvlan and ipvlan, with the docker CLI and davit: who reaches whom, and what they leave."""
import json
import os
import subprocess
import unittest

from harness.case import IMAGE, DaemonCase
from harness.kernel import makes
from harness.poll import until

SUBNET, SUBNET6 = '10.60.0.0/24', 'fd00:60::/64'
NEIGHBOUR, NEIGHBOUR6 = '10.60.0.200', 'fd00:60::200'


def ip(*words, check=True):
    return subprocess.run(['ip', *words], capture_output=True, text=True, check=check)


class VlanCase(DaemonCase):
    """wire0 leads to a host of its own, "neighbour"."""
    driver = None

    @classmethod
    def setUpClass(cls):
        ip('netns', 'add', 'neighbour')
        cls.addClassCleanup(ip, 'netns', 'del', 'neighbour')
        ip('link', 'add', 'wire0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', 'neighbour')
        cls.addClassCleanup(ip, 'link', 'del', 'wire0', check=False)  # the namespace would take it along some time later
        for line in ('link set lo up', f'addr add {NEIGHBOUR}/24 dev eth0', f'addr add {NEIGHBOUR6}/64 dev eth0 nodad',
                     'addr add 192.0.2.9/32 dev lo', 'link set eth0 up', 'addr add 10.60.0.1/24 dev eth0'):
            ip('-n', 'neighbour', *line.split())
        for line in ('addr add 10.60.0.100/24 dev wire0', 'link set wire0 up'):
            ip(*line.split())
        super().setUpClass()

    def setUp(self):
        super().setUp()
        self.addCleanup(self.remove_networks)

    def remove_networks(self):
        self.remove_containers()
        for network in self.api.call('GET', '/networks', filters={'type': ['custom']}):
            self.api.call('DELETE', '/networks/' + network['Id'])

    def network(self, name, *arguments, cli=None, parent='wire0', subnet=SUBNET):
        options = ['-o', 'parent=' + parent] if parent else []
        return (cli or self.docker).ok('network', 'create', '-d', self.driver, '--subnet', subnet, *options, *arguments, name)

    def run_on(self, network, *arguments):
        return self.docker.ok('run', '-d', '--network', network, *arguments, IMAGE, 'sleep', '1000')

    def address(self, container, key='IPAddress'):
        return next(iter(self.api.inspect(container)['NetworkSettings']['Networks'].values()))[key]

    def pings(self, container, address):
        return self.docker.run('exec', container, 'busybox', 'ping', '-c', '1', '-W', '2', address).returncode == 0

    @staticmethod
    def pinged(address, *netns):
        return subprocess.run([*netns, 'busybox', 'ping', '-c', '1', '-W', '2', address], check=False, capture_output=True).returncode == 0

    def from_neighbour(self, address):
        return self.pinged(address, 'ip', 'netns', 'exec', 'neighbour')


class Cases:
    """What both drivers do."""

    def test_containers_and_a_neighbour_reach_each_other(self):
        before = self.snapshot()
        self.network('lan', '--gateway', '10.60.0.1', '--ipv6', '--subnet', SUBNET6)
        one, other = self.run_on('lan', '--ip', '10.60.0.20'), self.run_on('lan')
        self.assertEqual(self.address(one), '10.60.0.20')
        for address in (NEIGHBOUR, '192.0.2.9', self.address(other)):
            self.assertTrue(self.pings(one, address), address)
        self.assertTrue(self.from_neighbour('10.60.0.20'))
        self.assertTrue(self.from_neighbour(self.address(one, 'GlobalIPv6Address')))
        self.assertTrue(self.pings(one, NEIGHBOUR6))
        self.assertFalse(self.pings(one, '10.60.0.100'))  # the host itself
        self.remove_networks()
        self.assert_no_leak(before)

    def test_both_command_lines(self):
        for cli in (self.docker, self.davit):
            created = self.network('lan', cli=cli)
            shown = json.loads(cli.ok('network', 'inspect', 'lan'))[0]
            self.assertEqual((shown['Id'], shown['Driver'], shown['Options'], shown['Scope']),
                             (created, self.driver, {'parent': 'wire0'}, 'local'))
            self.assertEqual(cli.ok('run', '--rm', '--network', 'lan', IMAGE, 'sh', '-c', f'ping -c 1 -W 2 {NEIGHBOUR} >/dev/null && echo reached'),
                             'reached')
            cli.ok('network', 'rm', 'lan')

    def test_refusals_are_docker_s(self):
        for parent, text in (('lo', f'loopback interface is not a valid {self.driver} parent link'),
                             ('nope', 'invalid subinterface vlan name nope, example formatting is eth0.10'),
                             ('nope.5', '-o parent interface was not found on the host: nope'),
                             ('wire0.4095', 'vlan id must be between 1-4094, received: 4095')):
            error = self.docker.fails('network', 'create', '-d', self.driver, '-o', 'parent=' + parent, 'lan')
            self.assertEqual(error.strip(), 'Error response from daemon: ' + text)
        self.assertEqual(self.api.call('GET', '/networks', filters={'type': ['custom']}), [])

    def test_ports_are_not_published(self):
        self.network('lan')
        container = self.run_on('lan', '-p', '8080:80')
        self.assertEqual(self.docker.ok('port', container), '')

    def test_connect_and_disconnect_live(self):
        self.network('lan')
        container = self.run_on('lan')
        self.docker.ok('network', 'disconnect', 'lan', container)
        for _ in range(3):
            self.docker.ok('network', 'connect', '--ip', '10.60.0.30', 'lan', container)
            self.assertTrue(self.from_neighbour('10.60.0.30'))
            self.docker.ok('network', 'disconnect', 'lan', container)
            self.assertNotIn('eth', self.docker.ok('exec', container, 'ip', '-o', 'link'))

    def test_a_container_comes_back_with_its_address(self):
        self.network('lan')
        container = self.run_on('lan', '--ip', '10.60.0.40')
        for _ in range(3):
            self.docker.ok('stop', '-t', '0', container)
            self.docker.ok('start', container)
            self.assertTrue(self.from_neighbour('10.60.0.40'))

    def test_the_daemon_may_be_killed(self):
        self.network('lan')
        container = self.run_on('lan')
        address = self.address(container)
        self.daemon.kill()
        self.assertTrue(self.from_neighbour(address))
        self.daemon.start()
        self.assertTrue(self.pings(container, NEIGHBOUR))
        self.docker.ok('rm', '-f', container)
        self.docker.ok('run', '--rm', '--network', 'lan', '--ip', address, IMAGE, 'true')

    def test_a_network_without_a_parent_leads_nowhere(self):
        before = self.snapshot()
        self.network('alone', parent=None, subnet='10.61.0.0/24')
        one, other = self.run_on('alone'), self.run_on('alone')
        self.assertTrue(self.pings(one, self.address(other)))
        self.assertEqual(self.address(one, 'Gateway'), '')
        self.assertFalse(self.pings(one, NEIGHBOUR))
        self.remove_networks()
        self.assert_no_leak(before)

    def test_a_parent_that_vanishes(self):
        ip('link', 'add', 'gone0', 'type', 'veth', 'peer', 'name', 'gone1')
        self.addCleanup(ip, 'link', 'del', 'gone0', check=False)
        self.network('lan', parent='gone0', subnet='10.62.0.0/24')
        before = self.snapshot()
        container = self.run_on('lan')
        ip('link', 'del', 'gone0')
        error = self.docker.fails('run', '--rm', '--network', 'lan', IMAGE, 'true', status=125)
        self.assertIn('the requested parent interface gone0 was not found on the Docker host', error)
        self.docker.ok('rm', '-f', container)
        until(lambda: not os.listdir(os.path.join(self.daemon.exec_root, 'netns')), 'the sandboxes are gone')
        self.assertEqual([line for line in before.difference(self.snapshot()) if 'gone' not in line], [])
        self.docker.ok('network', 'rm', 'lan')

    def test_host_access(self):
        before = self.snapshot()
        self.network('lan', '-o', 'davit.host_access=true', '--aux-address', 'host=10.60.0.250')
        container = self.run_on('lan')
        self.assertTrue(self.pinged(self.address(container)))
        self.assertTrue(self.pings(container, '10.60.0.250'))
        self.daemon.kill()
        self.daemon.start()
        self.assertTrue(self.pinged(self.address(container)))
        self.remove_networks()
        self.assert_no_leak(before)

    def test_802_1q(self):
        if not makes('vlan'):
            self.assertIn('failed to create wire0.50 vlan link', self.docker.fails('network', 'create', '-d', self.driver, '-o', 'parent=wire0.50', 'v'))
            return
        ip('-n', 'neighbour', 'link', 'add', 'link', 'eth0', 'name', 'eth0.50', 'type', 'vlan', 'id', '50')
        ip('-n', 'neighbour', 'addr', 'add', '10.63.0.200/24', 'dev', 'eth0.50')
        ip('-n', 'neighbour', 'link', 'set', 'eth0.50', 'up')
        self.network('tagged', parent='wire0.50', subnet='10.63.0.0/24')
        self.assertTrue(self.pings(self.run_on('tagged'), '10.63.0.200'))
        self.remove_networks()
        self.assertEqual(ip('link', 'show', 'wire0.50', check=False).returncode, 1)


class MacvlanTest(Cases, VlanCase):
    driver = 'macvlan'

    def test_private_and_passthru(self):
        self.network('apart', '-o', 'macvlan_mode=private')
        one, other = self.run_on('apart'), self.run_on('apart')
        self.assertTrue(self.pings(one, NEIGHBOUR))
        self.assertFalse(self.pings(one, self.address(other)))
        self.assertIn('cannot use mode passthru, macvlan network',
                      self.docker.fails('network', 'create', '-d', 'macvlan', '-o', 'parent=wire0', '-o', 'macvlan_mode=passthru', 'through'))
        self.remove_networks()
        self.network('through', '-o', 'macvlan_mode=passthru')
        self.assertTrue(self.pings(self.run_on('through'), NEIGHBOUR))
        error = self.docker.fails('run', '--rm', '--network', 'through', IMAGE, 'true', status=125)
        self.assertIn('failed to create the macvlan port', error)
        self.assertIn('mode passthru', self.docker.fails('network', 'create', '-d', 'macvlan', '-o', 'parent=wire0', 'more'))

    def test_the_mac_address(self):
        self.network('lan')
        container = self.run_on('lan', '--mac-address', '02:00:00:00:00:07')
        self.assertEqual(self.address(container, 'MacAddress'), '02:00:00:00:00:07')
        self.assertIn('02:00:00:00:00:07', self.docker.ok('exec', container, 'ip', '-o', 'link', 'show', 'eth0'))
        self.assertIn('invalid mode', self.docker.fails('network', 'create', '-d', 'macvlan', '-o', 'macvlan_mode=x', 'y')
                      .replace("requested macvlan mode 'x' is not valid", 'invalid mode'))


class IpvlanTest(Cases, VlanCase):
    driver = 'ipvlan'

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not makes('ipvlan'):
            raise unittest.SkipTest('this kernel makes no ipvlan links; tests/integration/vm runs these cases on one that does')

    def test_routed_containers_have_no_gateway(self):
        for mode in ('l3', 'l3s'):
            self.network('routed', '-o', 'ipvlan_mode=' + mode, subnet='10.64.0.0/24')
            container = self.run_on('routed')
            self.assertEqual(self.docker.ok('exec', container, 'sh', '-c', 'ip route | grep default').strip(), 'default dev eth0 scope link')
            ip('-n', 'neighbour', 'route', 'replace', '10.64.0.0/24', 'via', '10.60.0.100')
            self.assertTrue(self.from_neighbour(self.address(container)), mode)
            self.remove_networks()

    def test_a_parent_has_one_network(self):
        first = self.network('lan')
        self.assertEqual(self.docker.fails('network', 'create', '-d', 'ipvlan', '-o', 'parent=wire0', 'more').strip(),
                         f'Error response from daemon: network di-{first[:12]} is already using parent interface wire0')

    def test_it_has_the_mac_address_of_its_parent(self):
        self.network('lan')
        self.assertIn('ipvlan interfaces do not support custom mac address assignment',
                      self.docker.fails('run', '--rm', '--network', 'lan', '--mac-address', '02:00:00:00:00:07', IMAGE, 'true', status=125))


class UnsuitableTest(DaemonCase):
    """On a kernel without ipvlan the driver says so, and only it is missing."""

    def test_it_is_listed_with_the_reason(self):
        ip('link', 'add', 'wire0', 'type', 'veth', 'peer', 'name', 'wire1')
        self.addCleanup(ip, 'link', 'del', 'wire0', check=False)
        if makes('ipvlan'):
            self.assertEqual(self.docker.ok('network', 'create', '-d', 'ipvlan', 'one')[:2].strip('0123456789abcdef'), '')
            self.docker.ok('network', 'rm', 'one')
            return
        error = self.docker.fails('network', 'create', '-d', 'ipvlan', 'one')
        self.assertIn("not for this host: its kernel doesn't make ipvlan links", error)
        line = next(line for line in self.davit.ok('plugin', 'ls').splitlines() if 'ipvlan' in line)
        self.assertIn('skipped', line)
        self.assertIn('not for this host', line)
        self.assertLessEqual({'host', 'none'}, set(self.docker.ok('network', 'ls', '--format', '{{.Name}}').split()))


if __name__ == '__main__':
    unittest.main()
