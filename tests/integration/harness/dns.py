"""DNS on the wire: questions asked from inside a network namespace, and servers that stand in for the world's."""
import contextlib
import ctypes
import ipaddress
import os
import random
import socket
import struct
import threading

A, PTR, MX, TXT, AAAA = 1, 12, 15, 16, 28
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, REFUSED = 0, 1, 2, 3, 5
RESOLVER = '127.0.0.11'
CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def inside(namespace, work):
    """The result of `work()` on a thread that is in the network namespace (a path)."""
    result = []

    def run():
        try:
            fd = os.open(namespace, os.O_RDONLY)
            try:
                if _libc.setns(fd, CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), f'enter {namespace}')
            finally:
                os.close(fd)
            result.append((work(), None))
        except BaseException as failure:  # pylint: disable=broad-except
            result.append((None, failure))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    value, failure = result[0]
    if failure is not None:
        raise failure
    return value


def encode_name(name):
    labels = [label for label in name.split('.') if label]
    return b''.join(bytes([len(label)]) + label.encode() for label in labels) + b'\0'


def question(name, kind=A, edns=0, number=None):
    number = random.randrange(65536) if number is None else number
    message = struct.pack('!6H', number, 0x0100, 1, 0, 0, 1 if edns else 0) + encode_name(name) + struct.pack('!2H', kind, 1)
    return message + (b'\0' + struct.pack('!2HIH', 41, edns, 0, 0) if edns else b'')


def _name(message, at):
    labels, end = [], None
    while message[at]:
        if message[at] & 0xc0 == 0xc0:
            end = end or at + 2
            at = struct.unpack_from('!H', message, at)[0] & 0x3fff
            continue
        labels.append(message[at + 1:at + 1 + message[at]].decode())
        at += 1 + message[at]
    return '.'.join(labels), end or at + 1


class Reply:
    def __init__(self, message):
        self.size = len(message)
        self.id, flags, questions, answers = struct.unpack_from('!4H', message)
        self.rcode, self.truncated, self.recursion = flags & 15, bool(flags & 0x200), bool(flags & 0x80)
        at = 12
        self.name = ''
        for _ in range(questions):
            self.name, at = _name(message, at)
            at += 4
        self.data = []
        for _ in range(answers):
            _, at = _name(message, at)
            kind, _, _, length = struct.unpack_from('!2HIH', message, at)
            at += 10
            raw = message[at:at + length]
            self.data.append(_name(message, at)[0] if kind == PTR else str(ipaddress.ip_address(raw)) if kind in (A, AAAA) else raw)
            at += length


def _receive_exactly(connection, size):
    data = b''
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise EOFError('the connection ended')
        data += more
    return data


def ask(namespace, name, kind=A, server=RESOLVER, tcp=False, edns=0, seconds=10):
    """The reply, asked from inside the namespace. Raises TimeoutError when none comes, ConnectionRefusedError when nobody listens."""
    message = question(name, kind, edns)

    def exchange():
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as connection:
            connection.settimeout(seconds)
            connection.connect((server, 53))
            if not tcp:
                connection.send(message)
                return connection.recv(65535)
            connection.sendall(struct.pack('!H', len(message)) + message)
            return _receive_exactly(connection, struct.unpack('!H', _receive_exactly(connection, 2))[0])

    reply = Reply(inside(namespace, exchange))
    assert reply.id == struct.unpack_from('!H', message)[0]
    return reply


def ask_many(namespace, names, seconds=20):
    """{name: addresses}, all asked at once over one socket each sixty-four, repeated as clients do until there is a reply."""
    def exchange():
        found, waiting = {}, {number: name for number, name in enumerate(names)}
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
            connection.connect((RESOLVER, 53))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            connection.settimeout(1)
            for _ in range(seconds):
                for number, name in waiting.items():
                    connection.send(question(name, number=number))
                with contextlib.suppress(TimeoutError):
                    while waiting:
                        reply = Reply(connection.recv(65535))
                        if reply.id in waiting and reply.rcode == NOERROR:
                            found[waiting.pop(reply.id)] = reply.data
                if not waiting:
                    break
        return found

    return inside(namespace, exchange)


class Server:
    """Answers over UDP and TCP at an address of a namespace (None: the caller's) and notes every question.

    `answer(name, kind)` gives a list of addresses, an rcode, 'truncate' or None for silence.
    """

    def __init__(self, address, answer, namespace=None, port=53):
        self.answer = answer
        self.asked = []  # (name, kind, 'udp' or 'tcp', the asker's address)
        make = lambda: [self._open(kind, address, port) for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM)]
        self.udp, self.tcp = inside(namespace, make) if namespace else make()
        self.threads = [threading.Thread(target=work, daemon=True) for work in (self._datagrams, self._streams)]
        for thread in self.threads:
            thread.start()

    @staticmethod
    def _open(kind, address, port):
        made = socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET, kind)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if kind == socket.SOCK_DGRAM:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        made.bind((address, port))
        if kind == socket.SOCK_STREAM:
            made.listen(64)
        return made

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for one in (self.udp, self.tcp):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self.threads:
            thread.join(5)

    def names(self):
        return [entry[0] for entry in self.asked]

    def _reply(self, message, transport, peer):
        name, at = _name(message, 12)
        kind = struct.unpack_from('!H', message, at)[0]
        self.asked.append((name, kind, transport, peer))
        wanted = self.answer(name, kind)
        if wanted is None:
            return None
        cut = wanted == 'truncate' and transport == 'udp'
        addresses = wanted if isinstance(wanted, list) else ['192.0.2.99'] if wanted == 'truncate' and not cut else []
        rcode = wanted if isinstance(wanted, int) else 0
        head = struct.pack('!6H', struct.unpack_from('!H', message)[0], 0x8180 | (0x200 if cut else 0) | rcode, 1, len(addresses), 0, 0)
        reply = head + message[12:at + 4]
        for address in addresses:
            raw = ipaddress.ip_address(address).packed
            reply += struct.pack('!3HIH', 0xc00c, A if len(raw) == 4 else AAAA, 1, 30, len(raw)) + raw
        return reply

    def _datagrams(self):
        with contextlib.suppress(OSError):
            while True:
                message, peer = self.udp.recvfrom(65535)
                if not peer:  # shut down
                    return
                reply = self._reply(message, 'udp', peer[0])
                if reply:
                    self.udp.sendto(reply, peer)

    def _streams(self):
        with contextlib.suppress(OSError):
            while True:
                connection, peer = self.tcp.accept()
                with connection, contextlib.suppress(OSError, EOFError):
                    connection.settimeout(5)
                    message = _receive_exactly(connection, struct.unpack('!H', _receive_exactly(connection, 2))[0])
                    reply = self._reply(message, 'tcp', peer[0])
                    if reply:
                        connection.sendall(struct.pack('!H', len(reply)) + reply)
