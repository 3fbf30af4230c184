"""The two engines of the measurements that need networks, each in a network namespace of its own with an uplink to a third
one, which acts as the host next door.

    davitd    the bench's own namespace   10.77.1.1 ──┐
    dockerd   "peer"                      10.77.2.1 ──┴── "outside" 10.77.1.2, 10.77.2.2
"""
import contextlib
import os
import subprocess

from harness import images, places
from harness.cli import Cli
from harness.daemon import Daemon
from harness.dockerd import Dockerd

IMAGE = 'busybox:test'
HERE = os.path.dirname(os.path.abspath(__file__))


def run(*command, **keywords):
    return subprocess.run(command, check=True, stdin=subprocess.DEVNULL, **keywords)


def compile_c(name, folder):
    program = os.path.join(folder, name)
    run('gcc', '-O2', '-static', '-o', program, os.path.join(HERE, name + '.c'))
    return program


def image(traffic):
    """The archive of the image that all containers are made of: busybox and traffic.c."""
    with open(traffic, 'rb') as file:
        return images.busybox(IMAGE, extra=[images.entry('bin/traffic', data=file.read())])


class Engine:
    """One engine as the measurements use it."""

    def __init__(self, name, daemon, cli, netns, address):
        self.name, self.daemon, self.cli, self.netns, self.address = name, daemon, cli, netns, address
        self.api, self.socket = daemon.api, daemon.socket

    def host(self, *command):
        """Output of a program of the engine's host."""
        inside = ['ip', 'netns', 'exec', self.netns] if self.netns else []
        return run(*inside, *command, capture_output=True, text=True).stdout

    def inspect(self, container):
        return self.api.inspect(container)

    def address_of(self, container):
        return next(one['IPAddress'] for one in self.inspect(container)['NetworkSettings']['Networks'].values())


def outside(*command):
    return run('ip', 'netns', 'exec', 'outside', *command, capture_output=True, text=True).stdout


def connect(number, netns):
    """The uplink of one engine's host."""
    inside = ['netns', netns] if netns else []
    enter = ['ip', '-n', netns] if netns else ['ip']
    run('ip', 'link', 'add', f'up{number}', 'type', 'veth', 'peer', 'name', f'out{number}')
    run('ip', 'link', 'set', f'out{number}', 'netns', 'outside')
    if inside:
        run('ip', 'link', 'set', f'up{number}', *inside)
    run(*enter, 'addr', 'add', f'10.77.{number}.1/24', 'dev', f'up{number}')
    run(*enter, 'link', 'set', f'up{number}', 'up')
    run(*enter, 'link', 'set', 'lo', 'up')
    run('ip', '-n', 'outside', 'addr', 'add', f'10.77.{number}.2/24', 'dev', f'out{number}')
    run('ip', '-n', 'outside', 'link', 'set', f'out{number}', 'up')


def prepare_network():
    for name in ('outside', 'peer'):
        run('ip', 'netns', 'add', name)
    connect(1, None)
    connect(2, 'peer')


@contextlib.contextmanager
def started(with_docker, traffic):
    """The engines, running and with the image loaded; dockerd is absent when it isn't asked for."""
    prepare_network()
    with contextlib.ExitStack() as stack:
        daemon = Daemon('bench')
        stack.callback(daemon.destroy)
        daemon.start()
        engines = [Engine('davitd', daemon, Cli(places.program('davit'), daemon.host, daemon.home), None, '10.77.1.1')]
        if with_docker:
            pools = ('--default-address-pool', 'base=10.128.0.0/12,size=24')  # its own last for thirty networks
            dockerd = Dockerd('overlay2', pools, networks=True, netns='peer')
            stack.callback(dockerd.destroy)
            dockerd.start()
            engines.append(Engine('dockerd', dockerd, dockerd.cli, 'peer', '10.77.2.1'))
        for engine in engines:
            engine.cli.ok('load', input=image(traffic))
        yield engines
