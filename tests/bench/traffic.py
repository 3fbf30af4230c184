"""What goes through the networks: throughput and latency beside a bare veth pair, how they depend on the number of published
ports, and whether a container's first connection gets through at once."""
import contextlib
import subprocess

from engines import IMAGE, outside, run
from networks import container_with_ports

PORT = 20000
QUESTIONS, CONNECTIONS, BULK_SECONDS = 5000, 500, 1
VERBS = {'latency': str(QUESTIONS), 'connect': str(CONNECTIONS), 'bulk': str(BULK_SECONDS)}
SLOW_US = 500_000  # a lost first packet is repeated after a second


@contextlib.contextmanager
def running(engine, command, network='bridge', **host_config):
    container = engine.api.create(IMAGE, command, host_config={'NetworkMode': network, **host_config})
    engine.api.start(container)
    try:
        yield container
    finally:
        engine.api.remove(container)


@contextlib.contextmanager
def publishing(engine, count):
    """A container that publishes `count` ports and answers on the last of them."""
    first = PORT - count + 1
    container = container_with_ports(engine, count, first, PORT)
    engine.api.start(container)
    try:
        yield container
    finally:
        engine.api.remove(container)


@contextlib.contextmanager
def serving_outside():
    server = subprocess.Popen(['ip', 'netns', 'exec', 'outside', TRAFFIC[0], 'serve', str(PORT)])
    try:
        yield
    finally:
        server.kill()
        server.wait()


TRAFFIC = []  # the program, set by measure()


def ways(engine, server, client):
    """name -> a function of the words after `traffic`'s verb."""
    peer, program = engine.address_of(server), TRAFFIC[0]
    port = str(PORT)
    return {
        'container → container': lambda verb, number: engine.cli.ok('exec', client, 'traffic', verb, peer, port, number),
        'host → published port': lambda verb, number: engine.host(program, verb, '127.0.0.1', port, number),
        'other host → published port': lambda verb, number: outside(program, verb, engine.address, port, number),
    }


def flows(engines, rounds):
    """name of a way -> verb -> the figures of all rounds, taken in turn."""
    figures = {}
    with contextlib.ExitStack() as stack:
        stack.enter_context(serving_outside())
        table = {'bare veth pair': lambda verb, number: run(TRAFFIC[0], verb, '10.77.1.2', str(PORT), number, capture_output=True,
                                                            text=True).stdout}
        for engine in engines:
            server = stack.enter_context(publishing(engine, 1))
            client = stack.enter_context(running(engine, ['sleep', '100000']))
            table.update({f'{engine.name}, {name}': way for name, way in ways(engine, server, client).items()})
        for _ in range(rounds):
            for name, way in table.items():
                for verb, number in VERBS.items():
                    figures.setdefault(name, {}).setdefault(verb, []).append(float(way(verb, number)))
    return figures


def from_outside(engine, rounds):
    """verb -> the figures of all rounds, from another host to the last published port."""
    return {verb: [float(outside(TRAFFIC[0], verb, engine.address, str(PORT), VERBS[verb])) for _ in range(rounds)]
            for verb in ('latency', 'connect')}


def scaling(engines, rounds):
    """The way from another host to the last of many published ports, of one container and of as many containers."""
    figures = {}
    for engine in engines:
        ours = engine.name == 'davitd'  # dockerd needs a quarter of a second for each container
        for count in (1, 200, 1000) if ours else (1, 200):
            with publishing(engine, count):
                figures[f'{engine.name}, {count} published ports'] = from_outside(engine, rounds)
        count = 200 if ours else 40
        with contextlib.ExitStack() as stack:
            for number in range(1, count):
                others = container_with_ports(engine, 1, PORT - number)
                stack.callback(engine.api.remove, others)
                engine.api.start(others)
            stack.enter_context(publishing(engine, 1))
            figures[f'{engine.name}, {count} containers with one each'] = from_outside(engine, rounds)
    return figures


def first_connections(engine, number):
    """Each of many containers connects to another as soon as it runs; the server prints how long that took."""
    with running(engine, ['traffic', 'serve', str(PORT)]) as server:
        address = engine.address_of(server)
        for _ in range(number):
            with running(engine, ['traffic', 'first', address, str(PORT)]) as client:
                engine.api.wait(client)
        times = [float(line) for line in engine.cli.ok('logs', server).split()]
    return {'containers': number, 'connected': len(times), 'slow': sum(1 for time in times if time > SLOW_US),
            'median µs': sorted(times)[len(times) // 2] if times else None, 'max µs': max(times, default=None)}


def measure(engines, traffic, rounds, containers):
    TRAFFIC[:] = [traffic]
    results = {'flows': flows(engines, rounds), 'scaling': scaling(engines, rounds), 'first': {}}
    for engine in engines:
        number = containers if engine.name == 'davitd' else containers // 40
        results['first'][engine.name] = first_connections(engine, number)
    return results
