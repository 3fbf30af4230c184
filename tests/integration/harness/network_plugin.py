"""A network driver of a third party: a server of Docker's plugin protocol that makes bridges and veths with the `ip` command.

It gives its links to the engine to move them into the sandbox, as most such drivers do, and notes every call.
"""
import http.server
import json
import os
import socketserver
import subprocess
import threading

FOLDER = '/run/docker/plugins'


def ip(*words):
    return subprocess.run(['ip', *words], capture_output=True, text=True, check=False)


class Failure(Exception):
    pass


class NetworkPlugin:
    def __init__(self, name='testnet'):
        self.name = name
        self.calls = []          # (method, request)
        self.fail = {}           # method -> text of the failure that the next calls of it get
        self.networks = {}
        os.makedirs(FOLDER, exist_ok=True)
        self.socket = os.path.join(FOLDER, name + '.sock')
        plugin = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
                answer = plugin.answer(self.path[1:], json.loads(body or b'{}'))
                if answer is None:  # as a server that ends in the middle
                    self.close_connection = True
                    return
                reply = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(200)
                self.send_header('Content-Type', 'application/vnd.docker.plugins.v1.2+json')
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

        self.server = Server(self.socket, Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
        os.unlink(self.socket)
        for network in list(self.networks):
            self.delete_network({'NetworkID': network})

    def methods(self):
        """The names of the calls so far, without the interface's."""
        return [method.rsplit('.', 1)[1] for method, _ in self.calls]

    def requests(self, method):
        return [request for name, request in self.calls if name == 'NetworkDriver.' + method]

    def answer(self, method, request):
        self.calls.append((method, request))
        name = method.rsplit('.', 1)[-1]
        if name in self.fail:
            return {'Err': self.fail[name]}
        known = {'Activate': lambda _: {'Implements': ['NetworkDriver']},
                 'GetCapabilities': lambda _: {'Scope': 'local'},
                 'CreateNetwork': self.create_network, 'DeleteNetwork': self.delete_network,
                 'CreateEndpoint': self.create_endpoint, 'DeleteEndpoint': self.delete_endpoint,
                 'Join': self.join, 'Leave': lambda _: {}, 'EndpointOperInfo': lambda _: {'Value': {}},
                 'ProgramExternalConnectivity': lambda _: {}, 'RevokeExternalConnectivity': lambda _: {}}
        try:
            return known[name](request) if name in known else {'Err': f'unknown method {method}'}
        except Failure as failure:
            return {'Err': str(failure)}

    def create_network(self, request):
        network = request['NetworkID']
        bridge = 'tb' + network[:10]
        self.networks[network] = {'bridge': bridge, 'gateway': '', 'gateway6': '', 'endpoints': {}}
        ip('link', 'add', bridge, 'type', 'bridge')
        ip('link', 'set', bridge, 'up')
        for data in (request.get('IPv4Data') or []) + (request.get('IPv6Data') or []):
            ip('addr', 'add', data['Gateway'], 'dev', bridge, *(['nodad'] if ':' in data['Gateway'] else []))
            key = 'gateway6' if ':' in data['Gateway'] else 'gateway'
            if not request['Options'].get('com.docker.network.internal'):
                self.networks[network][key] = data['Gateway'].split('/')[0]
        return {}

    def delete_network(self, request):
        known = self.networks.pop(request['NetworkID'], None)
        if known:
            ip('link', 'del', known['bridge'])
        return {}

    def create_endpoint(self, request):
        if request['NetworkID'] not in self.networks:
            raise Failure('unknown network')
        self.networks[request['NetworkID']]['endpoints'][request['EndpointID']] = request['Interface']
        mac = request['Interface'].get('MacAddress')
        return {'Interface': {} if mac else {'MacAddress': '02:00:' + ':'.join(request['EndpointID'][i:i + 2] for i in (0, 2, 4, 6))}}

    def join(self, request):
        network = self.networks[request['NetworkID']]
        outside, inside = 'th' + request['EndpointID'][:10], 'tc' + request['EndpointID'][:10]
        ip('link', 'add', outside, 'type', 'veth', 'peer', 'name', inside)
        ip('link', 'set', outside, 'master', network['bridge'], 'up')
        return {'InterfaceName': {'SrcName': inside, 'DstPrefix': 'eth'}, 'Gateway': network['gateway'],
                'GatewayIPv6': network['gateway6'], 'DisableGatewayService': True}

    def delete_endpoint(self, request):
        ip('link', 'del', 'th' + request['EndpointID'][:10])
        if request['NetworkID'] in self.networks:
            self.networks[request['NetworkID']]['endpoints'].pop(request['EndpointID'], None)
        return {}
