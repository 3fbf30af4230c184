"""Managed plugins made of our own .so, for tests."""
import os
import shutil
import subprocess

from harness import places
from harness.case import DaemonCase


def packaged(cls, name='local', programs=('davit-volume-mount',), plugin='local.so'):
    """The folder that `davit plugin package` makes of one of our plugins."""
    folder = places.work_dir('packages')
    cls.addClassCleanup(shutil.rmtree, folder)
    output = os.path.join(folder, name)
    words = [word for program in programs for word in ('--program', places.program(program))]
    subprocess.run([places.program('davit'), 'plugin', 'package', *words, '--output', output, os.path.join(places.plugin_dir(), plugin)],
                   check=True, capture_output=True)
    return output


def processes():
    """Pids of the packaged plugins' programs."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/cmdline', encoding='utf-8') as file:
                if file.read().startswith('/bin/davit-plugin-host'):
                    found.append(int(pid))
        except OSError:
            continue
    return found


class ManagedCase(DaemonCase):
    config = {'bridge': 'none'}

    @classmethod
    def setUpClass(cls):
        cls.folder = packaged(cls)
        super().setUpClass()

    def setUp(self):
        super().setUp()
        self.addCleanup(self.remove_plugins)

    def remove_plugins(self):
        self.remove_containers()
        for volume in self.api.call('GET', '/volumes')['Volumes']:
            self.api.call('DELETE', '/volumes/' + volume['Name'], force=1)
        for plugin in self.api.call('GET', '/plugins'):
            self.api.call('DELETE', '/plugins/' + plugin['Id'], force=1)
