"""The API as bytes: versions, statuses and texts of Docker, malformed and oversized requests, slow and vanished clients."""
import json
import random
import socket
import threading
import time
import unittest

from harness import leaks
from harness.api import Api
from harness.case import IMAGE, DaemonCase
from harness.poll import until


def memory_kib(pid):
    with open(f'/proc/{pid}/status', encoding='utf-8') as file:
        return next(int(line.split()[1]) for line in file if line.startswith('VmRSS'))


class ProtocolTest(DaemonCase):
    def status(self, raw):
        answer = self.api.raw(raw)
        return int(answer.split(b' ', 2)[1]) if answer.startswith(b'HTTP/1.') else None

    def test_versions(self):
        for version, status in (('', 200), ('/v1.12', 200), ('/v1.24', 200), ('/v1.41', 200), ('/v1.51', 200), ('/v1.52', 400), ('/v1.11', 400)):
            self.assertEqual(Api(self.daemon.socket, version).request('GET', '/containers/json').status, status, version)
        # Clients of that age knew no JSON errors.
        reply = Api(self.daemon.socket, '/v1.11').request('GET', '/version')
        self.assertIn(b'client version 1.11 is too old. Minimum supported API version is 1.12', reply.body)
        reply = Api(self.daemon.socket, '/v9.99').request('GET', '/version')
        self.assertIn('client version 9.99 is too new. Maximum supported API version is 1.51', reply.json()['message'])

    def test_ping(self):
        reply = self.api.request('GET', '/_ping')
        self.assertEqual((reply.status, reply.body), (200, b'OK'))
        self.assertEqual(reply.headers['Api-Version'], '1.51')
        self.assertEqual(reply.headers['Ostype'], 'linux')
        self.assertIn('no-cache', reply.headers['Cache-Control'])
        self.assertEqual(self.api.request('HEAD', '/_ping').body, b'')

    def test_errors_are_dockers(self):
        cases = [
            ('GET', '/containers/nobody/json', None, 404, 'No such container: nobody'),
            ('POST', '/containers/nobody/start', None, 404, 'No such container: nobody'),
            ('GET', '/images/nothing/json', None, 404, 'No such image: nothing:latest'),
            ('POST', '/containers/create', {'Image': 'nothing'}, 404, 'No such image: nothing:latest'),
            ('POST', '/containers/create', {}, 400, ''),
            ('POST', '/containers/create?name=bad%20name', {'Image': IMAGE}, 400, 'Invalid container name (bad name)'),
            ('GET', '/no/such/page', None, 404, 'page not found'),
            ('POST', '/containers/create', b'{"Image": ', 400, ''),
            ('GET', '/containers/json?filters=%7B', None, 400, ''),
            ('GET', '/containers/json?limit=x', None, 400, ''),
        ]
        for method, path, body, status, text in cases:
            headers = {'Content-Type': 'application/json'} if isinstance(body, bytes) else None
            reply = self.api.request(method, path, body, headers)
            self.assertEqual(reply.status, status, (path, reply.body))
            self.assertIn(text, reply.json()['message'])

    def test_starting_twice_is_not_modified(self):
        container = self.api.create(IMAGE, ['sleep', '1000'])
        self.assertEqual(self.api.request('POST', f'/containers/{container}/start').status, 204)
        self.assertEqual(self.api.request('POST', f'/containers/{container}/start').status, 304)
        self.assertEqual(self.api.request('DELETE', f'/containers/{container}').status, 409)
        self.assertEqual(self.api.request('POST', f'/containers/{container}/stop?t=0').status, 204)
        self.assertEqual(self.api.request('POST', f'/containers/{container}/stop?t=0').status, 304)

    def test_sec52_smuggling_is_refused(self):
        bad = [
            b'POST /v1.41/containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
            b'POST /v1.41/containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}',
            b'POST /v1.41/containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
            b'POST /v1.41/containers/create HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
            b'GET /_ping HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n',
            b'GET /_ping HTTP/1.1\r\nHost: x\r\nA: b\r\n folded\r\n\r\n',
            b'GET /_ping HTTP/1.1\r\nHost: x\rX: y\r\n\r\n',
            b'GET /_ping\r\n\r\n', b'\0\0\0\0\r\n\r\n', b'GET  HTTP/1.1\r\n\r\n', b'GET /_ping HTTP/9.9\r\n\r\n',
            b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' + b'x' * 100 + b'\r\n\r\n',
        ]
        for raw in bad:
            status = self.status(raw)
            self.assertTrue(status is None or 400 <= status < 500 or status == 505, (status, raw))
        self.assertEqual(self.api.request('GET', '/_ping').status, 200)

    def test_an_oversized_header_is_431(self):
        self.assertEqual(self.status(b'GET /_ping HTTP/1.1\r\nHost: x\r\nA: ' + b'a' * (1 << 20) + b'\r\n\r\n'), 431)

    def test_an_oversized_body_is_413_and_costs_no_memory(self):
        before = memory_kib(self.daemon.pid)
        body = b'{"Image": "' + b'x' * (64 << 20) + b'"}'
        head = b'POST /v1.51/containers/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n' % len(body)
        self.assertEqual(self.status(head + body), 413)
        self.assertLess(memory_kib(self.daemon.pid) - before, 32 << 10)

    def test_deep_json_is_refused(self):
        reply = self.api.request('POST', '/containers/create', b'{"a":' + b'[' * 100000 + b']' * 100000 + b'}', {'Content-Type': 'application/json'})
        self.assertEqual(reply.status, 400)

    def test_malformed_requests_never_hurt(self):
        """A corpus of valid requests, spoiled at random: no crash, no 500, no hang."""
        chance = random.Random(3)
        bodies = [json.dumps({'Image': IMAGE, 'Cmd': ['true'], 'HostConfig': {'Memory': 1 << 26, 'Binds': ['/tmp:/t']}}).encode(), b'{}', b'']
        paths = ['/containers/json', '/containers/create', '/images/json', '/containers/x/start', '/containers/x/json', '/exec/x/start', '/version',
                 '/info', '/images/x/json', '/containers/x/attach?stream=1', '/containers/x/logs?stdout=1', '/images/load', '/_ping']
        pieces = [b'\0', b'\r', b'\n', b'\xff\xfe', b'%zz', b'{', b']', b'"', b'../', b'9' * 30, b'-1', b': ', b'Transfer-Encoding: chunked\r\n']
        statuses = {}
        for number in range(1500):
            body = chance.choice(bodies)
            method = chance.choice([b'GET', b'POST', b'DELETE', b'PUT', b'HEAD', b'PATCH'])
            raw = bytearray(method + b' /v1.41' + chance.choice(paths).encode() + b' HTTP/1.1\r\nHost: x\r\nConnection: close\r\n'
                            b'Content-Type: application/json\r\nContent-Length: %d\r\n\r\n' % len(body) + body)
            for _ in range(chance.randrange(1, 4)):
                place = chance.randrange(len(raw))
                if chance.random() < 0.5:
                    raw[place:place + chance.randrange(4)] = chance.choice(pieces)
                else:
                    raw[place] = chance.randrange(256)
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(5)
                sock.connect(self.daemon.socket)
                try:
                    sock.sendall(raw)
                    sock.shutdown(socket.SHUT_WR)
                    answer = sock.recv(4096)
                except (BrokenPipeError, ConnectionResetError):
                    answer = b''
            status = answer[9:12].decode(errors='replace')
            statuses[status] = statuses.get(status, 0) + 1
            self.assertNotEqual(status, '500', bytes(raw))
        self.assertTrue(self.daemon.alive(), statuses)
        self.assertEqual(self.api.request('GET', '/_ping').status, 200)

    def test_slow_clients_hold_nobody_up(self):
        idle = []
        try:
            for _ in range(500):
                sock = socket.socket(socket.AF_UNIX)
                sock.connect(self.daemon.socket)
                sock.sendall(b'GET /_ping HTTP/1.1\r\nHost:')
                idle.append(sock)
            times = []
            for _ in range(50):
                begin = time.monotonic()
                self.assertEqual(self.api.request('GET', '/version').status, 200)
                times.append(time.monotonic() - begin)
            self.assertLess(sorted(times)[25], 0.1)
        finally:
            for sock in idle:
                sock.close()

    def test_vanished_clients_leave_nothing(self):
        container = self.docker.ok('run', '-d', IMAGE, 'sh', '-c', 'while :; do echo x; usleep 10000; done')
        self.api.call('GET', f'/containers/{container}/logs?stdout=1&tail=1')
        requests = [f'POST /v1.41/containers/{container}/attach?stream=1&stdout=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n',
                    f'GET /v1.41/containers/{container}/logs?stdout=1&follow=1 HTTP/1.1\r\nHost: x\r\n\r\n',
                    f'POST /v1.41/containers/{container}/wait HTTP/1.1\r\nHost: x\r\n\r\n']

        def drop(raw):
            for _ in range(60):
                with socket.socket(socket.AF_UNIX) as sock:
                    sock.connect(self.daemon.socket)
                    sock.sendall(raw.encode())
                    sock.settimeout(1)
                    if 'wait' not in raw:
                        sock.recv(100)

        def all_at_once():
            threads = [threading.Thread(target=drop, args=(raw,)) for raw in requests]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        before = leaks.daemon_facts(self.daemon)
        all_at_once()

        def settled():
            now = leaks.daemon_facts(self.daemon)
            return now['fds'] <= before['fds'] + 2 and now['threads'] <= before['threads'] + 2

        # A worker that has nothing to do ends after thirty seconds.
        until(settled, 'descriptors and threads are as before', 60, every=0.5)

    def test_many_parallel_lists(self):
        results = []

        def ask():
            results.append(self.api.request('GET', '/containers/json').status)

        threads = [threading.Thread(target=ask) for _ in range(200)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(results, [200] * 200)


if __name__ == '__main__':
    unittest.main()
