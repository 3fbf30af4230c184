"""A daemon whose host has a neighbour: what is published is reached from there, and containers reach what it serves."""
import subprocess

from harness.case import IMAGE, DaemonCase
from harness.poll import until

LAN = 'lan'  # a namespace that acts as another host: 192.0.2.2 and 2001:db8::2 beside the daemon's host with .1
SERVER = 'echo hello >/index.html; exec busybox httpd -f -p 80 -h /'


def ip(*arguments):
    subprocess.run(['ip', *arguments], check=True)


def fetch(address, port, where='', seconds=3):
    """What the server at the address says, asked from this host or from the namespace; None without an answer."""
    host = f'[{address}]' if ':' in address else address
    inside = ['ip', 'netns', 'exec', where] if where else []
    result = subprocess.run([*inside, 'timeout', str(seconds), 'busybox', 'wget', '-q', '-O', '-', f'http://{host}:{port}/index.html'],
                            capture_output=True, text=True, check=False)
    return result.stdout.strip() if result.returncode == 0 else None


class LanCase(DaemonCase):
    @classmethod
    def setUpClass(cls):
        ip('netns', 'add', LAN)
        cls.addClassCleanup(ip, 'netns', 'del', LAN)
        ip('link', 'add', 'out0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', LAN)
        cls.addClassCleanup(ip, 'link', 'del', 'out0')  # its namespace would take it along some time later
        for inside, link, last in (([], 'out0', 1), (['-n', LAN], 'eth0', 2)):
            ip(*inside, 'addr', 'add', f'192.0.2.{last}/24', 'dev', link)
            ip(*inside, 'addr', 'add', f'2001:db8::{last}/64', 'dev', link, 'nodad')
            ip(*inside, 'link', 'set', link, 'up')
        ip('-n', LAN, 'link', 'set', 'lo', 'up')
        ip('-n', LAN, 'route', 'add', 'default', 'via', '192.0.2.1')
        super().setUpClass()

    def server(self, *arguments, cli=None):
        return (cli or self.docker).ok('run', '-d', *arguments, IMAGE, 'sh', '-c', SERVER)

    def address(self, container):
        return self.api.inspect(container)['NetworkSettings']['IPAddress']

    def awaits(self, port):
        until(lambda: fetch('127.0.0.1', port) == 'hello', 'the server answers')
