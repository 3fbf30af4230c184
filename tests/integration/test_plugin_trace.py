"""davit plugin trace: the calls of drivers as they happen, of every way to run a driver, and without anybody waiting for who watches."""
import http.client
import json
import os
import re
import shutil
import signal
import socket
import threading
import unittest

from harness import places
from harness.case import IMAGE
from harness.plugin_case import PluginCase
from harness.poll import until
from harness.volume_plugin import PLUGINS


class Lines:
    """What is read from a stream in the background, but for the calls that Trace makes itself."""

    def __init__(self, case):
        self.lines, self.began = [], threading.Event()
        self.reader = threading.Thread(target=self._read, daemon=True)
        case.addCleanup(self.close)

    def take(self, line):
        self.began.set()
        text = line.decode().rstrip('\n')
        if 'nudge' not in text:
            self.lines.append(text)

    def wait(self, pattern, seconds=10):
        return until(lambda: next((line for line in list(self.lines) if re.search(pattern, line)), None), f'line {pattern}', seconds)

    def records(self):
        return [json.loads(line) for line in list(self.lines)]

    def ended(self, method, seconds=10):
        return until(lambda: next((one for one in self.records() if one['Method'] == method and one['Phase'] == 'end'), None),
                     f'{method} has ended', seconds)


class Trace(Lines):
    """One `davit plugin trace` of a volume driver, from the moment when it is seen to listen."""

    def __init__(self, case, *arguments):
        super().__init__(case)
        # The harness ignores SIGINT, which children inherit.
        self.process = case.davit.spawn('plugin', 'trace', *arguments, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        self.reader.start()

        def shown():
            case.api.call('POST', '/volumes/create', {'Name': 'nudge', 'Driver': arguments[-1]})
            case.api.call('DELETE', '/volumes/nudge')
            return self.began.is_set()

        until(shown, 'a call is shown', every=0.05)

    def _read(self):
        for line in self.process.stdout:
            self.take(line)

    def close(self, number=signal.SIGINT):
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(10)
        self.reader.join()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()


class Stream(Lines):
    """The API's own answer: whoever has its head misses nothing from there on."""

    def __init__(self, case, name, query=''):
        super().__init__(case)
        self.connection = case.api.connection()
        self.connection.request('GET', f'/davit/plugins/{name}/trace{query}')
        self.response = self.connection.getresponse()
        case.assertEqual((self.response.status, self.response.headers['Content-Type']), (200, 'application/x-ndjson'))
        self.reader.start()

    def _read(self):
        try:
            while line := self.response.readline():
                self.take(line)
        except (OSError, ValueError, http.client.HTTPException):
            pass

    def close(self):
        if self.connection.sock is not None:
            self.connection.sock.shutdown(socket.SHUT_RDWR)
        self.reader.join()
        self.connection.close()


class UseTest(PluginCase):
    def test_a_driver_in_the_daemon(self):
        trace = Trace(self, 'local')
        self.davit.ok('volume', 'create', 'data')
        line = trace.wait(r'VolumeDriver\.Create ')
        self.assertRegex(line, r'^\d\d:\d\d:\d\d\.\d{6}  VolumeDriver\.Create  [\d.]+ (µs|ms|s)  \{"Name":"data".*\} -> \{.*\}$')
        self.davit.ok('run', '--rm', '-v', 'data:/d', IMAGE, 'true')
        self.assertRegex(trace.wait(r'VolumeDriver\.Mount '), r'"Name":"data","ID":"[0-9a-f]{64}".* -> \{"Mountpoint":"/.*/data/_data"')
        trace.wait(r'VolumeDriver\.Unmount ')

    def test_a_server(self):
        self.plugin('vol')
        trace = Stream(self, 'vol')
        self.davit.ok('volume', 'create', '-d', 'vol', '-o', 'a=b', 'data')
        create = trace.ended('VolumeDriver.Create')
        self.assertEqual((create['Kind'], create['Driver'], create['Transport'], create['Isolation']),
                         ('volume', 'vol', f'unix://{PLUGINS}/vol.sock', 'server'))
        self.assertEqual(json.loads(create['Request']), {'Name': 'data', 'Opts': {'a': 'b'}})
        self.assertEqual(json.loads(create['Reply']), {})
        self.assertRegex(create['Time'], r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$')
        self.assertGreater(create['Duration'], 0)
        phases = [one['Phase'] for one in trace.records() if one['Call'] == create['Call']]
        self.assertEqual(phases, ['begin', 'end'])
        self.assertEqual(json.loads(trace.ended('Plugin.Activate')['Reply']), {'Implements': ['VolumeDriver']})

    def test_another_kind_and_one_kind_only(self):
        driver = self.api.call('GET', '/info')['Driver']
        trace, other = Stream(self, driver, '?kind=storage'), Stream(self, driver, '?kind=volume')
        self.davit.ok('rm', self.davit.ok('create', IMAGE, 'true'))
        until(lambda: any(one['Phase'] == 'end' for one in trace.records()), 'the storage driver was called')
        self.assertEqual({one['Kind'] for one in trace.records()}, {'storage'})
        self.assertEqual(other.lines, [])

    def test_streams_are_counted(self):
        self.davit.ok('volume', 'create', 'data')
        trace = Stream(self, 'local')
        archive = self.davit.run('volume', 'export', 'data', check=0).stdout
        self.assertEqual(trace.ended('VolumeDriver.Export')['ReceivedBytes'], len(archive))
        self.davit.run('volume', 'import', 'data', input=archive, check=0)
        self.assertEqual(trace.ended('VolumeDriver.Import')['SentBytes'], len(archive))

    def test_an_error_in_words(self):
        plugin = self.plugin('vol')
        trace = Trace(self, 'vol')
        self.davit.fails('volume', 'create', '-d', 'vol', '-o', 'bad=1', 'data')
        self.assertRegex(trace.wait(r'VolumeDriver\.Create .*"data"'), r' -> error system: unknown option bad$')
        plugin.fail['Create'] = 'the \x1b[31mpool\nis full'
        self.davit.fails('volume', 'create', '-d', 'vol', 'other')
        self.assertRegex(trace.wait(r'VolumeDriver\.Create .*"other"'), r' -> error system: .*the  \[31mpool is full$')

    def test_a_call_that_hangs_is_seen_while_it_hangs(self):
        plugin = self.plugin('vol')
        self.davit.ok('volume', 'create', '-d', 'vol', 'first')
        plain, records = Trace(self, 'vol'), Trace(self, '--json', 'vol')
        plugin.hang.add('Create')
        client = self.davit.spawn('volume', 'create', '-d', 'vol', 'data')
        records.wait(r'"Phase":"begin".*VolumeDriver\.Create')
        plain.wait(r'VolumeDriver\.Create  pending  \{"Name":"data"')
        self.assertIsNone(client.poll())
        self.assertFalse([one for one in records.records() if one['Method'] == 'VolumeDriver.Create' and one['Phase'] == 'end'])
        plugin.resume()
        client.communicate(timeout=20)
        self.assertEqual(client.returncode, 0)
        plain.wait(r'VolumeDriver\.Create  [\d.]+ s  .* -> ')

    def test_a_server_that_does_not_say_what_it_is(self):
        plugin = self.plugin('vol')
        plugin.hang.add('Activate')
        records = Stream(self, 'vol')
        client = self.davit.spawn('volume', 'create', '-d', 'vol', 'data')
        records.wait(r'"Phase":"begin".*"Kind":"".*Plugin\.Activate')
        plugin.resume()
        client.communicate(timeout=20)
        self.assertEqual(client.returncode, 0)

    def test_a_managed_plugin(self):
        folder = self.path('packaged')
        self.addCleanup(shutil.rmtree, folder)
        self.davit.ok('plugin', 'package', '--program', places.program('davit-volume-mount'), '--output', folder,
                      os.path.join(places.plugin_dir(), 'local.so'))
        self.davit.ok('plugin', 'create', 'acme/vol', folder)
        self.addCleanup(self.davit.run, 'plugin', 'rm', '-f', 'acme/vol')
        ident = json.loads(self.davit.ok('plugin', 'inspect', 'acme/vol'))[0]['Id']
        traces = [Stream(self, name) for name in ('acme/vol', 'acme/vol:latest', ident, ident[:12])]
        self.davit.ok('plugin', 'enable', 'acme/vol')
        self.davit.ok('volume', 'create', '-d', 'acme/vol', 'data')
        for trace in traces:
            self.assertEqual(trace.ended('VolumeDriver.Create')['Driver'], 'acme/vol:latest')
        self.davit.ok('volume', 'rm', 'data')

    def test_long_messages_are_cut(self):
        self.plugin('vol')
        plain, whole, records = Trace(self, 'vol'), Trace(self, '--no-trunc', 'vol'), Stream(self, 'vol')
        self.davit.ok('volume', 'create', '-d', 'vol', '-o', 'a=' + 'x' * 10000, 'data')
        create = records.ended('VolumeDriver.Create')
        self.assertEqual(len(create['Request']), 4096)
        self.assertGreater(create['RequestSize'], 10000)
        self.assertIn('xxx… -> ', plain.wait(r'VolumeDriver\.Create '))
        self.assertLess(len(plain.wait(r'VolumeDriver\.Create ')), 400)
        self.assertGreater(len(whole.wait(r'VolumeDriver\.Create ')), 4096)

    def test_wrong_names_and_kinds(self):
        self.assertEqual(self.davit.fails('plugin', 'trace', 'nobody'), 'Error response from daemon: plugin "nobody" not found\n')
        self.assertIn('unknown kind of driver: disk', self.davit.fails('plugin', 'trace', '--kind', 'disk', 'local'))
        self.assertIn('requires exactly 1 argument', self.davit.run('plugin', 'trace').stderr.decode())
        self.assertEqual(self.api.request('GET', '/davit/plugins/acme/nobody:1/trace').status, 404)

    def test_help(self):
        text = self.davit.ok('plugin', 'trace', '--help')
        self.assertIn('Usage:  davit plugin trace [OPTIONS] NAME', text)
        self.assertIn('trace ', self.davit.ok('plugin', '--help'))


class ClientTest(PluginCase):
    def create_and_remove(self):
        self.davit.ok('volume', 'create', 'data')
        self.davit.ok('volume', 'rm', 'data')

    def test_clients_that_go_leave_nothing(self):
        self.create_and_remove()
        before = self.snapshot()
        for number in (signal.SIGINT, signal.SIGKILL) * 3:
            trace = Trace(self, 'local')
            self.create_and_remove()
            trace.wait(r'VolumeDriver\.Remove ')
            trace.close(number)
        self.assert_no_leak(before)

    def test_a_client_that_does_not_read_delays_nobody(self):
        with socket.socket(socket.AF_UNIX) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(self.daemon.host.removeprefix('unix://'))
            client.sendall(b'GET /v1.41/davit/plugins/local/trace HTTP/1.1\r\nHost: x\r\n\r\n')
            head = client.recv(4096)
            self.assertIn(b'200 OK', head)
            self.assertIn(b'application/x-ndjson', head)
            # More than the connection's queue and the listener's hold.
            for number in range(40):
                self.api.call('POST', '/volumes/create', {'Name': f'v{number}', 'Labels': {'x': 'y'}})
            for _ in range(60):
                self.assertEqual(len(self.api.call('GET', '/volumes')['Volumes']), 40)
                for number in range(40):
                    self.api.call('GET', f'/volumes/v{number}')
            client.settimeout(20)
            text = b''
            while b'"dropped":' not in text:
                text += client.recv(1 << 20)
        self.assertRegex(text, rb'\{"dropped":[1-9]\d*\}')

    def test_the_end_of_the_daemon_ends_it(self):
        trace = Trace(self, 'local')
        self.create_and_remove()
        trace.wait(r'VolumeDriver\.Remove ')
        self.assertEqual(self.daemon.stop(), 0)
        trace.process.wait(10)
        self.daemon.start()


class ProcessTest(PluginCase):
    config = {'bridge': 'none', 'drivers': {'volume': {'local': {'isolation': 'process'}}}}

    def test_a_driver_in_a_process_of_its_own(self):
        trace = Stream(self, 'local')
        self.davit.ok('volume', 'create', 'data')
        create = trace.ended('VolumeDriver.Create')
        self.assertEqual(create['Isolation'], 'process')
        self.assertRegex(create['Transport'], '^unix:///')


if __name__ == '__main__':
    unittest.main(verbosity=2)
