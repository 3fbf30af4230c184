"""The base of the integration tests: one daemon for all cases of a class, with a busybox image in it."""
import os
import unittest

from harness import images, leaks, places
from harness.cli import Cli
from harness.daemon import Daemon
from harness.poll import until

IMAGE = 'busybox:test'


class DaemonCase(unittest.TestCase):
    config = {}
    arguments = ()
    storage_driver = None
    data_root = None
    load_image = True

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(cls.__name__.lower()[:20], cls.storage_driver, cls.config, cls.arguments, cls.data_root)
        cls.addClassCleanup(cls.daemon.destroy)
        cls.daemon.start()
        cls.api = cls.daemon.api
        cls.docker = Cli(places.docker(), cls.daemon.host, cls.daemon.home)
        cls.davit = Cli(places.program('davit'), cls.daemon.host, cls.daemon.home)
        if cls.load_image:
            cls.davit.run('load', input=images.busybox(), check=0)

    def setUp(self):
        self.addCleanup(self.remove_containers)

    def remove_containers(self):
        """After each case, so that one that fails does not spoil the next."""
        if self.daemon.alive():
            self.daemon.remove_containers()

    def load(self, archive):
        return self.davit.run('load', input=archive, check=0)

    def snapshot(self):
        """Of a moment of rest: what earlier cases left is removed after their last reply."""
        last = [leaks.Snapshot(self.daemon)]
        needed = self.docker.ok('ps', '-q') != ''

        def at_rest():
            now = leaks.Snapshot(self.daemon)
            changed = last[0].difference(now)
            last[0] = now
            return not changed and (needed or not now.ending())

        until(at_rest, 'the daemon comes to rest', every=0.3)
        return last[0]

    def assert_no_leak(self, before, seconds=10):
        leaks.assert_none(before, self.daemon, seconds)

    def path(self, name):
        """A path in the test's own folder on the host."""
        return os.path.join(self.daemon.home, name)
