"""The measurements of bench.py: subjects, rounds, memory, many at once."""
import http.client
import json
import os
import shutil
import subprocess
import sys
import threading
import time

from harness import images, places
from harness.api import UnixConnection
from harness.cli import Cli
from harness.daemon import Daemon
from harness.dockerd import Dockerd

IMAGE = 'busybox:test'


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


def compile_floor(folder):
    program = os.path.join(folder, 'floor')
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'floor.c')
    subprocess.run(['gcc', '-O2', '-static', '-o', program, source], check=True)
    return program


def quiet(command, environment=None):
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True, env=environment)


def subjects(daemon, dockerd, bundle, without):
    """name -> a function that does it once."""
    docker = Cli(places.docker(), daemon.host, daemon.home)
    davit = Cli(places.program('davit'), daemon.host, daemon.home)
    api = KeptApi(daemon.socket)
    floor = compile_floor(bundle.folder)
    table = {'clone, mount, exec (the floor)': lambda: bundle.floor(floor)}

    def engine(title, cli):
        for network in ('none', 'host'):
            command = cli.command('run', '--rm', '--network', network, IMAGE, 'true')
            table[f'{title}, {network}'] = lambda command=command, cli=cli: quiet(command, cli.environment)

    engine('davit CLI → davitd', davit)
    engine('docker CLI → davitd', docker)
    for network in ('none', 'host'):
        table[f'API → davitd, {network}'] = lambda network=network: api.run(network)
    if dockerd:
        engine('docker CLI → dockerd', dockerd.cli)
        peer = KeptApi(dockerd.socket)
        for network in ('none', 'host'):
            table[f'API → dockerd, {network}'] = lambda network=network: peer.run(network)
    table['docker --version'] = lambda: quiet([places.docker(), '--version'])
    for runtime in ('crun', 'runc'):
        if shutil.which(runtime) and runtime not in without:
            table[f'{runtime} run'] = lambda runtime=runtime: bundle.runtime(runtime)
    if shutil.which('podman') and 'podman' not in without:
        for network in ('none', 'host'):
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


def rounds(table, number):
    times = {name: [] for name in table}
    for _ in range(number):
        for name, function in table.items():
            begin = time.perf_counter()
            function()
            times[name].append((time.perf_counter() - begin) * 1000)
            time.sleep(0.05)  # what was torn down in the background shall not be billed to the next one
    return times


def start_times(socket, number):
    """Milliseconds from the start request to its answer, which comes when the container's program has been executed."""
    api, times = KeptApi(socket), []
    for _ in range(number):
        container = api.create('none')
        begin = time.perf_counter()
        api.call('POST', f'/containers/{container}/start')
        times.append((time.perf_counter() - begin) * 1000)
        api.call('POST', f'/containers/{container}/wait')
        api.call('DELETE', f'/containers/{container}')
        time.sleep(0.05)
    return times


def hundred_at_once(socket, number=100):
    """Seconds until `number` containers, whose start was asked for at the same time, run."""
    apis = [KeptApi(socket) for _ in range(number)]
    body = {'Image': IMAGE, 'Cmd': ['sleep', '1000'], 'HostConfig': {'NetworkMode': 'none'}}
    containers = [api.call('POST', '/containers/create', body)['Id'] for api in apis]
    errors = []

    def start(api, container):
        try:
            api.call('POST', f'/containers/{container}/start')
        except (RuntimeError, OSError, http.client.HTTPException) as error:
            errors.append(str(error))

    threads = [threading.Thread(target=start, args=pair) for pair in zip(apis, containers)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - begin
    return {'seconds': seconds, 'errors': errors, 'containers': containers}


def pss_kib(pid):
    try:
        with open(f'/proc/{pid}/smaps_rollup', encoding='utf-8') as file:
            return next(int(line.split()[1]) for line in file if line.startswith('Pss:'))
    except (OSError, StopIteration):
        return 0


def pids_named(*words):
    found = []
    for entry in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{entry}/cmdline', 'rb') as file:
                first = file.read().split(b'\0')[0].decode(errors='replace')
        except OSError:
            continue
        if os.path.basename(first) in words:
            found.append(int(entry))
    return found


def memory(daemon, dockerd):
    facts = {'davitd, idle (kB)': pss_kib(daemon.pid)}
    if dockerd:
        facts['dockerd + containerd, idle (kB)'] = sum(map(pss_kib, pids_named('dockerd', 'containerd')))
    return facts


def run(number, without):
    daemon, bundle = Daemon('bench'), Bundle()
    dockerd = None
    results = {'rounds': number}
    try:
        daemon.start()
        Cli(places.program('davit'), daemon.host, daemon.home).ok('load', input=images.busybox())
        if 'docker' not in without and shutil.which('dockerd'):
            dockerd = Dockerd('overlay2').start()
            dockerd.cli.ok('load', input=images.busybox())
        results['memory'] = memory(daemon, dockerd)
        results['times'] = rounds(usable(subjects(daemon, dockerd, bundle, without)), number)
        results['start'] = {'POST start → davitd': start_times(daemon.socket, number)}
        if dockerd:
            results['start']['POST start → dockerd'] = start_times(dockerd.socket, max(5, number // 3))
        at_once = hundred_at_once(daemon.socket)
        shims = daemon.shims()
        results['memory']['davit-shim, each of 100 (kB)'] = sum(map(pss_kib, shims)) / max(1, len(shims))
        results['memory']['davitd with 100 containers (kB)'] = pss_kib(daemon.pid)
        results['at_once'] = {'davitd': {key: at_once[key] for key in ('seconds', 'errors')}}
        if dockerd:
            peer = hundred_at_once(dockerd.socket, 20)
            shims = pids_named('containerd-shim-runc-v2')
            results['memory']['containerd-shim-runc-v2, each of 20 (kB)'] = sum(map(pss_kib, shims)) / max(1, len(shims))
            results['at_once']['dockerd (20 containers)'] = {key: peer[key] for key in ('seconds', 'errors')}
            for container in peer['containers']:
                dockerd.api.remove(container)
    finally:
        daemon.destroy()
        if dockerd:
            dockerd.destroy()
        shutil.rmtree(bundle.folder, ignore_errors=True)
    return results
