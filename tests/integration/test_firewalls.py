"""Containers on a host whose administrator keeps a firewall: firewalld or ufw, the real ones."""
import signal
import subprocess
import unittest

from harness import firewalls
from harness.case import IMAGE
from harness.lan import LAN, LanCase, fetch, ip
from harness.poll import until


def serving(port, where=''):
    """A server of the host, or of its neighbour."""
    inside = ['ip', 'netns', 'exec', where] if where else []
    return subprocess.Popen([*inside, 'busybox', 'httpd', '-f', '-p', str(port), '-h', '/run/page'])


class Cases:
    """What holds beside any firewall."""

    @classmethod
    def setUpClass(cls):
        if not firewalls.available():
            raise unittest.SkipTest('the packages of firewalls are not unpacked: bootstrap test does that')
        subprocess.run(['mkdir', '-p', '/run/page'], check=True)
        with open('/run/page/index.html', 'w', encoding='utf-8') as page:
            page.write('next door')
        cls.firewall = cls.firewall_class()
        cls.addClassCleanup(cls.firewall.destroy)
        cls.firewall.start()
        super().setUpClass()
        for where, port in (('', 8500), (LAN, 8600)):
            server = serving(port, where)
            cls.addClassCleanup(server.wait)
            cls.addClassCleanup(server.kill)
        until(lambda: fetch('127.0.0.1', 8500) and fetch('127.0.0.1', 8600, LAN), 'the servers answer')

    def asks(self, container, address, port):
        """What a server says to a container; None without an answer."""
        result = self.docker.run('exec', container, 'busybox', 'timeout', '2', 'busybox', 'wget', '-q', '-O', '-', f'http://{address}:{port}/index.html')
        return result.stdout.decode().strip() if result.returncode == 0 else None

    def assert_all_works(self, web, port):
        """`web` publishes its server as `port`."""
        until(lambda: fetch('192.0.2.1', port, LAN, 1) == 'hello', 'the port is reached', 5)
        until(lambda: self.asks(web, '192.0.2.2', 8600) == 'next door', 'the container reaches other hosts', 5)
        self.assertEqual(fetch('127.0.0.1', port), 'hello')
        other = self.docker.ok('run', '-d', IMAGE, 'sleep', '1000')
        self.assertEqual(self.asks(other, self.address(web), 80), 'hello')
        # What the firewall is there for, and what davit closes itself.
        self.assertIsNone(fetch('192.0.2.1', 8500, LAN, 1))
        self.assertIsNone(fetch(self.address(web), 80, LAN, 1))

    def test_containers_work_and_the_firewall_does(self):
        web = self.server('-p', '8101:80')
        self.awaits(8101)
        self.assert_all_works(web, 8101)

    def test_a_network_made_later_works_as_well(self):
        self.docker.ok('network', 'create', '--ipv6', '--subnet', 'fd00:8102::/64', 'later')
        self.addCleanup(self.docker.run, 'network', 'rm', 'later')
        self.addCleanup(self.remove_containers)
        web = self.server('--network', 'later', '-p', '8102:80')
        self.awaits(8102)
        # What goes to the host itself, as what comes over IPv6 to a container that has none, its firewall decides about.
        for address in ('192.0.2.1', '2001:db8::1'):
            self.assertEqual(fetch(address, 8102, LAN), 'hello', address)
        self.assertEqual(self.asks(web, '192.0.2.2', 8600), 'next door')
        self.assertEqual(self.asks(web, '[2001:db8::2]', 8600), 'next door')

    def test_they_work_again_after_a_reload(self):
        web = self.server('-p', '8103:80')
        self.awaits(8103)
        self.reload()
        self.assert_all_works(web, 8103)

    def test_they_work_without_the_daemon_and_after_its_restart(self):
        web = self.server('-p', '8104:80')
        self.awaits(8104)
        self.daemon.kill()
        self.assertEqual(fetch('192.0.2.1', 8104, LAN), 'hello')
        self.daemon.start()
        self.assert_all_works(web, 8104)


class FirewalldTest(Cases, LanCase):
    firewall_class = firewalls.Firewalld

    def reload(self):
        self.firewall.command('--reload')

    def default_bridge(self):
        return self.docker.ok('network', 'inspect', '-f', '{{index .Options "com.docker.network.bridge.name"}}', 'bridge')

    def bridge(self, name, link, *options):
        self.docker.ok('network', 'create', '-o', f'com.docker.network.bridge.name={link}', *options, name)
        self.addCleanup(self.docker.run, 'network', 'rm', name)
        self.addCleanup(self.remove_containers)

    def test_bridges_are_in_a_zone_that_accepts_and_leave_it(self):
        self.assertIn(self.default_bridge(), self.firewall.interfaces('trusted'))
        self.bridge('one', 'one0')
        self.assertIn('one0', self.firewall.interfaces('trusted'))
        self.docker.ok('network', 'rm', 'one')
        self.assertNotIn('one0', self.firewall.interfaces('trusted'))
        self.assertNotIn('one0', self.firewall.command('--permanent', '--zone=trusted', '--list-interfaces'))

    def test_what_an_administrator_chose_stays(self):
        self.firewall.command('--zone=block', '--add-interface=mine0')
        self.addCleanup(self.firewall.command, '--zone=block', '--remove-interface=mine0')
        self.bridge('mine', 'mine0')
        self.assertEqual(self.firewall.interfaces('block'), ['mine0'])
        container = self.docker.ok('run', '-d', '--network', 'mine', IMAGE, 'sleep', '1000')
        self.assertIsNone(self.asks(container, '192.0.2.2', 8600))
        self.docker.ok('rm', '-f', container)
        self.docker.ok('network', 'rm', 'mine')
        self.assertEqual(self.firewall.interfaces('block'), ['mine0'])

    def test_a_bridge_of_somebody_else_leaves_the_zone_unless_the_files_put_it_there(self):
        for link in ('kept0', 'lent0'):
            ip('link', 'add', link, 'type', 'bridge')
            self.addCleanup(ip, 'link', 'del', link)
        self.firewall.command('--permanent', '--zone=trusted', '--add-interface=kept0')
        self.addCleanup(self.firewall.command, '--reload')
        self.addCleanup(self.firewall.command, '--permanent', '--zone=trusted', '--remove-interface=kept0')
        self.firewall.command('--reload')
        for name, link in (('kept', 'kept0'), ('lent', 'lent0')):
            self.bridge(name, link)
            self.assertIn(link, self.firewall.interfaces('trusted'))
            self.docker.ok('network', 'rm', name)
        self.assertIn('kept0', self.firewall.interfaces('trusted'))
        self.assertNotIn('lent0', self.firewall.interfaces('trusted'))

    def test_a_bus_that_hangs_hurts_nothing(self):
        self.firewall.bus.send_signal(signal.SIGSTOP)
        try:
            self.bridge('busy', 'busy0')
            self.assertEqual(self.docker.ok('run', '--rm', '--network', 'busy', IMAGE, 'echo', 'ran'), 'ran')
        finally:
            self.firewall.bus.send_signal(signal.SIGCONT)

    def test_the_zone_docker_comes_first(self):
        self.firewall.command('--permanent', '--new-zone=docker')
        self.addCleanup(self.firewall.command, '--reload')
        self.addCleanup(self.firewall.command, '--permanent', '--delete-zone=docker')
        self.firewall.command('--permanent', '--zone=docker', '--set-target=ACCEPT')
        self.firewall.command('--reload')
        web = self.server('-p', '8105:80')
        self.awaits(8105)
        self.assert_all_works(web, 8105)
        self.assertIn(self.default_bridge(), self.firewall.interfaces('docker'))

    def test_it_may_end_and_come_back(self):
        web = self.server('-p', '8106:80')
        self.awaits(8106)
        self.firewall.stop()
        self.bridge('meanwhile', 'mean0')
        self.firewall.start()
        self.assert_all_works(web, 8106)
        until(lambda: 'mean0' in self.firewall.interfaces('trusted'), 'the new bridge is let through', 5)

    def test_one_that_hangs_delays_and_hurts_nothing(self):
        self.firewall.process.send_signal(signal.SIGSTOP)
        try:
            self.bridge('hung', 'hung0')
            self.assertEqual(self.docker.ok('run', '--rm', '--network', 'hung', IMAGE, 'echo', 'ran'), 'ran')
        finally:
            self.firewall.process.send_signal(signal.SIGCONT)
        self.assertIn('firewalld: ', self.daemon.log())


class UfwTest(Cases, LanCase):
    firewall_class = firewalls.Ufw

    def reload(self):
        self.firewall.command('reload')

    def test_it_may_be_switched_off_and_on(self):
        web = self.server('-p', '8107:80')
        self.awaits(8107)
        self.firewall.command('disable')
        self.assertEqual(fetch('192.0.2.1', 8107, LAN), 'hello')
        self.firewall.command('--force', 'enable')
        self.assert_all_works(web, 8107)


if __name__ == '__main__':
    unittest.main()
