"""python3-docker, the SDK that many tools stand on: the basics, unmodified."""
import socket
import time
import unittest

import docker
import docker.errors

from harness import images
from harness.case import IMAGE, DaemonCase


class PythonDockerTest(DaemonCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = docker.DockerClient(base_url=cls.daemon.host, version='auto', timeout=30)
        cls.addClassCleanup(cls.client.close)

    def test_ping_version_info(self):
        self.assertTrue(self.client.ping())
        self.assertEqual(self.client.version()['ApiVersion'], '1.51')
        self.assertEqual(self.client.version()['MinAPIVersion'], '1.12')
        self.assertEqual(self.client.info()['ContainersRunning'], 0)

    def test_run(self):
        self.assertEqual(self.client.containers.run(IMAGE, ['echo', 'hello'], remove=True), b'hello\n')
        with self.assertRaises(docker.errors.ContainerError) as caught:
            self.client.containers.run(IMAGE, ['sh', '-c', 'echo bad >&2; exit 3'], remove=True)
        self.assertEqual(caught.exception.exit_status, 3)

    def test_a_slow_client_reads_the_head_of_an_exec_alone(self):
        """docker-py reads the head through a buffer and the stream from the socket: what comes with the head is lost to it."""
        container = self.client.containers.run(IMAGE, ['sleep', '1000'], detach=True)
        exec_id = self.client.api.exec_create(container.id, ['echo', 'output'])['Id']
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(30)
            connection.connect(self.daemon.socket)
            body = b'{"Detach":false,"Tty":false}'
            connection.sendall(b'POST /exec/%s/start HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n'
                               b'Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' % (exec_id.encode(), len(body), body))
            time.sleep(0.03)  # the slow client: an exec takes less, so that its output would be there by now
            head = connection.recv(65536)
            self.assertTrue(head.endswith(b'\r\n\r\n'), head)
            self.assertEqual(b''.join(iter(lambda: connection.recv(65536), b''))[8:], b'output\n')

    def test_life_of_a_container(self):
        container = self.client.containers.run(IMAGE, ['sleep', '1000'], detach=True, name='c1', labels={'k': 'v'}, environment={'A': 'b'})
        container.reload()
        self.assertEqual(container.status, 'running')
        self.assertEqual([c.name for c in self.client.containers.list(filters={'label': 'k=v'})], ['c1'])
        self.assertEqual(container.exec_run(['sh', '-c', 'echo $A; exit 2']), (2, b'b\n'))
        code, output = container.exec_run(['sh', '-c', 'echo o; echo e >&2'], demux=True)
        self.assertEqual((code, output), (0, (b'o\n', b'e\n')))
        container.kill()
        self.assertEqual(container.wait()['StatusCode'], 137)
        container.start()
        container.stop(timeout=1)
        container.remove()
        with self.assertRaises(docker.errors.NotFound):
            self.client.containers.get('c1')

    def test_logs(self):
        container = self.client.containers.run(IMAGE, ['sh', '-c', 'for i in 1 2 3; do echo $i; done; sleep 1000'], detach=True)
        stream = container.logs(stream=True, follow=True)
        self.assertEqual(b''.join(next(stream) for _ in range(3)).split(), [b'1', b'2', b'3'])
        stream.close()
        self.assertEqual(container.logs(tail=1), b'3\n')
        container.kill()

    def test_attach_socket(self):
        container = self.client.containers.create(IMAGE, ['cat'], stdin_open=True)
        sock = container.attach_socket(params={'stdin': 1, 'stdout': 1, 'stream': 1})
        container.start()
        sock._sock.sendall(b'through\n')  # the SDK's documented way to write
        self.assertEqual(sock.read(8 + 8)[8:], b'through\n')
        sock.close()
        container.remove(force=True)

    def test_images(self):
        image = self.client.images.load(images.busybox('py:1', [images.text('a', 'b')]))[0]
        self.assertEqual(image.tags, ['py:1'])
        self.assertTrue(image.tag('py', tag='2'))
        saved = b''.join(self.client.images.get('py:2').save(named=True))
        self.client.images.remove('py:1')
        self.client.images.remove('py:2')
        with self.assertRaises(docker.errors.ImageNotFound):
            self.client.images.get('py:1')
        self.assertEqual(self.client.images.load(saved)[0].id, image.id)
        self.assertTrue(image.history())
        self.client.images.remove(image.id, force=True)

    def test_import(self):
        data = images.tar(images.busybox_entries())
        self.client.api.import_image_from_data(data, repository='imported', tag='1')
        self.assertEqual(self.client.containers.run('imported:1', ['/bin/echo', 'x'], remove=True), b'x\n')
        self.client.images.remove('imported:1')

    def test_errors_are_its_own(self):
        with self.assertRaises(docker.errors.NotFound):
            self.client.containers.get('nobody')
        with self.assertRaises(docker.errors.ImageNotFound):
            self.client.api.create_container('no-such-image:1', 'true')
        with self.assertRaises(docker.errors.APIError) as caught:
            self.client.api.create_container(IMAGE, 'true', name='bad name')
        self.assertEqual(caught.exception.status_code, 400)

    def test_a_stream_of_a_terminal(self):
        container = self.client.containers.run(IMAGE, ['tty'], tty=True, detach=True)
        container.wait()
        self.assertEqual(container.logs(), b'/dev/pts/0\r\n')


if __name__ == '__main__':
    unittest.main()
