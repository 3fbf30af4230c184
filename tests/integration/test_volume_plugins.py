"""Volume plugins that others run: found by their sockets and files, adopted, upgraded while in use, and kept apart from everybody else
when they hang, lie or die."""
import json
import os
import shutil
import ssl
import subprocess
import sys
import threading
import unittest

from harness import places
from harness.api import ApiError
from harness.case import IMAGE
from harness.plugin_case import PluginCase
from harness.poll import until
from harness.volume_plugin import PLUGINS


SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')


class VolumeCase(PluginCase):
    def names(self):
        return self.docker.ok('volume', 'ls', '-q').split()

    def sh(self, *arguments):
        *flags, line = arguments
        return self.docker.ok('run', '--rm', *flags, IMAGE, 'sh', '-c', line)


class UseTest(VolumeCase):
    def test_the_whole_way(self):
        plugin = self.plugin('vol', scope='global')
        self.whole_way(plugin)  # the first time leaves kept connections
        before = self.snapshot()
        self.whole_way(plugin)
        self.assert_no_leak(before)
        # Asked once, whatever came after.
        self.assertEqual(plugin.methods().count('Activate'), 1)
        self.assertEqual(plugin.methods().count('Capabilities'), 1)

    def whole_way(self, plugin):
        plugin.calls[:] = [call for call in plugin.calls if call[0] in ('Plugin.Activate', 'VolumeDriver.Capabilities')]
        self.docker.ok('volume', 'create', '-d', 'vol', '-o', 'a=b', 'data')
        shown = json.loads(self.docker.ok('volume', 'inspect', 'data'))[0]
        self.assertEqual((shown['Driver'], shown['Scope'], shown['Options'], shown['Status']), ('vol', 'global', {'a': 'b'}, {'users': 0}))
        first = self.docker.ok('run', '-d', '-v', 'data:/d', IMAGE, 'sh', '-c', 'echo hello > /d/f; exec sleep 1000')
        self.assertEqual(until(lambda: self.sh('-v', 'data:/d', 'cat /d/f'), 'the file is there'), 'hello')
        mount = plugin.requests('Mount')[0]
        self.assertRegex(mount['ID'], '^[0-9a-f]{64}$')
        self.assertNotEqual(mount['ID'], first)
        self.docker.ok('rm', '-f', first)
        until(lambda: sorted(one['ID'] for one in plugin.requests('Mount')) == sorted(one['ID'] for one in plugin.requests('Unmount')),
              'every mount is unmounted')
        self.docker.ok('volume', 'rm', 'data')
        self.assertEqual(plugin.volumes.known, {})

    def test_a_refusal_is_the_plugins_own_text(self):
        self.plugin('vol')
        self.assertIn('create data: unknown option bad', self.docker.fails('volume', 'create', '-d', 'vol', '-o', 'bad=1', 'data'))
        self.assertEqual(self.names(), [])

    def test_what_it_has_already_is_adopted(self):
        plugin = self.plugin('vol')
        plugin.volumes.answer('Create', {'Name': 'theirs'})
        with open(os.path.join(plugin.volumes.path('theirs'), 'f'), 'w', encoding='utf-8') as file:
            file.write('old')
        self.assertEqual(self.names(), ['theirs'])
        self.assertEqual(self.sh('-v', 'theirs:/d', 'cat /d/f'), 'old')
        self.assertNotIn('Create', plugin.methods())
        self.assertEqual(json.loads(self.docker.ok('volume', 'inspect', 'theirs'))[0]['Driver'], 'vol')
        self.docker.ok('volume', 'rm', 'theirs')
        self.assertEqual(plugin.volumes.known, {})

    def test_a_mount_that_fails_is_the_starts_failure(self):
        plugin = self.plugin('vol')
        self.docker.ok('volume', 'create', '-d', 'vol', 'one')
        self.docker.ok('volume', 'create', '-d', 'vol', 'two')
        box = self.docker.ok('create', '-v', 'one:/a', '-v', 'two:/b', IMAGE, 'true')
        plugin.fail['Mount'] = 'no space in pool'
        self.assertIn('VolumeDriver.Mount: no space in pool', self.docker.fails('start', box))
        plugin.fail.clear()
        self.docker.ok('start', box)
        until(lambda: all(not volume['users'] for volume in plugin.volumes.known.values()), 'nothing is mounted')

    def test_a_mountpoint_that_leads_elsewhere_is_refused(self):
        plugin = self.plugin('vol')
        self.docker.ok('volume', 'create', '-d', 'vol', 'data')
        for place in ('../../etc', '', '/a/../etc', 'relative'):
            body = json.dumps({'Mountpoint': place}).encode()
            plugin.raw['Mount'] = b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s' % (len(body), body)
            self.assertIn('Mount', self.docker.fails('run', '--rm', '-v', 'data:/d', IMAGE, 'true', status=125), place)

    def test_running_containers_keep_their_volumes_over_a_kill_of_davitd(self):
        plugin = self.plugin('vol')
        box = self.docker.ok('run', '-d', '--volume-driver', 'vol', '-v', 'data:/d', '--mount', 'type=volume,src=data2,dst=/e,volume-driver=vol',
                             IMAGE, 'sleep', '1000')
        shown = self.api.inspect(box)['Mounts']
        calls = len(plugin.requests('Mount'))
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual(self.api.inspect(box)['Mounts'], shown)
        self.assertEqual(len(plugin.requests('Mount')), calls)
        self.assertIn('volume is in use', self.docker.fails('volume', 'rm', 'data2'))
        self.docker.ok('rm', '-f', box)
        until(lambda: not plugin.volumes.known['data2']['users'], 'it is unmounted with the id it was mounted with')

    def test_a_container_that_ends_while_davitd_is_away_is_unmounted(self):
        plugin = self.plugin('vol')
        self.docker.ok('volume', 'create', '-d', 'vol', 'data')
        box = self.docker.ok('run', '-d', '-v', 'data:/d', IMAGE, 'sh', '-c', 'while [ ! -e /d/end ]; do usleep 10000; done')
        self.daemon.kill()
        open(os.path.join(plugin.volumes.path('data'), 'end'), 'w', encoding='utf-8').close()
        self.daemon.start()
        until(lambda: self.api.inspect(box)['State']['Status'] == 'exited', 'its end is known')
        until(lambda: not plugin.volumes.known['data']['users'], 'it is unmounted')


class DiscoveryTest(VolumeCase):
    def serve(self, name, address_text, suffix):
        """A plugin on a socket elsewhere, and a file of that kind that names it."""
        plugin = self.serve_at(self.path(name + '.elsewhere'), name)
        folder = '/etc/docker/plugins'
        os.makedirs(folder, exist_ok=True)
        file = os.path.join(folder, name + suffix)
        with open(file, 'w', encoding='utf-8') as out:
            out.write(address_text.replace('SOCKET', plugin.socket))
        self.addCleanup(os.unlink, file)
        self.addCleanup(self.forget)  # while it is there
        return plugin

    def test_spec_and_json_files(self):
        self.serve('byspec', '  unix://SOCKET \n', '.spec')
        self.serve('byjson', '{"Name": "ignored", "Addr": "unix://SOCKET"}', '.json')
        for name in ('byspec', 'byjson'):
            self.docker.ok('volume', 'create', '-d', name, 'of-' + name)
            self.assertEqual(json.loads(self.docker.ok('volume', 'inspect', 'of-' + name))[0]['Driver'], name)

    def test_a_folder_of_its_own_and_davits_folder_first(self):
        self.serve_at(os.path.join(PLUGINS, 'nest', 'nest.sock'), 'nest')
        first = self.serve_at('/run/davit/plugins/both.sock', 'first')
        second = self.plugin('both')
        self.docker.ok('volume', 'create', '-d', 'nest', 'one')
        self.docker.ok('volume', 'create', '-d', 'both', 'two')
        self.assertIn('two', first.volumes.known)
        self.assertEqual(second.volumes.known, {})

    def test_over_tls(self):
        folder = self.path('tls')
        os.makedirs(folder)
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', folder + '/key.pem', '-out', folder + '/cert.pem',
                        '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
                       check=True, capture_output=True)
        plugin = self.serve_at(self.path('tls.sock'), 'tls')
        port = self.tls_front(plugin, folder)
        os.makedirs('/etc/docker/plugins', exist_ok=True)
        for name, tls in (('tlsgood', {'CAFile': folder + '/cert.pem'}), ('tlslax', {'InsecureSkipVerify': True}),
                          ('tlsbad', {'CAFile': '/etc/ssl/certs/ca-certificates.crt'})):
            file = f'/etc/docker/plugins/{name}.json'
            with open(file, 'w', encoding='utf-8') as out:
                json.dump({'Addr': f'https://localhost:{port}', 'TLSConfig': tls}, out)
            self.addCleanup(os.unlink, file)
        self.addCleanup(self.forget)  # while they are there
        self.docker.ok('volume', 'create', '-d', 'tlsgood', 'one')
        self.docker.ok('volume', 'create', '-d', 'tlslax', 'two')
        self.assertEqual(sorted(plugin.volumes.known), ['one', 'two'])
        self.assertIn('certificate', self.docker.fails('volume', 'create', '-d', 'tlsbad', 'three').lower())

    def tls_front(self, plugin, folder):
        """The plugin's handler behind a TLS socket on loopback."""
        import socketserver

        class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, request, client_address):
                """A client that doesn't trust us leaves."""

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder + '/cert.pem', folder + '/key.pem')
        server = Server(('127.0.0.1', 0), plugin.server.RequestHandlerClass)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.server_address[1]

    def test_one_that_starts_late_is_waited_for(self):
        self.plugin('late').close()
        client = self.docker.spawn('volume', 'create', '-d', 'late', 'data')
        plugin = self.plugin('late')
        self.assertEqual(client.communicate(timeout=60 * places.SLOW)[0], b'data\n')
        self.assertIn('data', plugin.volumes.known)

    def test_a_new_server_at_the_same_place_is_asked_anew(self):
        first = self.plugin('vol')
        self.docker.ok('volume', 'create', '-d', 'vol', 'one')
        first.close()
        second = self.plugin('vol')
        self.docker.ok('volume', 'create', '-d', 'vol', 'two')
        self.assertEqual(sorted(self.names()), ['one', 'two'])
        self.assertIn('Activate', second.methods())

    def test_states_are_shown(self):
        plugin = self.plugin('vol')
        self.docker.ok('volume', 'create', '-d', 'vol', 'one')
        self.assertIn('vol', self.docker.ok('info', '-f', '{{.Plugins.Volume}}'))
        self.assertRegex(self.davit.ok('plugin', 'ls'), r'volume\s+vol\s.*active')
        plugin.fail['Get'] = 'broken'
        self.assertIn('get one: no such volume', self.davit.fails('volume', 'inspect', 'one'))  # as Docker takes a refusal of Get
        self.assertRegex(self.davit.ok('plugin', 'ls'), r'volume\s+vol\s.*active')


def built(folder, name, changes, output):
    """The SDK's template as a plugin of its own, with these changes in its source."""
    source = os.path.join(SOURCES, 'sdk', 'template', 'volume-cpp', 'my_driver.cpp')
    with open(source, encoding='utf-8') as file:
        text = file.read()
    for old, new in changes.items():
        if old not in text:
            raise AssertionError(f'{old} is not in {source}')
        text = text.replace(old, new)
    made = os.path.join(folder, name + '.new')
    subprocess.run(['g++', '-std=c++20', '-shared', '-fPIC', '-O1', '-DRAPIDJSON_HAS_STDSTRING=1', '-I', os.path.join(SOURCES, 'sdk/include'),
                    '-I', os.path.join(SOURCES, 'core'), '-x', 'c++', '-o', made, '-'], input=text.encode(), check=True)
    os.chmod(made, 0o755)
    os.rename(made, output)


class UpgradeTest(VolumeCase):
    """A third party's .so, in a process of its own."""

    @classmethod
    def setUpClass(cls):
        cls.folder = places.work_dir('upgrade')
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.config = {'bridge': 'none', 'plugin-directories': [cls.folder]}
        cls.build(1)
        super().setUpClass()

    @classmethod
    def build(cls, generation):
        built(cls.folder, 'dir', {'context.stateDirectory()': f'"{cls.folder}/gen{generation}"', 'kName = "my_driver"': 'kName = "dir"',
                                  'DAVIT_PLUGIN("my_driver", "1.0"': f'DAVIT_PLUGIN("dir", "{generation}.0"'},
              os.path.join(cls.folder, 'dir.so'))

    def hosts(self):
        """The processes of the driver."""
        found = []
        for pid in filter(str.isdigit, os.listdir('/proc')):
            try:
                with open(f'/proc/{pid}/cmdline', encoding='utf-8') as file:
                    if 'dir.so' in file.read() and pid != str(os.getpid()):
                        found.append(int(pid))
            except OSError:
                continue
        return found

    def source(self, box):
        return self.api.inspect(box)['Mounts'][0]['Source']

    def test_the_old_one_serves_what_it_holds(self):
        daemon = self.daemon.process.pid
        self.docker.ok('volume', 'create', '-d', 'dir', 'one')
        first = self.docker.ok('run', '-d', '-v', 'one:/d', IMAGE, 'sleep', '1000')
        self.assertEqual(self.source(first), os.path.join(self.folder, 'gen1', 'one'))
        self.build(2)
        until(lambda: '2.0' in self.davit.ok('plugin', 'ls'), 'the new version is seen')
        self.docker.ok('volume', 'create', '-d', 'dir', 'two')
        second = self.docker.ok('run', '-d', '-v', 'two:/d', IMAGE, 'sleep', '1000')
        self.assertEqual(self.source(second), os.path.join(self.folder, 'gen2', 'two'))
        self.docker.ok('exec', first, 'touch', '/d/still')
        beside = self.docker.ok('run', '-d', '-v', 'one:/d', IMAGE, 'sleep', '1000')
        self.assertEqual(self.source(beside), os.path.join(self.folder, 'gen1', 'one'))
        self.assertEqual(self.docker.ok('exec', beside, 'ls', '/d'), 'still')
        self.assertEqual(len(self.hosts()), 2)
        self.docker.ok('rm', '-f', first, beside)
        until(lambda: len(self.hosts()) == 1, 'the old one ends when it holds nothing')
        self.assertEqual(self.daemon.process.pid, daemon)
        self.assertTrue(self.daemon.alive())
        self.docker.ok('rm', '-f', second)
        self.docker.ok('volume', 'rm', 'two')

    def test_its_process_is_killed(self):
        self.docker.ok('volume', 'create', '-d', 'dir', 'data')
        box = self.docker.ok('run', '-d', '-v', 'data:/d', IMAGE, 'sleep', '1000')
        for pid in self.hosts():
            os.kill(pid, 9)
        self.assertEqual(self.sh('-v', 'data:/d', 'echo works'), 'works')
        self.assertTrue(self.api.inspect(box)['State']['Running'])
        self.docker.ok('rm', '-f', box)
        self.docker.ok('volume', 'rm', 'data')


class FaultTest(VolumeCase):
    """With plugins that are dead, hang and answer nonsense, everybody else is served as if they weren't there."""

    def dead(self, name):
        """A socket that nobody listens on any more."""
        import socket
        path = os.path.join(PLUGINS, name + '.sock')
        os.makedirs(PLUGINS, exist_ok=True)
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(path)
        self.addCleanup(os.unlink, path)

    def bad_company(self):
        for name in ('dead1', 'dead2', 'dead3'):
            self.dead(name)
        hung = self.plugin('hung')
        hung.hang = {'Activate', 'Capabilities', 'List', 'Get', 'Create', 'Mount'}
        return hung

    def test_others_are_served(self):
        good = self.plugin('good')
        self.docker.ok('volume', 'create', '-d', 'good', 'mine')
        self.bad_company()
        for _ in range(3):
            self.assertEqual(self.names(), ['mine'])
            self.assertRegex(self.docker.fails('volume', 'inspect', 'nope'), '[Nn]o such volume')
            self.assertIn('No such object', self.docker.fails('inspect', 'nope'))
        self.assertEqual(self.sh('-v', 'mine:/d', 'echo ok'), 'ok')
        warnings = self.api.call('GET', '/volumes')['Warnings']
        self.assertTrue(any('hung' in line for line in warnings), warnings)
        self.assertTrue(any('dead1' in line for line in warnings), warnings)
        self.assertNotIn('Remove', good.methods())

    def test_many_requests_of_a_hanging_plugin_leave_room_for_others(self):
        self.plugin('good')
        hung = self.bad_company()
        hung.hang = {'Create'}
        clients = [threading.Thread(target=self.quietly, args=('POST', '/volumes/create', {'Name': f'h{i}', 'Driver': 'hung'}))
                   for i in range(40)]
        for client in clients:
            client.start()
        until(lambda: hung.methods().count('Create') == 40, 'all of them hang', 20)
        self.docker.ok('volume', 'create', '-d', 'good', 'mine')
        self.assertEqual(self.sh('-v', 'mine:/d', 'echo ok'), 'ok')
        hung.resume()
        for client in clients:
            client.join()

    def quietly(self, *arguments):
        try:
            self.api.call(*arguments)
        except (ApiError, OSError):
            pass

    def test_nonsense_is_a_clear_error_and_nothing_is_left(self):
        plugin = self.plugin('vol')
        self.docker.ok('volume', 'create', '-d', 'vol', 'good')
        http = b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s'
        bodies = {'no JSON': http % (3, b'x{}'), 'an array': http % (2, b'[]'), 'half a body': b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"Err":', 'nothing': b'', 'no HTTP': b'hello\r\n\r\n',
                  'an endless one': b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n' + b'10000\r\n' + b' ' * 65536 + b'\r\n' * 1,
                  'a long one': http % (5 << 20, b' ' * (5 << 20)), 'a redirect': b'HTTP/1.1 302 Found\r\nLocation: http://x/\r\nContent-Length: 0\r\n\r\n',
                  'deep': http % (20002, b'{"a":' * 0 + b'[' * 10001 + b']' * 10001)}
        for what, answer in bodies.items():
            plugin.raw['Create'] = answer
            failure = self.docker.fails('volume', 'create', '-d', 'vol', 'bad')
            self.assertRegex(failure, 'create bad: .*VolumeDriver.Create', what)
            plugin.raw.clear()
        self.assertEqual(self.names(), ['good'])
        self.assertTrue(self.daemon.alive())

    def test_a_plugin_that_dies_under_a_container(self):
        folder = self.path('plugin-mortal')
        socket_path = os.path.join(PLUGINS, 'mortal.sock')
        program = [sys.executable, os.path.join(os.path.dirname(__file__), 'harness', 'volume_plugin.py'), socket_path, folder]
        server = subprocess.Popen(program)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        until(lambda: os.path.exists(socket_path), 'the plugin listens')
        self.docker.ok('volume', 'create', '-d', 'mortal', 'data')
        box = self.docker.ok('run', '-d', '-v', 'data:/d', IMAGE, 'sleep', '1000')
        server.kill()
        server.wait()
        self.docker.ok('exec', box, 'touch', '/d/still')
        self.docker.ok('rm', '-f', box)
        self.assertIn('data', self.names())
        again = subprocess.Popen(program)
        self.addCleanup(again.wait)
        self.addCleanup(again.kill)
        self.assertEqual(until(lambda: self.docker.run('run', '--rm', '-v', 'data:/d', IMAGE, 'ls', '/d').stdout, 'it serves again'), b'still\n')
        self.docker.ok('volume', 'rm', 'data')
        os.unlink(socket_path)


if __name__ == '__main__':
    unittest.main()
