"""A small client of the Engine API, for what no CLI can say: exact bytes, statuses, malformed requests."""
import http.client
import json
import socket
import urllib.parse

from harness.places import SLOW


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__('localhost', timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class ApiError(Exception):
    def __init__(self, status, message):
        super().__init__(f'{status}: {message}')
        self.status, self.message = status, message


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def lines(self):
        return [json.loads(line) for line in self.body.splitlines() if line.strip()]


class Api:
    """One request per connection, so that a daemon that is killed between two calls does not matter."""

    def __init__(self, socket_path, version='/v1.51', timeout=30):
        self.socket_path, self.version, self.timeout = socket_path, version, timeout * SLOW

    def connection(self):
        return UnixConnection(self.socket_path, self.timeout)

    def request(self, method, path, body=None, headers=None, **query):
        """The reply, whatever its status."""
        if query:
            path += '?' + urllib.parse.urlencode({k: json.dumps(v) if isinstance(v, (dict, list)) else v for k, v in query.items()})
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            headers.setdefault('Content-Type', 'application/json')
        connection = self.connection()
        try:
            connection.request(method, self.version + path, body=body, headers=headers)
            response = connection.getresponse()
            return Reply(response.status, response.headers, response.read())
        finally:
            connection.close()

    def call(self, method, path, body=None, **query):
        """The reply's JSON (or bytes); ApiError for a status of 400 and above."""
        reply = self.request(method, path, body, **query)
        if reply.status >= 400:
            try:
                message = reply.json()['message']
            except (ValueError, KeyError):
                message = reply.body.decode(errors='replace')
            raise ApiError(reply.status, message)
        if reply.headers.get('Content-Type', '').startswith('application/json') and reply.body.strip():
            try:
                return reply.json()
            except ValueError:
                return reply.lines()
        return reply.body

    def raw(self, data, timeout=None):
        """Sends bytes as they are and returns all that comes back until the other side closes or says no more."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(timeout or self.timeout)
            sock.connect(self.socket_path)
            try:
                sock.sendall(data)
            except (BrokenPipeError, ConnectionResetError):
                pass
            answer = b''
            try:
                while chunk := sock.recv(65536):
                    answer += chunk
            except (TimeoutError, ConnectionResetError):
                pass
            return answer

    # The few calls that many tests make.

    def create(self, image, command=None, name=None, host_config=None, **config):
        body = dict(config, Image=image, HostConfig=host_config or {})
        if command is not None:
            body['Cmd'] = command
        return self.call('POST', '/containers/create', body, **({'name': name} if name else {}))['Id']

    def start(self, container):
        self.call('POST', f'/containers/{container}/start')

    def wait(self, container):
        return self.call('POST', f'/containers/{container}/wait')['StatusCode']

    def inspect(self, container):
        return self.call('GET', f'/containers/{container}/json')

    def remove(self, container, force=True):
        self.call('DELETE', f'/containers/{container}', force=int(force))

    def containers(self):
        return self.call('GET', '/containers/json', all=1)

    def images(self):
        return self.call('GET', '/images/json')
