"""Published ports from end to end: who reaches a container through the host and who doesn't, without the daemon, and beside a
dockerd with rules of its own."""
import os
import re
import signal
import subprocess

from harness import images, places
from harness.case import IMAGE
from harness.dockerd import Dockerd
from harness.lan import LAN, LanCase, fetch
from harness.poll import until

EVERY_WAY = (('', '127.0.0.1'), ('', '::1'), ('', '192.0.2.1'), ('', '2001:db8::1'), (LAN, '192.0.2.1'), (LAN, '2001:db8::1'))


def forwarders():
    """The processes that carry ports."""
    found = []
    for entry in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{entry}/comm', encoding='utf-8') as file:
                if file.read().strip() == 'davit-port-forw':
                    found.append(int(entry))
        except OSError:
            continue
    return found


class PublishedPortsTest(LanCase):
    def test_a_port_is_published_on_both_families(self):
        container = self.server('-p', '8081:80')
        self.awaits(8081)
        for where, address in EVERY_WAY:
            self.assertEqual(fetch(address, 8081, where), 'hello', (where, address))
        # An older CLI of Docker's writes ":::8081".
        self.assertEqual(self.docker.ok('port', container).replace(':::', '[::]:'), '80/tcp -> 0.0.0.0:8081\n80/tcp -> [::]:8081')
        self.assertEqual(self.docker.ok('ps', '--format', '{{.Ports}}').replace(':::', '[::]:'), '0.0.0.0:8081->80/tcp, [::]:8081->80/tcp')
        self.assertEqual(self.api.inspect(container)['NetworkSettings']['Ports'],
                         {'80/tcp': [{'HostIp': '0.0.0.0', 'HostPort': '8081'}, {'HostIp': '::', 'HostPort': '8081'}]})

    def test_containers_reach_it_by_the_host_s_addresses(self):
        own = self.server('-p', '8082:80')
        self.awaits(8082)
        other = self.docker.ok('run', '-d', IMAGE, 'sleep', '1000')
        for container in (own, other):
            self.assertEqual(self.docker.ok('exec', container, 'busybox', 'wget', '-q', '-O', '-', 'http://192.0.2.1:8082/index.html'), 'hello')

    def test_what_is_not_published_is_closed(self):
        container = self.server('-p', '127.0.0.1:8083:80', '-p', '[::1]:8083:80')
        self.awaits(8083)
        self.assertEqual(fetch('::1', 8083), 'hello')
        for address in ('192.0.2.1', '2001:db8::1'):
            self.assertIsNone(fetch(address, 8083, LAN, 1), address)
        self.assertIsNone(fetch(self.address(container), 80, LAN, 1))

    def test_a_client_keeps_its_address(self):
        container = self.docker.ok('run', '-d', '-p', '8084:80', IMAGE, 'nc', '-l', '-p', '80', '-e', 'sleep', '1000')
        until(lambda: ':80' in self.docker.run('exec', container, 'netstat', '-ltn').stdout.decode(), 'the server listens')
        client = subprocess.Popen(['ip', 'netns', 'exec', LAN, 'busybox', 'nc', '192.0.2.1', '8084'], stdin=subprocess.PIPE)
        self.addCleanup(client.wait)
        self.addCleanup(client.kill)
        until(lambda: '192.0.2.2:' in self.docker.run('exec', container, 'netstat', '-tn').stdout.decode(), 'the server sees its client')

    def test_ports_go_on_without_the_daemon(self):
        self.server('-p', '8085:80')
        self.awaits(8085)
        before = forwarders()
        self.assertEqual(len(before), 1)
        self.daemon.kill()
        for where, address in EVERY_WAY:
            self.assertEqual(fetch(address, 8085, where), 'hello', (where, address))
        self.daemon.start()
        self.assertEqual(forwarders(), before)
        self.assertEqual(fetch('::1', 8085), 'hello')
        self.assertIn('port is already allocated', self.docker.fails('run', '-p', '8085:80', IMAGE, 'true', status=125))

    def test_the_process_that_carries_is_started_again(self):
        self.server('-p', '8086:80')
        self.awaits(8086)
        [process] = forwarders()
        os.kill(process, signal.SIGKILL)
        until(lambda: fetch('::1', 8086) == 'hello', 'the port is carried again')
        self.assertNotIn(process, forwarders())

    def test_two_hundred_ports_leave_nothing(self):
        self.docker.ok('run', '--rm', '-p', '8087:80', IMAGE, 'true')  # what the first container leaves stays
        until(lambda: not forwarders(), 'the last port is given back')
        before = self.snapshot()
        container = self.server('-p', '9000-9199:9000-9199', '-p', '8087:80')
        self.awaits(8087)
        self.assertEqual(len(forwarders()), 1)
        self.docker.ok('rm', '-f', container)
        self.assert_no_leak(before)
        self.assertEqual(forwarders(), [])

    def test_rules_that_somebody_flushes_are_made_again(self):
        container = self.server('-p', '8088:80', '-p', '127.0.0.1:8089:80')
        self.awaits(8088)
        subprocess.run(['nft', 'flush', 'ruleset'], check=True)
        until(lambda: fetch('192.0.2.1', 8088, LAN, 1) == 'hello', 'the port is open again', 5)
        until(lambda: fetch(self.address(container), 80, LAN, 1) is None, 'the container is closed again', 5)
        self.assertIsNone(fetch('192.0.2.1', 8089, LAN, 1))

    def test_it_ends_with_the_container(self):
        container = self.server('-p', '8090:80')
        self.awaits(8090)
        self.docker.ok('rm', '-f', container)
        for where, address in EVERY_WAY:
            until(lambda where=where, address=address: fetch(address, 8090, where, 1) is None, 'the port is closed', 5)


class RatesTest(LanCase):
    def setUp(self):
        super().setUp()
        self.docker.ok('network', 'create', 'slow')
        self.addCleanup(self.docker.run, 'network', 'rm', 'slow')
        self.addCleanup(self.remove_containers)

    def queues(self, container):
        """The rates that are set at the two ends of the container's interface."""
        pid = str(self.api.inspect(container)['State']['Pid'])
        shown = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for command in
                 (['tc', 'qdisc', 'show'], ['nsenter', '-t', pid, '-n', 'tc', 'qdisc', 'show'])]
        return [re.findall(r'qdisc tbf .* rate (\S+)', text) for text in shown]

    def test_rates_change_while_a_container_runs(self):
        container = self.docker.ok('run', '-d', '--network', 'name=slow,driver-opt=com.davit.rate-in=10mbit', IMAGE, 'sleep', '1000')
        self.assertEqual(self.queues(container), [['10Mbit'], []])
        self.davit.ok('network', 'update', '--driver-opt', 'com.davit.rate-in=', '--driver-opt', 'com.davit.rate-out=2mbit', 'slow', container)
        self.assertEqual(self.queues(container), [[], ['2Mbit']])
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual(self.api.inspect(container)['NetworkSettings']['Networks']['slow']['DriverOpts'], {'com.davit.rate-out': '2mbit'})
        self.docker.ok('stop', '-t', '0', container)
        self.docker.ok('start', container)
        self.assertEqual(self.queues(container), [[], ['2Mbit']])

    def test_what_can_not_be(self):
        container = self.docker.ok('run', '-d', '--network', 'slow', IMAGE, 'sleep', '1000')

        def update(network, options, who=container):
            reply = self.api.request('POST', f'/networks/{network}/update', {'Container': who, 'EndpointConfig': {'DriverOpts': options}})
            return reply.status

        self.assertEqual(update('slow', {'com.davit.rate-in': 'fast'}), 400)
        self.assertEqual(update('slow', {'com.example.other': '1'}), 400)
        self.assertEqual(update('bridge', {'com.davit.rate-in': '1mbit'}), 403)
        self.assertEqual(update('nowhere', {'com.davit.rate-in': '1mbit'}), 404)
        self.assertEqual(update('slow', {'com.davit.rate-in': '1mbit'}, 'nobody'), 404)
        self.assertEqual(self.queues(container), [[], []])
        self.assertIn('is no rate', self.docker.fails('run', '--network', 'name=slow,driver-opt=com.davit.rate-in=fast', IMAGE, 'true',
                                                      status=125))


class BesideDockerTest(LanCase):
    """A dockerd with iptables of its own in the same network namespace, which drops what isn't its own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.dockerd = Dockerd(arguments=['--iptables=true', '--bridge=', '--bip=10.199.0.1/24'])
        cls.addClassCleanup(cls.forget_docker)
        cls.dockerd.start()
        cls.dockerd.cli.ok('load', input=images.busybox())
        subprocess.run(['iptables', '-P', 'FORWARD', 'DROP'], check=True)

    @classmethod
    def forget_docker(cls):
        cls.dockerd.destroy()
        subprocess.run(['iptables', '-P', 'FORWARD', 'ACCEPT'], check=True)
        subprocess.run(['ip', 'link', 'delete', 'docker0'], check=False)

    def rules(self):
        """Those of iptables without ours, and without counters."""
        shown = subprocess.run(['iptables-save'], capture_output=True, text=True, check=True).stdout
        return [line for line in shown.splitlines() if 'DAVIT' not in line and not line.startswith(('#', ':'))]

    def test_ports_of_both_are_reached_and_nothing_of_others_changes(self):
        theirs = self.server('-p', '18080:80', cli=self.dockerd.cli)
        self.addCleanup(self.dockerd.cli.run, 'rm', '-f', theirs)
        before = self.rules()
        ours = self.server('-p', '8080:80')
        until(lambda: fetch('192.0.2.1', 8080, LAN) == 'hello', 'our port is reached')
        until(lambda: fetch('192.0.2.1', 18080, LAN) == 'hello', 'their port is reached')
        for address, port in (('127.0.0.1', 8080), ('127.0.0.1', 18080)):
            self.assertEqual(fetch(address, port), 'hello', (address, port))
        self.assertEqual(self.docker.ok('exec', ours, 'busybox', 'wget', '-q', '-O', '-', 'http://192.0.2.1:18080/index.html'), 'hello')
        self.assertEqual(self.dockerd.cli.ok('exec', theirs, 'busybox', 'wget', '-q', '-O', '-', 'http://192.0.2.1:8080/index.html'), 'hello')
        self.assertEqual(self.rules(), before)
        self.assertIn('-A FORWARD -j DAVIT-FORWARD', subprocess.run(['iptables', '-S'], capture_output=True, text=True, check=True).stdout)
        # What both show is the same but for the ports.
        self.assertEqual(self.docker.ok('port', ours), self.dockerd.cli.ok('port', theirs).replace('18080', '8080'))
        shown = [cli.ok('ps', '--format', '{{.Ports}}') for cli in (self.docker, self.dockerd.cli)]
        self.assertEqual(shown[0], shown[1].replace('18080', '8080'))

    def test_a_port_of_the_other_is_refused(self):
        theirs = self.server('-p', '18081:80', cli=self.dockerd.cli)
        self.addCleanup(self.dockerd.cli.run, 'rm', '-f', theirs)
        self.assertIn('address already in use', self.docker.fails('run', '-p', '18081:80', IMAGE, 'true', status=125))

    def test_our_chain_is_made_again_after_a_flush(self):
        self.server('-p', '8083:80')
        until(lambda: fetch('192.0.2.1', 8083, LAN) == 'hello', 'our port is reached')
        subprocess.run(['iptables', '-D', 'FORWARD', '-j', 'DAVIT-FORWARD'], check=True)
        until(lambda: fetch('192.0.2.1', 8083, LAN, 1) == 'hello', 'our port is reached again', 5)


class ServedToDockerTest(LanCase):
    """The driver in a process of its own, for a dockerd that has no bridge and no rules itself."""
    config = {'bridge': 'none'}

    def test_ports_are_published_and_outlive_the_driver_s_process(self):
        socket = '/run/docker/plugins/served-bridge.sock'
        state = self.path('served')
        os.makedirs(os.path.dirname(socket), exist_ok=True)
        os.makedirs(state, mode=0o700)
        command = [places.program('davit-plugin-host'), os.path.join(places.plugin_dir(), 'bridge.so'), '--listen', f'unix://{socket}',
                   '--state', state]
        host = subprocess.Popen(command)
        self.addCleanup(lambda: (host.terminate(), host.wait()))
        until(lambda: os.path.exists(socket), 'the plugin host listens')
        dockerd = Dockerd()
        self.addCleanup(dockerd.destroy)
        dockerd.start()
        dockerd.cli.ok('load', input=images.busybox())
        dockerd.cli.ok('network', 'create', '-d', 'served-bridge', '--subnet', '10.198.0.0/24', 'served')
        container = self.server('--network', 'served', '-p', '8091:80', cli=dockerd.cli)
        self.awaits(8091)
        for where, address in EVERY_WAY:
            self.assertEqual(fetch(address, 8091, where), 'hello', (where, address))
        host.kill()
        host.wait()
        for where, address in EVERY_WAY:
            self.assertEqual(fetch(address, 8091, where), 'hello', (where, address))
        os.unlink(socket)
        host = subprocess.Popen(command)
        until(lambda: os.path.exists(socket), 'the plugin host listens again')
        self.assertEqual(len(forwarders()), 1)
        dockerd.cli.ok('rm', '-f', container)
        dockerd.cli.ok('network', 'rm', 'served')
        until(lambda: not forwarders(), 'nothing is left to carry')
