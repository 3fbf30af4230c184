"""Attacks that must fail: one test for each class of vulnerability that container engines had in setting up a container.

The canary is a folder on the host that no container may reach: its secret may appear in no answer, its files may not change.
"""
import hashlib
import os
import stat
import subprocess
import threading
import unittest

from harness import images, leaks, places
from harness.api import ApiError
from harness.case import IMAGE, DaemonCase
from harness.poll import until

SECRET = 'HOSTSECRET'


def digest(path):
    with open(path, 'rb') as file:
        return hashlib.sha256(file.read()).hexdigest()


class SecurityCase(DaemonCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.canary = os.path.join(cls.daemon.home, 'canary')
        os.makedirs(os.path.join(cls.canary, 'victim'))
        os.makedirs(os.path.join(cls.canary, 'd'))
        path = os.path.join(cls.canary, 'victim', 'hello')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(SECRET)
        os.chmod(path, 0o600)

    def canary_facts(self):
        facts = []
        for top, folders, names in os.walk(self.canary):
            for name in sorted(folders + names):
                status = os.lstat(os.path.join(top, name))
                facts.append((top, name, status.st_mode, status.st_nlink, status.st_uid, status.st_size, status.st_mtime_ns))
        return facts

    def setUp(self):
        super().setUp()
        before = self.canary_facts()
        self.expected_pid = self.daemon.pid
        mounts = leaks.mounts()

        def unharmed():
            self.assertEqual(self.canary_facts(), before, 'the canary changed')
            self.assertTrue(self.daemon.alive(), 'the daemon died')
            self.assertEqual(self.daemon.pid, self.expected_pid)
            self.assertEqual([m for m in leaks.mounts() if m not in mounts and self.canary in m], [])

        self.addCleanup(unharmed)

    def image(self, name, entries, **options):
        self.load(images.busybox(name, entries, **options))
        return name

    def attempt(self, *arguments, timeout=20):
        """Runs a container whatever it answers; nothing of it may hold the secret."""
        result = self.docker.run('run', '--rm', *arguments, timeout=timeout)
        self.assertNotIn(SECRET.encode(), result.stdout + result.stderr)
        return result


class RootFileSystemTest(SecurityCase):
    def test_sec01_cve_2019_5736_no_host_binary_is_writable_through_proc(self):
        programs = [places.program(name) for name in ('davitd', 'davit', 'davit-shim', 'davit-runtime', 'davit-init')]
        before = [digest(path) for path in programs]
        self.image('exe:1', [images.text('run.sh', '#!/proc/self/exe\n', mode=0o755)])
        self.attempt('exe:1', '/run.sh')
        script = ('while :; do for p in /proc/[0-9]*; do [ "$p" = /proc/1 ] || [ "$p" = /proc/$$ ] || '
                  '{ case "$(readlink $p/exe)" in */busybox|"") ;; *) echo "saw $(readlink $p/exe)" >> /saw; '
                  '(echo x >> $p/exe) 2>/dev/null && echo wrote >> /saw;; esac; }; done; done')
        container = self.docker.ok('run', '-d', IMAGE, 'sh', '-c', script)
        for _ in range(40):
            self.docker.ok('exec', container, 'true')
        self.assertNotIn('wrote', self.docker.ok('exec', container, 'sh', '-c', 'cat /saw 2>/dev/null; true'))
        self.assertEqual([digest(path) for path in programs], before)

    def test_sec02_cve_2024_21626_no_descriptor_leads_out(self):
        for number in list(range(3, 16)) + [20, 31, 63, 100, 255]:
            result = self.attempt('-w', f'/proc/self/fd/{number}', IMAGE, 'sh', '-c', 'ls ../../../.. && cat ../../../../etc/shadow')
            self.assertTrue(result.returncode != 0 or b'busybox' in result.stdout, (number, result))
        self.image('cwd:1', [images.symlink('out', '/proc/self/fd/8')], WorkingDir='/out')
        self.attempt('cwd:1', 'cat', f'../../../../..{self.canary}/victim/hello')
        container = self.docker.ok('run', '-d', IMAGE, 'sleep', '1000')
        for number in range(3, 12):
            result = self.docker.run('exec', '-w', f'/proc/self/fd/{number}', container, 'cat', f'../../../..{self.canary}/victim/hello')
            self.assertNotIn(SECRET.encode(), result.stdout)
        self.assertEqual(self.docker.ok('run', '--rm', IMAGE, 'ls', '/proc/self/fd').split(), ['0', '1', '2', '3'])
        self.assertEqual(self.docker.ok('exec', container, 'ls', '/proc/self/fd').split(), ['0', '1', '2', '3'])

    def test_sec03_cve_2025_31133_masks_are_the_null_device(self):
        for target in ('/proc/sys/kernel/core_pattern', f'{self.canary}/victim/hello', '/etc/passwd'):
            folder = self.path('devices')
            os.makedirs(folder, exist_ok=True)
            link = os.path.join(folder, 'null')
            if os.path.lexists(link):
                os.unlink(link)
            os.symlink(target, link)
            result = self.attempt('-v', f'{folder}:/dev', IMAGE, 'cat', '/proc/self/mountinfo')
            for line in result.stdout.decode().splitlines():
                fields = line.split()
                if fields[4] in ('/proc/keys', '/proc/timer_list', '/proc/kcore', '/proc/interrupts'):
                    self.assertTrue(fields[3] == '/null' or ' - tmpfs ' in line, line)

    def test_sec04_cve_2025_52565_the_console_is_our_own_terminal(self):
        folder = self.path('console')
        os.makedirs(os.path.join(folder, 'pts'), exist_ok=True)
        for name in ('console', 'ptmx', 'pts/0'):
            os.symlink(f'{self.canary}/victim/hello', os.path.join(folder, name))
        result = self.attempt('-t', '-v', f'{folder}:/dev', IMAGE, 'sh', '-c', 'cat /dev/console /dev/pts/0 < /dev/null & sleep 1; stat -L -c %t /dev/console')
        self.assertTrue(result.returncode != 0 or result.stdout.decode().strip().endswith('88'), result)

    def test_sec05_cve_2019_19921_proc_and_sys_are_the_real_ones(self):
        for name in ('proc', 'sys'):
            entries = [e for e in images.busybox_entries() if e[0].name != name]
            self.load(images.archive(f'link-{name}:1', [images.tar(entries + [images.symlink(name, f'{self.canary}/d')])]))
            result = self.attempt(f'link-{name}:1', 'sh', '-c', 'grep -E " /(proc|sys) " /proc/self/mountinfo')
            if result.returncode == 0:
                self.assertIn(b' /proc ', result.stdout)
                self.assertIn(b' - proc ', result.stdout)
        os.makedirs(self.path('fake'), exist_ok=True)
        self.assertNotEqual(self.attempt('-v', f'{self.path("fake")}:/proc', IMAGE, 'true').returncode, 0)
        self.attempt('-v', f'{self.path("fake")}:/proc/sys', IMAGE, 'true')
        self.assertEqual(os.listdir(self.path('fake')), [])

    def test_sec06_cve_2021_30465_a_mount_target_that_flips(self):
        shared, other = self.path('shared'), self.path('other')
        os.makedirs(shared, exist_ok=True)
        os.makedirs(other, exist_ok=True)
        stop = threading.Event()

        def flip():
            path = os.path.join(shared, 'x')
            while not stop.is_set():
                try:
                    os.mkdir(path)
                    os.rmdir(path)
                    os.symlink(f'{self.canary}/d', path)
                    os.unlink(path)
                except OSError:
                    subprocess.run(['rm', '-rf', path], check=False)

        flipper = threading.Thread(target=flip)
        flipper.start()
        try:
            for _ in range(60):
                self.attempt('-v', f'{shared}:/s', '-v', f'{other}:/s/x', IMAGE, 'touch', '/s/x/made')
                self.assertEqual(os.listdir(f'{self.canary}/d'), [])
        finally:
            stop.set()
            flipper.join()

    def test_sec07_cve_2026_41579_links_in_the_root_stay_inside(self):
        replaced = ('dev', 'proc', 'sys', 'etc')
        entries = [e for e in images.busybox_entries() if e[0].name.split('/')[0] not in replaced]
        self.load(images.archive('links:1', [images.tar(entries + [images.symlink(name, f'{self.canary}/d') for name in replaced])]))
        self.attempt('links:1', 'sh', '-c', 'echo x > /dev/null; echo x > /etc/file; ls /dev')
        self.assertEqual(os.listdir(f'{self.canary}/d'), [])

    def test_sec08_cve_2022_0811_only_namespaced_sysctls(self):
        with open('/proc/sys/kernel/core_pattern', encoding='utf-8') as file:
            before = file.read()
        for key, value in (('kernel.core_pattern', 'x'), ('net.ipv4.ip_forward', '1\nkernel.core_pattern=x'), ('kernel.shm_rmid_forced+', '1'),
                           ('net.ipv4.x\nkernel.core_pattern', 'x'), ('net.ipv4../../kernel/core_pattern', 'x'),
                           ('net/../kernel/core_pattern', 'x'), ('fs.mqueue.../../kernel.core_pattern', 'x')):
            with self.assertRaises(ApiError, msg=f'{key}={value}'):
                container = self.api.create(IMAGE, ['true'], host_config={'Sysctls': {key: value}})
                self.api.start(container)
        with open('/proc/sys/kernel/core_pattern', encoding='utf-8') as file:
            self.assertEqual(file.read(), before)

    def test_sec12_cve_2024_9676_a_hostile_passwd_file(self):
        os.makedirs(self.path('host'), exist_ok=True)
        hostile = {
            'fifo': images.entry('etc/passwd', images.tarfile.FIFOTYPE, 0o666),
            'zero': images.symlink('etc/passwd', '/dev/zero'),
            'canary': images.symlink('etc/passwd', f'{self.canary}/victim/hello'),
            'folder': images.directory('etc/passwd'),
            'long': images.text('etc/passwd', 'x' * (40 << 20)),
        }
        for name, entry in hostile.items():
            with self.subTest(name):
                entries = [e for e in images.busybox_entries() if e[0].name != 'etc/passwd']
                self.load(images.archive(f'passwd-{name}:1', [images.tar(entries + [entry])]))
                container = self.api.create(f'passwd-{name}:1', ['true'], User='root')
                try:
                    self.api.call('POST', f'/containers/{container}/start')
                except ApiError:
                    pass
                self.api.inspect(container)
                self.api.remove(container)


class ProcessTest(SecurityCase):
    def status(self, *options, command=('cat', '/proc/self/status')):
        lines = self.docker.ok('run', '--rm', *options, IMAGE, *command).splitlines()
        return dict(line.split(':\t', 1) for line in lines if ':\t' in line)

    def test_sec09_cve_2022_24769_nothing_is_inheritable(self):
        status = self.status()
        self.assertEqual((status['CapInh'], status['CapAmb']), ('0' * 16, '0' * 16))
        self.assertEqual([status[key] for key in ('CapPrm', 'CapEff', 'CapBnd')], ['00000000a80425fb'] * 3)
        container = self.docker.ok('run', '-d', IMAGE, 'sleep', '1000')
        for options in ([], ['--privileged'], ['-u', '1000']):
            text = self.docker.ok('exec', *options, container, 'grep', '-E', 'CapInh|CapAmb', '/proc/self/status')
            self.assertEqual(text.split()[1::2], ['0' * 16] * 2, options)

    def test_sec10_cve_2022_36109_the_primary_group_is_among_the_groups(self):
        self.assertEqual(self.status('-u', '1000:1000', '--group-add', '5')['Groups'].split(), ['5', '1000'])

    def test_sec11_cve_2024_40635_ids_have_a_range(self):
        for user in ('2147483648', '4294967296', '4294967295', '-1', '0:2147483648', '0:-1'):
            with self.assertRaises(ApiError, msg=user) as caught:
                container = self.api.create(IMAGE, ['id'], User=user)
                self.api.start(container)
            self.assertIn('must be in range 0-2147483647', caught.exception.message)
        self.image('digits:1', [images.text('etc/passwd', '1000:x:0:0::/:/bin/sh\nroot:x:0:0::/:/bin/sh\n')])
        self.assertEqual(self.docker.ok('run', '--rm', '-u', '1000', 'digits:1', 'id', '-u'), '1000')
        container = self.docker.ok('run', '-d', 'digits:1', 'sleep', '1000')
        self.assertEqual(self.docker.ok('exec', '-u', '1000', container, 'id', '-u'), '1000')
        for user in ('a:b:c', '4294967296', '-1'):
            self.assertNotEqual(self.docker.run('exec', '-u', user, container, 'true').returncode, 0, user)

    def test_sec13_cve_2023_25809_cgroups_are_read_only(self):
        result = self.docker.run('run', '--rm', IMAGE, 'sh', '-c',
                                 'for d in /sys/fs/cgroup /sys/fs/cgroup/*; do [ -d $d ] && [ ! -L $d ] && mkdir $d/x && echo made $d; done; true', check=0)
        self.assertNotIn(b'made /sys/fs/cgroup/', result.stdout)
        self.assertIn(b'Read-only file system', result.stderr)

    def test_sec14_devices_are_closed(self):
        script = ('for n in "b 254 0" "c 1 1" "c 1 11" "c 10 229"; do set -- $n; mknod /tmp/n $1 $2 $3; '
                  '(exec 3</tmp/n) 2>&1 && echo opened $n; rm -f /tmp/n; done')
        result = self.docker.run('run', '--rm', IMAGE, 'sh', '-c', script)
        text = (result.stdout + result.stderr).decode()
        self.assertNotIn('opened', text)
        self.assertEqual(text.count('Operation not permitted'), 4, text)

    def test_sec15_cve_2026_31431_no_crypto_and_vm_sockets(self):
        probe = places.test_program('socket_probe')
        output = self.docker.ok('run', '--rm', '-v', f'{probe}:/probe:ro', IMAGE, '/probe').split()
        table = dict(zip(output[::2], output[1::2]))
        self.assertEqual((table['38'], table['40']), ('EPERM', 'EPERM'))
        self.assertEqual((table['1'], table['2']), ('ok', 'ok'))

    def test_sec16_cve_2020_15257_no_abstract_sockets(self):
        self.docker.ok('run', '-d', IMAGE, 'sleep', '1000')
        names = self.docker.ok('run', '--rm', '--network', 'host', IMAGE, 'cat', '/proc/net/unix')
        self.assertEqual([line for line in names.splitlines()[1:] if '@' in line.split()[-1]], [])
        for top, folders, files in os.walk(self.daemon.exec_root):
            if top.endswith('/rootfs'):  # the container's own, behind its folder's mode
                folders.clear()
                continue
            self.assertEqual(stat.S_IMODE(os.stat(top).st_mode) & 0o066, 0, top)
            for name in files:
                status = os.lstat(os.path.join(top, name))
                if stat.S_ISSOCK(status.st_mode):
                    self.assertEqual(stat.S_IMODE(status.st_mode) & 0o077, 0, name)

    def test_sec17_masked_files_hold_nothing(self):
        paths = ('/proc/kcore /proc/keys /proc/latency_stats /proc/timer_list /proc/timer_stats /proc/sched_debug /proc/interrupts '
                 '/proc/acpi /proc/scsi /proc/asound /sys/firmware /sys/devices/virtual/powercap').split()
        script = f'for p in {" ".join(paths)}; do if [ -d $p ]; then ls -A $p; elif [ -e $p ]; then head -c 100 $p; fi; done; ' \
                 'for p in /sys/devices/system/cpu/cpu*/thermal_throttle; do [ -d $p ] && ls -A $p; done; true'
        self.assertEqual(self.docker.ok('run', '--rm', IMAGE, 'sh', '-c', script), '')


class DirectoryModesTest(SecurityCase):
    def test_sec54_cve_2021_41091_nobody_else_can_look(self):
        self.docker.ok('run', '-d', IMAGE, 'sleep', '1000')
        for path in (self.daemon.data_root, self.daemon.exec_root):
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode) & 0o007, 0, path)
        self.assertEqual(stat.S_IMODE(os.stat(self.daemon.socket).st_mode), 0o660)

        def as_nobody():
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)

        for path in (self.daemon.data_root, self.daemon.exec_root):
            self.assertNotEqual(subprocess.run(['ls', path], preexec_fn=as_nobody, capture_output=True, check=False).returncode, 0)

    def test_descriptors_of_the_daemon_do_not_reach_containers(self):
        """The daemon is started with descriptors of / that nobody closed on exec; no container may see them."""
        descriptors = [os.open('/', os.O_RDONLY | os.O_DIRECTORY) for _ in range(5)]
        self.daemon.stop()
        log = open(self.daemon.log_path, 'ab')
        self.daemon.process = subprocess.Popen(self.daemon.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                               pass_fds=descriptors, start_new_session=True)
        log.close()
        for descriptor in descriptors:
            os.close(descriptor)
        self.expected_pid = self.daemon.pid
        until(self.daemon.answers, 'davitd answers')
        self.assertEqual(self.docker.ok('run', '--rm', IMAGE, 'ls', '/proc/self/fd').split(), ['0', '1', '2', '3'])
        for number in range(3, 12):
            self.attempt('-w', f'/proc/self/fd/{number}', IMAGE, 'cat', f'../../..{self.canary}/victim/hello')


if __name__ == '__main__':
    unittest.main()
