"""Names per second that a container's resolver answers: other containers' names, and names of the outside world."""
import contextlib
import subprocess

from engines import IMAGE

NETWORK = 'bench-names'
WINDOW = 32
SECONDS = '1'
KINDS = {'a container, one question at a time': ('peer', 1),
         'a container': ('peer', WINDOW),
         'the outside world': ('w%d.example', WINDOW)}


@contextlib.contextmanager
def asking(engine, subnet, load):
    """A network with two containers, whose host's resolver is ours; gives the path of the asking one's network namespace."""
    gateway = subnet.replace('.0/24', '.1')
    engine.cli.ok('network', 'create', '--subnet', subnet, '--gateway', gateway, NETWORK)
    inside = ['ip', 'netns', 'exec', engine.netns] if engine.netns else []
    with contextlib.ExitStack() as stack:
        stack.callback(engine.cli.run, 'network', 'rm', NETWORK)
        for name in ('asker', 'peer'):
            engine.cli.ok('run', '-d', '--name', name, '--network', NETWORK, '--dns', gateway, IMAGE, 'sleep', '100000')
            stack.callback(engine.cli.run, 'rm', '-f', name)
        server = stack.enter_context(subprocess.Popen([*inside, load, 'serve', gateway], stdout=subprocess.PIPE, text=True))
        stack.callback(server.kill)
        if server.stdout.readline() != 'ready\n':
            raise RuntimeError('the server of outside names did not start')
        yield f'/proc/{engine.inspect("asker")["State"]["Pid"]}/ns/net'


def ask(load, namespace, pattern, window):
    printed = subprocess.run([load, 'ask', namespace, SECONDS, str(window), pattern], check=True, capture_output=True, text=True).stdout
    rate, lost, bad = map(int, printed.split())
    if bad:
        raise RuntimeError(f'{bad} bad replies for {pattern}')
    return rate, lost


def measure(engines, load, rounds):
    """Kind -> engine -> replies per second of all rounds, taken in turn, and how many questions were lost."""
    results = {kind: {engine.name: {'rates': [], 'lost': 0} for engine in engines} for kind in KINDS}
    with contextlib.ExitStack() as stack:
        askers = [(engine, stack.enter_context(asking(engine, f'10.22{number}.0.0/24', load))) for number, engine in enumerate(engines, 1)]
        for _ in range(rounds):
            for kind, (pattern, window) in KINDS.items():
                for engine, namespace in askers:
                    rate, lost = ask(load, namespace, pattern, window)
                    results[kind][engine.name]['rates'].append(rate)
                    results[kind][engine.name]['lost'] += lost
    return results
