"""What `run`'s options do, seen from inside the container. With the docker CLI where it says the same as davit's own."""
import os
import unittest

from harness.case import IMAGE, DaemonCase


class Options:
    def inside(self, *options, script, status=0):
        """What a shell script in a new container prints."""
        result = self.cli.run('run', '--rm', *options, IMAGE, 'sh', '-c', script)
        self.assertEqual(result.returncode, status, result.stderr)
        return result.stdout.decode().strip()

    def refused(self, *options, text=''):
        error = self.cli.fails('run', '--rm', *options, IMAGE, 'true', status=125)
        self.assertIn(text.lower(), error.lower())
        self.assertEqual(self.api.containers(), [])

    def test_read_only(self):
        self.assertEqual(self.inside('--read-only', '--tmpfs', '/t:size=1m', script='touch /x 2>&1; touch /t/x && echo ok'),
                         'touch: /x: Read-only file system\nok')

    def test_tmpfs(self):
        line = self.inside('--tmpfs', '/t:size=2m,mode=700', script='grep " /t " /proc/mounts')
        for option in ('tmpfs /t tmpfs', 'rw', 'nosuid', 'nodev', 'noexec', 'size=2048k', 'mode=700'):
            self.assertIn(option, line)

    def test_shm_size(self):
        self.assertIn('size=65536k', self.inside(script='grep /dev/shm /proc/mounts'))
        self.assertIn('size=8192k', self.inside('--shm-size', '8m', script='grep /dev/shm /proc/mounts'))

    def test_hostname(self):
        self.assertEqual(self.inside('--hostname', 'box', script='hostname; cat /etc/hostname'), 'box\nbox')
        self.assertRegex(self.inside(script='hostname'), '^[0-9a-f]{12}$')

    def test_user_and_groups(self):
        self.assertEqual(self.inside('-u', 'user', script='id'), 'uid=1000(user) gid=1000(user) groups=1000(user),2000(extra)')
        self.assertEqual(self.inside('-u', '5:6', '--group-add', '7', script='id -u; id -g; id -G').split(), ['5', '6', '6', '7'])
        self.refused('-u', 'nobody-here', text='unable to find user nobody-here: no matching entries in passwd file')

    def test_capabilities(self):
        show = 'grep Cap /proc/self/status | tr -d "\\t\\n"'
        self.assertIn('CapEff:00000000a80425fb', self.inside(script=show))
        self.assertIn('CapEff:0000000000000000', self.inside('--cap-drop', 'ALL', script=show))
        self.assertIn('CapEff:0000000000000401', self.inside('--cap-drop', 'all', '--cap-add', 'CAP_CHOWN', '--cap-add', 'net_bind_service',
                                                             script=show))
        self.refused('--cap-add', 'NO_SUCH_CAP', text='unknown capability: "cap_no_such_cap"')

    def test_no_new_privileges(self):
        self.assertEqual(self.inside(script='grep NoNewPrivs /proc/self/status').split(), ['NoNewPrivs:', '0'])
        self.assertEqual(self.inside('--security-opt', 'no-new-privileges', script='grep NoNewPrivs /proc/self/status').split(),
                         ['NoNewPrivs:', '1'])

    def test_seccomp_can_be_replaced(self):
        self.assertEqual(self.inside(script='grep Seccomp: /proc/self/status').split()[1], '2')
        self.assertEqual(self.inside('--security-opt', 'seccomp=unconfined', script='grep Seccomp: /proc/self/status').split()[1], '0')
        profile = self.path('profile.json')
        with open(profile, 'w', encoding='utf-8') as file:
            file.write('{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 5}]}')
        self.assertIn('Input/output error', self.inside('--security-opt', f'seccomp={profile}', script='mkdir /a 2>&1', status=1))

    def test_privileged(self):
        # A new mount needs CAP_SYS_ADMIN, no seccomp filter and no read-only /proc.
        self.assertEqual(self.inside('--privileged', script='mount -t tmpfs x /mnt 2>/dev/null || mkdir /m && mount -t tmpfs x /m && echo mounted'),
                         'mounted')
        self.assertEqual(self.inside(script='mkdir /m && mount -t tmpfs x /m', status=1), '')

    def test_init(self):
        self.assertIn('init', self.inside('--init', script='cat /proc/1/comm'))
        self.assertEqual(self.inside('--init', script='exit 13', status=13), '')

    def test_device(self):
        # A device that no container has by default; the third part of the option is what may be done with it.
        script = '(: < /dev/other) && echo reads; (: > /dev/other) 2>/dev/null && echo writes; true'
        self.assertEqual(self.inside('--device', '/dev/loop-control:/dev/other:r', script=script), 'reads')
        self.assertEqual(self.inside('--device', '/dev/loop-control:/dev/other', script=script), 'reads\nwrites')
        # The docker CLI makes 127 of every start error that says so, whatever it is that does not exist.
        error = self.cli.fails('run', '--rm', '--device', '/dev/no-such-device', IMAGE, 'true', status=127)
        self.assertIn('error gathering device information while adding custom device "/dev/no-such-device": no such file or directory', error)

    def test_ulimit(self):
        self.assertEqual(self.inside('--ulimit', 'nofile=100:200', script='ulimit -n; ulimit -Hn').split(), ['100', '200'])
        self.refused('--ulimit', 'nofile=200:100', text='ulimit soft limit must be less than or equal to hard limit')

    def test_sysctl(self):
        self.assertEqual(self.inside('--sysctl', 'net.ipv4.ip_default_ttl=99', script='cat /proc/sys/net/ipv4/ip_default_ttl'), '99')
        self.refused('--sysctl', 'kernel.core_pattern=x')

    def test_bind(self):
        os.makedirs(self.path('shared'), exist_ok=True)
        with open(self.path('shared/f'), 'w', encoding='utf-8') as file:
            file.write('from outside')
        shared = self.path('shared')
        self.assertEqual(self.inside('-v', f'{shared}:/s', script='cat /s/f; echo inside > /s/g'), 'from outside')
        with open(self.path('shared/g'), encoding='utf-8') as file:
            self.assertEqual(file.read(), 'inside\n')
        self.assertIn('Read-only', self.inside('-v', f'{shared}:/s:ro', script='touch /s/x 2>&1', status=1))
        self.assertEqual(self.inside('--mount', f'type=bind,source={shared},target=/s,readonly', script='cat /s/f; touch /s/x 2>/dev/null', status=1),
                         'from outside')
        self.refused('--mount', f'type=bind,source={shared}/missing,target=/s', text='bind source path does not exist')

    def test_a_missing_bind_source_is_made(self):
        self.inside('-v', f'{self.path("made")}:/s', script='touch /s/x')
        self.assertTrue(os.path.exists(self.path('made/x')))

    def test_mount_tmpfs(self):
        self.assertIn('size=1024k', self.inside('--mount', 'type=tmpfs,target=/t,tmpfs-size=1m', script='grep " /t " /proc/mounts'))

    def test_memory_limit(self):
        # More than the limit is refused by the kernel, and the engine says why the container died.
        self.cli.run('run', '--name', 'oom', '-m', '16m', '--memory-swap', '16m', IMAGE, 'sh', '-c',
                     'head -c 64000000 /dev/zero | tail -c 64000000 > /dev/null; exit 137', check=137)
        self.assertEqual(self.api.inspect('oom')['HostConfig']['Memory'], 16 << 20)
        self.assertTrue(self.api.inspect('oom')['State']['OOMKilled'])
        self.remove_containers()
        self.refused('-m', '1m', text='minimum memory limit allowed is 6mb')

    def test_pids_limit(self):
        result = self.cli.run('run', '--rm', '--pids-limit', '5', IMAGE, 'sh', '-c', 'for i in 1 2 3 4 5 6 7 8; do sleep 1 & done')
        self.assertIn(b"can't fork", result.stderr)

    def test_cpus(self):
        container = self.cli.ok('run', '-d', '--cpus', '0.5', IMAGE, 'sleep', '1000')
        self.assertEqual(self.api.inspect(container)['HostConfig']['NanoCpus'], 500000000)
        pid = self.api.inspect(container)['State']['Pid']
        with open(f'/proc/{pid}/cgroup', encoding='utf-8') as file:
            for line in file:
                _, controllers, path = line.strip().split(':', 2)
                if 'cpu' in controllers.split(','):
                    with open(f'/sys/fs/cgroup/{controllers.split(",")[0]}{path}/cpu.cfs_quota_us', encoding='utf-8') as quota:
                        self.assertEqual(quota.read(), '50000\n')
                    return
                if not controllers and os.path.exists(f'/sys/fs/cgroup{path}/cpu.max'):
                    with open(f'/sys/fs/cgroup{path}/cpu.max', encoding='utf-8') as quota:
                        self.assertEqual(quota.read(), '50000 100000\n')
                    return
        self.fail('no cpu controller in /proc/PID/cgroup')

    def test_network_host_and_none(self):
        self.assertEqual(self.inside('--network', 'none', script='ls /sys/class/net'), 'lo')
        host = os.readlink('/proc/self/ns/net')
        self.assertEqual(self.inside('--network', 'host', script='readlink /proc/self/ns/net'), host)
        self.assertNotEqual(self.inside('--network', 'none', script='readlink /proc/self/ns/net'), host)

    def test_namespaces_can_be_the_hosts(self):
        for option, kind in (('--pid', 'pid'), ('--ipc', 'ipc'), ('--uts', 'uts')):
            self.assertEqual(self.inside(option, 'host', script=f'readlink /proc/self/ns/{kind}'), os.readlink(f'/proc/self/ns/{kind}'))

    def test_a_namespace_can_be_another_containers(self):
        self.cli.ok('run', '-d', '--name', 'first', '--ipc', 'shareable', IMAGE, 'sleep', '1000')
        for option, kind in (('--pid', 'pid'), ('--ipc', 'ipc'), ('--network', 'net')):
            theirs = self.cli.ok('exec', 'first', 'readlink', f'/proc/self/ns/{kind}')
            self.assertEqual(self.inside(option, 'container:first', script=f'readlink /proc/self/ns/{kind}'), theirs)

    def test_a_runtime_that_cannot_be_used_is_refused(self):
        self.refused('--runtime', 'no-such-runtime', text='unknown or invalid runtime name: no-such-runtime')
        error = self.cli.fails('run', '--rm', '--runtime', 'gone', IMAGE, 'true', status=127)
        self.assertIn('OCI runtime create failed: run the OCI runtime /no/such/runtime: no such file or directory', error)
        self.assertIn('executable file not found in $PATH', self.cli.fails('run', '--rm', '--runtime', 'nowhere', IMAGE, 'true', status=127))
        self.assertEqual(self.api.containers(), [])

    def test_env_file_and_labels(self):
        with open(self.path('env'), 'w', encoding='utf-8') as file:
            file.write('# comment\nA=1\nB=two words\n')
        self.assertEqual(self.inside('--env-file', self.path('env'), '-e', 'A=2', script='echo $A $B'), '2 two words')


class DockerOptionsTest(Options, DaemonCase):
    config = {'runtimes': {'gone': {'path': '/no/such/runtime'}, 'nowhere': {'path': 'no-such-runtime'}}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cli = cls.docker


class DavitOptionsTest(Options, DaemonCase):
    config = {'runtimes': {'gone': {'path': '/no/such/runtime'}, 'nowhere': {'path': 'no-such-runtime'}}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cli = cls.davit


if __name__ == '__main__':
    unittest.main()
