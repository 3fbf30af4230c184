"""The security posture of four containers equals the golden files in posture/, and so does the table of denied system calls.

The golden files are what dockerd 20.10 with runc gives on a kernel without a security module, plus what its current release
masks besides (/proc/interrupts).
"""
import difflib
import os
import re
import unittest

from harness import places
from harness.case import IMAGE, DaemonCase

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'posture')
UNISTD = '/usr/include/x86_64-linux-gnu/asm/unistd_64.h'

# What Docker's default profile denies on x86-64 to a container with the default capabilities. All give EPERM but clone3,
# which gives ENOSYS so that programs fall back to clone.
DENIED = set('''
    syslog uselib ustat sysfs vhangup pivot_root _sysctl acct settimeofday mount umount2 swapon swapoff reboot sethostname
    setdomainname iopl ioperm create_module init_module delete_module get_kernel_syms query_module quotactl nfsservctl getpmsg
    putpmsg afs_syscall tuxcall security lookup_dcookie clock_settime vserver mbind set_mempolicy get_mempolicy kexec_load
    add_key request_key keyctl migrate_pages unshare move_pages perf_event_open fanotify_init open_by_handle_at setns kcmp
    finit_module kexec_file_load bpf userfaultfd io_uring_setup io_uring_enter io_uring_register open_tree move_mount fsopen
    fsconfig fsmount fspick pidfd_getfd process_madvise mount_setattr quotactl_fd set_mempolicy_home_node'''.split())
# The probe's clone asks for new namespaces, and its socket, kill and ptrace calls are ones that the kernel itself may refuse.
# landlock_restrict_self wants no_new_privs or CAP_SYS_ADMIN.
NOT_JUDGED = {'landlock_restrict_self', 'clone', 'socket', 'kill', 'tkill', 'tgkill', 'ptrace'}


def bounding_set():
    with open('/proc/self/status', encoding='utf-8') as file:
        return re.search(r'CapBnd:\s*(\w+)', file.read()).group(1)


def syscall_names():
    with open(UNISTD, encoding='utf-8') as file:
        return {int(number): name for name, number in re.findall(r'#define __NR_(\w+) (\d+)', file.read())}


class PostureTest(DaemonCase):
    def posture(self, *options):
        with open(os.path.join(FOLDER, 'probe.sh'), 'rb') as script:
            result = self.docker.run('run', '--rm', '-i', '--network', 'none', *options, IMAGE, 'sh', input=script.read(), check=0)
        return [line.rstrip() for line in result.stdout.decode().splitlines()]

    def golden(self, name):
        with open(os.path.join(FOLDER, name + '.txt'), encoding='utf-8') as file:
            return file.read().replace(' ALL\n', f' {bounding_set()}\n').splitlines()

    def assert_posture(self, name, actual):
        difference = list(difflib.unified_diff(self.golden(name), actual, 'golden', 'container', lineterm='', n=0))
        self.assertEqual(difference, [], '\n' + '\n'.join(difference))

    def test_default(self):
        self.assert_posture('default', self.posture())

    def test_another_user(self):
        self.assert_posture('user', self.posture('--user', '1000'))

    def test_no_capabilities_and_read_only(self):
        self.assert_posture('dropped', self.posture('--cap-drop', 'ALL', '--read-only'))

    def test_privileged(self):
        """Nothing is masked, and the host's devices are there, whichever they are: those lines are the host's."""
        mine = [line for line in self.posture('--privileged') if not re.match(r'masked|dev (fuse|mem|kmsg|console|core)', line)]
        absent = {path for path in ('/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger') if not os.path.exists(path)}
        mine = [line.replace('read-only', 'writable') if line.split()[1] in absent else line for line in mine]
        self.assert_posture('privileged', mine)
        self.assertEqual(self.docker.ok('run', '--rm', '--privileged', IMAGE, 'test', '-c', '/dev/null'), '')

    def denied_in(self, *options):
        probe = places.test_program('syscall_probe')
        output = self.docker.ok('run', '--rm', '--network', 'none', '-v', f'{probe}:/probe:ro', *options, IMAGE, '/probe')
        return {int(number): word for number, word in (line.split() for line in output.splitlines())}

    def test_the_denied_system_calls(self):
        confined, free = self.denied_in(), self.denied_in('--privileged')
        names = syscall_names()
        denied = set()
        for number, name in names.items():
            if name in NOT_JUDGED or number not in confined:
                continue
            # A call that the kernel doesn't have is ENOSYS without a filter; with one it must be EPERM when it is on the list.
            if confined[number] == 'denied' and (free[number] != 'denied' or name in DENIED):
                denied.add(name)
        known = DENIED & set(names.values())
        self.assertEqual(len(DENIED) + 1, 67)
        self.assertEqual(sorted(denied ^ known), [], 'denied by one side only')
        self.assertEqual(confined[435], 'enosys', 'clone3')

    def test_seccomp_unconfined_denies_none_of_them_by_filter(self):
        free = self.denied_in('--privileged')
        names = {name: number for number, name in syscall_names().items()}
        self.assertEqual([name for name in ('io_uring_setup', 'keyctl', 'unshare', 'fsopen') if free.get(names[name]) == 'denied'], [])

    def test_a_capability_opens_its_calls(self):
        """--cap-add SYS_PTRACE and SYS_ADMIN change the filter, not only the capability sets."""
        names = {name: number for number, name in syscall_names().items()}
        self.assertEqual(self.denied_in('--cap-add', 'SYS_PTRACE')[names['pidfd_getfd']], 'allowed')
        self.assertEqual(self.denied_in('--cap-add', 'SYS_ADMIN')[names['fsopen']], 'allowed')
        self.assertEqual(self.denied_in()[names['fsopen']], 'denied')


if __name__ == '__main__':
    unittest.main()
