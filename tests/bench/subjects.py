"""What bench.py measures: `run --rm true` in each of the ways that there are, as functions that do it once."""
import http.client
import json
import os
import shutil
import subprocess
import sys

from engines import IMAGE, compile_c
from harness import images, places
from harness.api import UnixConnection
from harness.cli import Cli

NETWORKS = ('none', 'host', 'bridge')


class KeptApi:
    """One kept-alive connection, as a program that uses the API has it."""

    def __init__(self, socket):
        self.connection = UnixConnection(socket, 60)

    def call(self, method, path, body=None):
        text = json.dumps(body) if body is not None else None
        self.connection.request(method, '/v1.41' + path, text, {'Content-Type': 'application/json'} if text else {})
        response = self.connection.getresponse()
        data = response.read()
        if response.status >= 400:
            raise RuntimeError(f'{method} {path}: {response.status} {data}')
        return json.loads(data) if data.strip() else None

    def create(self, network):
        return self.call('POST', '/containers/create', {'Image': IMAGE, 'Cmd': ['true'], 'HostConfig': {'NetworkMode': network}})['Id']

    def run(self, network):
        container = self.create(network)
        self.call('POST', f'/containers/{container}/start')
        self.call('POST', f'/containers/{container}/wait')
        self.call('DELETE', f'/containers/{container}')


class Bundle:
    """A root and an OCI configuration for the runtimes that are measured without an engine."""

    def __init__(self):
        self.folder = places.work_dir('bundle')
        self.root = os.path.join(self.folder, 'rootfs')
        os.mkdir(self.root)
        subprocess.run(['tar', '-x', '-C', self.root], input=images.tar(images.busybox_entries()), check=True)
        subprocess.run(['runc', 'spec'], cwd=self.folder, check=True)
        path = os.path.join(self.folder, 'config.json')
        with open(path, encoding='utf-8') as file:
            spec = json.load(file)
        spec['process'].update(terminal=False, args=['true'], rlimits=[])
        with open(path, 'w', encoding='utf-8') as file:
            json.dump(spec, file)
        self.number = 0
        # Limits that a root without CAP_SYS_RESOURCE can set; storage of its own, for the host's podman is none of ours.
        self.podman_config = os.path.join(self.folder, 'containers.conf')
        with open(self.podman_config, 'w', encoding='utf-8') as file:
            file.write('[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n'
                       '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\n')

    def runtime(self, name):
        self.number += 1
        subprocess.run([name, 'run', '-b', self.folder, f'bench-{os.getpid()}-{self.number}'], stdin=subprocess.DEVNULL, check=True)

    def floor(self, program):
        self.number += 1
        work = os.path.join(self.folder, f'work{self.number}')
        os.mkdir(work)
        subprocess.run([program, self.root, work, '/bin/true'], check=True)

    def podman(self, network):
        quiet(['podman', '--root', os.path.join(self.folder, 'podman'), '--runroot', '/run/podman-bench', 'run', '--rm',
               '--network', network, '--rootfs', self.root + ':O', 'true'], dict(os.environ, CONTAINERS_CONF=self.podman_config))


def quiet(command, environment=None):
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True, env=environment)


def subjects(engines, bundle, without):
    """name -> a function that does it once."""
    floor = compile_c('floor', bundle.folder)
    table = {'clone, mount, exec (the floor)': lambda: bundle.floor(floor)}

    def clients(title, cli):
        for network in NETWORKS:
            command = cli.command('run', '--rm', '--network', network, IMAGE, 'true')
            table[f'{title}, {network}'] = lambda command=command, cli=cli: quiet(command, cli.environment)

    for engine in engines:
        if engine.name == 'davitd':
            clients('davit CLI → davitd', engine.cli)
        clients(f'docker CLI → {engine.name}', Cli(places.docker(), f'unix://{engine.socket}', engine.daemon.home))
        api = KeptApi(engine.socket)
        for network in NETWORKS:
            table[f'API → {engine.name}, {network}'] = lambda network=network, api=api: api.run(network)
    table['docker --version'] = lambda: quiet([places.docker(), '--version'])
    for runtime in ('crun', 'runc'):
        if shutil.which(runtime) and runtime not in without:
            table[f'{runtime} run'] = lambda runtime=runtime: bundle.runtime(runtime)
    if shutil.which('podman') and 'podman' not in without:
        for network in NETWORKS:
            table[f'podman run, {network}'] = lambda network=network: bundle.podman(network)
    return table


def usable(table):
    """Leaves out what can't run here (no privilege for a runtime, say), and says so."""
    kept = {}
    for name, function in table.items():
        try:
            function()
            function()
            kept[name] = function
        except (OSError, RuntimeError, subprocess.SubprocessError, http.client.HTTPException) as error:
            print(f'left out: {name}: {error}', file=sys.stderr)
    return kept
