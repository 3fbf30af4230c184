#!/usr/bin/env python3
"""How long `run --rm true` takes, what networks, published ports and volumes cost, what goes through them, how many names are resolved, and
how much memory davit needs, beside its peers and the kernel's own floor.

usage: bench.py --build BUILD | --prefix PREFIX  [--rounds N] [--output DIR] [--without docker,podman,crun,runc]
                [--parts run,networks,volumes,traffic,names] [--containers N]

All subjects are measured in turn within each round, so that whatever else the machine does hits all of them alike; judge by
ratios, not by milliseconds. Writes tables (stdout, results.md), the raw figures (results.json) and plots (*.svg).
Run it as root on a machine that is otherwise idle.
"""
import argparse
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
INTEGRATION = os.path.join(HERE, '..', 'integration')


def isolate():
    """The same namespaces that the integration tests run in."""
    if os.environ.get('DAVIT_BENCH_ISOLATED') != '1':
        os.environ['DAVIT_BENCH_ISOLATED'] = '1'
        os.execvp('unshare', ['unshare', '--mount', '--net', '--pid', '--ipc', '--uts', '--fork', '--mount-proc', '--kill-child',
                              '--propagation', 'private', sys.executable, os.path.abspath(__file__)] + sys.argv[1:])
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', '/run'], check=True)
    subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
    # crun and podman refuse a host with controllers on v1 and a v2 tree beside them; this mount namespace is our own.
    if os.path.isdir('/sys/fs/cgroup/unified'):
        subprocess.run(['mount', '-t', 'tmpfs', 'tmpfs', '/sys/fs/cgroup/unified'], check=True)


def words(text):
    return set(text.split(','))


def write(folder, name, text):
    with open(os.path.join(folder, name), 'w', encoding='utf-8') as file:
        file.write(text)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument('--build')
    where.add_argument('--prefix')
    parser.add_argument('--rounds', type=int, default=30)
    parser.add_argument('--output', default='bench-results')
    parser.add_argument('--without', type=words, default=set())
    parser.add_argument('--parts', type=words, default=words('run,networks,volumes,traffic,names'))
    parser.add_argument('--containers', type=int, default=2000, help='whose first connection is watched')
    return parser.parse_args()


def main():
    options = parse()
    if os.geteuid() != 0:
        sys.exit('bench.py: needs root')
    isolate()
    os.environ['DAVIT_TEST_BUILD' if options.build else 'DAVIT_TEST_PREFIX'] = os.path.abspath(options.build or options.prefix)
    sys.path[:0] = [INTEGRATION, HERE]
    import measure  # after the environment is set
    import report
    os.makedirs(options.output, exist_ok=True)
    results = measure.run(options)
    text = report.table(results)
    write(options.output, 'results.json', json.dumps(results, indent=1))
    write(options.output, 'results.md', text)
    for name, picture in report.plots(results).items():
        write(options.output, name, picture)
    print(text)


if __name__ == '__main__':
    main()
