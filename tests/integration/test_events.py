"""The event stream: what is told of which command, in which order, to whom; compared with a real dockerd where it must be alike."""
import json
import os
import re
import socket
import subprocess
import threading
import time
import unittest

import docker

from harness import images, places
from harness.case import IMAGE, DaemonCase
from harness.dockerd import Dockerd
from harness.poll import until


class Stream:
    """The events of one `docker events` or `davit events`, read as they come."""

    def __init__(self, cli, *arguments):
        self.process = cli.spawn('events', *arguments, stderr=subprocess.DEVNULL)
        self.lines = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.decode().rstrip('\n'))

    def wait(self, pattern, seconds=10):
        return until(lambda: next((line for line in list(self.lines) if re.search(pattern, line)), None), f'event {pattern}', seconds)

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()
        self.process.stdin.close()


class EventsCase(DaemonCase):
    def setUp(self):
        super().setUp()
        self.begin = self.last_time()

    def last_time(self):
        """When the last event was, so that a case sees its own only."""
        return max([event['timeNano'] for event in self.events_since(0)], default=0)

    def events_since(self, begin, **filters):
        query = {'since': f'{begin // 10**9}.{begin % 10**9:09}', 'until': f'{time.time():.6f}'}
        if filters:
            query['filters'] = {name: value if isinstance(value, list) else [value] for name, value in filters.items()}
        return self.api.request('GET', '/events', **query).lines()

    def events(self, **filters):
        return self.events_since(self.begin + 1, **filters)

    def actions(self, **filters):
        return [event['Action'] for event in self.events(**filters)]

    def until_told(self, action, **filters):
        return until(lambda: [event for event in self.events(**filters) if event['Action'] == action], f'event {action}')[-1]

    def stream(self, cli, *arguments):
        stream = Stream(cli, *arguments)
        self.addCleanup(stream.close)
        before = self.api.call('GET', '/info')['NEventsListener']
        until(lambda: self.api.call('GET', '/info')['NEventsListener'] > 0 or before, 'the client listens')
        return stream


class LifeTest(EventsCase):
    """What a container's life looks like."""

    def test_run_rm(self):
        self.docker.ok('run', '--rm', '--network', 'none', '--name', 'c1', '--label', 'a=b', IMAGE, 'sh', '-c', 'exit 0')
        self.assertEqual([(event['Type'], event['Action']) for event in self.events()],
                         [('container', 'create'), ('container', 'attach'), ('network', 'connect'), ('container', 'start'),
                          ('container', 'die'), ('network', 'disconnect'), ('container', 'destroy')])
        created, _, connected, started, died, *_ = self.events()
        self.assertEqual(created['Actor']['Attributes'], {'a': 'b', 'image': IMAGE, 'name': 'c1'})
        self.assertEqual((created['status'], created['id'], created['from']), ('create', created['Actor']['ID'], IMAGE))
        self.assertEqual(connected['Actor']['Attributes'], {'container': created['id'], 'name': 'none', 'type': 'null'})
        self.assertEqual(died['Actor']['Attributes'], {'a': 'b', 'image': IMAGE, 'name': 'c1', 'exitCode': '0', 'execDuration': '0'})
        self.assertEqual((started['scope'], started['time']), ('local', started['timeNano'] // 10**9))
        times = [event['timeNano'] for event in self.events()]
        self.assertEqual(times, sorted(set(times)))

    def test_a_start_that_fails(self):
        self.docker.fails('run', '--network', 'none', '--name', 'c1', IMAGE, 'no-such-command', status=127)
        self.assertEqual(self.actions(), ['create', 'attach', 'connect', 'disconnect'])

    def test_stop_kill_and_remove(self):
        self.docker.ok('run', '-d', '--network', 'none', '--name', 'c1', IMAGE, 'sleep', '1000')
        self.docker.ok('stop', '-t', '0', 'c1')
        self.docker.ok('start', 'c1')
        self.docker.ok('kill', '-s', 'USR1', 'c1')
        self.docker.ok('rm', '-f', 'c1')
        self.assertEqual(self.actions(), ['create', 'connect', 'start', 'kill', 'kill', 'die', 'disconnect', 'stop', 'connect', 'start',
                                          'kill', 'kill', 'die', 'disconnect', 'destroy'])
        self.assertEqual([event['Actor']['Attributes']['signal'] for event in self.events(event='kill')], ['15', '9', '10', '9'])
        self.assertEqual([event['Actor']['Attributes']['exitCode'] for event in self.events(event='die')], ['137', '137'])

    def test_exec(self):
        self.docker.ok('run', '-d', '--network', 'none', '--name', 'c1', IMAGE, 'sleep', '1000')
        self.docker.run('exec', 'c1', 'sh', '-c', 'exit 3', check=3)
        died = self.until_told('exec_die')
        self.assertEqual(self.actions()[3:], ['exec_create: sh -c exit 3', 'exec_start: sh -c exit 3', 'exec_die'])
        self.assertEqual(died['Actor']['Attributes']['exitCode'], '3')
        self.assertEqual(len({event['Actor']['Attributes']['execID'] for event in self.events()[3:]}), 1)
        self.docker.run('exec', 'c1', 'no-such-command', check=127)
        self.assertEqual(self.actions()[6:], ['exec_create: no-such-command ', 'exec_start: no-such-command '])

    def test_an_exec_dies_with_its_container(self):
        self.docker.ok('run', '-d', '--network', 'none', '--name', 'c1', IMAGE, 'sleep', '1000')
        self.docker.ok('exec', '-d', 'c1', 'sleep', '1000')
        self.docker.ok('kill', 'c1')
        until(lambda: 'disconnect' in self.actions(), 'the end of the run')
        self.assertEqual(self.actions()[5:], ['kill', 'exec_die', 'die', 'disconnect'])

    def upgrade(self, path, body=b''):
        """A raw stream, with the keys going to the daemon: docker's client looks for them itself."""
        connection = socket.socket(socket.AF_UNIX)
        self.addCleanup(connection.close)
        connection.settimeout(10 * places.SLOW)
        connection.connect(self.daemon.socket)
        connection.sendall(b'POST %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: application/json\r\n'
                           b'Content-Length: %d\r\n\r\n%s' % (path.encode(), len(body), body))
        self.assertIn(b'101', connection.recv(4096))
        return connection

    def test_detaching_from_container_and_exec(self):
        self.docker.ok('run', '-dit', '--network', 'none', '--name', 'c1', IMAGE, 'sh')
        attached = self.upgrade('/containers/c1/attach?stream=1&stdin=1&stdout=1')
        attached.sendall(b'\x10\x11')
        self.until_told('detach')
        exec_id = self.api.call('POST', '/containers/c1/exec', {'Cmd': ['sh'], 'Tty': True, 'AttachStdin': True, 'AttachStdout': True})['Id']
        started = self.upgrade(f'/exec/{exec_id}/start', b'{"Tty":true}')
        started.sendall(b'\x10\x11')
        self.assertEqual(self.until_told('exec_detach')['Actor']['Attributes']['execID'], exec_id)

    def test_a_resize_says_the_size(self):
        self.docker.ok('run', '-dit', '--network', 'none', '--name', 'c1', IMAGE, 'sh')
        self.api.call('POST', '/containers/c1/resize', h=33, w=77)
        attributes = self.until_told('resize')['Actor']['Attributes']
        self.assertEqual((attributes['height'], attributes['width']), ('33', '77'))

    def test_lack_of_memory(self):
        self.docker.run('run', '--network', 'none', '--name', 'c1', '-m', '16m', IMAGE, 'sh', '-c', 'x=aaaaaaaa; while true; do x=$x$x; done')
        self.until_told('disconnect')
        self.assertEqual(self.actions()[3:], ['start', 'oom', 'die', 'disconnect'])

    def test_lack_of_memory_while_the_container_lives(self):
        self.docker.ok('run', '-d', '--network', 'none', '--name', 'c1', '-m', '16m', IMAGE, 'sleep', '1000')
        self.docker.run('exec', 'c1', 'sh', '-c', 'x=aaaaaaaa; while true; do x=$x$x; done')
        self.until_told('oom')
        self.assertTrue(self.api.inspect('c1')['State']['Running'])
        self.assertTrue(self.api.inspect('c1')['State']['OOMKilled'])

    def test_one_death_of_each_run_when_the_daemon_is_not_there(self):
        for name in ('ends', 'stays'):
            self.docker.ok('run', '-d', '--network', 'none', '--name', name, IMAGE, 'sh', '-c', 'while ! [ -e /end ]; do sleep 0.05; done; exit 5')
        pid = self.api.inspect('ends')['State']['Pid']
        self.daemon.kill()
        with open(f'/proc/{pid}/root/end', 'w', encoding='utf-8'):
            pass
        until(lambda: not os.path.exists(f'/proc/{pid}/root/bin'), 'the container has ended')
        self.daemon.start()
        self.begin = 0
        until(lambda: self.api.inspect('ends')['State']['Status'] == 'exited', 'its end is known')
        died = self.events(event='die')
        self.assertEqual([(event['Actor']['Attributes']['name'], event['Actor']['Attributes']['exitCode']) for event in died], [('ends', '5')])
        self.docker.ok('rm', '-f', 'ends', 'stays')
        self.assertEqual(sorted(event['Actor']['Attributes']['name'] for event in self.events(event='die')), ['ends', 'stays'])

    def test_a_reload_of_the_configuration(self):
        self.daemon.write_config({'debug': True, 'labels': ['x=y']})
        self.daemon.process.send_signal(1)
        event = self.until_told('reload')
        self.assertEqual((event['Type'], event['Actor']['ID']), ('daemon', self.api.call('GET', '/info')['ID']))
        attributes = event['Actor']['Attributes']
        self.assertEqual((attributes['debug'], attributes['labels'], attributes['live-restore']), ('true', '["x=y"]', 'true'))
        self.assertNotIn('status', event)


class FilterTest(EventsCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for name, label in (('web1', 'tier=front'), ('web2', 'tier=front'), ('db', 'tier=back')):
            cls.docker.ok('run', '--rm', '--network', 'none', '--name', name, '--label', label, IMAGE, 'true')
        cls.docker.ok('tag', IMAGE, 'other:1')

    def setUp(self):
        super().setUp()
        self.begin = 0

    def names(self, **filters):
        return [event['Actor']['Attributes']['name'] for event in self.events(**filters)]

    def test_filters(self):
        self.assertEqual(self.names(event='start'), ['web1', 'web2', 'db'])
        self.assertEqual(self.names(event='start', container=['web2', 'db']), ['web2', 'db'])
        self.assertEqual(self.names(event='start', container='web'), ['web1', 'web2'])
        self.assertEqual(self.names(event='start', label='tier=back'), ['db'])
        self.assertEqual(self.names(type='network', event='connect'), ['none'] * 3)
        self.assertEqual(self.names(network='no', event='disconnect'), ['none'] * 3)
        self.assertEqual(self.names(image='busybox', event='die'), ['web1', 'web2', 'db'])
        self.assertEqual(self.names(image='other'), ['other:1'])
        self.assertEqual(self.names(scope='swarm'), [])
        self.assertEqual(self.names(daemon='x'), [])
        container = self.events(event='start', container='db')[0]['id']
        self.assertEqual(self.names(event='start', container=container[:12]), ['db'])

    def test_the_clients_filters(self):
        for cli in (self.docker, self.davit):
            out = cli.ok('events', '--since', '1h', '--until', f'{time.time():.6f}', '--filter', 'event=die', '-f', 'container=db', '--format', '{{.Actor.Attributes.name}}')
            self.assertEqual(out, 'db', cli.program)

    def test_since_and_until(self):
        times = {event['Actor']['Attributes']['name']: event['timeNano'] for event in self.events(event='start')}

        def between(**range_):
            events = self.api.request('GET', '/events', filters={'event': ['start']}, **range_).lines()
            return [event['Actor']['Attributes']['name'] for event in events]

        exact = {name: f'{value // 10**9}.{value % 10**9:09}' for name, value in times.items()}
        self.assertEqual(between(since=exact['web2'], until=exact['db']), ['web2', 'db'])
        self.assertEqual(between(until=exact['web1']), ['web1'])
        self.assertEqual(between(since='0', until=exact['web2']), ['web1', 'web2'])
        rfc = time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(times['web2'] // 10**9)) + f'.{times["web2"] % 10**9:09}Z'
        self.assertEqual(between(since=rfc, until='0s'), ['web2', 'db'])
        self.assertEqual(between(since='1h', until='0s'), ['web1', 'web2', 'db'])

    def test_ranges_that_make_no_sense(self):
        for query, text in (({'since': 'nonsense'}, 'nonsense'), ({'since': '20', 'until': '10'}, 'cannot be after `until` time'),
                            ({'filters': 'nonsense'}, 'invalid filter')):
            reply = self.api.request('GET', '/events', **query)
            self.assertEqual(reply.status, 400)
            self.assertIn(text, reply.json()['message'])


class StreamTest(EventsCase):
    def test_the_clients_show_the_same(self):
        streams = [self.stream(cli) for cli in (self.docker, self.davit)]
        formatted = [self.stream(cli, '--format', '{{.Type}} {{.Action}} {{.Status}} {{.From}} {{.Actor.Attributes.name}} {{.Scope}} {{.TimeNano}} {{.Time}}')
                     for cli in (self.docker, self.davit)]
        plain = [self.stream(cli, '--format', '{{json .}}') for cli in (self.docker, self.davit)]
        until(lambda: self.api.call('GET', '/info')['NEventsListener'] == 6, 'all clients listen')
        self.docker.ok('run', '--rm', '--network', 'none', '--name', 'c1', '--label', 'a=b', IMAGE, 'true')
        for stream in streams + formatted + plain:
            stream.wait('destroy')
        for one, other in (streams, formatted, plain):
            self.assertEqual(one.lines, other.lines)
            self.assertEqual(len(one.lines), 7)
        self.assertRegex(streams[0].lines[0],
                         r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}\S+ container create [0-9a-f]{64} \(a=b, image=busybox:test, name=c1\)$')

    def test_the_old_docker_client(self):
        if not os.path.exists('/usr/bin/docker'):
            self.fail('Debian\'s docker is not installed')
        self.docker.ok('run', '--rm', '--network', 'none', '--name', 'alone', IMAGE, 'true')
        old = type(self.docker)('/usr/bin/docker', self.daemon.host, self.daemon.home)
        for cli in (self.docker, old):
            out = cli.ok('events', '--since', '1h', '--until', f'{time.time():.6f}', '-f', 'container=alone', '--format', '{{.Action}}')
            self.assertEqual(out.split(), ['create', 'attach', 'start', 'die', 'destroy'])

    def test_until_ends_the_stream(self):
        begin = time.monotonic()
        stream = self.stream(self.docker, '--since', '0', '--until', f'{time.time() + 1.5:.3f}')
        self.docker.ok('run', '--rm', '--network', 'none', '--name', 'late', IMAGE, 'true')
        self.assertEqual(stream.process.wait(20 * places.SLOW), 0)
        self.assertGreater(time.monotonic() - begin, 1)
        self.assertIn('destroy', stream.wait('name=late.*$') + ' '.join(stream.lines))

    def test_python_docker(self):
        client = docker.DockerClient(base_url=self.daemon.host, version='auto')
        self.addCleanup(client.close)
        events = client.events(decode=True, filters={'type': 'container'})
        until(lambda: self.api.call('GET', '/info')['NEventsListener'] == 1, 'the client listens')
        client.containers.run(IMAGE, ['true'], remove=True, network_mode='none', name='c1')
        seen = []
        for event in events:
            seen.append((event['status'], event['Actor']['Attributes']['name']))
            if event['Action'] == 'destroy':
                break
        events.close()
        self.assertEqual([action for action, name in seen if name == 'c1' and action != 'attach'], ['create', 'start', 'die', 'destroy'])
        until(lambda: self.api.call('GET', '/info')['NEventsListener'] == 0, 'it is forgotten when it goes')

    def followers(self, count):
        sockets = []
        for _ in range(count):
            follower = socket.socket(socket.AF_UNIX)
            self.addCleanup(follower.close)
            follower.settimeout(30 * places.SLOW)
            follower.connect(self.daemon.socket)
            follower.sendall(b'GET /v1.41/events HTTP/1.1\r\nHost: x\r\n\r\n')
            sockets.append(follower)
        until(lambda: self.api.call('GET', '/info')['NEventsListener'] == count, 'all listen')
        return sockets

    def test_many_followers_cost_no_thread(self):
        self.docker.ok('run', '--rm', '--network', 'none', IMAGE, 'true')
        followers = self.followers(1000)
        threads = len(os.listdir(f'/proc/{self.daemon.pid}/task'))
        self.assertLess(threads, 100)  # 64 workers may be there because they all came at once
        self.docker.ok('tag', IMAGE, 'other:many')
        for follower in followers:
            data = b''
            while b'other:many' not in data:
                data += follower.recv(65536)

    def test_who_does_not_read_hinders_nobody(self):
        self.docker.ok('run', '-dit', '--network', 'none', '--name', 'c1', '--label', 'long=' + 'x' * 4000, IMAGE, 'sh')
        slow = self.followers(1)[0]
        reader = self.stream(self.docker, '--format', '{{.Actor.Attributes.width}}')
        until(lambda: self.api.call('GET', '/info')['NEventsListener'] == 2, 'both listen')
        # More than socket buffers and the daemon's queue hold together.
        for number in range(1, 2001):
            self.api.call('POST', '/containers/c1/resize', h=10, w=number)
        reader.wait('^2000$', 30)
        self.assertEqual(reader.lines, [str(number) for number in range(1, 2001)])
        data = b''
        while b'"width":"2000"' not in data:
            data += slow.recv(1 << 20)
        widths = [int(width) for width in re.findall(rb'"width":"([0-9]+)"', data)]
        self.assertEqual(widths, sorted(set(widths)))
        self.assertEqual(widths[0], 1)
        self.assertLess(len(widths), 2000, 'it has missed some')
        self.assertEqual(widths[-1000:], list(range(1001, 2001)), 'it is shown the newest')


class ImageTest(EventsCase):
    def test_images(self):
        archive = self.docker.run('save', IMAGE, check=0).stdout
        image = self.docker.ok('inspect', '-f', '{{.Id}}', IMAGE)
        self.docker.ok('tag', IMAGE, 'other:1')
        self.docker.ok('rmi', 'other:1')
        self.docker.run('load', input=archive, check=0)
        imported = self.docker.ok('import', '-c', 'LABEL a=b', '-', 'imp:1', input=images.tar([images.text('f', 'x')]))
        self.docker.ok('rmi', 'imp:1')
        events = [(event['Type'], event['Action'], event['Actor']['ID'], event['Actor']['Attributes']) for event in self.events()]
        labels = {'a': 'b'}
        self.assertEqual(events, [
            ('image', 'save', image, {'name': image}), ('image', 'tag', image, {'name': 'other:1'}),
            ('image', 'untag', image, {'name': image}), ('image', 'load', image, {'name': image}),
            ('image', 'tag', imported, {'name': 'imp:1', **labels}), ('image', 'import', imported, {'name': imported, **labels}),
            ('image', 'untag', imported, {'name': imported, **labels}), ('image', 'delete', imported, {'name': imported})])


class NetworkTest(EventsCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(lambda: self.docker.run('network', 'rm', 'n1', 'n2'))

    def test_networks(self):
        network = self.docker.ok('network', 'create', '--subnet', '10.203.7.0/24', 'n1')
        container = self.docker.ok('run', '-d', '--network', 'n1', '--name', 'c1', IMAGE, 'sleep', '1000')
        self.docker.ok('network', 'create', '--subnet', '10.203.8.0/24', 'n2')
        self.docker.ok('network', 'connect', 'n2', 'c1')
        self.docker.ok('network', 'disconnect', 'n2', 'c1')
        self.docker.ok('network', 'rm', 'n2')
        self.docker.ok('rm', '-f', 'c1')
        self.docker.ok('network', 'prune', '-f')
        told = [(event['Action'], event['Actor']['Attributes'].get('name'), event['Actor']['Attributes'].get('container'))
                for event in self.events(type='network')]
        self.assertEqual(told, [('create', 'n1', None), ('connect', 'n1', container), ('create', 'n2', None), ('connect', 'n2', container),
                                ('disconnect', 'n2', container), ('destroy', 'n2', None), ('disconnect', 'n1', container),
                                ('destroy', 'n1', None), ('prune', None, None)])
        created = self.events(type='network', event='create')[0]
        self.assertEqual((created['Actor'], 'status' in created), ({'ID': network, 'Attributes': {'name': 'n1', 'type': 'bridge'}}, False))


class DockerdTest(EventsCase):
    """The same commands here and with dockerd 20.10: the same events."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.peer = Dockerd()
        cls.addClassCleanup(cls.peer.destroy)
        cls.peer.start()
        cls.peer.cli.run('load', input=images.busybox(), check=0)

    SCRIPT = '''run --rm --network none --name ca --label k=v {image} true
        run --network none --name cb {image} no-such-command
        rm cb
        run --rm --network host --name cc {image} sh -c exit
        run -d --network none --name cd {image} sleep 1000
        exec cd sh -c true
        stop -t 0 cd
        start cd
        kill cd
        wait cd
        rm cd
        create --name ce --network none {image} true
        rm ce
        tag {image} other:1
        rmi other:1
        network create --subnet {subnet} n1
        network rm n1'''

    def told(self, cli, api, subnet):
        begin = time.time()
        for line in self.SCRIPT.splitlines():
            cli.run(*line.strip().format(image=IMAGE, subnet=subnet).split(' '))
        reply = until(lambda: next((lines for lines in [api.request('GET', '/events', since=f'{begin:.6f}', until=f'{time.time():.6f}').lines()]
                                    if lines and lines[-1]['Action'] == 'destroy' and lines[-1]['Type'] == 'network'), None), 'all events')
        return [self.alike(event) for event in reply]

    @staticmethod
    def alike(event):
        """Without times, ids, and the one attribute that 20.10 didn't have."""
        event = {key: value for key, value in event.items() if not key.startswith('time')}
        event['Actor']['Attributes'].pop('execDuration', None)
        return json.loads(re.sub(r'[0-9a-f]{64}', 'ID', json.dumps(event)))

    def test_the_events_are_dockerds(self):
        theirs = self.told(self.peer.cli, self.peer.api, '10.204.1.0/24')
        ours = self.told(self.docker, self.api, '10.204.2.0/24')
        self.assertEqual([event['Action'] for event in ours], [event['Action'] for event in theirs])
        self.assertEqual(ours, theirs)
        self.assertGreater(len(ours), 40)


if __name__ == '__main__':
    unittest.main()
