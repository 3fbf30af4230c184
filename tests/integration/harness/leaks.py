"""The leak check: everything of the kernel and the disk that a daemon could leave behind, before and after.

The tests run in mount, pid and network namespaces of their own (run.py), so all that is seen there is theirs. Cgroups and loop
devices are the machine's: of those only the ones that name the test are looked at.
"""
import os
import re
import subprocess

from harness.poll import until


def _output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def mounts():
    with open('/proc/self/mountinfo', encoding='utf-8') as file:
        # Mount ids and peer groups are numbers of the moment: what counts is what is mounted where.
        return sorted(' '.join([line.split()[3], line.split()[4], line.split(' - ')[1].strip()]) for line in file)


def links():
    return sorted(re.sub(r'^\d+: ([^:@]+).*', r'\1', line) for line in _output('ip', '-o', 'link').splitlines())


def routes():
    """Of all tables, without IPv6's own and without what the moment's carrier does to them."""
    lines = (_output('ip', '-4', 'route', 'show', 'table', 'all') + _output('ip', '-6', 'route', 'show', 'table', 'all')).splitlines()
    return sorted(' '.join(line.replace('linkdown', '').split()) for line in lines if not re.search(r'\b(fe80|ff00)::', line))


def settings():
    """The kernel's settings of this network namespace that a network changes."""
    found = []
    for family, names in (('ipv4', ('forwarding', 'route_localnet', 'rp_filter')), ('ipv6', ('forwarding', 'disable_ipv6', 'accept_ra'))):
        top = f'/proc/sys/net/{family}/conf'
        for link in os.listdir(top):
            for name in names:
                try:
                    with open(f'{top}/{link}/{name}', encoding='utf-8') as file:
                        found.append(f'{family}/{link}/{name} = {file.read().strip()}')
                except OSError:
                    continue
    return sorted(found)


def ruleset():
    """Lines of rules; the elements of a set, whose order is that of a hash, in one line and sorted."""
    def ordered(match):
        return 'elements = { ' + ', '.join(sorted(' '.join(one.split()) for one in match[1].split(','))) + ' }'

    text = re.sub(r'counter packets \d+ bytes \d+', 'counter', _output('nft', 'list', 'ruleset'))
    return re.sub(r'elements = \{([^}]*)\}', ordered, text).splitlines()


def processes():
    """Command lines of everything but this process and its parents."""
    mine, pid = set(), os.getpid()
    while pid:
        mine.add(pid)
        with open(f'/proc/{pid}/stat', encoding='utf-8') as file:
            pid = int(file.read().rsplit(')', 1)[1].split()[1])
    found = []
    for entry in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{entry}/stat', encoding='utf-8', errors='replace') as file:
                stat = file.read()
            with open(f'/proc/{entry}/cmdline', 'rb') as file:
                line = file.read().replace(b'\0', b' ').decode(errors='replace').strip()
        except OSError:
            continue
        if int(entry) not in mine:
            state = stat.rsplit(')', 1)[1].split()[0]
            name = stat[stat.index('(') + 1:stat.rindex(')')]
            found.append(f'{line or name}{" (zombie)" if state == "Z" else ""}')
    return sorted(found)


def waits(line):
    """A shim that a living daemon keeps ready, or the process that waits in it."""
    return line.startswith('davit-shim ---')


def cgroups(pattern):
    found = []
    for top, folders, _ in os.walk('/sys/fs/cgroup'):
        for folder in list(folders):
            path = os.path.join(top, folder)
            if pattern in path:
                found.append(path)
    return sorted(found)


def loops(folder):
    return sorted(line for line in _output('losetup', '-n', '-O', 'NAME,BACK-FILE').splitlines() if folder in line)


def files(*tops):
    """Every path below the folders, without what may differ between two moments of the same state."""
    found = []
    for base in tops:
        for top, folders, names in os.walk(base):
            found += [os.path.join(top, name) for name in folders + names]
    return sorted(path for path in found if not re.search(r'\.db(-wal|-shm|-journal)?$|\.log$', path))


def daemon_facts(daemon):
    folder = f'/proc/{daemon.pid}'
    return {'fds': len(os.listdir(folder + '/fd')), 'threads': len(os.listdir(folder + '/task'))}


class Snapshot:
    def __init__(self, daemon=None):
        self.facts = {'mounts': mounts(), 'links': links(), 'nft': ruleset(), 'processes': processes()}
        self.counts = {}
        if daemon is not None:
            self.facts['cgroups'] = cgroups(os.path.basename(daemon.home))
            self.facts['loops'] = loops(daemon.home)
            self.facts['files'] = files(daemon.data_root, daemon.exec_root)
            if daemon.alive():
                self.counts = daemon_facts(daemon)
                found = self.facts['processes']
                self.counts['waiting processes'] = sum(map(waits, found))
                self.facts['processes'] = [line for line in found if not waits(line)]

    def ending(self):
        """What ends some time after the last container that needed it."""
        return [line for line in self.facts['processes'] if line.startswith(('davit-shim', 'davit-resolver', 'davit-port-forward'))]

    def difference(self, later):
        """Lines of text, one for each thing that is more or less; empty when nothing leaked."""
        lines = []
        for kind, before in self.facts.items():
            after = list(later.facts.get(kind, []))
            for item in before:
                if item in after:
                    after.remove(item)
                else:
                    lines.append(f'{kind}: gone: {item}')
            lines += [f'{kind}: new: {item}' for item in after]
        for kind, before in self.counts.items():
            after = later.counts.get(kind, before)
            if after > before + 2:  # a connection or a pool thread may be on its way out, a shim may be made ready
                lines.append(f'daemon: {kind} {before} -> {after}')
        return lines


def assert_none(before, daemon=None, seconds=10):
    """Fails with what leaked, if it is still there after the grace that deferred clean-up has."""
    last = []

    def clean():
        last[:] = before.difference(Snapshot(daemon))
        return not last

    try:
        until(clean, 'nothing is left behind', seconds, every=0.1)
    except AssertionError as error:
        raise AssertionError(str(error) + '\n' + '\n'.join(last[:40])) from None
