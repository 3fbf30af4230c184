"""Managed plugins that are hostile, broken, or cannot start; daemons that end with and without them."""
import json
import os
import shutil
import subprocess
import tarfile

from harness import images, places
from harness.api import ApiError
from harness.case import IMAGE
from harness.managed import ManagedCase, packaged, processes
from harness.poll import until

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
CONFIG = json.dumps({'entrypoint': ['/x'], 'interface': {'types': ['docker.volumedriver/1.0'], 'socket': 'x.sock'}})


class HostileFolderTest(ManagedCase):
    """Tars whose members stand where the daemon's own things are."""

    def create(self, name, *entries):
        self.api.call('POST', '/plugins/create', images.tar(entries), name=name)

    def refused(self, text, *entries):
        with self.assertRaises(ApiError) as refused:
            self.create('bad', *entries)
        self.assertEqual(refused.exception.status, 400, refused.exception)
        self.assertIn(text, refused.exception.message)
        self.assertEqual(self.api.call('GET', '/plugins'), [])
        self.assertEqual(os.listdir(os.path.join(self.daemon.data_root, 'plugins')), [])

    def test_a_configuration_that_is_no_file(self):
        self.refused('config.json not found', images.entry('config.json', tarfile.FIFOTYPE), images.directory('rootfs'))
        self.refused('config.json not found', images.symlink('config.json', '/etc/hostname'), images.directory('rootfs'))
        self.refused('rootfs not found', images.text('config.json', CONFIG), images.symlink('rootfs', '/'))
        self.refused('', images.text('../escaped', 'x'), images.text('config.json', CONFIG), images.directory('rootfs'))

    def test_what_stands_beside_is_dropped(self):
        outside = places.work_dir('outside')
        self.addCleanup(shutil.rmtree, outside)
        self.create('extra', images.text('config.json', CONFIG), images.directory('rootfs'), images.symlink('propagated-mount', outside),
                    images.text('other', 'x'))
        [plugin] = self.api.call('GET', '/plugins')
        folder = os.path.join(self.daemon.data_root, 'plugins', plugin['Id'])
        self.assertEqual(sorted(os.listdir(folder)), ['config.json', 'propagated-mount', 'rootfs'])
        self.assertFalse(os.path.islink(os.path.join(folder, 'propagated-mount')))

    def test_names(self):
        for name, text in (('Bad', 'must be lowercase'), ('a:b:c', 'invalid reference format'), ('', 'invalid reference format'),
                           ('x@sha256:' + '0' * 64, 'canonical references are not permitted'), ('a' * 64, 'cannot specify 64-byte')):
            with self.assertRaises(ApiError) as refused:
                self.create(name, images.text('config.json', CONFIG), images.directory('rootfs'))
            self.assertEqual(refused.exception.status, 400, name)
            self.assertIn(text, refused.exception.message)

    def test_the_beginning_of_an_id(self):
        for n in range(17):  # two of them begin alike
            self.create(f'p{n}', images.text('config.json', CONFIG), images.directory('rootfs'))
        ids = [plugin['Id'] for plugin in self.api.call('GET', '/plugins')]
        for one in ids:
            alike = [other for other in ids if other[0] == one[0]]
            if len(alike) == 1:
                self.assertEqual(self.api.call('GET', f'/plugins/{one[0]}/json')['Id'], one)
                continue
            with self.assertRaises(ApiError) as refused:
                self.api.call('GET', f'/plugins/{one[0]}/json')
            self.assertIn(f'multiple plugins found for "{one[0]}"', refused.exception.message)
            self.assertEqual(self.api.call('GET', f'/plugins/{one}/json')['Id'], one)


class HostileServerTest(ManagedCase):
    def test_a_link_does_not_lead_to_the_host(self):
        folder = places.work_dir('hostile')
        self.addCleanup(shutil.rmtree, folder)
        outside = os.path.join(folder, 'outside')
        os.mkdir(outside)
        with open(os.path.join(outside, 'secret'), 'w', encoding='utf-8') as file:
            file.write('of the host')
        with open(os.path.join(SOURCES, 'sdk/template/volume-cpp/my_driver.cpp'), encoding='utf-8') as file:
            source = file.read()
        honest = '/*id*/) override { return existing(name); }'
        self.assertIn(honest, source)
        linking = os.path.join(folder, 'linking.so')
        subprocess.run(['g++', '-std=c++20', '-shared', '-fPIC', '-w', '-DRAPIDJSON_HAS_STDSTRING=1', '-I', os.path.join(SOURCES, 'sdk/include'),
                        '-I', os.path.join(SOURCES, 'core'), '-x', 'c++', '-o', linking, '-'],
                       input=source.replace(honest, '/*id*/) override { return "/link"; }').encode(), check=True)
        os.chmod(linking, 0o755)
        plugin = packaged(type(self), 'linking', (), linking)
        os.symlink(outside, os.path.join(plugin, 'rootfs', 'link'))
        self.docker.ok('plugin', 'create', 'linking', plugin)
        self.docker.ok('plugin', 'set', 'linking', 'DAVIT_PLUGIN_CONFIG={"Root":"/data/volumes"}')
        self.docker.ok('plugin', 'enable', 'linking')
        self.docker.ok('volume', 'create', '-d', 'linking', 'data')
        self.assertIn('"/link" isn\'t there', self.docker.fails('run', '--rm', '-v', 'data:/d', IMAGE, 'cat', '/d/secret', status=125))
        # Where the link leads is a place of the plugin's own root.
        [shown] = self.api.call('GET', '/plugins')
        own = os.path.join(self.daemon.data_root, 'plugins', shown['Id'], 'rootfs') + outside
        os.makedirs(own)
        with open(os.path.join(own, 'secret'), 'w', encoding='utf-8') as file:
            file.write('of the plugin')
        self.assertEqual(self.docker.ok('run', '--rm', '-v', 'data:/d', IMAGE, 'cat', '/d/secret'), 'of the plugin')


class DaemonEndsTest(ManagedCase):
    config = {**ManagedCase.config, 'live-restore': False}

    def mounts(self):
        with open('/proc/self/mountinfo', encoding='utf-8') as file:
            return [line for line in file if os.path.join(self.daemon.data_root, 'plugins') in line]

    def enabled(self):
        self.docker.ok('plugin', 'create', 'vol', self.folder)
        self.docker.ok('plugin', 'enable', 'vol')

    def serves(self, name):
        return self.docker.run('volume', 'create', '-d', 'vol', name).returncode == 0

    def test_an_ordinary_end_ends_them(self):
        self.enabled()
        self.assertEqual(len(self.mounts()), 1)
        box = self.docker.ok('run', '-d', '--stop-signal', 'KILL', '-v', 'kept:/d', '--volume-driver', 'vol', IMAGE, 'sh', '-c', 'echo kept > /d/f; exec sleep 1000')
        self.assertEqual(self.daemon.stop(), 0)
        self.assertEqual((processes(), self.mounts()), ([], []))
        self.daemon.start()
        self.assertEqual(len(processes()), 1)
        self.assertEqual(self.docker.ok('run', '--rm', '-v', 'kept:/d', IMAGE, 'cat', '/d/f'), 'kept')
        self.docker.ok('rm', box)

    def test_with_live_restore_they_go_on(self):
        self.daemon.stop()
        self.daemon.write_config({**self.config, 'live-restore': True})
        self.daemon.start()
        self.enabled()
        pids = processes()
        self.assertEqual(self.daemon.stop(), 0)
        self.assertEqual(processes(), pids)
        self.daemon.write_config(self.config)
        self.daemon.start()
        self.assertEqual(processes(), pids)
        self.assertTrue(self.serves('data'))

    def test_one_that_cannot_start_is_tried_again(self):
        self.enabled()
        self.daemon.stop()
        [plugin] = os.listdir(os.path.join(self.daemon.data_root, 'plugins'))
        program = os.path.join(self.daemon.data_root, 'plugins', plugin, 'rootfs/bin/davit-plugin-host')
        os.rename(program, program + '.away')
        self.daemon.start()
        self.assertTrue(self.api.call('GET', '/plugins/vol/json')['Enabled'])
        self.assertEqual(processes(), [])
        os.rename(program + '.away', program)
        until(lambda: self.serves('data'), 'it serves')

    def test_a_socket_that_is_a_loop_of_links_does_not_hold_up_the_daemon(self):
        self.enabled()
        self.daemon.stop()
        [plugin] = os.listdir(os.path.join(self.daemon.data_root, 'plugins'))
        programs = os.path.join(self.daemon.data_root, 'plugins', plugin, 'rootfs/bin')
        program = os.path.join(programs, 'davit-plugin-host')
        os.rename(program, program + '.away')
        for name in ('busybox', 'sh'):
            shutil.copy(images.BUSYBOX, os.path.join(programs, name))
        with open(program, 'w', encoding='utf-8') as script:
            script.write('#!/bin/sh\ntrap "exit 0" TERM\n/bin/busybox ln -s local.sock /run/docker/plugins/local.sock\n'
                         'while :; do /bin/busybox sleep 0.1; done\n')
        os.chmod(program, 0o755)
        self.daemon.start()
        self.assertIn('Socket operation on non-socket', self.daemon.log())
        self.docker.ok('plugin', 'disable', 'vol')
        os.rename(program + '.away', program)
        self.docker.ok('plugin', 'enable', 'vol')
        self.assertTrue(self.serves('data'))

    def test_one_whose_configuration_is_lost_can_be_removed(self):
        self.enabled()
        self.daemon.kill()
        [plugin] = os.listdir(os.path.join(self.daemon.data_root, 'plugins'))
        config = os.path.join(self.daemon.data_root, 'plugins', plugin, 'config.json')
        os.unlink(config)
        self.daemon.start()
        self.assertEqual((processes(), self.mounts()), ([], []))
        self.docker.ok('plugin', 'rm', 'vol')
        self.assertEqual(self.api.call('GET', '/plugins'), [])

    def test_nobody_takes_the_name_of_our_own_driver(self):
        self.docker.ok('plugin', 'create', 'local', self.folder)
        self.docker.ok('volume', 'create', 'data')  # it isn't even enabled
        self.assertEqual(json.loads(self.docker.ok('volume', 'inspect', 'data'))[0]['Driver'], 'local')
        self.docker.ok('plugin', 'enable', 'local')
        self.docker.ok('volume', 'create', 'other')
        self.assertEqual(json.loads(self.docker.ok('volume', 'inspect', 'other'))[0]['Driver'], 'local')
        self.docker.ok('volume', 'create', '-d', 'local:latest', 'third')
        self.assertEqual(json.loads(self.docker.ok('volume', 'inspect', 'third'))[0]['Driver'], 'local:latest')
