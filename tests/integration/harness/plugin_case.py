"""The base of suites with plugin servers beside the daemon."""
import os
import shutil

from harness.case import DaemonCase
from harness.volume_plugin import PLUGINS, VolumePlugin


class PluginCase(DaemonCase):
    config = {'bridge': 'none'}

    def serve_at(self, path, name, **keywords):
        plugin = VolumePlugin(path, self.path('plugin-' + name), **keywords)
        self.plugins.append(plugin)
        return plugin

    def plugin(self, name, **keywords):
        return self.serve_at(os.path.join(PLUGINS, name + '.sock'), name, **keywords)

    def setUp(self):
        super().setUp()
        self.plugins = []
        self.addCleanup(self.forget)

    def forget(self):
        """The volumes while their plugins are there, then the plugins."""
        for plugin in self.plugins:
            plugin.resume()
            plugin.fail, plugin.raw = {}, {}
        self.remove_containers()
        for volume in self.api.call('GET', '/volumes')['Volumes']:
            self.api.call('DELETE', '/volumes/' + volume['Name'], force=1)
        for plugin in self.plugins:
            plugin.close()
        self.plugins = []
        for name in os.listdir(self.daemon.home):
            if name.startswith('plugin-'):
                shutil.rmtree(self.path(name))
