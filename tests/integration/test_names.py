"""Names of containers: the resolver of user-defined networks at 127.0.0.11, and what it asks of others."""
import contextlib
import os
import signal
import subprocess
import threading

from harness import dns
from harness.case import IMAGE, DaemonCase
from harness.poll import until

WORLD = '192.0.2.80'  # of every name of the outside world, as the servers here have it


def world(name, kind):
    """What a server of the outside world says."""
    if name.endswith('.example'):
        return [WORLD] if kind == dns.A else []
    return dns.NXDOMAIN


class NamesCase(DaemonCase):
    host_file = 'nameserver 127.0.0.1\nsearch corp.example\noptions timeout:3\n'

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        path = os.path.join(cls.daemon.home, 'resolv.conf')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(cls.host_file)
        subprocess.run(['mount', '--bind', path, '/etc/resolv.conf'], check=True)
        cls.addClassCleanup(subprocess.run, ['umount', '/etc/resolv.conf'], check=False)

    def setUp(self):
        super().setUp()
        self.addCleanup(self.remove_networks)

    def remove_networks(self):
        if not self.daemon.alive():
            self.daemon.start()
        self.remove_containers()
        for network in self.api.call('GET', '/networks', filters={'type': ['custom']}):
            self.api.call('DELETE', '/networks/' + network['Id'])

    def serve(self, address, answer=world, namespace=None):
        server = dns.Server(address, answer, namespace)
        self.addCleanup(server.close)
        return server

    def network(self, name='net', *arguments):
        return self.docker.ok('network', 'create', *arguments, name)

    def start(self, name, *arguments, network='net', cli=None, command=('sleep', '1000')):
        return (cli or self.docker).ok('run', '-d', '--name', name, '--network', network, *arguments, IMAGE, *command)

    def namespace(self, container):
        return self.api.inspect(container)['NetworkSettings']['SandboxKey']

    def address(self, container, network='net', member='IPAddress'):
        return self.api.inspect(container)['NetworkSettings']['Networks'][network][member]

    def ask(self, container, name, kind=dns.A, **options):
        return dns.ask(self.namespace(container), name, kind, **options)

    def finds(self, container, name, kind=dns.A):
        return sorted(self.ask(container, name, kind).data)

    def finds_again(self, container, name):
        """As a client that goes on asking while nobody listens, or nobody answers: a new resolver is silent until it knows all names."""
        with contextlib.suppress(ConnectionRefusedError, TimeoutError):
            return sorted(self.ask(container, name, seconds=1).data)
        return None

    def resolv_conf(self, container):
        return self.docker.ok('exec', container, 'cat', '/etc/resolv.conf').splitlines()

    def resolvers(self):
        """Pids of the resolvers of this daemon."""
        found = []
        for entry in filter(str.isdigit, os.listdir('/proc')):
            with contextlib.suppress(OSError), open(f'/proc/{entry}/cmdline', encoding='utf-8', errors='replace') as file:
                words = file.read().split('\0')
                if words[0] == 'davit-resolver' and words[1].startswith(self.daemon.exec_root + '/'):
                    found.append(int(entry))
        return found


class LocalNamesTest(NamesCase):
    def test_names_with_both_clients(self):
        self.network()
        for number, cli in enumerate((self.docker, self.davit)):
            first, second = f'first{number}', f'second{number}'
            self.start(first, '--dns-search', '.', cli=cli)  # busybox's nslookup asks for nothing else where there is a search list
            self.start(second, '--network-alias', f'nick{number}', '--hostname', f'hosted{number}', cli=cli)
            address = self.address(second)
            short = self.api.inspect(second)['Id'][:12]
            for name in (second, second.upper(), f'nick{number}', f'hosted{number}', short, f'{second}.net', f'nick{number}.net.'):
                with self.subTest(name):
                    self.assertEqual(self.finds(first, name), [address])
            self.assertIn(address, cli.ok('exec', first, 'busybox', 'nslookup', second))
            cli.ok('exec', first, 'busybox', 'ping', '-c', '1', '-W', '5', second)
            self.assertEqual(self.finds(first, first), [self.address(first)])

    def test_replies_are_a_resolver_s(self):
        self.network()
        self.start('one')
        reply = self.ask('one', 'One')
        self.assertEqual((reply.rcode, reply.name, reply.recursion, reply.truncated), (dns.NOERROR, 'One', True, False))
        self.assertEqual(self.ask('one', 'one', tcp=True).data, [self.address('one')])

    def test_a_shared_alias_has_all_addresses_in_changing_order(self):
        self.network()
        for name in ('one', 'two', 'three'):
            self.start(name, '--network-alias', 'all')
        addresses = sorted(self.address(name) for name in ('one', 'two', 'three'))
        self.assertEqual(self.finds('one', 'all'), addresses)
        self.assertEqual({self.ask('one', 'all').data[0] for _ in range(60)}, set(addresses))
        self.docker.ok('rm', '-f', 'two')
        self.assertEqual(len(self.finds('one', 'all')), 2)

    def test_networks_are_separate(self):
        self.network('net')
        self.network('other')
        self.start('one')
        self.start('two', network='other')
        self.assertEqual(self.finds('one', 'two'), [])
        self.docker.ok('network', 'connect', '--alias', 'visitor', 'other', 'one')
        self.assertEqual(self.finds('one', 'two'), [self.address('two', 'other')])
        self.assertEqual(self.finds('two', 'visitor'), [self.address('one', 'other')])
        self.assertEqual(self.finds('two', 'one'), [self.address('one', 'other')])
        self.assertEqual(self.finds('one', 'one.other'), [self.address('one', 'other')])
        self.docker.ok('network', 'disconnect', 'other', 'one')
        self.assertEqual(self.finds('one', 'two'), [])
        self.assertEqual(self.finds('two', 'one'), [])

    def test_a_container_that_starts_again_has_its_new_address(self):
        self.network('net', '--subnet', '10.214.0.0/24')
        self.start('one')
        self.start('two')
        old = self.address('two')
        self.docker.ok('stop', '-t', '0', 'two')
        self.assertEqual(self.finds('one', 'two'), [])
        self.start('three', '--ip', old)
        self.docker.ok('start', 'two')
        self.assertNotEqual(self.address('two'), old)
        for _ in range(5):
            self.assertEqual(self.finds('one', 'two'), [self.address('two')])
            self.docker.ok('stop', '-t', '0', 'two')
            self.docker.ok('start', 'two')

    def test_a_container_that_is_renamed(self):
        self.network()
        self.start('one')
        self.start('two', '--network-alias', 'nick')
        self.docker.ok('rename', 'two', 'three')
        address = self.address('three')
        self.assertEqual((self.finds('one', 'two'), self.finds('one', 'three'), self.finds('one', 'nick')), ([], [address], [address]))
        reverse = '.'.join(reversed(address.split('.'))) + '.in-addr.arpa'
        self.assertEqual(self.ask('one', reverse, dns.PTR).data, ['three.net'])
        self.assertEqual(self.api.inspect('three')['NetworkSettings']['Networks']['net']['DNSNames'][:2], ['three', 'nick'])
        self.docker.ok('restart', '-t', '0', 'three')
        self.assertEqual((self.finds('one', 'two'), self.finds('one', 'three')), ([], [self.address('three')]))

    def test_addresses_have_names(self):
        self.network()
        self.start('one')
        self.start('two', '--network-alias', 'aaa')
        reverse = '.'.join(reversed(self.address('two').split('.'))) + '.in-addr.arpa'
        self.assertEqual(self.ask('one', reverse, dns.PTR).data, ['two.net'])

    def test_ipv6(self):
        self.network('net', '--ipv6', '--subnet', 'fd00:6::/64')
        self.network('four')
        self.start('one')
        self.start('two')
        address = self.address('two', member='GlobalIPv6Address')
        self.assertEqual(self.finds('one', 'two', dns.AAAA), [address])
        reverse = '.'.join(reversed(''.join(f'{int(part, 16):04x}' for part in ('fd00:6:0:0:0:0:0:' + address.rsplit(':', 1)[1]).split(':'))))
        self.assertEqual(self.ask('one', reverse + '.ip6.arpa', dns.PTR).data, ['two.net'])
        self.start('three', network='four')
        reply = self.ask('three', 'three', dns.AAAA)
        self.assertEqual((reply.rcode, reply.data), (dns.NOERROR, []))

    def test_links_are_the_linking_container_s(self):
        self.network()
        self.start('db')
        self.start('app', '--link', 'db:database')
        self.start('other')
        self.assertEqual(self.finds('app', 'database'), [self.address('db')])
        self.assertEqual(self.finds('app', 'db'), [self.address('db')])
        self.assertEqual(self.finds('other', 'database'), [])

    def test_many_addresses_are_truncated_over_udp(self):
        self.network('net', '--subnet', '10.211.0.0/24')
        for number in range(34):
            self.start(f'c{number}', '--network-alias', 'many')
        small = self.ask('c0', 'many')
        self.assertTrue(small.truncated)
        self.assertLessEqual(small.size, 512)
        self.assertGreater(len(small.data), 20)
        self.assertEqual(len(self.ask('c0', 'many', edns=4096).data), 34)
        self.assertEqual(len(self.ask('c0', 'many', tcp=True).data), 34)

    def test_two_thousand_questions_at_once(self):
        self.network()
        for number in range(4):
            self.start(f'c{number}', *[word for alias in range(50) for word in ('--network-alias', f'a{number}-{alias}')])
        self.serve('127.0.0.1')
        names = [f'a{number % 4}-{number // 4 % 50}' for number in range(200)] + [f'w{number}.example' for number in range(300)]
        expected = {name: [self.address('c' + name[1])] if name[0] == 'a' else [WORLD] for name in names}
        results = []
        threads = [threading.Thread(target=lambda: results.append(dns.ask_many(self.namespace('c0'), names))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(results), 4)
        for found in results:
            self.assertEqual(found, expected)

    def test_a_server_of_the_container_s_own(self):
        self.network()
        self.start('one')
        self.start('two')
        self.serve('0.0.0.0', lambda name, kind: ['198.51.100.5'], self.namespace('one'))
        self.assertEqual(self.finds('one', 'two'), [self.address('two')])
        self.assertEqual(self.ask('one', 'anything', server='127.0.0.1').data, ['198.51.100.5'])
        self.assertEqual(self.ask('two', 'anything', server=self.address('one')).data, ['198.51.100.5'])
        self.assertEqual(self.finds('one', 'two'), [self.address('two')])

    def test_nothing_is_left_behind(self):
        self.docker.ok('run', '--rm', IMAGE, 'true')  # what the first container makes stays
        before = self.snapshot()
        self.network()
        for number in range(3):
            self.start(f'c{number}')
        self.assertEqual(len(self.resolvers()), 1)
        self.ask('c0', 'c1')
        self.remove_networks()
        self.assert_no_leak(before, 20)

    def test_the_default_bridge_has_no_resolver(self):
        self.docker.ok('run', '-d', '--name', 'plain', IMAGE, 'sleep', '1000')
        self.assertEqual(self.resolv_conf('plain')[0], 'nameserver 8.8.8.8')
        with self.assertRaises(OSError):
            self.ask('plain', 'plain', seconds=1)


class ForwardingTest(NamesCase):
    def test_the_host_s_own_resolver_is_asked_from_the_host(self):
        server = self.serve('127.0.0.1')
        self.network()
        self.start('one')
        self.assertEqual(self.finds('one', 'www.example'), [WORLD])
        self.assertEqual(self.ask('one', 'www.example', tcp=True).data, [WORLD])
        self.assertEqual(self.ask('one', 'www.none').rcode, dns.NXDOMAIN)
        self.assertEqual([entry[2] for entry in server.asked], ['udp', 'tcp', 'udp'])
        self.assertEqual({entry[3] for entry in server.asked}, {'127.0.0.1'})

    def test_what_is_known_is_not_asked_of_others(self):
        server = self.serve('127.0.0.1')
        self.network()
        self.start('one')
        self.ask('one', 'one')
        for kind in (dns.AAAA, dns.MX):
            reply = self.ask('one', 'one', kind)
            self.assertEqual((reply.rcode, reply.data), (dns.NOERROR, []))
        self.assertEqual(server.asked, [])
        self.ask('one', 'unknown')
        self.assertEqual(server.names(), ['unknown'])

    def test_a_truncated_reply_sends_the_client_to_tcp(self):
        server = self.serve('127.0.0.1', lambda name, kind: 'truncate')
        self.network()
        self.start('one')
        self.assertTrue(self.ask('one', 'big.example').truncated)
        self.assertEqual(self.ask('one', 'big.example', tcp=True).data, ['192.0.2.99'])
        self.assertEqual([entry[2] for entry in server.asked], ['udp', 'tcp'])

    def test_without_any_answer_there_is_servfail(self):
        self.network()
        self.start('one')
        self.assertEqual(self.ask('one', 'www.example').rcode, dns.SERVFAIL)  # nobody listens
        server = self.serve('127.0.0.1', lambda name, kind: dns.REFUSED)
        self.assertEqual(self.ask('one', 'www.example').rcode, dns.SERVFAIL)
        server.answer = lambda name, kind: None
        self.assertEqual(self.ask('one', 'www.example', seconds=15).rcode, dns.SERVFAIL)

    def test_dns_of_the_client_is_asked_from_the_container(self):
        self.network('net', '--subnet', '10.212.0.0/24', '--gateway', '10.212.0.1')
        host = self.serve('127.0.0.1')
        outside = self.serve('10.212.0.1')
        self.start('one', '--dns', '10.212.0.1')
        self.assertEqual(self.finds('one', 'www.example'), [WORLD])
        self.assertEqual(outside.asked, [('www.example', dns.A, 'udp', self.address('one'))])
        self.assertEqual(host.asked, [])
        self.start('two', '--dns', '127.0.0.1')
        own = self.serve('127.0.0.1', lambda name, kind: ['203.0.113.1'], self.namespace('two'))
        self.assertEqual(self.finds('two', 'www.example'), ['203.0.113.1'])
        self.assertEqual((len(own.asked), host.asked), (1, []))

    def test_the_next_server_is_asked_when_one_fails(self):
        self.network('net', '--subnet', '10.212.0.0/24', '--gateway', '10.212.0.1')
        self.start('one', '--dns', '10.212.0.1', '--dns', '127.0.0.1')
        self.serve('10.212.0.1', lambda name, kind: dns.SERVFAIL)
        second = self.serve('127.0.0.1', world, self.namespace('one'))
        self.assertEqual(self.finds('one', 'www.example'), [WORLD])
        self.assertEqual(second.names(), ['www.example'])

    def test_it_never_asks_itself(self):
        self.network()
        self.start('one', '--dns', '127.0.0.11')
        self.assertEqual(self.ask('one', 'www.example').rcode, dns.SERVFAIL)

    def test_internal_networks_ask_nobody(self):
        """SEC-60."""
        server = self.serve('127.0.0.1')
        self.network('net', '--internal')
        self.network('open')
        self.start('one')
        for name, kind in (('www.example', dns.A), ('www.example', dns.TXT), ('data.evil.example', dns.AAAA), ('one', dns.TXT), ('x', dns.A)):
            self.assertEqual(self.ask('one', name, kind).rcode, dns.SERVFAIL)
            self.assertEqual(self.ask('one', name, kind, tcp=True).rcode, dns.SERVFAIL)
        self.assertEqual(self.finds('one', 'one'), [self.address('one')])
        self.assertEqual(server.asked, [])
        self.docker.ok('network', 'connect', 'open', 'one')
        self.assertEqual(self.finds('one', 'www.example'), [WORLD])
        self.docker.ok('network', 'disconnect', 'open', 'one')
        count = len(server.asked)
        self.assertEqual(self.ask('one', 'www.example').rcode, dns.SERVFAIL)
        self.assertEqual(len(server.asked), count)

    def test_options(self):
        server = self.serve('127.0.0.1')
        self.network()
        self.start('one', '--dns-option', 'ndots:2', '--dns-search', 'a.example', '--dns-search', 'b.example')
        self.assertEqual(self.resolv_conf('one'), ['nameserver 127.0.0.11', 'search a.example b.example', 'options ndots:2'])
        self.assertEqual(self.ask('one', 'single').rcode, dns.NOERROR)
        self.assertEqual(server.asked, [])
        self.start('two')
        self.assertEqual(self.resolv_conf('two'), ['nameserver 127.0.0.11', 'search corp.example', 'options timeout:3 ndots:0'])
        self.docker.run('exec', 'two', 'busybox', 'ping', '-c', '1', '-W', '1', 'somebody')
        self.assertIn('somebody.corp.example', server.names())

    def test_resolv_conf_follows_the_networks(self):
        self.network()
        self.docker.ok('run', '-d', '--name', 'one', IMAGE, 'sleep', '1000')
        self.docker.ok('run', '-d', '--name', 'two', IMAGE, 'sleep', '1000')
        self.docker.ok('exec', 'two', 'sh', '-c', 'echo nameserver 10.1.1.1 > /etc/resolv.conf')
        for name in ('one', 'two'):
            self.docker.ok('network', 'connect', 'net', name)
        self.assertEqual(self.resolv_conf('one')[0], 'nameserver 127.0.0.11')
        self.assertEqual(self.resolv_conf('two'), ['nameserver 10.1.1.1'])
        self.assertEqual(self.finds('one', 'two'), [self.address('two')])
        self.docker.ok('network', 'disconnect', 'net', 'one')
        self.assertEqual(self.resolv_conf('one')[0], 'nameserver 127.0.0.11')
        self.assertEqual(self.finds('one', 'two'), [])


class StubTest(NamesCase):
    """A host with systemd-resolved."""
    host_file = 'nameserver 127.0.0.53\n'

    def test_the_servers_behind_the_stub_are_asked(self):
        self.network('net', '--subnet', '10.213.0.0/24', '--gateway', '10.213.0.1')
        server = self.serve('10.213.0.1')
        os.makedirs('/run/systemd/resolve', exist_ok=True)
        self.addCleanup(os.unlink, '/run/systemd/resolve/resolv.conf')
        with open('/run/systemd/resolve/resolv.conf', 'w', encoding='utf-8') as file:
            file.write('nameserver 10.213.0.1\n')
        self.start('one')
        self.assertEqual(self.finds('one', 'www.example'), [WORLD])
        self.assertEqual(server.asked[0][3], self.address('one'))


class EndsTest(NamesCase):
    """Who ends, and what goes on."""

    def one_resolver(self):
        found = self.resolvers()
        return found[0] if len(found) == 1 else None

    def test_it_can_do_nothing_but_enter_namespaces(self):
        self.network()
        self.start('one')
        pid = self.one_resolver()

        def status():
            with open(f'/proc/{pid}/status', encoding='utf-8') as file:
                return {line.partition(':')[0]: line.partition(':')[2].strip() for line in file}

        until(lambda: status()['NoNewPrivs'] == '1', 'it has begun')
        until(lambda: {status()[kind] for kind in ('CapPrm', 'CapEff')} == {f'{1 << 21:016x}'}, 'it keeps CAP_SYS_ADMIN alone')
        self.assertEqual(int(status()['CapInh'], 16) | int(status()['CapAmb'], 16), 0)

    def test_names_go_on_while_davitd_is_dead(self):
        server = self.serve('127.0.0.1')
        self.network()
        self.start('one')
        self.start('two')
        namespace, address = self.namespace('one'), self.address('two')
        pid = self.one_resolver()
        self.daemon.kill()
        for _ in range(3):
            self.assertEqual(dns.ask(namespace, 'two').data, [address])
            self.assertEqual(dns.ask(namespace, 'www.example').data, [WORLD])
            self.assertEqual(dns.ask(namespace, 'www.example', tcp=True).data, [WORLD])
        self.daemon.start()
        self.assertEqual(self.one_resolver(), pid)
        self.assertEqual(self.finds('one', 'two'), [address])
        self.start('three')
        self.assertEqual(self.finds('one', 'three'), [self.address('three')])
        self.assertEqual(self.finds('three', 'two'), [address])
        self.docker.ok('rm', '-f', 'two')
        self.assertEqual(self.finds('one', 'two'), [])
        self.assertTrue(server.asked)

    def test_what_ended_meanwhile_is_forgotten(self):
        self.network()
        self.start('one')
        self.start('two')
        process = self.api.inspect('two')['State']['Pid']
        namespace = self.namespace('one')
        self.daemon.kill()
        os.kill(process, signal.SIGKILL)
        self.daemon.start()
        until(lambda: dns.ask(namespace, 'two').rcode == dns.SERVFAIL, 'the name is forgotten')
        self.assertEqual(self.finds('one', 'one'), [self.address('one')])

    def test_a_dead_resolver_is_replaced(self):
        self.docker.ok('run', '--rm', IMAGE, 'true')  # what the first container makes stays
        before = self.snapshot()
        self.network()
        self.start('one')
        self.start('two')
        for _ in range(3):
            pid = until(self.one_resolver, 'there is one resolver')
            os.kill(pid, signal.SIGKILL)
            until(lambda old=pid: self.one_resolver() not in (None, old), 'there is another')
            self.assertEqual(until(lambda: self.finds_again('one', 'two'), 'there is an answer'), [self.address('two')])
        self.start('three')
        self.assertEqual(self.finds('three', 'one'), [self.address('one')])
        self.remove_networks()
        self.assert_no_leak(before, 20)

    def test_a_resolver_that_hangs_is_replaced(self):
        self.network()
        self.start('one')
        pid = self.one_resolver()
        os.kill(pid, signal.SIGSTOP)
        self.start('two')
        until(lambda: self.one_resolver() not in (None, pid), 'there is another', 15)
        until(lambda: self.finds_again('one', 'two') == [self.address('two')], 'it knows the names')

    def test_davitd_and_resolver_dead(self):
        self.network()
        self.start('one')
        self.start('two')
        self.daemon.kill()
        os.kill(self.one_resolver(), signal.SIGKILL)
        self.daemon.start()
        until(self.one_resolver, 'there is a resolver')
        self.assertEqual(until(lambda: self.finds_again('one', 'two'), 'there is an answer'), [self.address('two')])

    def test_it_ends_with_the_last_container_and_with_the_daemon(self):
        self.network()
        self.start('one')
        self.assertIsNotNone(self.one_resolver())
        self.docker.ok('rm', '-f', 'one')
        until(lambda: not self.resolvers(), 'it has ended')
        self.start('one')
        self.assertIsNotNone(until(self.one_resolver, 'there is another'))
        self.assertEqual(self.finds('one', 'one'), [self.address('one')])
        self.docker.ok('rm', '-f', 'one')
        self.daemon.stop()
        until(lambda: not self.resolvers(), 'it has ended')
        self.daemon.start()
