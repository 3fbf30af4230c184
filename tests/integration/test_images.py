"""Images through the command line: load, save, import, tag, rmi, images, history; with docker and with davit."""
import io
import json
import re
import tarfile
import unittest

from harness import images
from harness.case import IMAGE, DaemonCase


class Images:
    def tearDown(self):
        for image in self.api.images():
            for tag in image.get('RepoTags') or []:
                if tag != IMAGE and not tag.startswith('davit/hello'):
                    self.davit.run('rmi', '-f', tag)

    def tags(self):
        return sorted(tag for image in self.api.images() for tag in image['RepoTags'])

    def write(self, name, data):
        path = self.path(name)
        with open(path, 'wb') as file:
            file.write(data)
        return path

    def test_load_from_a_file_and_from_a_pipe(self):
        archive = images.busybox('one:1', [images.text('etc/motd', 'hello\n')])
        path = self.write('one.tar', archive)
        self.assertIn('Loaded image: one:1', self.cli.ok('load', '-i', path))
        self.assertIn('Loaded image: one:1', self.cli.ok('load', input=archive))
        self.assertEqual(self.cli.ok('run', '--rm', 'one:1', 'cat', '/etc/motd'), 'hello')

    def test_an_image_without_a_name_is_loaded_by_id(self):
        output = self.cli.ok('load', input=images.busybox(None, [images.text('etc/motd', 'no name\n')]))
        found = re.search('Loaded image ID: (sha256:[0-9a-f]{64})', output)
        self.assertTrue(found, output)
        self.assertEqual(self.cli.ok('run', '--rm', found.group(1), 'cat', '/etc/motd'), 'no name')
        self.cli.ok('rmi', found.group(1))

    def test_rubbish_is_refused(self):
        before = self.tags()
        for archive in (b'no tar at all' * 1000, images.tar([images.text('a', 'b')]), images.busybox('x:1')[:100000]):
            self.cli.fails('load', input=archive)
        self.assertEqual(self.tags(), before)

    def test_a_saved_image_loads_again(self):
        self.cli.ok('load', input=images.busybox('two:1', [images.text('etc/motd', 'two\n'), images.symlink('link', 'etc/motd')]))
        image = self.cli.ok('inspect', '-f', '{{.Id}}', 'two:1')
        path = self.path('two.tar')
        self.cli.ok('save', '-o', path, 'two:1')
        with tarfile.open(path) as archive:
            manifest = json.load(archive.extractfile('manifest.json'))
            self.assertEqual(manifest[0]['RepoTags'], ['two:1'])
            self.assertEqual(len(manifest[0]['Layers']), 2)
            for name in [manifest[0]['Config'], *manifest[0]['Layers']]:
                self.assertIn(name, archive.getnames())
        self.cli.ok('rmi', 'two:1')
        self.assertNotIn('two:1', self.tags())
        self.cli.ok('load', '-i', path)
        self.assertEqual(self.cli.ok('inspect', '-f', '{{.Id}}', 'two:1'), image)
        self.assertEqual(self.cli.ok('run', '--rm', 'two:1', 'cat', '/link'), 'two')

    def test_save_to_a_pipe_with_several_images(self):
        self.cli.ok('tag', IMAGE, 'other/name:tag')
        data = self.cli.run('save', IMAGE, 'other/name:tag', check=0).stdout
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            manifest = json.load(archive.extractfile('manifest.json'))
        self.assertEqual(sorted(tag for image in manifest for tag in image['RepoTags']), [IMAGE, 'other/name:tag'])

    def test_import(self):
        path = self.write('root.tar', images.tar(images.busybox_entries() + [images.text('etc/motd', 'imported\n')]))
        image = self.cli.ok('import', '-c', 'CMD ["cat", "/etc/motd"]', '-c', 'ENV A=b', '-m', 'the message', path, 'imported:1')
        self.assertRegex(image, '^sha256:[0-9a-f]{64}$')
        self.assertEqual(self.cli.ok('run', '--rm', 'imported:1'), 'imported')
        self.assertEqual(self.cli.ok('run', '--rm', 'imported:1', 'sh', '-c', 'echo $A'), 'b')
        self.assertIn('the message', self.cli.ok('history', '--format', '{{.Comment}}', 'imported:1'))

    def test_tag_and_untag(self):
        image = self.cli.ok('inspect', '-f', '{{.Id}}', IMAGE)
        self.cli.ok('tag', IMAGE, 'registry.example:5000/a/b:c')
        self.assertIn('registry.example:5000/a/b:c', self.tags())
        self.assertEqual(self.cli.ok('rmi', 'registry.example:5000/a/b:c'), 'Untagged: registry.example:5000/a/b:c')
        self.assertEqual(self.cli.ok('inspect', '-f', '{{.Id}}', IMAGE), image)
        self.assertIn('invalid reference format', self.cli.fails('tag', IMAGE, 'Upper/Case'))

    def test_rmi_deletes_what_nothing_uses(self):
        self.cli.ok('load', input=images.busybox('three:1', [images.text('etc/motd', 'three\n')]))
        output = self.cli.ok('rmi', 'three:1').splitlines()
        self.assertEqual(output[0], 'Untagged: three:1')
        self.assertTrue(all(re.match('Deleted: sha256:[0-9a-f]{64}$', line) for line in output[1:]), output)
        self.assertGreaterEqual(len(output), 2)
        self.assertIn('No such image: three:1', self.cli.fails('rmi', 'three:1'))

    def test_rmi_of_an_image_in_use(self):
        self.cli.ok('load', input=images.busybox('four:1', [images.text('etc/motd', 'four\n')]))
        self.cli.ok('run', '-d', '--name', 'user', 'four:1', 'sleep', '1000')
        self.assertIn('conflict: unable to remove repository reference "four:1" (must force)', self.cli.fails('rmi', 'four:1'))
        self.assertIn('is using its referenced image', self.cli.fails('rmi', 'four:1'))
        self.cli.ok('rm', '-f', 'user')
        self.cli.ok('rmi', 'four:1')

    def test_the_table(self):
        table = self.cli.ok('images').splitlines()
        self.assertRegex(table[0], r'^REPOSITORY\s+TAG\s+IMAGE ID\s+CREATED\s+SIZE$')
        row = next(line for line in table if line.startswith('busybox'))
        self.assertRegex(row, r'^busybox\s+test\s+[0-9a-f]{12}\s+.*ago\s+[\d.]+MB$')
        image = self.cli.ok('images', '-q', '--no-trunc', IMAGE)
        self.assertRegex(image, '^sha256:[0-9a-f]{64}$')
        self.assertEqual(self.cli.ok('images', '--format', '{{.Repository}}:{{.Tag}}', '--filter', 'reference=busy*'), IMAGE)

    def test_history(self):
        self.assertIn('ADD layer 0', self.cli.ok('history', '--no-trunc', IMAGE))

    def test_layers_cover_each_other(self):
        """Whiteouts, opaque folders and replaced kinds, as an image's later layers have them."""
        lower = images.tar(images.busybox_entries() + [
            images.directory('d'), images.text('d/gone', '1'), images.text('d/kept', '1'),
            images.directory('o'), images.text('o/hidden', '1'), images.text('file', '1'), images.directory('turned')])
        upper = images.tar([
            images.directory('d'), images.text('d/.wh.gone', ''), images.directory('o'), images.text('o/.wh..wh..opq', ''),
            images.text('o/new', '2'), images.directory('file'), images.text('turned', 'now a file')])
        self.cli.ok('load', input=images.archive('layers:1', [lower, upper]))
        self.assertEqual(self.cli.ok('run', '--rm', 'layers:1', 'sh', '-c', 'ls d; ls o; cat turned; test -d file && echo dir'),
                         'kept\nnew\nnow a filedir')

    def test_owners_modes_links_and_attributes_survive(self):
        extra = [images.text('f', 'x', mode=0o4751, uid=12, gid=34, headers={'SCHILY.xattr.user.k': 'v'}),
                 images.entry('h', images.tarfile.LNKTYPE, link='f'),
                 images.entry('null', images.tarfile.CHRTYPE, 0o666, device=(1, 3)),
                 images.entry('fifo', images.tarfile.FIFOTYPE, 0o600)]
        self.cli.ok('load', input=images.busybox('meta:1', extra))
        self.assertEqual(self.cli.ok('run', '--rm', 'meta:1', 'stat', '-c', '%a %u %g %h', '/f', '/h'), '4751 12 34 2\n4751 12 34 2')
        self.assertEqual(self.cli.ok('run', '--rm', 'meta:1', 'stat', '-c', '%F %t %T', '/null', '/fifo'),
                         'character special file 1 3\nfifo 0 0')


class DockerImagesTest(Images, DaemonCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cli = cls.docker


class DavitImagesTest(Images, DaemonCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cli = cls.davit


class DefaultImageTest(DaemonCase):
    load_image = False

    def test_the_embedded_image_greets(self):
        self.assertEqual([image['RepoTags'] for image in self.api.images()], [['davit/hello:latest']])
        self.assertIn('davit', self.davit.ok('run', '--rm', 'davit/hello').lower())
        self.assertEqual(self.docker.ok('run', '--rm', 'davit/hello', 'sh', '-c', 'echo shell'), 'shell')


class RemovedDefaultImageTest(DaemonCase):
    load_image = False

    def test_it_does_not_come_back_when_removed(self):
        self.davit.ok('load', input=images.busybox())
        self.davit.ok('rmi', 'davit/hello')
        self.daemon.restart()
        self.assertEqual([image['RepoTags'] for image in self.api.images()], [[IMAGE]])


if __name__ == '__main__':
    unittest.main()
