#!/usr/bin/env python3
"""Names per second that a container's resolver answers, beside dockerd: other containers' names, and names of the outside world.

usage: names_bench.py --build BUILD | --prefix PREFIX  [--rounds N] [--seconds S]

The two engines are measured in turn within each round; judge by the ratios. Run it as root on a machine that is otherwise idle.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
INTEGRATION = os.path.join(HERE, '..', 'integration')
WINDOW = 32
KINDS = {'a container, one question at a time': ('peer', 1), 'a container': ('peer', WINDOW),
         'the outside world': ('w%d.example', WINDOW)}


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument('--build')
    where.add_argument('--prefix')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--seconds', type=float, default=1)
    return parser.parse_args()


def isolate():
    if os.environ.get('DAVIT_BENCH_ISOLATED') != '1':
        os.environ['DAVIT_BENCH_ISOLATED'] = '1'
        os.execvp('unshare', ['unshare', '--mount', '--net', '--pid', '--ipc', '--uts', '--fork', '--mount-proc', '--kill-child',
                              '--propagation', 'private', sys.executable, os.path.abspath(__file__)] + sys.argv[1:])
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', '/run'], check=True)
    subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)


def prepare(cli, subnet, images):
    """A network with two containers; returns the path of the first one's namespace."""
    from harness.case import IMAGE
    cli.run('load', input=images.busybox(), check=0)
    gateway = subnet.replace('.0/24', '.1')
    cli.ok('network', 'create', '--subnet', subnet, '--gateway', gateway, 'bench')
    for name in ('asker', 'peer'):
        cli.ok('run', '-d', '--name', name, '--network', 'bench', '--dns', gateway, IMAGE, 'sleep', '10000')
    return json.loads(cli.ok('inspect', 'asker'))[0]['NetworkSettings']['SandboxKey']


def serve(load, subnet):
    server = subprocess.Popen([load, 'serve', subnet.replace('.0/24', '.1')], stdout=subprocess.PIPE, text=True)
    assert server.stdout.readline() == 'ready\n'
    return server


def measure(load, namespace, pattern, window, seconds):
    printed = subprocess.run([load, 'ask', namespace, str(seconds), str(window), pattern], check=True, capture_output=True, text=True).stdout
    rate, lost, bad = printed.split()
    if int(bad):
        raise SystemExit(f'{bad} bad replies for {pattern}')
    return int(rate), int(lost)


def main():
    options = parse()
    if os.geteuid() != 0:
        sys.exit('names_bench.py: needs root')
    isolate()
    os.environ['DAVIT_TEST_BUILD' if options.build else 'DAVIT_TEST_PREFIX'] = os.path.abspath(options.build or options.prefix)
    sys.path[:0] = [INTEGRATION]
    from harness import images, places
    from harness.cli import Cli
    from harness.daemon import Daemon
    from harness.dockerd import Dockerd
    daemon, dockerd = Daemon('namesbench'), Dockerd()
    folder = tempfile.mkdtemp()
    load = os.path.join(folder, 'dns_load')
    subprocess.run(['cc', '-O2', '-o', load, os.path.join(HERE, 'dns_load.c')], check=True)
    servers = []
    try:
        daemon.start()
        dockerd.start()
        subjects = {}
        for title, cli, subnet in (('davit', Cli(places.docker(), daemon.host, daemon.home), '10.221.0.0/24'),
                                   ('dockerd', dockerd.cli, '10.222.0.0/24')):
            subjects[title] = prepare(cli, subnet, images)
            servers.append(serve(load, subnet))
        rates = {(title, kind): [] for title in subjects for kind in KINDS}
        lost = dict.fromkeys(rates, 0)
        for _ in range(options.rounds):
            for kind, (pattern, window) in KINDS.items():
                for title, namespace in subjects.items():
                    rate, missing = measure(load, namespace, pattern, window, options.seconds)
                    rates[title, kind].append(rate)
                    lost[title, kind] += missing
        print('| names per second | davit | dockerd | ratio | lost (davit, dockerd) |\n|---|---|---|---|---|')
        for kind in KINDS:
            ours, theirs = (statistics.median(rates[title, kind]) for title in ('davit', 'dockerd'))
            print(f'| {kind} | {ours:,.0f} | {theirs:,.0f} | {ours / theirs:.1f} x | {lost["davit", kind]}, {lost["dockerd", kind]} |')
    finally:
        for server in servers:
            server.kill()
        daemon.destroy()
        for container in dockerd.api.call('GET', '/containers/json', all='1'):
            dockerd.cli.run('rm', '-f', container['Id'])
        dockerd.destroy()


if __name__ == '__main__':
    main()
