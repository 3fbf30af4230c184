"""What is done to containers while they live: restart, pause, rename, top, stats, port, prune; with docker's client and davit's."""
import json
import os
import re
import unittest

import docker

from harness import images, places
from harness.api import ApiError
from harness.case import IMAGE, DaemonCase
from harness.poll import until


class Control:
    """The cases of both clients: `self.cli`."""

    def running(self, *options, name='c1', command=('sleep', '1000')):
        self.cli.ok('run', '-d', '--network', 'none', '--name', name, *options, IMAGE, *command)
        return name

    def state(self, container):
        return self.api.inspect(container)['State']

    # restart

    def test_restart(self):
        self.running()
        before = self.state('c1')
        self.assertEqual(self.cli.ok('restart', '-t', '0', 'c1'), 'c1')
        after = self.state('c1')
        self.assertTrue(after['Running'])
        self.assertNotEqual((after['Pid'], after['StartedAt']), (before['Pid'], before['StartedAt']))
        self.assertEqual(self.api.inspect('c1')['RestartCount'], 0)

    def test_restart_starts_what_is_stopped(self):
        self.cli.ok('create', '--name', 'c1', '--network', 'none', IMAGE, 'sleep', '1000')
        self.cli.ok('restart', 'c1')
        self.assertTrue(self.state('c1')['Running'])

    def test_restart_keeps_what_would_be_removed_at_its_end(self):
        self.running('--rm')
        self.cli.ok('restart', '-t', '0', 'c1')
        self.assertTrue(self.state('c1')['Running'])
        self.cli.ok('stop', '-t', '0', 'c1')
        until(lambda: not self.api.containers(), 'it is removed')

    def test_restart_with_a_signal(self):
        if '--signal' not in self.cli.ok('restart', '--help'):  # an older CLI of Docker's: the API and davit say it
            return self.restart_with_a_signal(lambda: self.api.call('POST', '/containers/c1/restart', signal='USR1', t=20))
        self.restart_with_a_signal(lambda: self.cli.ok('restart', '-s', 'USR1', '-t', '20', 'c1'))

    def restart_with_a_signal(self, restart):
        self.running(command=('sh', '-c', 'trap "echo got; exit 0" USR1; echo ready; while true; do sleep 0.05; done'))
        until(lambda: self.cli.ok('logs', 'c1') == 'ready', 'the trap is set')
        restart()
        until(lambda: self.cli.ok('logs', 'c1') == 'ready\ngot\nready', 'it was told and started again')

    def test_restart_of_what_is_not_there(self):
        self.assertIn('No such container: nope', self.cli.fails('restart', 'nope'))

    # pause

    def test_pause_and_unpause(self):
        self.running(command=('sh', '-c', 'while true; do date +%s%N > /tick; sleep 0.02; done'))

        def tick():
            path = f'/proc/{self.state("c1")["Pid"]}/root/tick'
            return open(path, encoding='utf-8').read() if os.path.exists(path) else ''

        until(tick, 'it has begun')
        self.assertEqual(self.cli.ok('pause', 'c1'), 'c1')
        self.assertEqual((self.state('c1')['Status'], self.state('c1')['Paused'], self.state('c1')['Running']), ('paused', True, True))
        self.assertIn('(Paused)', self.cli.ok('ps', '--format', '{{.Status}}'))
        halted = tick()
        self.assertIn('paused', self.cli.fails('exec', 'c1', 'true'))
        self.assertIn('is already paused', self.cli.fails('pause', 'c1'))
        self.assertEqual(tick(), halted)
        self.assertEqual(self.cli.ok('unpause', 'c1'), 'c1')
        until(lambda: tick() not in ('', halted), 'it goes on')
        self.assertIn('is not paused', self.cli.fails('unpause', 'c1'))
        self.cli.ok('kill', 'c1')
        self.assertIn('is not running', self.cli.fails('pause', 'c1'))

    def test_what_is_paused_can_be_stopped_and_removed(self):
        for end in (('stop', '-t', '10'), ('kill',), ('rm', '-f')):
            self.running(command=('sh', '-c', 'trap "exit 7" TERM; echo ready; while true; do sleep 0.05; done'))
            until(lambda: self.cli.ok('logs', 'c1') == 'ready', 'the trap is set')
            self.cli.ok('pause', 'c1')
            self.cli.ok(*end, 'c1')
            if end[0] != 'rm':
                self.assertEqual(self.state('c1')['ExitCode'], 7 if end[0] == 'stop' else 137)
                self.cli.ok('rm', 'c1')

    def test_it_is_paused_when_the_daemon_comes_back(self):
        self.running()
        self.cli.ok('pause', 'c1')
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual(self.state('c1')['Status'], 'paused')
        self.cli.ok('unpause', 'c1')
        self.assertEqual(self.cli.ok('exec', 'c1', 'echo', 'alive'), 'alive')

    # rename

    def test_rename(self):
        self.running()
        self.cli.ok('rename', 'c1', 'c2')
        self.assertEqual(self.api.inspect('c2')['Name'], '/c2')
        self.assertIn('No such container: c1', self.cli.fails('stop', 'c1'))
        self.running(name='c1')
        for name, text in (('c1', 'Error when allocating new name: Conflict. The container name "/c1" is already in use'),
                           ('c2', 'Renaming a container with the same name as its current name'),
                           ('b@d', 'Invalid container name (b@d)'), ('', 'Neither old nor new names may be empty')):
            self.assertIn(text, self.cli.fails('rename', 'c2', name))
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual(sorted(name for container in self.api.containers() for name in container['Names']), ['/c1', '/c2'])

    # top

    def test_top(self):
        self.running(command=('sh', '-c', 'sleep 999 & sleep 1000; true'))
        until(lambda: len(self.cli.ok('top', 'c1').splitlines()) == 4, 'three processes')
        lines = self.cli.ok('top', 'c1').splitlines()
        self.assertEqual(lines[0].split(), ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD'])
        self.assertTrue(any(line.endswith('sleep 999') for line in lines), lines)
        pids = [line.split()[0] for line in self.cli.ok('top', 'c1', '-o', 'pid,args').splitlines()[1:]]
        self.assertIn(str(self.state('c1')['Pid']), pids)
        self.assertIn("Couldn't find PID field", self.cli.fails('top', 'c1', '-o', 'user'))
        self.assertIn('Error running ps', self.cli.fails('top', 'c1', '--no-such-option'))
        self.assertIn('is not allowed', self.cli.fails('top', 'c1', '-o', 'ppid=PID'))
        self.cli.ok('kill', 'c1')
        self.assertIn('is not running', self.cli.fails('top', 'c1'))

    # stats

    def test_stats_of_one_moment(self):
        self.running('-m', '64m')
        self.cli.ok('create', '--name', 'c2', '--network', 'none', IMAGE, 'true')
        lines = self.cli.ok('stats', '--no-stream').splitlines()
        self.assertEqual(re.split('  +', lines[0]), ['CONTAINER ID', 'NAME', 'CPU %', 'MEM USAGE / LIMIT', 'MEM %', 'NET I/O', 'BLOCK I/O', 'PIDS'])
        self.assertEqual(len(lines), 2)
        self.assertRegex(lines[1], r'^[0-9a-f]{12} +c1 +[0-9.]+% +[0-9.]+[KM]iB / 64MiB +[0-9.]+% +0B / 0B +\S+ / \S+ +1$')
        rows = [json.loads(line) for line in self.cli.ok('stats', '-a', '--no-stream', '--format', '{{json .}}').splitlines()]
        self.assertEqual(sorted(row['Name'] for row in rows), ['c1', 'c2'])
        self.assertEqual(self.cli.ok('stats', '--no-stream', '--format', '{{.Name}} {{.PIDs}}', 'c1'), 'c1 1')
        self.assertIn('No such container: nope', self.cli.fails('stats', '--no-stream', 'nope'))

    # update

    def test_update(self):
        self.running('-m', '64m')
        self.assertEqual(self.cli.ok('update', '-m', '128m', '--memory-swap', '256m', '--cpu-shares', '512', '--pids-limit', '40', '--restart', 'on-failure:3', 'c1'), 'c1')
        host = self.api.inspect('c1')['HostConfig']
        self.assertEqual((host['Memory'], host['MemorySwap'], host['CpuShares'], host['PidsLimit'], host['RestartPolicy']),
                         (128 << 20, 256 << 20, 512, 40, {'Name': 'on-failure', 'MaximumRetryCount': 3}))
        self.assertEqual(self.api.call('GET', '/containers/c1/stats', stream=0, **{'one-shot': 1})['memory_stats']['limit'], 128 << 20)
        self.assertEqual(self.api.call('GET', '/containers/c1/stats', stream=0, **{'one-shot': 1})['pids_stats']['limit'], 40)
        self.cli.ok('update', '-m', '32m', '--memory-swap', '32m', 'c1')
        self.assertEqual(self.api.call('GET', '/containers/c1/stats', stream=0, **{'one-shot': 1})['memory_stats']['limit'], 32 << 20)
        self.assertEqual(self.api.inspect('c1')['HostConfig']['CpuShares'], 512)
        self.assertIn('Memory limit should be smaller than already set memoryswap limit', self.cli.fails('update', '-m', '100m', 'c1'))
        self.assertIn('Minimum memory limit allowed is 6MB', self.cli.fails('update', '-m', '1m', 'c1'))
        self.assertEqual(self.api.inspect('c1')['HostConfig']['Memory'], 32 << 20)
        self.cli.ok('update', '--cpus', '0.5', 'c1')
        self.assertIn('cannot be updated as NanoCPUs has already been set', self.cli.fails('update', '--cpu-quota', '5000', 'c1'))
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual(self.api.inspect('c1')['HostConfig']['Memory'], 32 << 20)

    # port

    def test_port(self):
        self.cli.ok('network', 'create', '--subnet', '10.205.1.0/24', 'n1')
        self.addCleanup(lambda: (self.remove_containers(), self.docker.run('network', 'rm', 'n1')))
        self.cli.ok('run', '-d', '--network', 'n1', '--name', 'c1', '-p', '127.0.0.1:8081:80', '-p', '127.0.0.1:8082:80', '-p', '127.0.0.2:53:53/udp',
                    IMAGE, 'sleep', '1000')
        self.assertEqual(sorted(self.cli.ok('port', 'c1').splitlines()),  # an older CLI of Docker's doesn't sort
                         ['53/udp -> 127.0.0.2:53', '80/tcp -> 127.0.0.1:8081', '80/tcp -> 127.0.0.1:8082'])
        self.assertEqual(sorted(self.cli.ok('port', 'c1', '80').splitlines()), ['127.0.0.1:8081', '127.0.0.1:8082'])
        self.assertEqual(self.cli.ok('port', 'c1', '53/udp'), '127.0.0.2:53')
        self.assertRegex(self.cli.fails('port', 'c1', '81'), "(?i)no public port '81(/tcp)?' published for c1")

    # prune

    def test_prune_of_containers(self):
        self.running(name='runs')
        for name, label in (('old1', 'keep=no'), ('old2', 'keep=yes')):
            self.cli.ok('run', '--network', 'none', '--name', name, '--label', label, IMAGE, 'sh', '-c', 'dd if=/dev/zero of=/big bs=1024 count=1000')
        old = self.api.inspect('old1')['Id']
        out = self.cli.ok('container', 'prune', '-f', '--filter', 'label!=keep=yes')
        self.assertRegex(out, f'^Deleted Containers:\n{old}\n\nTotal reclaimed space: 1\\.[0-9]+MB$')
        self.assertEqual(sorted(container['Names'][0] for container in self.api.containers()), ['/old2', '/runs'])
        self.assertEqual(self.cli.ok('container', 'prune', '-f', '--filter', 'until=1h'), 'Total reclaimed space: 0B')
        self.assertIn('invalid filter', self.cli.fails('container', 'prune', '-f', '--filter', 'nonsense=1').lower())
        self.assertIn('Are you sure you want to continue? [y/N]', self.cli.run('container', 'prune', input=b'n\n').stdout.decode())
        self.assertEqual(len(self.api.containers()), 2)
        self.assertIn('Deleted Containers', self.cli.ok('container', 'prune', input=b'y\n'))

    def test_prune_of_images(self):
        self.load(images.busybox('unused:1', extra=[images.text('u', 'u')]))
        dangling = self.docker.ok('import', '-', input=images.tar([images.text('f', 'x' * 5000)]))
        out = self.cli.ok('image', 'prune', '-f')
        self.assertIn(f'deleted: {dangling}', out)
        self.assertRegex(out, r'^Deleted Images:\n')
        self.running()
        out = self.cli.ok('image', 'prune', '-af')
        self.assertIn('untagged: unused:1', out)
        self.assertEqual(self.docker.ok('images', '-q', IMAGE).count('\n'), 0)
        self.assertEqual(self.cli.ok('image', 'prune', '-f'), 'Total reclaimed space: 0B')


class DockerTest(Control, DaemonCase):
    @property
    def cli(self):
        return self.docker


class DavitTest(Control, DaemonCase):
    @property
    def cli(self):
        return self.davit


class StatsTest(DaemonCase):
    def setUp(self):
        super().setUp()
        self.docker.ok('network', 'create', '--subnet', '10.205.2.0/24', 'n1')
        self.addCleanup(lambda: (self.remove_containers(), self.docker.run('network', 'rm', 'n1')))

    def stats(self, container, **query):
        return self.api.call('GET', f'/containers/{container}/stats', stream=0, **query)

    def test_what_a_busy_container_uses(self):
        self.docker.ok('run', '-d', '--network', 'n1', '--name', 'c1', '-m', '64m', '--pids-limit', '50', IMAGE, 'sh', '-c', 'while true; do true; done')
        sample = self.stats('c1')
        spent = [sample[part]['cpu_usage']['total_usage'] for part in ('precpu_stats', 'cpu_stats')]
        self.assertGreater(spent[1] - spent[0], 10**8 / places.SLOW)
        self.assertGreater(sample['cpu_stats']['system_cpu_usage'], sample['precpu_stats']['system_cpu_usage'])
        self.assertEqual(sample['memory_stats']['limit'], 64 << 20)
        self.assertGreater(sample['memory_stats']['usage'], 0)
        self.assertEqual((sample['pids_stats'], sample['name']), ({'current': 1, 'limit': 50}, '/c1'))
        once = self.stats('c1', **{'one-shot': 1})
        self.assertEqual(once['precpu_stats']['cpu_usage']['total_usage'], 0)

    def test_what_endpoints_have_moved(self):
        address = {}
        for name in ('c1', 'c2'):
            self.docker.ok('run', '-d', '--network', 'n1', '--name', name, IMAGE, 'sleep', '1000')
            address[name] = self.api.inspect(name)['NetworkSettings']['Networks']['n1']['IPAddress']
        before = self.stats('c1', **{'one-shot': 1})['networks']
        self.assertEqual(list(before), ['eth0'])
        self.docker.ok('exec', 'c1', 'busybox', 'ping', '-c', '5', '-i', '0.2', '-s', '1000', address['c2'])
        after = self.stats('c1', **{'one-shot': 1})['networks']
        for counter in ('rx', 'tx'):
            self.assertGreaterEqual(after['eth0'][counter + '_packets'] - before['eth0'][counter + '_packets'], 5)
            self.assertGreaterEqual(after['eth0'][counter + '_bytes'] - before['eth0'][counter + '_bytes'], 5000)
        self.docker.ok('run', '-d', '--network', 'container:c1', '--name', 'c3', IMAGE, 'sleep', '1000')
        self.assertGreaterEqual(self.stats('c3', **{'one-shot': 1})['networks']['eth0']['tx_bytes'], after['eth0']['tx_bytes'])
        self.docker.ok('run', '-d', '--network', 'host', '--name', 'c4', IMAGE, 'sleep', '1000')
        self.assertNotIn('networks', self.stats('c4', **{'one-shot': 1}))

    def test_a_stream(self):
        self.docker.ok('run', '-d', '--network', 'none', '--name', 'c1', IMAGE, 'sleep', '1000')
        client = docker.APIClient(base_url=self.daemon.host, version='auto')
        self.addCleanup(client.close)
        samples = []
        for sample in client.stats('c1', decode=True, stream=True):
            samples.append(sample)
            if len(samples) == 2:
                self.docker.ok('kill', 'c1')
            if len(samples) == 3:
                self.docker.ok('rm', 'c1')
        self.assertEqual(samples[1]['preread'], samples[0]['read'])
        self.assertEqual(samples[2]['memory_stats'], {})
        self.assertEqual(len(samples), 3, 'it ends with the container')

    def test_followers_cost_no_thread(self):
        self.docker.ok('run', '-d', '--network', 'none', '--name', 'c1', IMAGE, 'sleep', '1000')
        clients = [self.api.connection() for _ in range(200)]
        for client in clients:
            self.addCleanup(client.close)
            client.request('GET', '/v1.41/containers/c1/stats')
        for client in clients:
            reply = client.getresponse()
            for _ in range(2):
                self.assertEqual(json.loads(reply.readline())['name'], '/c1')
        self.assertLess(len(os.listdir(f'/proc/{self.daemon.pid}/task')), 75)

    def test_what_does_not_run(self):
        self.docker.ok('create', '--name', 'c1', IMAGE, 'true')
        sample = self.stats('c1')
        self.assertEqual((sample['name'], sample['memory_stats'], sample['read']), ('/c1', {}, '0001-01-01T00:00:00Z'))
        with self.assertRaises(ApiError) as caught:
            self.stats('nope')
        self.assertEqual(caught.exception.status, 404)


if __name__ == '__main__':
    unittest.main()
