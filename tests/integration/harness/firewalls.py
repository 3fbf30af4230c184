"""Real firewalls of administrators, in the test's own namespaces: firewalld, with a system bus, and ufw.

Installed they would guard the machine from its next boot on. So `bootstrap test` only unpacks their packages, and what it unpacked
is laid over /usr and /etc of the test's mount namespace.
"""
import os
import shutil
import subprocess

from harness.poll import until

_UNPACKED = os.environ.get('DAVIT_TEST_UNPACKED') or os.path.join(os.environ.get('DAVIT_TEST_BUILD', '/'), '..', 'unpacked')
_ROOM = '/run/laid-over'  # of the test's mount namespace alone


def available():
    return os.path.isdir(os.path.join(_UNPACKED, 'usr'))


def lay_over():
    """Once for each run of the tests."""
    if os.path.isdir(_ROOM):
        return
    for top in ('usr', 'etc'):
        above, work = (os.path.join(_ROOM, top, name) for name in ('above', 'work'))
        os.makedirs(above)
        os.makedirs(work)
        lower = f'{os.path.abspath(os.path.join(_UNPACKED, top))}:/{top}'
        subprocess.run(['mount', '-t', 'overlay', 'overlay', '-o', f'lowerdir={lower},upperdir={above},workdir={work}', '/' + top], check=True)


def _run(*command):
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise AssertionError(f'{" ".join(command)}: {result.stdout}{result.stderr}')
    return result.stdout.strip()


class Firewalld:
    """The default zone, "public", is that of the host's link to its neighbour."""

    def __init__(self):
        lay_over()
        actions = '/usr/share/polkit-1/actions/org.fedoraproject.FirewallD1'  # its package's script would choose
        shutil.copy(actions + '.server.policy.choice', actions + '.policy')
        os.makedirs('/run/dbus', exist_ok=True)
        self.bus = subprocess.Popen(['dbus-daemon', '--system', '--nofork', '--nopidfile'])
        until(lambda: os.path.exists('/run/dbus/system_bus_socket'), 'the system bus listens')
        self.process = None

    def start(self):
        log = open('/run/firewalld.log', 'ab')  # its complaints about what this host lacks
        self.process = subprocess.Popen(['/usr/sbin/firewalld', '--nofork', '--nopid'], stdout=log, stderr=log)
        log.close()
        until(lambda: subprocess.run(['firewall-cmd', '--state'], capture_output=True, check=False).returncode == 0, 'firewalld runs', 30)

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def command(self, *arguments):
        return _run('firewall-cmd', *arguments)

    def interfaces(self, zone):
        return self.command(f'--zone={zone}', '--list-interfaces').split()

    def destroy(self):
        self.stop()
        self.bus.kill()
        self.bus.wait()


class Ufw:
    """As its package configures it: nothing comes in, nothing is forwarded."""

    def __init__(self):
        lay_over()
        for name in os.listdir('/usr/share/ufw'):
            if name.endswith(('.conf', '.init')):
                shutil.copy(os.path.join('/usr/share/ufw', name), '/etc/ufw')
        for name in os.listdir('/usr/share/ufw/iptables'):
            shutil.copy(os.path.join('/usr/share/ufw/iptables', name), '/etc/ufw')

    def start(self):
        self.command('--force', 'enable')

    def command(self, *arguments):
        return _run('/usr/sbin/ufw', *arguments)

    def destroy(self):
        self.command('--force', 'disable')
        subprocess.run(['nft', 'flush', 'ruleset'], check=True)  # what it leaves is of this network namespace alone
