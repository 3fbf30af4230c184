"""What Docker's users do with networks beyond the plain cases: configurations of networks, links, namespaces that are shared."""
import json
import unittest

from harness.case import IMAGE, DaemonCase
from harness.poll import until

CONFIG_FIELDS = ('configuration network can only contain network specific fields. Network operator fields like '
                 '[ ingress | internal | attachable | scope ] are not supported.')
SHARED = 'container sharing network namespace with another container or host cannot be connected to any other network'
HOST = 'container cannot be disconnected from host network or connected to host network'
PRIVATE = 'container cannot be connected to multiple networks with one of the networks in private (none) mode'


class NetworkCase(DaemonCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.remove_networks)

    def remove_networks(self):
        self.remove_containers()
        networks = self.api.call('GET', '/networks', filters={'type': ['custom']})
        for network in sorted(networks, key=lambda one: one['ConfigOnly']):
            self.api.call('DELETE', '/networks/' + network['Id'])

    def network(self, name, *arguments):
        return self.docker.ok('network', 'create', *arguments, name)

    def run_in(self, *arguments, name=None):
        return self.docker.ok('run', '-d', *(['--name', name] if name else []), *arguments, IMAGE, 'sleep', '1000')

    def inside(self, container, *command):
        return self.docker.ok('exec', container, *command)

    def refusal(self, path, body):
        reply = self.api.request('POST', path, body)
        return reply.status, reply.json()['message']

    def pings(self, container, address):
        return self.docker.run('exec', container, 'busybox', 'ping', '-c', '1', '-W', '2', address).returncode == 0


class ConfigurationNetworksTest(NetworkCase):
    def test_a_network_is_made_from_a_configuration(self):
        for cli in (self.docker, self.davit):
            cli.ok('network', 'create', '--config-only', '--subnet', '10.207.9.0/24', '-o', 'com.docker.network.driver.mtu=1400',
                   '--label', 'a=b', 'conf')
            cli.ok('network', 'create', '--config-from', 'conf', 'real')
            conf, real = json.loads(self.docker.ok('network', 'inspect', 'conf', 'real'))
            self.assertEqual((conf['ConfigOnly'], conf['Driver'], conf['IPAM']['Config']), (True, 'null', [{'Subnet': '10.207.9.0/24'}]))
            self.assertEqual((real['ConfigOnly'], real['ConfigFrom'], real['Driver']), (False, {'Network': 'conf'}, 'bridge'))
            self.assertEqual((real['Options'], real['Labels']), ({'com.docker.network.driver.mtu': '1400'}, {'a': 'b'}))
            self.assertIn('mtu 1400', self.docker.ok('run', '--rm', '--network', 'real', IMAGE, 'ip', 'link', 'show', 'eth0'))
            self.assertIn('configuration network "conf" is in use', cli.fails('network', 'rm', 'conf'))
            self.assertIn('conf', self.docker.ok('network', 'ls', '--filter', 'driver=null', '--format', '{{.Name}}').split())
            self.daemon.restart()
            self.assertEqual(json.loads(self.docker.ok('network', 'inspect', 'conf', 'real')), [conf, real])
            self.assertEqual(self.docker.ok('network', 'prune', '-f'), 'Deleted Networks:\nreal')
            cli.ok('network', 'rm', 'conf')

    def test_refusals(self):
        self.network('conf', '--config-only', '--subnet', '10.207.9.0/24')
        self.network('plain')
        set_already = 'user specified configurations are not supported if the network depends on a configuration network'
        source = {'ConfigFrom': {'Network': 'conf'}}
        for expected, body in (
                ((409, 'network with name conf already exists'), {'Name': 'conf', 'ConfigOnly': True}),
                ((403, CONFIG_FIELDS), {'ConfigOnly': True, 'Internal': True}),
                ((403, CONFIG_FIELDS), {'ConfigOnly': True, 'Attachable': True}),
                ((403, CONFIG_FIELDS), {'ConfigOnly': True, 'Scope': 'local'}),
                ((404, 'configuration network "nope" does not exist'), {'ConfigFrom': {'Network': 'nope'}}),
                ((404, 'configuration network "plain" does not exist'), {'ConfigFrom': {'Network': 'plain'}}),
                ((403, 'a configuration network cannot depend on another configuration network'), {**source, 'ConfigOnly': True}),
                ((403, set_already), {**source, 'Labels': {'a': 'b'}}),
                ((403, set_already), {**source, 'EnableIPv6': True}),
                ((403, set_already), {**source, 'IPAM': {'Config': [{'Subnet': '10.207.10.0/24'}]}}),
                ((403, 'network driver options are not supported if the network depends on a configuration network'),
                 {**source, 'Options': {'a': 'b'}}),
                ((403, 'Ingress network can only be global scope network'), {'Ingress': True}),
                ((403, 'cannot create a swarm scoped network when swarm is not active'), {'Scope': 'swarm'}),
                ((503, 'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm '
                       'and try again.'), {'Scope': 'global'})):
            with self.subTest(body=body):
                self.assertEqual(self.refusal('/networks/create', {'Name': 'new', 'Driver': 'bridge', **body}), expected)
        self.assertIn('cannot create endpoint on configuration-only network',
                      self.docker.fails('run', '--rm', '--network', 'conf', IMAGE, 'true', status=125))
        container = self.run_in()
        self.assertEqual(self.refusal('/networks/conf/connect', {'Container': container}),
                         (403, 'cannot create endpoint on configuration-only network'))

    def test_attachable(self):
        self.network('open', '--attachable', '--scope', 'local')
        self.assertEqual(self.docker.ok('network', 'inspect', 'open', '-f', '{{.Attachable}} {{.Scope}}'), 'true local')

    def test_a_driver_that_nobody_has_heard_of(self):
        for cli in (self.docker, self.davit):
            self.assertIn('plugin "nope" not found', cli.fails('network', 'create', '-d', 'nope', 'new'))


class LinksTest(NetworkCase):
    """--link on the default network."""

    def target(self):
        return self.run_in('-p', '5432', '--expose', '1234/udp', '--expose', '70-72', '-e', 'PASS=x', '-e', 'SP=a b', name='db')

    def test_variables(self):
        self.target()
        address = self.api.inspect('db')['NetworkSettings']['IPAddress']
        expected = {'AL_IAS_PORT': f'tcp://{address}:70', 'AL_IAS_NAME': '/li/al-ias', 'AL_IAS_ENV_PASS': 'x', 'AL_IAS_ENV_SP': 'a b',
                    'AL_IAS_PORT_70_TCP_START': f'tcp://{address}:70', 'AL_IAS_PORT_70_TCP_PORT_START': '70',
                    'AL_IAS_PORT_70_TCP_END': f'tcp://{address}:72', 'AL_IAS_PORT_70_TCP_PORT_END': '72'}
        for port, protocol in ((70, 'tcp'), (71, 'tcp'), (72, 'tcp'), (5432, 'tcp'), (1234, 'udp')):
            name = f'AL_IAS_PORT_{port}_{protocol.upper()}'
            expected.update({name: f'{protocol}://{address}:{port}', name + '_ADDR': address, name + '_PORT': str(port), name + '_PROTO': protocol})
        for cli in (self.docker, self.davit):
            container = cli.ok('run', '-d', '--name', 'li', '--link', 'db:al-ias', '-e', 'AL_IAS_NAME=mine', IMAGE, 'sleep', '1000')
            for variables in (self.inside('li', 'cat', '/proc/1/environ').replace('\0', '\n'), self.inside('li', 'env')):
                found = dict(line.split('=', 1) for line in variables.splitlines() if line.startswith('AL_IAS_'))
                self.assertEqual(found, {**expected, 'AL_IAS_NAME': 'mine'})
            self.docker.ok('rm', '-f', container)

    def test_hosts(self):
        target = self.target()
        address = self.api.inspect('db')['NetworkSettings']['IPAddress']
        self.run_in('--link', 'db:alias', '--link', 'db', name='li')
        hosts = self.inside('li', 'cat', '/etc/hosts').splitlines()
        self.assertIn(f'{address}\talias {target[:12]} db', hosts)
        self.assertIn(f'{address}\tdb {target[:12]}', hosts)
        self.assertTrue(self.pings('li', 'alias'))
        # The target comes back with another address: the one it had is taken meanwhile.
        self.docker.ok('stop', '-t', '0', 'db')
        self.run_in(name='other')
        self.docker.ok('start', 'db')
        moved = self.api.inspect('db')['NetworkSettings']['IPAddress']
        self.assertNotEqual(moved, address)
        until(lambda: f'{moved}\talias {target[:12]} db' in self.inside('li', 'cat', '/etc/hosts').splitlines(), 'the hosts file follows')

    def test_inspect_and_removal(self):
        self.target()
        self.run_in('--link', 'db:alias', name='li')
        links = lambda: self.api.inspect('li')['HostConfig']['Links']
        self.assertEqual(links(), ['/db:/li/alias'])
        self.daemon.restart()
        self.assertEqual(links(), ['/db:/li/alias'])
        self.assertIn('No such container: li/nope', self.docker.fails('rm', '--link', '/li/nope'))
        self.assertIn('Conflict, cannot remove the default link name of the container', self.docker.fails('rm', '--link', 'li'))
        self.assertEqual(self.docker.ok('rm', '--link', 'li/alias'), 'li/alias')
        self.assertIsNone(links())
        self.assertNotIn('alias', self.inside('li', 'cat', '/etc/hosts'))

    def test_refusals(self):
        create = lambda *links: self.refusal('/containers/create', {'Image': IMAGE, 'Cmd': ['true'], 'HostConfig': {'Links': links}})
        self.assertEqual(create('nope:x'), (400, 'could not get container for nope: No such container: nope'))
        self.assertEqual(create('db:x:y'), (400, 'bad format for links: db:x:y'))
        self.docker.ok('create', '--name', 'stopped', IMAGE, 'true')
        self.assertIn('Cannot link to a non running container: /stopped AS /li/s',
                      self.docker.fails('run', '--name', 'li', '--link', 'stopped:s', IMAGE, 'true', status=125))
        self.network('own')
        self.run_in('--network', 'own', name='far')
        self.assertIn('Cannot link to /far, as it does not belong to the default network',
                      self.docker.fails('run', '--rm', '--link', 'far', IMAGE, 'true', status=125))
        status, text = self.refusal('/containers/create', {'Image': IMAGE, 'HostConfig': {'Links': ['far'], 'NetworkMode': 'container:far'}})
        self.assertEqual(status, 400)
        self.assertIn("container type network can't be used with links", text)

    def test_aliases_are_for_other_networks(self):
        refused = 'network-scoped aliases are only supported for user-defined networks'
        self.assertIn(refused, self.davit.fails('run', '--rm', '--network-alias', 'x', IMAGE, 'true', status=125))
        self.assertEqual(self.refusal('/containers/create', {'Image': IMAGE, 'Cmd': ['true'],
                                                             'NetworkingConfig': {'EndpointsConfig': {'bridge': {'Aliases': ['x']}}}}),
                         (400, refused))
        container = self.run_in()
        self.network('own')
        other = self.run_in('--network', 'own')
        self.assertEqual(self.refusal('/networks/bridge/connect', {'Container': other, 'EndpointConfig': {'Aliases': ['x']}})[0], 400)
        self.docker.ok('network', 'connect', '--alias', 'x', 'own', container)


class AddressesTest(NetworkCase):
    def test_host_gateway(self):
        self.network('own')
        gateway = json.loads(self.docker.ok('network', 'inspect', 'bridge'))[0]['IPAM']['Config'][0]['Gateway']
        for network in ('bridge', 'own', 'none', 'host'):
            hosts = self.docker.ok('run', '--rm', '--network', network, '--add-host', 'a:host-gateway', '--add-host', 'b:1.2.3.4', IMAGE,
                                   'cat', '/etc/hosts').splitlines()
            self.assertIn(f'{gateway}\ta', hosts)
            self.assertIn('1.2.3.4\tb', hosts)
        container = self.run_in('--add-host', 'a:host-gateway')
        self.assertTrue(self.pings(container, 'a'))

    def test_link_local_addresses(self):
        self.network('own')
        container = self.run_in('--network', 'own', '--link-local-ip', '169.254.8.8')
        self.assertIn('inet 169.254.8.8/16', self.inside(container, 'ip', 'addr', 'show', 'eth0'))
        self.assertEqual(self.api.inspect(container)['NetworkSettings']['Networks']['own']['IPAMConfig'], {'LinkLocalIPs': ['169.254.8.8']})
        peer = self.run_in('--network', 'own')
        self.docker.ok('network', 'disconnect', 'own', peer)
        self.docker.ok('network', 'connect', '--link-local-ip', '169.254.8.9', 'own', peer)
        self.assertTrue(self.pings(peer, '169.254.8.8'))
        self.assertIn('invalid link local IP address: 10.0.0.1',
                      self.docker.fails('run', '--rm', '--network', 'own', '--link-local-ip', '10.0.0.1', IMAGE, 'true', status=125))

    def test_several_networks_and_the_gateway(self):
        for number in (1, 2, 3):
            self.network(f'n{number}', '--subnet', f'10.207.2{number}.0/24')
        # Docker's CLI can't say it before 25 and 28.
        container = self.davit.ok('run', '-d', '--network', 'n2', '--network', 'name=n3,gw-priority=7', '--network', 'n1', IMAGE, 'sleep', '1000')
        shown = self.inside(container, 'ip', 'addr')
        for interface, number in (('eth0', 2), ('eth1', 1), ('eth2', 3)):
            self.assertRegex(shown, rf'inet 10\.207\.2{number}\.\d+/24 .* {interface}')
        self.assertIn('default via 10.207.23.1 dev eth2', self.inside(container, 'ip', 'route'))
        self.assertEqual(self.api.inspect(container)['NetworkSettings']['Networks']['n3']['GwPriority'], 7)

    def test_mac_addresses(self):
        for cli in (self.docker, self.davit):
            self.assertIn('02:42:ac:11:00:63', cli.ok('run', '--rm', '--mac-address', '02:42:ac:11:00:63', IMAGE, 'ip', 'link', 'show', 'eth0'))
            self.assertIn('foo is not a valid mac address', cli.fails('run', '--rm', '--mac-address', 'foo', IMAGE, 'true', status=125))

    def test_ranges_of_ports(self):
        ranges = self.run_in('-p', '7000-7002:80-82', '-p', '7100-7110:90', name='rng')
        shown = self.api.inspect(ranges)
        self.assertEqual({port: where[0]['HostPort'] for port, where in shown['NetworkSettings']['Ports'].items()},
                         {'80/tcp': '7000', '81/tcp': '7001', '82/tcp': '7002', '90/tcp': '7100'})
        self.assertEqual(shown['HostConfig']['PortBindings']['90/tcp'], [{'HostIp': '', 'HostPort': '7100-7110'}])
        self.assertIn('port is already allocated', self.docker.fails('run', '--rm', '-p', '7002:80', IMAGE, 'true', status=125))
        exposed = self.run_in('-P', '--expose', '8000-8003', '--expose', '53/udp')
        ports = self.api.inspect(exposed)['NetworkSettings']['Ports']
        self.assertEqual(sorted(ports), ['53/udp', '8000/tcp', '8001/tcp', '8002/tcp', '8003/tcp'])
        self.assertTrue(all(int(where[0]['HostPort']) for where in ports.values()))


class ConnectTest(NetworkCase):
    def connect(self, network, container, verb='connect', **more):
        return self.refusal(f'/networks/{network}/{verb}', {'Container': container, **more})

    def test_modes_that_can_not_be_connected(self):
        self.network('own')
        plain, host = self.run_in(name='plain'), self.run_in('--network', 'host', name='on-host')
        none, shared = self.run_in('--network', 'none', name='on-none'), self.run_in('--network', 'container:plain', name='shared')
        self.assertEqual(self.connect('own', host), (400, SHARED))
        self.assertEqual(self.connect('own', shared), (400, SHARED))
        self.assertEqual(self.connect('host', plain), (400, HOST))
        self.assertEqual(self.connect('host', host, 'disconnect'), (400, HOST))
        self.assertEqual(self.connect('none', plain), (400, PRIVATE))
        self.assertEqual(self.connect('own', none), (400, PRIVATE))
        self.assertEqual(self.connect('own', 'nope'), (404, 'No such container: nope'))

    def test_what_is_not_connected(self):
        self.network('own')
        running = self.run_in()
        stopped = self.docker.ok('create', IMAGE, 'true')
        for force in (False, True):
            status, text = self.connect('own', running, 'disconnect', Force=force)
            self.assertEqual((status, text), (403, f'container {running} is not connected to network own'))
            self.assertEqual(self.connect('own', stopped, 'disconnect', Force=force)[1], f'container {stopped} is not connected to the network own')
        self.assertEqual(self.connect('own', 'nope', 'disconnect'), (404, 'No such container: nope'))
        self.assertEqual(self.connect('own', 'nope', 'disconnect', Force=True), (404, 'endpoint nope not found'))
        self.docker.ok('network', 'connect', 'own', stopped)
        self.docker.ok('network', 'disconnect', '-f', 'own', stopped)

    def test_a_container_without_networks_is_put_on_one(self):
        self.network('own', '--subnet', '10.207.30.0/24')
        peer = self.run_in('--network', 'own')
        container = self.run_in('--network', 'none')
        self.docker.ok('network', 'disconnect', 'none', container)
        self.docker.ok('network', 'connect', 'own', container)
        address = self.api.inspect(container)['NetworkSettings']['Networks']['own']['IPAddress']
        self.assertIn(f'inet {address}/24', self.inside(container, 'ip', 'addr', 'show', 'eth0'))
        self.assertTrue(self.pings(container, self.api.inspect(peer)['NetworkSettings']['Networks']['own']['IPAddress']))
        shown = self.api.inspect(container)['NetworkSettings']
        self.daemon.restart()
        self.assertEqual(self.api.inspect(container)['NetworkSettings'], shown)
        self.docker.ok('stop', '-t', '0', container)
        self.docker.ok('start', container)
        self.assertIn('inet 10.207.30.', self.inside(container, 'ip', 'addr', 'show', 'eth0'))

    def test_the_life_of_a_shared_namespace(self):
        first = self.run_in(name='first')
        second = self.run_in('--network', 'container:first', name='second')
        shown = self.inside(first, 'ip', 'addr')
        self.assertEqual(self.inside(second, 'ip', 'addr'), shown)
        self.assertEqual(self.inside(second, 'cat', '/etc/hosts'), self.inside(first, 'cat', '/etc/hosts'))
        self.docker.ok('stop', '-t', '0', second)
        self.docker.ok('start', second)
        self.assertEqual(self.inside(second, 'ip', 'addr'), shown)
        # Without its owner the namespace has no interface any more, though it goes on for those in it.
        self.docker.ok('stop', '-t', '0', first)
        until(lambda: 'eth0' not in self.inside(second, 'ip', 'addr'), 'the interface is gone')
        self.docker.ok('stop', '-t', '0', second)
        self.assertIn(f'cannot join network of a non running container: {first}', self.docker.fails('start', second))
        self.docker.ok('start', first)
        self.docker.ok('start', second)
        self.assertEqual(self.inside(second, 'ip', 'addr'), self.inside(first, 'ip', 'addr'))
        self.docker.ok('rm', '-f', first)
        self.docker.ok('stop', '-t', '0', second)
        self.assertIn(f'No such container: {first}', self.docker.fails('start', second))

    def test_filters(self):
        used, idle = self.network('used', '--label', 'a=b'), self.network('idle')
        self.run_in('--network', 'used')
        ls = lambda *filters: set(self.docker.ok('network', 'ls', '-q', '--no-trunc', *(w for f in filters for w in ('--filter', f))).split())
        self.assertEqual(ls('dangling=true'), {idle})
        self.assertNotIn(idle, ls('dangling=false'))
        self.assertEqual(ls('label=a'), {used})
        self.assertEqual(ls('name=us'), {used})
        self.assertEqual(ls(f'id={idle[:9]}'), {idle})
        self.assertEqual(ls('type=custom'), {used, idle})
        self.assertEqual(ls('driver=nope'), set())
        self.assertEqual(ls('scope=foo'), set())
        self.assertTrue({used, idle} < ls('scope=local'))
        self.assertIn("invalid filter: 'type'='foo'", self.docker.fails('network', 'ls', '--filter', 'type=foo'))
        self.assertIn("nvalid filter 'foo'", self.docker.fails('network', 'ls', '--filter', 'foo=bar'))
        self.assertIn("nvalid filter 'foo'", self.docker.fails('network', 'prune', '-f', '--filter', 'foo=bar'))
        verbose = json.loads(self.docker.ok('network', 'inspect', '-v', 'used'))[0]
        self.assertEqual(len(verbose['Containers']), 1)


if __name__ == '__main__':
    unittest.main()
