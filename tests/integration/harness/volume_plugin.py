"""A volume plugin of a third party: a server of Docker's plugin protocol whose volumes are folders, with its state in a file, that notes
every call and can be told to fail, to hang and to answer nonsense.

As a program (`python3 volume_plugin.py SOCKET FOLDER`) it is a server that can be killed.
"""
import http.server
import json
import os
import shutil
import socket
import socketserver
import sys
import threading

PLUGINS = '/run/docker/plugins'


class Volumes:
    """What the plugin knows, on disk before it answers."""

    def __init__(self, folder):
        self.folder, self.file = folder, os.path.join(folder, 'state.json')
        self.lock = threading.Lock()
        os.makedirs(folder, exist_ok=True)
        self.known = json.load(open(self.file, encoding='utf-8')) if os.path.exists(self.file) else {}

    def save(self):
        with open(self.file + '.new', 'w', encoding='utf-8') as file:
            json.dump(self.known, file)
            file.flush()
            os.fsync(file.fileno())
        os.rename(self.file + '.new', self.file)

    def path(self, name):
        return os.path.join(self.folder, 'volumes', name.replace('/', '_'))

    def info(self, name):
        return {'Name': name, 'Mountpoint': self.path(name), 'Status': {'users': len(self.known[name]['users'])}}

    def answer(self, method, request):
        name = request.get('Name', '')
        if method not in ('Create', 'List', 'Get', 'Path', 'Remove', 'Mount', 'Unmount'):
            return None
        with self.lock:
            if method == 'Create':
                if 'bad' in (request.get('Opts') or {}):
                    return {'Err': 'unknown option bad'}
                os.makedirs(self.path(name), exist_ok=True)
                self.known.setdefault(name, {'options': request.get('Opts') or {}, 'users': []})
            elif method == 'List':
                return {'Volumes': [self.info(one) for one in sorted(self.known)]}
            elif name not in self.known:
                return {} if method in ('Remove', 'Unmount') else {'Err': f'no volume {name}'}
            elif method == 'Get':
                return {'Volume': self.info(name)}
            elif method == 'Path':
                return {'Mountpoint': self.path(name)}
            elif method == 'Remove':
                if self.known[name]['users']:
                    return {'Err': f'volume {name} is mounted'}
                shutil.rmtree(self.path(name), ignore_errors=True)
                del self.known[name]
            elif method in ('Mount', 'Unmount'):
                users = self.known[name]['users']
                if method == 'Mount' and request['ID'] not in users:
                    users.append(request['ID'])
                if method == 'Unmount' and request['ID'] in users:
                    users.remove(request['ID'])
                self.save()
                return {'Mountpoint': self.path(name)} if method == 'Mount' else {}
            self.save()
            return {}


class VolumePlugin:
    def __init__(self, socket_path, folder, scope='local'):
        self.socket, self.scope = socket_path, scope
        self.volumes = Volumes(folder)
        self.calls = []            # (method, request)
        self.fail = {}             # method -> text of the failure that its next calls get
        self.raw = {}              # method -> the bytes that are the whole answer to its next calls
        self.hang = set()          # methods that don't answer until resume()
        self.resumed = threading.Event()
        self.connections = []
        os.makedirs(os.path.dirname(socket_path), exist_ok=True)
        if os.path.exists(socket_path):
            os.unlink(socket_path)
        plugin = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def setup(self):
                super().setup()
                plugin.connections.append(self.connection)

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
                status, reply = plugin.reply(self.path[1:], json.loads(body or b'{}'))
                if status is None:  # bytes as they are, and the end
                    self.wfile.write(reply)
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header('Content-Length', str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_):
                pass

            def address_string(self):
                return 'local'

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                """A daemon that is killed leaves its connections."""

        self.server = Server(socket_path, Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def reply(self, method, request):
        self.calls.append((method, request))
        short = method.rsplit('.', 1)[-1]
        if short in self.hang:
            self.resumed.wait()
        if short in self.raw:
            return None, self.raw[short]
        if short in self.fail:
            return 500, json.dumps({'Err': self.fail[short]}).encode()
        if method == 'Plugin.Activate':
            return 200, b'{"Implements":["VolumeDriver"]}'
        if short == 'Capabilities':
            return 200, json.dumps({'Capabilities': {'Scope': self.scope}}).encode()
        answer = self.volumes.answer(short, request)
        return (404, b'') if answer is None else (200, json.dumps(answer).encode())

    def methods(self):
        return [method.rsplit('.', 1)[1] for method, _ in self.calls]

    def requests(self, method):
        return [request for name, request in self.calls if name == 'VolumeDriver.' + method]

    def resume(self):
        self.hang = set()
        self.resumed.set()

    def close(self):
        self.resume()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
        for connection in self.connections:  # as the end of a process closes them
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        if os.path.exists(self.socket):
            os.unlink(self.socket)


if __name__ == '__main__':
    VolumePlugin(sys.argv[1], sys.argv[2]).thread.join()
