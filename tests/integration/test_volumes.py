"""Volumes as Docker's users know them, with docker's command line and davit's."""
import json
import os
import re
import unittest

from harness import images
from harness.api import ApiError
from harness.case import IMAGE, DaemonCase
from harness.poll import until

ID = re.compile(r'^[0-9a-f]{64}$')


CONTENT = 'content:test'


class VolumeCase(DaemonCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.davit.run('load', check=0, input=images.busybox(CONTENT, extra=[
            images.directory('content', 0o711, uid=5, gid=6), images.text('content/file', 'text\n'), images.directory('content/sub')]))

    def setUp(self):
        super().setUp()
        self.addCleanup(self.remove_volumes)

    def remove_volumes(self):
        self.remove_containers()
        for volume in self.api.call('GET', '/volumes')['Volumes']:
            self.api.call('DELETE', '/volumes/' + volume['Name'], force=1)

    def names(self, *arguments):
        return self.docker.ok('volume', 'ls', '-q', *arguments).split()

    def sh(self, *arguments):
        """`run --rm` with these flags and a shell line at the end."""
        *flags, line = arguments
        return self.docker.ok('run', '--rm', *flags, IMAGE, 'sh', '-c', line)


class ClientCase:
    """What both clients do. `client` is one of them."""

    def test_create_list_inspect_remove(self):
        self.assertEqual(self.client.ok('volume', 'create', '--label', 'k=v', 'data'), 'data')
        self.assertEqual(self.client.ok('volume', 'create', 'data'), 'data')
        made = self.client.ok('volume', 'create')
        self.assertRegex(made, ID)
        self.assertEqual(self.client.ok('volume', 'ls').splitlines()[0].split(), ['DRIVER', 'VOLUME', 'NAME'])
        self.assertEqual(sorted(self.client.ok('volume', 'ls', '-q').split()), sorted([made, 'data']))
        shown = json.loads(self.client.ok('volume', 'inspect', 'data'))[0]
        self.assertEqual((shown['Name'], shown['Driver'], shown['Scope'], shown['Labels'], shown['Options']),
                         ('data', 'local', 'local', {'k': 'v'}, None))
        self.assertEqual(shown['Mountpoint'], os.path.join(self.daemon.data_root, 'volumes', 'data', '_data'))
        self.assertTrue(os.path.isdir(shown['Mountpoint']))
        self.assertEqual(self.client.ok('inspect', '--type', 'volume', '-f', '{{.Name}}', 'data'), 'data')
        self.assertEqual(self.client.ok('volume', 'rm', 'data', made).split(), ['data', made])
        self.assertFalse(os.path.exists(shown['Mountpoint']))

    # Texts of dockerd 20.10.
    def test_refusals(self):
        for verb in ('inspect', 'rm'):  # older clients say it in their own words
            self.assertRegex(self.client.fails('volume', verb, 'nope'), 'get nope: no such volume|No such volume: nope')
        self.client.ok('volume', 'rm', '-f', 'nope')
        self.assertIn('create a: volume name is too short, names should be at least two alphanumeric characters',
                      self.client.fails('volume', 'create', 'a'))
        self.assertIn('create ../x: "../x" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are '
                      'allowed. If you intended to pass a host directory, use absolute path', self.client.fails('volume', 'create', '../x'))
        self.assertIn('create x1: error looking up volume plugin nope: plugin "nope" not found',
                      self.client.fails('volume', 'create', '-d', 'nope', 'x1'))
        self.assertIn('create x1: invalid option: "foo"', self.client.fails('volume', 'create', '-o', 'foo=bar', 'x1'))
        self.assertIn('create x1: missing required option: "device"', self.client.fails('volume', 'create', '-o', 'type=tmpfs', 'x1'))
        self.assertEqual(self.names(), [])

    def test_what_is_in_use_stays(self):
        box = self.client.ok('create', '-v', 'data:/d', IMAGE, 'true')
        self.assertIn(f'remove data: volume is in use - [{box}]', self.client.fails('volume', 'rm', 'data'))
        self.assertIn(f'remove data: volume is in use - [{box}]', self.client.fails('volume', 'rm', '-f', 'data'))
        self.client.ok('rm', box)
        self.client.ok('volume', 'rm', 'data')

    def test_filters(self):
        self.client.ok('volume', 'create', '--label', 'k=v', 'used')
        self.client.ok('volume', 'create', 'free')
        self.client.ok('create', '-v', 'used:/d', IMAGE, 'true')
        for filter, found in (('dangling=true', ['free']), ('dangling=false', ['used']), ('name=us', ['used']), ('label=k', ['used']),
                              ('label=k=w', []), ('driver=local', ['free', 'used']), ('driver=other', [])):
            self.assertEqual(self.client.ok('volume', 'ls', '-q', '-f', filter).split(), found, filter)
        self.assertIn("invalid filter 'x'", self.client.fails('volume', 'ls', '-f', 'x=y').lower())

    def test_prune(self):
        anonymous = self.client.ok('volume', 'create')
        self.client.ok('volume', 'create', 'named')
        self.client.ok('create', '-v', '/used', IMAGE, 'true')
        used = [name for name in self.names() if name not in (anonymous, 'named')]
        gone = self.client.ok('volume', 'prune', '-f')
        self.assertEqual(gone.splitlines()[:2], ['Deleted Volumes:', anonymous])
        self.assertIn('Total reclaimed space:', gone)
        self.assertEqual(sorted(self.names()), sorted(['named', *used]))
        self.client.ok('volume', 'prune', '-f', '-a')
        self.assertEqual(self.names(), used)

    def test_disk_usage(self):
        self.client.ok('volume', 'create', 'data')
        self.sh('-v', 'data:/d', 'dd if=/dev/zero of=/d/f bs=1000000 count=3')
        self.client.ok('create', '-v', 'data:/d', IMAGE, 'true')
        table = self.client.ok('system', 'df')
        self.assertRegex(table, r'Local Volumes\s+1\s+1\s+3(\.\d+)?MB\s+0B \(0%\)')
        self.assertRegex(table, r'Images\s+\d+\s+1\s')
        self.assertRegex(self.client.ok('system', 'df', '-v'), r'data\s+1\s+3(\.\d+)?MB')


class DockerTest(ClientCase, VolumeCase):
    def setUp(self):
        super().setUp()
        self.client = self.docker

    def test_disk_usage(self):
        if self.docker.ok('--version').startswith('Docker version 20'):
            self.client = self.davit  # the old client divides the columns otherwise
        super().test_disk_usage()

    def test_prune(self):
        if self.docker.ok('--version').startswith('Docker version 20'):
            self.client = self.davit  # the old client has no -a
        super().test_prune()


class DavitTest(ClientCase, VolumeCase):
    def setUp(self):
        super().setUp()
        self.client = self.davit


class MountTest(VolumeCase):
    def test_content_outlives_containers(self):
        self.sh('-v', 'data:/d', 'echo kept > /d/f')
        self.assertEqual(self.sh('--mount', 'type=volume,src=data,dst=/e', 'cat /e/f'), 'kept')
        self.assertEqual(self.names(), ['data'])

    def test_read_only(self):
        for flags in (('-v', 'data:/d:ro'), ('--mount', 'type=volume,src=data,dst=/d,readonly')):
            self.assertEqual(self.sh(*flags, 'touch /d/f 2>/dev/null || echo refused'), 'refused')

    def test_inspect_shows_the_mount(self):
        box = self.docker.ok('create', '-v', 'data:/d:ro', '-v', '/anonymous', '--mount', 'type=volume,src=more,dst=/m', IMAGE, 'true')
        mounts = {mount['Destination']: mount for mount in self.api.inspect(box)['Mounts']}
        self.assertEqual(mounts['/d'], {'Type': 'volume', 'Name': 'data', 'Destination': '/d', 'Driver': 'local', 'Mode': 'ro', 'RW': False,
                                        'Propagation': '', 'Source': os.path.join(self.daemon.data_root, 'volumes/data/_data')})
        self.assertRegex(mounts['/anonymous']['Name'], ID)
        self.assertEqual(mounts['/m']['Mode'], 'z')
        self.assertEqual(self.docker.ok('ps', '-aq', '--no-trunc', '-f', 'volume=data'), box)

    def test_an_empty_volume_gets_the_images_content(self):
        line = 'ls /content; cat /content/file; stat -c %u:%g:%a /content'
        image = CONTENT
        shown = self.docker.ok('run', '--rm', '-v', 'data:/content', image, 'sh', '-c', line).split()
        self.assertEqual(shown, ['file', 'sub', 'text', '5:6:711'])
        self.assertEqual(self.docker.ok('run', '--rm', '-v', 'bare:/content:nocopy', image, 'ls', '/content'), '')
        self.assertEqual(self.docker.ok('run', '--rm', '--mount', 'type=volume,src=bare2,dst=/content,volume-nocopy', image, 'ls',
                                        '/content'), '')
        # Once, and only into an empty one.
        self.sh('-v', 'data:/d', 'rm /d/file; touch /d/own')
        self.assertEqual(self.docker.ok('run', '--rm', '-v', 'data:/content', image, 'ls', '/content').split(), ['own', 'sub'])

    def test_the_images_volumes_are_anonymous_ones(self):
        box = self.docker.ok('create', '-v', '/v', IMAGE, 'true')
        name = self.api.inspect(box)['Mounts'][0]['Name']
        self.assertEqual(self.api.call('GET', '/volumes/' + name)['Labels'], {'com.docker.volume.anonymous': ''})
        self.docker.ok('rm', box)
        self.assertEqual(self.names(), [name])
        self.docker.ok('volume', 'rm', name)

    def test_anonymous_volumes_go_with_the_container_when_asked(self):
        box = self.docker.ok('create', '-v', '/v', '-v', 'named:/n', IMAGE, 'true')
        self.docker.ok('rm', '-v', box)
        self.assertEqual(self.names(), ['named'])
        self.docker.ok('run', '--rm', '-v', '/v', '-v', 'named:/n', IMAGE, 'true')
        self.assertEqual(self.names(), ['named'])
        folder = os.path.join(self.daemon.data_root, 'volumes')
        until(lambda: [entry for entry in os.listdir(folder) if not entry.startswith('.')] == ['named'], 'their folders are gone')

    def test_volumes_from(self):
        first = self.docker.ok('run', '-d', '--name', 'first', '-v', 'data:/d', '-v', '/anonymous', '-v', self.daemon.home + ':/host:ro',
                               IMAGE, 'sleep', '1000')
        self.docker.ok('exec', first, 'sh', '-c', 'echo shared > /anonymous/f')
        self.assertEqual(self.sh('--volumes-from', 'first', 'cat /anonymous/f; ls -d /d /host; touch /d/new').split(),
                         ['shared', '/d', '/host'])
        self.assertEqual(self.sh('--volumes-from', 'first:ro', 'touch /d/x 2>/dev/null || echo refused'), 'refused')
        self.assertEqual(self.sh('--volumes-from', 'first', '-v', 'other:/d', 'ls /d'), '')
        second = self.docker.ok('create', '--volumes-from', 'first', IMAGE, 'true')
        self.docker.ok('rm', '-fv', 'first')
        self.assertEqual(len([name for name in self.names() if ID.match(name)]), 1)
        self.docker.ok('rm', '-v', second)
        self.assertEqual(sorted(self.names()), ['data', 'other'])
        # docker's client takes a 404 for a missing image and wants to pull it.
        self.assertIn('No such container: nope', self.davit.fails('create', '--volumes-from', 'nope', IMAGE))
        self.assertIn('invalid mode: x', self.davit.fails('create', '--volumes-from', 'any:x', IMAGE))

    def test_options_and_labels_by_mount(self):
        line = 'grep " /t " /proc/mounts'
        shown = self.sh('--mount', 'type=volume,src=ram,dst=/t,volume-driver=local,volume-opt=type=tmpfs,volume-opt=device=tmpfs,'
                        '"volume-opt=o=size=1m,uid=7",volume-label=k=v', line)
        self.assertRegex(shown, r'tmpfs /t tmpfs rw,.*size=1024k,.*uid=7')
        volume = self.api.call('GET', '/volumes/ram')
        self.assertEqual((volume['Labels'], volume['Options']),
                         ({'k': 'v'}, {'type': 'tmpfs', 'device': 'tmpfs', 'o': 'size=1m,uid=7'}))

    def test_subpath(self):
        self.sh('-v', 'data:/d', 'mkdir -p /d/a/b; echo deep > /d/a/b/f; ln -s /etc /d/out; ln -s a/b /d/in')
        mount = 'type=volume,src=data,dst=/s,volume-subpath='
        # Older docker clients don't know the key.
        for path, file in (('a/b', '/s/f'), ('a/b/f', '/s'), ('in', '/s/f')):
            self.assertEqual(self.davit.ok('run', '--rm', '--mount', mount + path, IMAGE, 'cat', file), 'deep', path)
        # A link that leads out ends within the volume, where there is no /etc.
        self.assertIn('cannot access path out', self.davit.fails('run', '--rm', '--mount', mount + 'out', IMAGE, 'true', status=125))
        self.assertIn('cannot access path none', self.davit.fails('run', '--rm', '--mount', mount + 'none', IMAGE, 'true', status=125))
        for bad in ('../x', '/etc'):
            with self.assertRaises(ApiError) as refused:
                self.api.create(IMAGE, ['true'], host_config={'Mounts': [
                    {'Type': 'volume', 'Source': 'data', 'Target': '/s', 'VolumeOptions': {'Subpath': bad}}]})
            self.assertIn('subpath must be a relative path within the volume', refused.exception.message)

    def test_images_as_mounts(self):
        mounts = [{'Type': 'image', 'Source': CONTENT, 'Target': '/i'}]
        box = self.api.create(IMAGE, ['sh', '-c', 'cat /i/content/file; touch /i/new && ls /i/new'], host_config={'Mounts': mounts})
        self.assertEqual(self.docker.ok('start', '-a', box).split(), ['text', '/i/new'])
        self.assertEqual(self.api.inspect(box)['Mounts'][0]['Type'], 'image')
        mounts = [dict(mounts[0], ReadOnly=True, ImageOptions={'Subpath': 'content'})]
        second = self.api.create(IMAGE, ['sh', '-c', 'cat /i/file; touch /i/new 2>/dev/null || echo refused'], host_config={'Mounts': mounts})
        self.assertEqual(self.docker.ok('start', '-a', second).split(), ['text', 'refused'])
        self.assertIn('is using its referenced image', self.docker.fails('rmi', CONTENT))
        with self.assertRaises(ApiError):
            self.api.create(IMAGE, ['true'], host_config={'Mounts': [{'Type': 'image', 'Source': 'nope', 'Target': '/i'}]})

    def test_events(self):
        since = self.docker.ok('info', '-f', '{{.SystemTime}}')
        box = self.docker.ok('run', '-d', '-v', 'data:/d:ro', IMAGE, 'sleep', '1000')
        self.docker.ok('rm', '-f', box)
        until(lambda: self.api.call('DELETE', '/volumes/data') is not None, 'the volume can be removed')
        until_time = self.docker.ok('info', '-f', '{{.SystemTime}}')
        lines = self.docker.ok('events', '--since', since, '--until', until_time, '--filter', 'type=volume', '--format', '{{json .}}')
        events = [json.loads(line) for line in lines.splitlines()]
        self.assertEqual([event['Action'] for event in events], ['create', 'mount', 'unmount', 'destroy'])
        self.assertEqual(events[0]['Actor'], {'ID': 'data', 'Attributes': {'driver': 'local'}})
        self.assertEqual(events[1]['Actor']['Attributes'],
                         {'driver': 'local', 'container': box, 'destination': '/d', 'read/write': 'false', 'propagation': ''})
        self.assertEqual(events[2]['Actor']['Attributes'], {'driver': 'local', 'container': box})

    def test_everything_is_there_after_a_restart(self):
        running = self.docker.ok('run', '-d', '-v', 'data:/d', '-v', '/anonymous', '-v', 'ram:/r', IMAGE, 'sleep', '1000')
        stopped = self.docker.ok('create', '-v', 'kept:/d', '--label', 'x', IMAGE, 'true')
        before = {box: self.api.inspect(box)['Mounts'] for box in (running, stopped)}
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual({box: self.api.inspect(box)['Mounts'] for box in (running, stopped)}, before)
        self.assertIn('volume is in use', self.docker.fails('volume', 'rm', 'data'))
        self.assertIn('volume is in use', self.docker.fails('volume', 'rm', 'kept'))
        self.docker.ok('rm', '-fv', running, stopped)
        self.assertEqual(sorted(self.names()), ['data', 'kept', 'ram'])
        self.docker.ok('volume', 'rm', 'data', 'kept', 'ram')

    def test_a_failed_create_leaves_no_anonymous_volume(self):
        self.docker.ok('create', '--name', 'taken', IMAGE, 'true')
        with self.assertRaises(ApiError):
            self.api.create(IMAGE, ['true'], host_config={'Binds': ['x:/a']}, Volumes={'/v': {}}, name='taken')
        with self.assertRaises(ApiError):
            self.api.create(IMAGE, ['true'], host_config={'Mounts': [{'Type': 'volume', 'Source': 'ok1', 'Target': '/o', 'VolumeOptions': {
                'DriverConfig': {'Name': 'local', 'Options': {'foo': 'bar'}}}}]}, Volumes={'/v': {}})
        self.assertEqual([name for name in self.names() if ID.match(name)], [])

    # SEC-33
    def test_a_volume_of_an_image_stays_within_it(self):
        with open(self.path('victim'), 'w', encoding='utf-8') as file:
            file.write('secret')
        box = self.api.create(IMAGE, ['true'], Volumes={'/../../..' + self.path('victim'): {}})
        for mount in self.api.inspect(box)['Mounts']:
            self.assertEqual(os.listdir(mount['Source']), [])
        with self.assertRaises(ApiError) as refused:
            self.api.create(IMAGE, ['true'], Volumes={'/': {}})
        self.assertEqual(refused.exception.status, 400)


class AbilityTest(VolumeCase):
    """What Docker has no verbs for."""

    def write(self, volume, text):
        self.sh('-v', volume + ':/d', f'echo {text} > /d/f')

    def read(self, volume):
        return self.sh('-v', volume + ':/d:nocopy', 'cat /d/f')

    def test_snapshots_and_clones(self):
        self.write('data', 'first')
        self.assertEqual(self.davit.ok('volume', 'snapshot', 'data', 'one'), 'one')
        self.write('data', 'second')
        self.assertIn('one', self.davit.ok('volume', 'snapshot', 'data'))
        self.davit.ok('volume', 'clone', 'data', 'now')
        self.davit.ok('volume', 'clone', '--snapshot', 'one', 'data', 'then')
        self.assertEqual([self.read(name) for name in ('data', 'now', 'then')], ['second', 'second', 'first'])
        self.write('now', 'third')
        self.assertEqual(self.read('data'), 'second')
        self.davit.ok('volume', 'snapshot', '--rm', 'data', 'one')
        self.assertNotIn('one', self.davit.ok('volume', 'snapshot', 'data'))
        self.assertIn('there is a volume now', self.davit.fails('volume', 'clone', 'data', 'now'))
        self.assertIn('get nope: no such volume', self.davit.fails('volume', 'clone', 'nope', 'x1'))

    def test_export_and_import(self):
        self.write('data', 'carried')
        archive = self.davit.run('volume', 'export', 'data', check=0).stdout
        self.docker.ok('volume', 'create', 'other')
        self.davit.ok('volume', 'import', 'other', input=archive)
        self.assertEqual(self.read('other'), 'carried')
        self.davit.ok('volume', 'export', '-o', self.path('out.tar'), 'data')
        self.assertEqual(os.path.getsize(self.path('out.tar')), len(archive))

    def test_rename(self):
        self.write('old', 'kept')
        self.davit.ok('volume', 'rename', 'old', 'new')
        self.assertEqual(self.names(), ['new'])
        self.assertEqual(self.read('new'), 'kept')
        self.docker.ok('create', '-v', 'new:/d', IMAGE, 'true')
        self.assertIn('volume is in use', self.davit.fails('volume', 'rename', 'new', 'newer'))


if __name__ == '__main__':
    unittest.main()
