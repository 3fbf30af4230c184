"""What volumes cost: to make and to list by the thousand, to measure with many files in them, and beside plugins that are dead or hang."""
import contextlib
import os
import shutil
import socket
import statistics
import subprocess

from engines import IMAGE
from harness import places
from harness.daemon import Daemon
from harness.volume_plugin import PLUGINS, VolumePlugin
from networks import seconds

MANY = 10000
FEW = 1000        # how many dockerd gets where it would take minutes
FILES = (1000, 1000000)
LISTS = 7


def median_ms(function, number=LISTS):
    return statistics.median(seconds(function)[0] for _ in range(number)) * 1000


def many_volumes(engine):
    number = MANY if engine.name == 'davitd' else FEW
    names = [f'bench-{i}' for i in range(number)]
    create, _ = seconds(lambda: [engine.api.call('POST', '/volumes/create', {'Name': name}) for name in names])
    listing = median_ms(lambda: engine.api.request('GET', '/volumes'))
    with_volume = median_ms(lambda: engine.cli.ok('run', '--rm', '--network', 'none', '-v', 'bench-0:/d', IMAGE, 'true'))
    without = median_ms(lambda: engine.cli.ok('run', '--rm', '--network', 'none', IMAGE, 'true'))
    remove, _ = seconds(lambda: [engine.api.call('DELETE', '/volumes/' + name) for name in names])
    return {'create a volume (ms)': create * 1000 / number, f'list {number} volumes (ms)': listing,
            f'list volumes, each of {number} (µs)': listing * 1000 / number, 'remove a volume (ms)': remove * 1000 / number,
            'run --rm -v, more than without (ms)': with_volume - without}


def fill(folder, number):
    """Empty files, a thousand in a folder."""
    for start in range(0, number, 1000):
        place = os.path.join(folder, str(start))
        os.makedirs(place)
        at = os.open(place, os.O_RDONLY)
        for i in range(start, min(start + 1000, number)):
            os.close(os.open(str(i), os.O_CREAT | os.O_WRONLY, dir_fd=at))
        os.close(at)


def usage_walked(engine):
    """On a file system that doesn't count: both walk."""
    engine.api.call('POST', '/volumes/create', {'Name': 'files'})
    fill(engine.api.call('GET', '/volumes/files')['Mountpoint'], 100000)
    facts = {'system df, 100,000 files that nobody counts (ms)': median_ms(lambda: engine.api.request('GET', '/system/df'), 3)}
    engine.api.call('DELETE', '/volumes/files')
    return facts


@contextlib.contextmanager
def counting_disk():
    """A file system that counts what each volume has: its name, and where it is mounted. xfs, or btrfs where the kernel has no quotas for xfs."""
    folder = places.work_dir('bench-disk')
    image, mount = os.path.join(folder, 'image'), os.path.join(folder, 'disk')
    os.makedirs(mount)
    with open(image, 'wb') as file:
        file.truncate(8 << 30)
    kind = 'xfs'
    subprocess.run(['mkfs.xfs', '-q', image], check=True)
    if subprocess.run(['mount', '-o', 'loop,prjquota', image, mount], capture_output=True).returncode != 0:
        kind = 'btrfs'
        subprocess.run(['mkfs.btrfs', '-q', '-f', image], check=True)
        subprocess.run(['mount', '-o', 'loop', image, mount], check=True)
        subprocess.run(['btrfs', 'quota', 'enable', mount], check=True)
    try:
        yield kind, mount
    finally:
        subprocess.run(['umount', mount], check=True)
        shutil.rmtree(folder)


def usage_counted(_engine):
    """A davitd of its own, whose volumes are where they are counted."""
    facts = {}
    with counting_disk() as (kind, disk):
        daemon = Daemon('bench-df', config={'bridge': 'none', 'drivers': {'volume': {'local': {'Root': disk + '/volumes'}}}})
        daemon.start()
        try:
            for number in FILES:
                daemon.api.call('POST', '/volumes/create', {'Name': f'files{number}'})
                fill(os.path.join(disk, 'volumes', f'files{number}', '_data'), number)
                os.sync()
                facts[f'system df, {number:,} files that {kind} counts (ms)'] = median_ms(lambda: daemon.api.request('GET', '/system/df'))
                daemon.api.call('DELETE', f'/volumes/files{number}')
        finally:
            daemon.destroy()
    return facts


@contextlib.contextmanager
def bad_company(with_hung):
    """Three sockets that nobody serves, and a server that never answers."""
    os.makedirs(PLUGINS, exist_ok=True)
    dead = [os.path.join(PLUGINS, f'dead{i}.sock') for i in range(3)]
    for path in dead:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(path)
    folder = places.work_dir('bench-hung')
    hung = None
    if with_hung:
        hung = VolumePlugin(os.path.join(PLUGINS, 'hung.sock'), folder)
        hung.hang = {'Activate'}
    try:
        yield
    finally:
        if hung:
            hung.close()
        for path in dead:
            os.unlink(path)
        shutil.rmtree(folder)


def steps(engine, number):
    """Milliseconds of what doesn't name the bad plugins: each the worst of its repetitions."""
    def run(name):
        engine.cli.ok('run', '--rm', '--network', 'none', '-v', name + ':/d', IMAGE, 'true', timeout=200)
        engine.api.call('DELETE', '/volumes/' + name)

    engine.api.timeout = 200
    worst = {'volume ls': 0.0, 'run -v new:/d': 0.0, 'inspect nope': 0.0}
    for i in range(number):
        for what, call in (('volume ls', lambda: engine.api.request('GET', '/volumes')), ('run -v new:/d', lambda i=i: run(f'new{i}')),
                           ('inspect nope', lambda: engine.api.request('GET', '/volumes/nope'))):
            worst[what] = max(worst[what], seconds(call)[0] * 1000)
    return worst


def beside_bad_plugins(engine):
    number = 5 if engine.name == 'davitd' else 1
    good = steps(engine, 5)
    # dockerd's list never ends beside one that hangs: it gets the dead ones alone.
    with bad_company(with_hung=engine.name == 'davitd'):
        bad = steps(engine, number)
    return {f'{what}: delayed by dead and hanging plugins (ms)': bad[what] - good[what] for what in good}


def calls(_engine):
    """Microseconds of one call of a driver, in process and over a kept connection, by davit-driver-calls: with all processors, where the
    time is mostly that of waking one that sleeps, and with one."""
    facts = {}
    for where, prefix in (('', ()), (' on one processor', ('taskset', '-c', '0'))):
        folder = places.work_dir('bench-calls')
        try:
            output = subprocess.run([*prefix, places.program('davit-driver-calls'), os.path.join(places.plugin_dir(), 'local.so'), folder],
                                    check=True, capture_output=True, text=True).stdout
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        facts.update({f'{line.split(chr(9))[0]}{where} (µs, median)': float(line.split('\t')[1]) for line in output.splitlines()})
    return facts


def measure(engines):
    results = {}
    for engine in engines:
        facts = results[engine.name] = {}
        own = (usage_counted, calls) if engine.name == 'davitd' else ()
        for step in (many_volumes, usage_walked, beside_bad_plugins, *own):
            try:
                facts.update(step(engine))
            except Exception as failure:  # one step's failure is its own: the others' figures are still wanted
                facts[f'{step.__name__}: failed'] = str(failure)
    return results
