#!/usr/bin/env python3
"""Runs integration tests in namespaces of their own, so that what they leave behind is seen and is theirs alone.

usage: run.py --build BUILD_DIR | --prefix PREFIX  [-k PATTERN] [-f] FILE...

New mount, pid, network, ipc and uts namespaces; an empty /run; process 1 does nothing but reap, as an init does. Whatever is
left when the tests end is killed with the pid namespace.
"""
import argparse
import os
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ISOLATED = 'DAVIT_TEST_ISOLATED'


def enter_namespaces():
    os.environ[ISOLATED] = '1'
    os.execvp('unshare', ['unshare', '--mount', '--net', '--pid', '--ipc', '--uts', '--fork', '--mount-proc', '--kill-child',
                          '--propagation', 'private', sys.executable] + [os.path.abspath(__file__)] + sys.argv[1:])


def prepare_namespaces():
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', '/run'], check=True)
    os.makedirs('/run/lock', exist_ok=True)
    subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
    subprocess.run(['hostname', 'testhost'], check=True)


def reap_until(child):
    """Process 1's only work. Returns the child's exit status."""
    while True:
        pid, status = os.wait()
        if pid == child:
            return os.waitstatus_to_exitcode(status)


def main():
    parser = argparse.ArgumentParser()
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument('--build', help='test the executables of this build folder')
    where.add_argument('--prefix', help='test what was installed below this prefix')
    parser.add_argument('-k', action='append', default=[])
    parser.add_argument('-f', '--failfast', action='store_true')
    parser.add_argument('files', nargs='+')
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit('run.py: the integration tests need root')
    if os.environ.get(ISOLATED) != '1':
        enter_namespaces()
    prepare_namespaces()
    if options.build:
        os.environ['DAVIT_TEST_BUILD'] = os.path.abspath(options.build)
    else:
        os.environ['DAVIT_TEST_PREFIX'] = os.path.abspath(options.prefix)
    os.environ['PYTHONDONTWRITEBYTECODE'] = '1'
    os.environ['PYTHONPATH'] = HERE
    for name in ('DOCKER_HOST', 'DOCKER_CONTEXT', 'DOCKER_TLS_VERIFY', 'DOCKER_CERT_PATH', 'DOCKER_CONFIG'):
        os.environ.pop(name, None)
    counting = os.path.join(HERE, '..', 'tools', 'counting.py')
    command = [sys.executable, counting] + [f'-k{p}' for p in options.k] + (['-f'] if options.failfast else [])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    child = subprocess.Popen(command + [os.path.abspath(f) for f in options.files])
    status = reap_until(child.pid)
    sys.exit(status if status >= 0 else 128 - status)


if __name__ == '__main__':
    main()
