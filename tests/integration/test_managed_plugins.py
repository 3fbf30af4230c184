"""Managed plugins, made of our own .so by `davit plugin package`: the same folder in davit and in a real dockerd, the same texts, and in
davit over kills of the daemon and of the plugin."""
import copy
import json
import os
import unittest

from harness import images
from harness.api import ApiError
from harness.case import IMAGE
from harness.dockerd import Dockerd
from harness.managed import ManagedCase, packaged, processes
from harness.poll import until


def add_settings(folder):
    """What the packaged configuration doesn't have: something that isn't settable, mounts and arguments."""
    file = os.path.join(folder, 'config.json')
    with open(file, encoding='utf-8') as source:
        config = json.load(source)
    config['env'].append({'name': 'FIXED', 'value': '1'})
    config['mounts'] = [{'name': 'src', 'description': 's', 'source': '/tmp', 'destination': '/hosttmp', 'type': 'bind',
                         'options': ['rbind', 'ro'], 'settable': ['source']}]
    with open(file, 'w', encoding='utf-8') as out:
        json.dump(config, out)


class LifeCase:
    """The life of a plugin through `cli`; dockerd says and does the same."""

    def fails(self, text, *arguments):
        self.assertIn(text, self.cli.fails(*arguments))

    def test_life(self):
        ok, name = self.cli.ok, 'acme/vol'
        self.assertEqual(ok('plugin', 'create', name, self.folder), name)
        self.fails('plugin acme/vol:latest already exists', 'plugin', 'create', name, self.folder)
        self.assertEqual(ok('plugin', 'ls', *self.managed, '--format', '{{.Name}} {{.Enabled}}'), 'acme/vol:latest false')
        self.fails('"FIXED" is not settable', 'plugin', 'set', name, 'FIXED=2')
        self.fails('setting "NOPE" not found in the plugin configuration', 'plugin', 'set', name, 'NOPE=1')
        ok('plugin', 'set', name, 'src.source=/var')
        self.fails('plugin is already disabled: plugin acme/vol:latest found but disabled', 'plugin', 'disable', name)
        self.fails('error looking up volume plugin', 'volume', 'create', '-d', name, 'data')
        ok('plugin', 'enable', name)
        self.fails('plugin already enabled: plugin acme/vol:latest is enabled', 'plugin', 'enable', name)
        self.fails('cannot set on an active plugin, disable plugin before setting', 'plugin', 'set', name, 'src.source=/usr')
        self.fails('plugin acme/vol:latest is enabled', 'plugin', 'rm', name)
        self.use(name)
        ok('volume', 'create', '-d', name, 'data')
        self.fails('plugin acme/vol:latest is in use', 'plugin', 'disable', name)
        ok('volume', 'rm', 'data')
        shown = json.loads(ok('plugin', 'inspect', name))[0]
        self.assertEqual((shown['Name'], shown['Enabled'], shown['Settings']['Mounts'][0]['Source']), ('acme/vol:latest', True, '/var'))
        self.assertEqual(ok('plugin', 'ls', *self.managed, '-q', '-f', 'capability=volumedriver', '--no-trunc'), shown['Id'])
        self.assertEqual(ok('plugin', 'ls', *self.managed, '-q', '-f', 'enabled=false'), '')
        ok('plugin', 'disable', name)
        ok('plugin', 'rm', name)
        for verb in ('inspect', 'rm'):  # older clients say it in their own words
            self.assertRegex(self.cli.fails('plugin', verb, name), 'plugin "acme/vol" not found|No such plugin: acme/vol')

    def use(self, name):
        """A directory, and a mount that the plugin makes for the engine."""
        self.cli.ok('volume', 'create', '-d', name, 'plain')
        self.assertEqual(self.sh('plain', 'echo kept > /d/f; cat /d/f'), 'kept')
        self.assertEqual(self.sh('plain', 'cat /d/f'), 'kept')
        self.assertEqual(json.loads(self.cli.ok('volume', 'inspect', 'plain'))[0]['Driver'], 'acme/vol:latest')
        self.cli.ok('volume', 'create', '-d', name, '-o', 'type=tmpfs', '-o', 'device=tmpfs', '-o', 'o=size=1m', 'ram')
        self.assertIn('1024', self.sh('ram', 'df -k /d | tail -1'))
        self.cli.ok('volume', 'rm', 'plain', 'ram')

    def sh(self, volume, line):
        return self.cli.ok('run', '--rm', '--network', 'none', '-v', volume + ':/d', IMAGE, 'sh', '-c', line)


class DockerdTest(LifeCase, unittest.TestCase):
    managed = ()

    @classmethod
    def setUpClass(cls):
        cls.folder = packaged(cls)
        add_settings(cls.folder)
        cls.dockerd = Dockerd()
        cls.addClassCleanup(cls.dockerd.destroy)
        cls.dockerd.start()
        cls.cli = cls.dockerd.cli
        cls.cli.ok('load', input=images.busybox())


class SetCase(ManagedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        add_settings(cls.folder)


class DockerTest(LifeCase, SetCase):
    managed = ()

    def setUp(self):
        super().setUp()
        self.cli = self.docker


class DavitTest(LifeCase, SetCase):
    managed = ('--managed',)

    def setUp(self):
        super().setUp()
        self.cli = self.davit


class LastingTest(ManagedCase):
    def enabled(self):
        self.docker.ok('plugin', 'create', 'vol', self.folder)
        self.docker.ok('plugin', 'enable', 'vol')

    def sh(self, volume, line):
        return self.docker.ok('run', '--rm', '-v', volume + ':/d', IMAGE, 'sh', '-c', line)

    def test_it_outlives_the_daemon(self):
        before = None
        for _ in range(2):  # the first time leaves kept connections
            self.enabled()
            self.docker.ok('volume', 'create', '-d', 'vol', '-o', 'type=tmpfs', '-o', 'device=tmpfs', 'ram')
            box = self.docker.ok('run', '-d', '-v', 'ram:/d', IMAGE, 'sh', '-c', 'echo kept > /d/f; exec sleep 1000')
            pids = processes()
            self.assertEqual(len(pids), 1)
            self.daemon.kill()
            self.daemon.start()
            self.assertEqual(processes(), pids)
            self.assertEqual(until(lambda: self.docker.run('exec', box, 'cat', '/d/f').stdout, 'the content'), b'kept\n')
            self.assertEqual(self.sh('ram', 'cat /d/f'), 'kept')
            self.docker.ok('rm', '-f', box)
            until(lambda: self.docker.run('volume', 'rm', 'ram').returncode == 0, 'the volume can be removed')
            self.docker.ok('plugin', 'disable', 'vol')
            self.docker.ok('plugin', 'rm', 'vol')
            self.assertEqual(processes(), [])
            if before is None:
                before = self.snapshot()
        self.assert_no_leak(before)

    def test_its_program_is_started_again(self):
        self.enabled()
        self.docker.ok('volume', 'create', '-d', 'vol', 'data')
        self.sh('data', 'echo kept > /d/f')
        for pid in processes():
            os.kill(pid, 9)
        self.assertEqual(until(lambda: self.docker.run('run', '--rm', '-v', 'data:/d', IMAGE, 'cat', '/d/f').stdout, 'it serves again'),
                         b'kept\n')

    def test_one_that_was_enabled_is_started_with_the_daemon(self):
        self.enabled()
        self.daemon.kill()
        for pid in processes():
            os.kill(pid, 9)
        self.daemon.start()
        until(lambda: self.docker.run('volume', 'create', '-d', 'vol', 'data').returncode == 0, 'it serves')

    def test_a_folder_that_is_no_plugin(self):
        for files, text in (({'rootfs/x': ''}, 'config.json'), ({'config.json': '{'}, 'rootfs'), ({'config.json': '{', 'rootfs/x': ''}, 'invalid plugin config'),
                            ({'config.json': '{"interface":{"socket":"x.sock"}}', 'rootfs/x': ''}, 'no entrypoint'),
                            ({'config.json': '{"entrypoint":["/x"],"interface":{"socket":"../x"}}', 'rootfs/x': ''}, 'is no file name'),
                            ({'config.json': '{"entrypoint":["/x"],"interface":{"socket":"x"},"propagatedMount":"../x"}', 'rootfs/x': ''},
                             'no absolute path')):
            archive = images.tar([images.text(name, content) for name, content in files.items()])
            with self.assertRaises(ApiError) as refused:
                self.api.call('POST', '/plugins/create', archive, name='bad')
            self.assertEqual(refused.exception.status, 400, refused.exception)
            self.assertIn(text, refused.exception.message)
        self.assertEqual(self.api.call('GET', '/plugins'), [])
        self.assertEqual(os.listdir(os.path.join(self.daemon.data_root, 'plugins')), [])

    def test_programs_that_do_not_serve(self):
        busybox = images.busybox_entries()
        for name, entrypoint, text in (('gone', ['/bin/none'], 'no such file or directory'), ('ends', ['/bin/true'], 'ended before it listened')):
            config = {'entrypoint': entrypoint, 'interface': {'types': ['docker.volumedriver/1.0'], 'socket': 'x.sock'}}
            entries = [images.text('config.json', json.dumps(config)), images.directory('rootfs')]
            for info, data in busybox:
                info = copy.copy(info)
                info.name = 'rootfs/' + info.name
                entries.append((info, data))
            self.api.call('POST', '/plugins/create', images.tar(entries), name=name)
            with self.assertRaises(ApiError) as refused:
                self.api.call('POST', f'/plugins/{name}/enable', timeout=0)
            self.assertIn(text, refused.exception.message)
            self.assertFalse(self.api.call('GET', f'/plugins/{name}/json')['Enabled'])
            self.api.call('DELETE', '/plugins/' + name)

    def test_events(self):
        since = self.docker.ok('info', '-f', '{{.SystemTime}}')
        self.enabled()
        self.docker.ok('plugin', 'disable', 'vol')
        self.docker.ok('plugin', 'rm', 'vol')
        until_time = self.docker.ok('info', '-f', '{{.SystemTime}}')
        lines = self.docker.ok('events', '--since', since, '--until', until_time, '--filter', 'type=plugin', '--format', '{{.Action}} {{.Actor.Attributes.name}}')
        self.assertEqual(lines.splitlines(), [f'{action} vol:latest' for action in ('create', 'enable', 'disable', 'remove')])


if __name__ == '__main__':
    unittest.main()
