"""What networks and published ports cost: to make, to remove, and in processes."""
import os
import time

from engines import IMAGE

NETWORKS = 100
PORTS = 200
FIRST_PORT = 20000


def seconds(function):
    begin = time.perf_counter()
    result = function()
    return time.perf_counter() - begin, result


def processes():
    return sum(1 for entry in os.listdir('/proc') if entry.isdigit())


def container_with_ports(engine, count, first=FIRST_PORT, listens=None):
    """A container that isn't started yet; its program answers on one of its ports."""
    bindings = {f'{port}/tcp': [{'HostPort': str(port)}] for port in range(first, first + count)}
    return engine.api.create(IMAGE, ['traffic', 'serve', str(listens or first)], ExposedPorts={port: {} for port in bindings},
                             host_config={'NetworkMode': 'bridge', 'PortBindings': bindings})


def many_networks(engine):
    """Creates and removes networks, one after the other, through the API."""
    names = [f'bench-{number}' for number in range(NETWORKS)]
    made = []

    def create_all():
        for name in names:
            engine.api.call('POST', '/networks/create', {'Name': name, 'CheckDuplicate': True})
            made.append(name)

    try:
        create, _ = seconds(create_all)
    finally:
        remove, _ = seconds(lambda: [engine.api.call('DELETE', f'/networks/{name}') for name in made])
    return {f'create {NETWORKS} networks': create, f'remove {NETWORKS} networks': remove}


def start_and_remove(engine, count):
    container = container_with_ports(engine, count)
    before = processes()
    start, _ = seconds(lambda: engine.api.start(container))
    # The program, and what the engine keeps beside it.
    added = processes() - before
    remove, _ = seconds(lambda: engine.api.remove(container))
    return start, remove, added


def many_ports(engine, rounds=5):
    """One container that publishes many; what each costs is the difference to one that publishes none."""
    bare = min(start_and_remove(engine, 0)[0] for _ in range(rounds))
    runs = [start_and_remove(engine, PORTS) for _ in range(rounds if engine.name == 'davitd' else 1)]
    start, remove, added = min(runs)
    return {f'start with {PORTS} ports': start, f'remove with {PORTS} ports': remove,
            f'processes beside its own, with {PORTS} ports': added - 1, 'each port (ms)': max(0.0, (start - bare) * 1000 / PORTS)}


def many_containers(engine):
    """Started and removed one after the other. dockerd takes minutes for so many: it gets fewer, and what counts is each."""
    number = PORTS if engine.name == 'davitd' else PORTS // 5
    containers = [container_with_ports(engine, 1, FIRST_PORT + i) for i in range(number)]
    before = processes()
    start, _ = seconds(lambda: [engine.api.start(container) for container in containers])
    added = processes() - before
    remove, _ = seconds(lambda: [engine.api.remove(container) for container in containers])
    return {f'start each of {PORTS} containers with one port (ms)': start * 1000 / number, 'remove it (ms)': remove * 1000 / number,
            'processes beside its own': (added - number) / number}


def measure(engines):
    results = {}
    for engine in engines:
        facts = results[engine.name] = {}
        for step in (many_networks, many_ports, many_containers):
            try:
                facts.update(step(engine))
            except Exception as failure:  # one step's failure is its own: the others' figures are still wanted
                facts[f'{step.__name__}: failed'] = str(failure)
    return results
