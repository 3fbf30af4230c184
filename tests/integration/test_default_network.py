"""The default network: that of containers that name none, as daemon.json wants it, and what repairs it."""
import json
import os
import shutil
import subprocess
import unittest
import urllib.request

from harness import images, places
from harness.case import IMAGE, DaemonCase
from harness.cli import Cli
from harness.daemon import Daemon
from harness.poll import until


def ip(*words):
    return subprocess.run(['ip', *words], capture_output=True, text=True, check=True).stdout


def network(docker, name='bridge'):
    return json.loads(docker.ok('network', 'inspect', name))[0]


def published(port, address='127.0.0.1'):
    """What the server behind the port says; it may only be starting."""
    def answer():
        try:
            with urllib.request.urlopen(f'http://{address}:{port}/index.html', timeout=5) as reply:
                return reply.read().decode().strip()
        except OSError:
            return None
    return until(answer, f'port {port} answers')


SERVER = ('sh', '-c', 'echo hello >/index.html; exec busybox httpd -f -p 80 -h /')


class DefaultTest(DaemonCase):
    """Without any configuration."""

    def test_it_is_there(self):
        for cli in (self.docker, self.davit):
            rows = cli.ok('network', 'ls', '--format', '{{.Name}} {{.Driver}} {{.Scope}}').splitlines()
            self.assertEqual(sorted(rows), ['bridge bridge local', 'host host local', 'none null local'])
        shown = network(self.docker)
        self.assertEqual(shown['Options'], {'com.docker.network.bridge.default_bridge': 'true',
                                            'com.docker.network.bridge.enable_icc': 'true',
                                            'com.docker.network.bridge.enable_ip_masquerade': 'true',
                                            'com.docker.network.bridge.host_binding_ipv4': '0.0.0.0',
                                            'com.docker.network.bridge.name': self.daemon.bridge,
                                            'com.docker.network.driver.mtu': '1500'})

    def test_containers_are_on_it(self):
        for cli in (self.docker, self.davit):
            container = cli.ok('run', '-d', IMAGE, 'sleep', '1000')
            shown = self.api.inspect(container)
            self.assertEqual(shown['HostConfig']['NetworkMode'], 'bridge')
            address = shown['NetworkSettings']['IPAddress']
            self.assertIn(f'inet {address}/', cli.ok('exec', container, 'ip', 'addr', 'show', 'eth0'))
            cli.ok('exec', container, 'busybox', 'ping', '-c', '1', '-W', '5', shown['NetworkSettings']['Gateway'])

    def test_it_is_the_same_after_a_restart(self):
        container = self.docker.ok('run', '-d', IMAGE, 'sleep', '1000')
        before = network(self.docker), self.api.inspect(container)['NetworkSettings']
        self.daemon.restart()
        self.assertEqual((network(self.docker), self.api.inspect(container)['NetworkSettings']), before)

    def test_a_deleted_bridge_is_made_again(self):
        ip('link', 'del', self.daemon.bridge)
        container = self.docker.ok('run', '-d', '-p', '8090:80', IMAGE, *SERVER)
        self.assertEqual(published(8090), 'hello')
        self.docker.ok('exec', container, 'busybox', 'ping', '-c', '1', '-W', '5', network(self.docker)['IPAM']['Config'][0]['Gateway'])

    def test_a_flushed_packet_filter_is_made_again(self):
        self.docker.ok('run', '-d', '-p', '8091:80', IMAGE, *SERVER)
        subprocess.run(['nft', 'flush', 'ruleset'], check=True)
        self.docker.ok('run', '-d', '-p', '8092:80', IMAGE, *SERVER)
        for port in (8091, 8092):
            self.assertEqual(published(port), 'hello')

    def test_a_driver_that_lost_its_state_is_told_again(self):
        self.docker.ok('network', 'create', 'own')
        first = self.docker.ok('run', '-d', '-p', '80', IMAGE, *SERVER)
        second = self.docker.ok('run', '-d', '--network', 'own', IMAGE, 'sleep', '1000')
        shown = [self.api.inspect(one)['NetworkSettings'] for one in (first, second)]
        self.daemon.stop()
        with open(os.path.join(self.daemon.data_root, 'drivers', 'network', 'bridge', 'journal'), 'w', encoding='utf-8'):
            pass
        self.daemon.start()
        self.assertEqual([self.api.inspect(one)['NetworkSettings'] for one in (first, second)], shown)
        port = shown[0]['Ports']['80/tcp'][0]['HostPort']
        self.assertEqual(published(port), 'hello')
        self.assertIn('port is already allocated', self.docker.fails('run', '-p', f'{port}:80', IMAGE, 'true', status=125))
        self.docker.ok('run', '--rm', '--network', 'own', IMAGE, 'true')
        self.docker.ok('rm', '-f', first, second)
        self.docker.ok('network', 'rm', 'own')
        self.docker.ok('run', '--rm', '-p', f'{port}:80', IMAGE, 'true')


class ConfiguredTest(unittest.TestCase):
    """Each case with a daemon of its own."""

    def daemon(self, config=None, *arguments):
        daemon = Daemon('net', 'vfs', config, arguments)
        self.addCleanup(daemon.destroy)
        return daemon

    def started(self, config=None, *arguments):
        daemon = self.daemon(config, *arguments)
        daemon.start()
        docker = Cli(places.docker(), daemon.host, daemon.home)
        docker.ok('load', input=images.busybox())
        return daemon, docker

    def link(self, name, *address):
        ip('link', 'add', name, 'type', 'bridge')
        self.addCleanup(subprocess.run, ['ip', 'link', 'del', name], check=False)
        for one in address:
            ip('addr', 'add', one, 'dev', name)

    def names(self, docker):
        return docker.ok('network', 'ls', '--format', '{{.Name}}').split()

    def test_none(self):
        for config, arguments in (({'bridge': 'none'}, ()), ({}, ('--bridge', 'none'))):
            daemon, docker = self.started(config, *arguments)
            self.assertEqual(sorted(self.names(docker)), ['host', 'none'])
            self.assertEqual(docker.ok('run', '--rm', IMAGE, 'ls', '/sys/class/net'), 'lo')
            self.assertNotIn(daemon.bridge, ip('link'))
            daemon.destroy()

    def test_an_existing_bridge(self):
        self.link('lan7', '10.207.70.5/24')
        daemon, docker = self.started({'bridge': 'lan7'})
        self.assertEqual(network(docker)['IPAM']['Config'], [{'Subnet': '10.207.70.0/24', 'Gateway': '10.207.70.5'}])
        self.assertIn('default via 10.207.70.5', docker.ok('run', '--rm', IMAGE, 'ip', 'route'))
        daemon.stop()
        daemon.write_config({'bridge': 'none'})
        daemon.start()
        self.assertIn('10.207.70.5/24', ip('addr', 'show', 'lan7'))

    def test_a_bridge_that_is_not_there(self):
        daemon = self.daemon({'bridge': 'lan8'})
        with self.assertRaises(AssertionError) as failed:
            daemon.start()
        self.assertIn('bridge device with non default name lan8 must be created manually', str(failed.exception))

    def test_addresses(self):
        _, docker = self.started({'bip': '10.207.71.9/24', 'fixed-cidr': '10.207.71.128/25', 'default-gateway': '10.207.71.200'})
        self.assertEqual(network(docker)['IPAM']['Config'],
                         [{'Subnet': '10.207.71.0/24', 'IPRange': '10.207.71.128/25', 'Gateway': '10.207.71.9',
                           'AuxiliaryAddresses': {'DefaultGatewayIPv4': '10.207.71.200'}}])
        shown = docker.ok('run', '--rm', IMAGE, 'ip', 'route')
        self.assertIn('default via 10.207.71.200', shown)
        self.assertRegex(shown, r'src 10\.207\.71\.1[2-9]\d')

    def test_ipv6(self):
        _, docker = self.started({'ipv6': True, 'fixed-cidr-v6': 'fd00:207:72::/64'})
        shown = network(docker)
        self.assertTrue(shown['EnableIPv6'])
        self.assertIn({'Subnet': 'fd00:207:72::/64', 'Gateway': 'fd00:207:72::1'}, shown['IPAM']['Config'])
        self.assertIn('fd00:207:72::', docker.ok('run', '--rm', IMAGE, 'ip', '-6', 'addr', 'show', 'eth0'))
        container = docker.ok('run', '-d', IMAGE, 'sleep', '1000')
        docker.ok('exec', container, 'busybox', 'ping', '-6', '-c', '1', '-W', '5', 'fd00:207:72::1')

    def test_options(self):
        daemon, docker = self.started({'icc': False, 'mtu': 1400, 'ip': '127.0.0.1', 'ip-masq': False})
        options = network(docker)['Options']
        self.assertEqual({options['com.docker.network.bridge.' + name] for name in ('enable_icc', 'enable_ip_masquerade')}, {'false'})
        first = docker.ok('run', '-d', '-p', '8095:80', IMAGE, *SERVER)
        second = docker.ok('run', '-d', IMAGE, 'sleep', '1000')
        self.assertIn('mtu 1400', docker.ok('exec', second, 'ip', 'link', 'show', 'eth0'))
        settings = daemon.api.inspect(first)['NetworkSettings']
        self.assertEqual(settings['Ports']['80/tcp'], [{'HostIp': '127.0.0.1', 'HostPort': '8095'}])
        self.assertEqual(published(8095), 'hello')
        self.assertNotEqual(docker.run('exec', second, 'busybox', 'ping', '-c', '1', '-W', '1', settings['IPAddress']).returncode, 0)

    def test_pools_and_options_of_other_networks(self):
        _, docker = self.started({'default-address-pools': [{'base': '10.207.80.0/22', 'size': 24}],
                                  'default-network-opts': {'bridge': {'com.docker.network.driver.mtu': '1300'}}})
        self.assertEqual(network(docker)['IPAM']['Config'], [{'Subnet': '10.207.80.0/24', 'Gateway': '10.207.80.1'}])
        docker.ok('network', 'create', 'one')
        self.addCleanup(docker.run, 'network', 'rm', 'one')
        self.assertEqual(network(docker, 'one')['IPAM']['Config'], [{'Subnet': '10.207.81.0/24', 'Gateway': '10.207.81.1'}])
        self.assertEqual(network(docker, 'one')['Options'], {'com.docker.network.driver.mtu': '1300'})

    def test_resolvers(self):
        _, docker = self.started({'dns': ['192.0.2.1'], 'dns-search': ['example.org'], 'dns-opts': ['ndots:3']})
        self.assertEqual(docker.ok('run', '--rm', IMAGE, 'cat', '/etc/resolv.conf').splitlines()[:3],
                         ['nameserver 192.0.2.1', 'search example.org', 'options ndots:3'])
        self.assertIn('nameserver 192.0.2.2', docker.ok('run', '--rm', '--dns', '192.0.2.2', IMAGE, 'cat', '/etc/resolv.conf'))

    def test_a_change_waits_for_running_containers(self):
        daemon, docker = self.started({'bip': '10.207.75.1/24'})
        container = docker.ok('run', '-d', IMAGE, 'sleep', '1000')
        daemon.stop()
        daemon.write_config({'bip': '10.207.76.1/24'})
        daemon.start()
        self.assertEqual(network(docker)['IPAM']['Config'][0]['Subnet'], '10.207.75.0/24')
        self.assertIn('there are running containers', daemon.log())
        docker.ok('exec', container, 'busybox', 'ping', '-c', '1', '-W', '5', '10.207.75.1')
        docker.ok('stop', '-t', '0', container)
        daemon.restart()
        self.assertEqual(network(docker)['IPAM']['Config'][0]['Subnet'], '10.207.76.0/24')
        docker.ok('start', container)
        docker.ok('exec', container, 'busybox', 'ping', '-c', '1', '-W', '5', '10.207.76.1')
        self.assertNotIn('10.207.75.1', ip('addr', 'show', daemon.bridge))

    def test_a_bridge_that_a_lost_state_left(self):
        daemon, docker = self.started({'bip': '10.207.77.1/24'})
        daemon.stop()
        shutil.rmtree(daemon.data_root)
        daemon.write_config({'bip': '10.207.78.1/24'})
        daemon.start()
        self.assertIn('10.207.78.1/24', ip('addr', 'show', daemon.bridge))
        self.assertNotIn('10.207.77.1', ip('addr', 'show', daemon.bridge))


if __name__ == '__main__':
    unittest.main()
