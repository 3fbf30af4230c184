"""AppArmor: the default profile, where the kernel has it. The suite fails elsewhere, it doesn't skip."""
import subprocess
import unittest

from harness.case import IMAGE, DaemonCase

CONFINED = 'docker-default (enforce)'
SHOW = ('cat', '/proc/self/attr/current')


def profiles():
    with open('/sys/kernel/security/apparmor/profiles', encoding='utf-8') as file:
        return file.read().splitlines()


class AppArmorTest(DaemonCase):
    @classmethod
    def setUpClass(cls):
        # run.py's mount namespace has the machine's /sys, and securityfs in it.
        profiles()
        super().setUpClass()

    def test_info_lists_it(self):
        self.assertEqual(self.api.call('GET', '/info')['SecurityOptions'], ['name=apparmor', 'name=seccomp,profile=builtin', 'name=cgroupns'])

    def test_who_gets_which_profile(self):
        def profile(*options):
            name = self.davit.ok('run', '-d', *options, IMAGE, 'sleep', '1000')
            self.assertEqual(self.api.inspect(name)['AppArmorProfile'], self.davit.ok('exec', name, *SHOW).split(' ')[0])
            return self.davit.ok('exec', name, 'cat', '/proc/1/attr/current'), self.davit.ok('exec', name, *SHOW)

        self.assertEqual(profile(), (CONFINED, CONFINED))
        self.assertEqual(profile('--security-opt', 'apparmor=docker-default'), (CONFINED, CONFINED))
        self.assertEqual(profile('--user', '1000', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'), (CONFINED, CONFINED))
        self.assertEqual(profile('--privileged'), ('unconfined', 'unconfined'))
        self.assertEqual(profile('--security-opt', 'apparmor=unconfined'), ('unconfined', 'unconfined'))
        self.assertEqual(profile('--privileged', '--security-opt', 'apparmor=docker-default'), (CONFINED, CONFINED))

    def test_inspect_before_the_first_start(self):
        self.assertEqual(self.api.inspect(self.davit.ok('create', IMAGE, 'true'))['AppArmorProfile'], '')

    def test_a_privileged_exec_is_not_confined(self):
        container = self.davit.ok('run', '-d', IMAGE, 'sleep', '1000')
        self.assertEqual(self.davit.ok('exec', '--privileged', container, *SHOW), 'unconfined')

    def test_a_profile_that_is_not_loaded_is_refused(self):
        error = self.davit.fails('run', '--rm', '--security-opt', 'apparmor=no-such-profile', IMAGE, 'true', status=127)
        self.assertIn('apparmor profile no-such-profile', error)

    def test_one_of_the_administrators(self):
        text = 'profile davit-test-%d flags=(attach_disconnected) { file, network, capability, deny /etc/secret r, }' % self.daemon.pid
        subprocess.run(['apparmor_parser', '-Kr'], input=text.encode(), check=True)
        self.addCleanup(subprocess.run, ['apparmor_parser', '-R'], input=text.encode(), check=True)
        script = 'echo x >/etc/secret; cat /etc/secret'
        result = self.davit.run('run', '--rm', '--security-opt', f'apparmor=davit-test-{self.daemon.pid}', IMAGE, 'sh', '-c', script)
        self.assertEqual((result.stdout, b'Permission denied' in result.stderr), (b'', True), result.stderr)
        self.assertEqual(self.davit.ok('run', '--rm', IMAGE, 'sh', '-c', script), 'x')

    # With everything else that guards these places taken away, the profile is what is left.
    OPEN = ('--cap-add', 'ALL', '--security-opt', 'seccomp=unconfined', '--security-opt', 'systempaths=unconfined',
            '-v', '/sys/kernel/security:/sys/kernel/security')

    def allowed(self, command, *options):
        result = self.davit.run('run', '--rm', *self.OPEN, *options, IMAGE, 'sh', '-c', command)
        if result.returncode:
            self.assertRegex(result.stderr.decode(), 'Permission denied|Read-only file system|No such file')
        return result.returncode == 0

    def test_what_it_denies(self):
        for command in ('mount -t tmpfs tmpfs /tmp', 'mount --bind /etc /tmp', 'echo 1 >/proc/sys/kernel/panic', 'echo 1 >/proc/sys/vm/swappiness',
                        'echo 1 >/proc/sys/kernel/sysrq', 'exec 3>/proc/sysrq-trigger', 'exec 3</proc/kcore', 'exec 3>/proc/irq/default_smp_affinity',
                        'cat /sys/kernel/security/lsm', 'ls /sys/firmware/*'):
            with self.subTest(command):
                self.assertFalse(self.allowed(command), 'the profile lets it through')

    def test_it_is_the_profile_that_denies(self):
        """The same without it, so that the cases above can't pass for another reason."""
        free = ('--security-opt', 'apparmor=unconfined')
        for command in ('mount -t tmpfs tmpfs /tmp', 'mount --bind /etc /tmp', 'exec 3>/proc/sys/kernel/panic', 'exec 3>/proc/sys/vm/swappiness',
                        'exec 3>/proc/sys/kernel/sysrq', 'exec 3>/proc/sysrq-trigger', 'exec 3</proc/kcore',
                        'exec 3>/proc/irq/default_smp_affinity', 'cat /sys/kernel/security/lsm', 'ls /sys/firmware/*'):
            with self.subTest(command):
                self.assertTrue(self.allowed(command, *free))

    def test_what_it_allows(self):
        for command in ('echo 1 >/etc/x && rm /etc/x', 'echo 100000 >/proc/sys/kernel/shmmax', 'echo a >/proc/self/comm',
                        'ls /sys/class/net', 'sleep 1000 & kill $!', 'cat /proc/self/attr/current', 'umount /dev/mqueue'):
            with self.subTest(command):
                self.assertTrue(self.allowed(command), 'the profile denies it')

    def test_the_engine_reaches_what_it_confined(self):
        container = self.davit.ok('run', '-d', IMAGE, 'sh', '-c', 'trap "exit 7" TERM; while :; do sleep 0.2; done')
        self.davit.ok('stop', '-t', '100', container)
        self.assertEqual(self.api.inspect(container)['State']['ExitCode'], 7)

    def test_an_unloaded_profile_is_loaded_again(self):
        self.davit.ok('run', '--rm', IMAGE, 'true')
        self.assertIn(CONFINED, profiles())
        subprocess.run(['apparmor_parser', '-R'], input=b'profile docker-default { }', check=True)
        self.assertNotIn(CONFINED, profiles())
        self.assertEqual(self.davit.ok('run', '--rm', IMAGE, *SHOW), CONFINED)


if __name__ == '__main__':
    unittest.main()
