"""A full disk: an operation that fails changes nothing, and the daemon can start, stop and remove at zero bytes free."""
import os
import shutil
import subprocess
import unittest

from harness import images, places
from harness.case import IMAGE, DaemonCase
from harness.poll import until


class DiskFullTest(DaemonCase):
    """The data root is an ext4 of 80 MB without a reserve for root, which hides such faults."""
    storage_driver = 'vfs'

    @classmethod
    def setUpClass(cls):
        cls.disk = places.work_dir('disk')
        cls.addClassCleanup(shutil.rmtree, cls.disk, True)
        image, point = os.path.join(cls.disk, 'image'), os.path.join(cls.disk, 'data')
        os.mkdir(point)
        with open(image, 'wb') as file:
            file.truncate(80 << 20)
        subprocess.run(['mkfs.ext4', '-q', '-m', '0', image], check=True)
        subprocess.run(['mount', '-o', 'loop', image, point], check=True)
        cls.addClassCleanup(subprocess.run, ['umount', '-l', point], check=False)
        cls.data_root = point
        super().setUpClass()

    def setUp(self):
        super().setUp()
        self.filler = os.path.join(self.data_root, 'filler')
        self.addCleanup(lambda: os.path.exists(self.filler) and os.unlink(self.filler))

    def fill(self):
        """Takes what is free, and again what the removal of earlier layers gives back meanwhile."""
        def is_full():
            with open(self.filler, 'ab', buffering=0) as file:
                for block in (1 << 20, 1 << 12, 1):
                    try:
                        while True:
                            file.write(b'\0' * block)
                    except OSError:
                        pass
            return os.statvfs(self.data_root).f_bavail == 0
        until(is_full, 'the disk is full')

    def free(self):
        status = os.statvfs(self.data_root)
        return status.f_bavail * status.f_bsize

    def test_a_load_that_does_not_fit_leaves_nothing(self):
        before, tags = self.free(), sorted(tag for image in self.api.images() for tag in image['RepoTags'])
        big = images.busybox('big:1', [images.text('big', os.urandom(100 << 20))])
        error = self.davit.fails('load', input=big)
        self.assertIn('no space left on device', error.lower())
        self.assertEqual(sorted(tag for image in self.api.images() for tag in image['RepoTags']), tags)
        until(lambda: self.free() >= before - (64 << 10), 'the space comes back')

    def containers(self):
        return sorted(name for container in self.api.containers() for name in container['Names'])

    def assert_refused(self, *command):
        error = self.docker.run(*command)
        self.assertNotEqual(error.returncode, 0, command)
        self.assertIn(b'no space left on device', error.stderr.lower(), command)

    def test_what_ends_and_removes_works_and_what_adds_is_refused(self):
        for name in ('stopped', 'killed', 'forced'):
            self.docker.ok('run', '-d', '--name', name, IMAGE, 'sh', '-c', 'echo said; exec sleep 1000')
        until(lambda: self.docker.ok('logs', 'forced') == 'said', 'the last one speaks')
        images_before = sorted(tag for image in self.api.images() for tag in image['RepoTags'])
        for _ in range(3):
            self.fill()  # again: a create that failed gives back the prepared layer that it took
            self.assert_refused('create', '--name', 'new', IMAGE, 'true')
        self.assertIn('no space left on device', self.davit.fails('load', input=images.busybox('new:1')).lower())
        self.assertEqual(self.containers(), ['/forced', '/killed', '/stopped'])
        self.assertEqual(sorted(tag for image in self.api.images() for tag in image['RepoTags']), images_before)
        self.assertEqual(self.docker.ok('exec', 'stopped', 'echo', 'alive'), 'alive')
        self.assertEqual(self.docker.ok('logs', 'stopped'), 'said')
        self.assertEqual(self.docker.ok('stop', '-t', '0', 'stopped'), 'stopped')
        self.assertEqual(self.docker.ok('kill', 'killed'), 'killed')
        for name in ('stopped', 'killed'):
            until(lambda: self.api.inspect(name)['State']['Status'] == 'exited', f'{name} has ended')
            self.assertEqual(self.docker.ok('rm', name), name)
        self.assertEqual(self.docker.ok('rm', '-f', 'forced'), 'forced')
        self.assertEqual(self.containers(), [])

    def test_the_daemon_restarts_again_and_again(self):
        """Whoever writes takes what the daemon frees for itself, so that it finds nothing free each time."""
        self.docker.ok('run', '-d', '--name', 'old', IMAGE, 'sh', '-c', 'echo said; exec sleep 1000')
        self.docker.ok('create', '--name', 'idle', IMAGE, 'true')
        until(lambda: self.docker.ok('logs', 'old') == 'said', 'it speaks')
        for end in (self.daemon.stop, self.daemon.kill, self.daemon.stop):
            self.fill()
            end()
            self.fill()
            self.daemon.start()
            self.assertEqual(self.containers(), ['/idle', '/old'])
            self.assertTrue(self.api.inspect('old')['State']['Running'])
            self.assertEqual(self.docker.ok('logs', 'old'), 'said')
        self.fill()
        self.assert_refused('create', '--name', 'new', IMAGE, 'true')
        self.assertEqual(self.docker.ok('stop', '-t', '0', 'old'), 'old')
        self.assertEqual(self.api.inspect('old')['State']['Status'], 'exited')
        self.assertEqual(self.docker.ok('rm', 'old', 'idle'), 'old\nidle')
        self.assertEqual(self.containers(), [])
        os.unlink(self.filler)
        self.assertEqual(self.docker.ok('run', '--rm', IMAGE, 'echo', 'room'), 'room')
        self.assertEqual(os.stat(os.path.join(self.data_root, 'reserve')).st_blocks * 512 >> 20, 8)

    def test_an_image_can_be_removed_to_make_room(self):
        self.load(images.busybox('room:1', [images.text('big', os.urandom(10 << 20))]))
        self.fill()
        self.daemon.kill()
        self.daemon.start()
        self.docker.ok('rmi', 'room:1')
        self.assertGreater(self.free(), 8 << 20)
        self.assertEqual(self.docker.ok('run', '--rm', IMAGE, 'echo', 'room'), 'room')

    def test_a_log_that_cannot_grow_does_not_stop_its_container(self):
        self.docker.ok('run', '-d', '--name', 'talker', IMAGE, 'sh', '-c', 'i=0; while :; do i=$((i+1)); echo $i > /dev/shm/i; seq 100; done')
        self.fill()
        first = int(self.docker.ok('exec', 'talker', 'cat', '/dev/shm/i') or 0)
        until(lambda: int(self.docker.ok('exec', 'talker', 'cat', '/dev/shm/i') or 0) > first + 100, 'the container goes on')


class OverlayDiskFullTest(DiskFullTest):
    """A driver that tries out mounts at every start, for which it needs a few blocks."""
    storage_driver = 'overlay2'


if __name__ == '__main__':
    unittest.main()
