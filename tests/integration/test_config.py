"""daemon.json: Docker's keys, checked with line and reason; `davitd --validate`; reload; the listening addresses and TLS."""
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import unittest

from harness import places
from harness.case import IMAGE, DaemonCase
from harness.cli import Cli
from harness.daemon import Daemon
from harness.poll import until


class ValidateTest(unittest.TestCase):
    def setUp(self):
        self.folder = places.work_dir('config')
        self.addCleanup(subprocess.run, ['rm', '-rf', self.folder], check=False)
        self.file = os.path.join(self.folder, 'daemon.json')

    def validate(self, text, *arguments):
        with open(self.file, 'w', encoding='utf-8') as file:
            file.write(text)
        return subprocess.run([places.program('davitd'), '--validate', '--config-file', self.file, *arguments], capture_output=True,
                              text=True, timeout=20, check=False)

    def assert_fault(self, text, line, reason, *arguments):
        result = self.validate(text, *arguments)
        self.assertNotEqual(result.returncode, 0, text)
        place = f'{self.file}:{line}: ' if line else ''
        self.assertIn(place, result.stderr)
        self.assertIn(reason, result.stderr)

    def test_a_good_file(self):
        text = json.dumps({'debug': True, 'log-level': 'warn', 'hosts': ['unix:///run/x.sock'], 'storage-driver': 'overlay2',
                           'runtimes': {'runc': {'path': '/usr/sbin/runc'}}, 'default-ulimits': {'nofile': {'Name': 'nofile', 'Soft': 1, 'Hard': 2}},
                           'drivers': {'storage': {'vfs': {'isolation': 'process'}}}, 'default-shm-size': '128m'})
        result = self.validate(text)
        self.assertEqual((result.returncode, result.stdout), (0, 'configuration OK\n'), result.stderr)

    def test_an_empty_file_is_no_configuration(self):
        self.assertEqual(self.validate('').returncode, 0)
        self.assertEqual(self.validate('{}').returncode, 0)

    def test_faults_have_a_line_and_a_reason(self):
        self.assert_fault('{\n "debug": true,\n "no-such-key": 1\n}', 3, "don't match any configuration option: no-such-key")
        self.assert_fault('{\n "log-level": "loud"\n}', 2, 'loud')
        self.assert_fault('{\n "debug": tru\n}', 2, '')
        self.assert_fault('{\n "debug": "yes"\n}', 2, 'debug')
        self.assert_fault('{\n\n "data-root": "relative"\n}', 3, 'relative')
        self.assert_fault('{\n "default-shm-size": "lots"\n}', 2, 'lots')
        self.assert_fault('[]', 1, '')

    def test_every_fault_is_told_at_once(self):
        result = self.validate('{\n "a": 1,\n "b": 2\n}')
        self.assertIn(':2:', result.stderr)
        self.assertIn(':3:', result.stderr)

    def test_a_flag_and_the_file_may_not_both_speak(self):
        self.assert_fault('{"storage-driver": "vfs"}', None, 'both as a flag and in the configuration file', '--storage-driver', 'overlay2')

    def test_a_named_file_must_exist(self):
        result = subprocess.run([places.program('davitd'), '--validate', '--config-file', self.folder + '/none'], capture_output=True, text=True,
                                check=False)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn('no such file', result.stderr.lower())

    def test_an_unknown_flag(self):
        result = subprocess.run([places.program('davitd'), '--no-such-flag'], capture_output=True, text=True, check=False)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn('no-such-flag', result.stderr)


class EffectTest(DaemonCase):
    config = {'default-shm-size': '16m', 'default-ulimits': {'nofile': {'Name': 'nofile', 'Soft': 321, 'Hard': 654}}, 'labels': ['site=here'],
              'no-new-privileges': True}

    def test_keys_have_their_effect(self):
        self.assertIn('size=16384k', self.docker.ok('run', '--rm', IMAGE, 'grep', '/dev/shm', '/proc/mounts'))
        self.assertEqual(self.docker.ok('run', '--rm', IMAGE, 'sh', '-c', 'ulimit -n; ulimit -Hn').split(), ['321', '654'])
        self.assertIn('NoNewPrivs:\t1', self.docker.ok('run', '--rm', IMAGE, 'cat', '/proc/self/status'))
        self.assertEqual(self.docker.ok('info', '-f', '{{.Labels}}'), '[site=here]')

    def test_a_hangup_rereads_what_may_change(self):
        self.addCleanup(self.daemon.restart)
        self.addCleanup(self.daemon.write_config, self.config)
        self.daemon.write_config({**self.config, 'default-shm-size': '8m'})
        os.kill(self.daemon.pid, signal.SIGHUP)
        until(lambda: 'size=8192k' in self.docker.ok('run', '--rm', IMAGE, 'grep', '/dev/shm', '/proc/mounts'), 'the new size holds')
        self.daemon.write_config({'no-such-key': 1})
        os.kill(self.daemon.pid, signal.SIGHUP)
        until(lambda: 'no-such-key' in self.daemon.log(), 'the fault is logged')
        self.assertTrue(self.daemon.alive())


def free_port():
    with socket.socket() as sock:
        sock.bind(('127.0.0.1', 0))
        return sock.getsockname()[1]


class TcpTest(unittest.TestCase):
    def daemon(self, *arguments):
        daemon = Daemon('tcp', arguments=arguments)
        self.addCleanup(daemon.destroy)
        return daemon

    def get(self, port, headers=None, path='/_ping'):
        connection = http.client.HTTPConnection('127.0.0.1', port, timeout=10)
        try:
            connection.request('GET', path, headers=headers or {})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def test_loopback_without_tls_is_for_no_browser(self):
        port = free_port()
        daemon = self.daemon('-H', f'tcp://127.0.0.1:{port}')
        daemon.start()
        self.assertEqual(self.get(port)[0], 200)
        self.assertEqual(self.get(port, {'Origin': 'http://evil.example'})[0], 403)
        self.assertEqual(self.get(port, {'Host': 'rebind.example'})[0], 403)
        self.assertEqual(self.get(port, {'Host': f'localhost:{port}'})[0], 200)
        self.assertIsNone(self.get(port)[1]['Access-Control-Allow-Origin'])
        self.assertEqual(Cli(places.docker(), f'tcp://127.0.0.1:{port}', daemon.home).ok('ps', '-q'), '')
        self.assertEqual(Cli(places.program('davit'), f'tcp://127.0.0.1:{port}', daemon.home).ok('ps', '-q'), '')

    def test_other_addresses_need_tls(self):
        daemon = self.daemon('-H', f'tcp://0.0.0.0:{free_port()}')
        daemon.spawn()
        self.assertNotEqual(daemon.process.wait(20), 0)
        self.assertIn('tls', daemon.log().lower())


def make_certificates(folder):
    """A CA, a server's and a client's certificate, and a stranger's."""
    def openssl(*arguments):
        subprocess.run(['openssl', *arguments], cwd=folder, check=True, capture_output=True)

    for ca in ('ca', 'other-ca'):
        openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', f'/CN={ca}', '-keyout', f'{ca}-key.pem', '-out', f'{ca}.pem')
    for name, ca, usage in (('server', 'ca', 'serverAuth'), ('client', 'ca', 'clientAuth'), ('stranger', 'other-ca', 'clientAuth')):
        openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', f'/CN={name}', '-keyout', f'{name}-key.pem', '-out', f'{name}.csr')
        with open(os.path.join(folder, 'extensions'), 'w', encoding='utf-8') as file:
            file.write(f'extendedKeyUsage={usage}\nsubjectAltName=IP:127.0.0.1,DNS:localhost\n')
        openssl('x509', '-req', '-in', f'{name}.csr', '-CA', f'{ca}.pem', '-CAkey', f'{ca}-key.pem', '-CAcreateserial', '-days', '2', '-out',
                f'{name}.pem', '-extfile', 'extensions')


class TlsTest(DaemonCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = places.work_dir('tls')
        cls.addClassCleanup(subprocess.run, ['rm', '-rf', cls.folder], check=False)
        make_certificates(cls.folder)
        cls.port = free_port()
        file = lambda name: os.path.join(cls.folder, name)  # noqa: E731  (four uses below)
        cls.arguments = ['-H', f'tcp://127.0.0.1:{cls.port}', '--tlsverify', '--tlscacert', file('ca.pem'), '--tlscert', file('server.pem'),
                         '--tlskey', file('server-key.pem')]
        super().setUpClass()

    def client(self, program, name='client'):
        flags = ['--tlsverify', '--tlscacert', f'{self.folder}/ca.pem', '--tlscert', f'{self.folder}/{name}.pem', '--tlskey',
                 f'{self.folder}/{name}-key.pem', '-H', f'tcp://127.0.0.1:{self.port}']
        cli = Cli(program, f'tcp://127.0.0.1:{self.port}', self.daemon.home)
        plain = cli.command
        cli.command = lambda *arguments: plain(*flags, *arguments)
        return cli

    def test_a_known_client(self):
        for program in (places.docker(), places.program('davit')):
            with self.subTest(program):
                cli = self.client(program)
                self.assertEqual(cli.ok('run', '--rm', '-i', IMAGE, 'cat', input=b'over tls\n'), 'over tls')
                data = os.urandom(3 << 20)
                self.assertEqual(cli.run('run', '--rm', '-i', IMAGE, 'cat', input=data).stdout, data)
                self.assertEqual(cli.run('run', '--rm', IMAGE, 'sh', '-c', 'exit 6').returncode, 6)

    def test_strangers_are_refused(self):
        for program in (places.docker(), places.program('davit')):
            self.assertNotEqual(self.client(program, 'stranger').run('ps').returncode, 0)
        context = ssl.create_default_context(cafile=f'{self.folder}/ca.pem')
        connection = http.client.HTTPSConnection('127.0.0.1', self.port, context=context, timeout=10)
        with self.assertRaises(OSError):
            connection.request('GET', '/_ping')
            connection.getresponse()

    def test_plain_http_on_the_tls_port_is_answered_or_closed(self):
        with socket.create_connection(('127.0.0.1', self.port), 10) as sock:
            sock.sendall(b'GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n')
            try:
                self.assertNotIn(b'200 OK', sock.recv(4096))
            except ConnectionResetError:
                pass
        self.assertTrue(self.api.request('GET', '/_ping').body)


if __name__ == '__main__':
    unittest.main()
