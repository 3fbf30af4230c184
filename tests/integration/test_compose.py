"""A project of docker-compose 1.29, unmodified: two services, two networks, published ports, a bind mount."""
import os
import re
import subprocess
import urllib.request

from harness import places
from harness.case import IMAGE, DaemonCase
from harness.poll import until

PROJECT = '''
version: "3.8"
services:
  db:
    image: {image}
    command: ["sh", "-c", "mkdir /srv; echo $$CONTENT > /srv/index.html; exec busybox httpd -f -p 80 -h /srv"]
    environment:
      CONTENT: kept in db
    labels:
      tier: data
    networks:
      back:
        aliases: [storage]
  web:
    image: {image}
    command: ["sh", "-c", "echo web starts; exec busybox httpd -f -p 80 -h /site"]
    depends_on: [db]
    environment: [GREETING=hello]
    ports: ["127.0.0.1::80"]
    volumes: ["./site:/site:ro"]
    networks: [front, back]
networks:
  front: {{}}
  back:
    internal: true
'''


# Debian's library for Debian's program, whatever else is installed on this host.
LIBRARY = '/usr/lib/python3/dist-packages'


class ComposeTest(DaemonCase):
    def setUp(self):
        super().setUp()
        self.folder = self.path('shop')
        os.makedirs(os.path.join(self.folder, 'site'), exist_ok=True)
        with open(os.path.join(self.folder, 'docker-compose.yml'), 'w', encoding='utf-8') as file:
            file.write(PROJECT.format(image=IMAGE))
        with open(os.path.join(self.folder, 'site', 'index.html'), 'w', encoding='utf-8') as file:
            file.write('from the host\n')
        self.addCleanup(self.compose, 'down', '-t', '0')
        self.compose('up', '-d')

    def environment(self):
        # When it recreates, 1.29 reads the image's ContainerConfig, which API 1.45 has dropped.
        return {**os.environ, 'DOCKER_HOST': self.daemon.host, 'HOME': self.daemon.home, 'LC_ALL': 'C.UTF-8', 'PYTHONPATH': LIBRARY,
                'COMPOSE_API_VERSION': '1.41'}

    def compose(self, *arguments, status=0):
        """Standard output of docker-compose in the project's folder."""
        result = subprocess.run(['docker-compose', '--ansi', 'never', *arguments], cwd=self.folder, capture_output=True, check=False,
                                stdin=subprocess.DEVNULL, timeout=120 * places.SLOW, env=self.environment())
        if result.returncode != status:
            raise AssertionError(f'docker-compose {" ".join(arguments)}: {result.returncode}\n{result.stdout.decode()}\n{result.stderr.decode()}')
        return result.stdout.decode()

    def running(self):
        return sorted(container['Names'][0] for container in self.api.call('GET', '/containers/json'))

    def fetch(self, index=1):
        """What web answers on its published port."""
        address = self.compose('port', '--index', str(index), 'web', '80').strip()

        def answer():
            try:
                with urllib.request.urlopen(f'http://{address}/', timeout=5) as reply:
                    return reply.read().decode()
            except OSError:
                return None
        return until(answer, f'{address} answers')

    def inside(self, service, *command):
        return self.compose('exec', '-T', service, *command)

    def test_up_makes_what_the_file_says(self):
        self.assertEqual(self.running(), ['/shop_db_1', '/shop_web_1'])
        self.assertEqual(sorted(network['Name'] for network in self.api.call('GET', '/networks', filters={'type': ['custom']})),
                         ['shop_back', 'shop_front'])
        self.assertTrue(self.api.call('GET', '/networks/shop_back')['Internal'])
        database = self.api.inspect('shop_db_1')
        self.assertEqual((database['Config']['Labels']['tier'], database['Config']['Labels']['com.docker.compose.service']), ('data', 'db'))
        self.assertIn('storage', database['NetworkSettings']['Networks']['shop_back']['Aliases'])
        self.assertEqual(sorted(self.api.inspect('shop_web_1')['NetworkSettings']['Networks']), ['shop_back', 'shop_front'])
        self.assertEqual(self.fetch(), 'from the host\n')
        self.assertEqual(self.inside('web', 'sh', '-c', 'echo $GREETING'), 'hello\n')
        self.compose('exec', '-T', 'web', 'touch', '/site/x', status=1)  # read-only

    def test_a_second_up_changes_nothing(self):
        before = [self.api.inspect(name)['Id'] for name in self.running()]
        self.compose('up', '-d')
        self.assertEqual([self.api.inspect(name)['Id'] for name in self.running()], before)

    def test_a_changed_file_recreates_its_service(self):
        before = {name: self.api.inspect(name)['Id'] for name in self.running()}
        path = os.path.join(self.folder, 'docker-compose.yml')
        with open(path, encoding='utf-8') as file:
            text = file.read()
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text.replace('GREETING=hello', 'GREETING=goodbye'))
        self.compose('up', '-d', '-t', '0')
        self.assertEqual(self.inside('web', 'sh', '-c', 'echo $GREETING'), 'goodbye\n')
        after = {name: self.api.inspect(name)['Id'] for name in self.running()}
        self.assertEqual(after['/shop_db_1'], before['/shop_db_1'])
        self.assertNotEqual(after['/shop_web_1'], before['/shop_web_1'])

    def test_services_find_each_other_by_name(self):
        for name in ('db', 'storage', 'shop_db_1'):
            self.assertEqual(until(lambda: self.inside('web', 'busybox', 'wget', '-q', '-O', '-', f'http://{name}/'), name), 'kept in db\n')

    def test_services_reach_each_other(self):
        address = self.api.inspect('shop_db_1')['NetworkSettings']['Networks']['shop_back']['IPAddress']
        self.assertEqual(self.inside('web', 'busybox', 'wget', '-q', '-O', '-', f'http://{address}/'), 'kept in db\n')

    def test_nobody_else_finds_or_reaches_them(self):
        self.docker.ok('network', 'create', 'third')
        self.addCleanup(lambda: (self.docker.run('rm', '-f', 'stranger'), self.docker.run('network', 'rm', 'third')))
        address = self.api.inspect('shop_db_1')['NetworkSettings']['Networks']['shop_back']['IPAddress']
        self.docker.ok('run', '-d', '--name', 'stranger', '--network', 'third', IMAGE, 'sleep', '1000')
        for target in ('db', 'shop_db_1', address):
            result = self.docker.run('exec', 'stranger', 'busybox', 'wget', '-q', '-T', '2', '-O', '-', f'http://{target}/')
            self.assertNotEqual(result.returncode, 0, target)

    def test_ps_logs_port_and_top(self):
        shown = self.compose('ps')
        self.assertRegex(shown, r'shop_db_1 .* Up ')
        self.assertRegex(shown, r'shop_web_1 .* Up +127\.0\.0\.1:[0-9]+->80/tcp')
        self.assertEqual(self.compose('ps', '-q', 'db').strip(), self.api.inspect('shop_db_1')['Id'])
        self.assertIn('web starts', self.compose('logs', 'web'))
        self.assertRegex(self.compose('port', 'web', '80'), r'^127\.0\.0\.1:[0-9]+\n$')
        self.assertIn('httpd', self.compose('top', 'web'))

    def test_scale(self):
        self.compose('up', '-d', '--scale', 'web=3', '-t', '0')
        self.assertEqual(self.running(), ['/shop_db_1', '/shop_web_1', '/shop_web_2', '/shop_web_3'])
        addresses = {self.compose('port', '--index', str(index), 'web', '80') for index in (1, 2, 3)}
        self.assertEqual(len(addresses), 3)
        for index in (1, 2, 3):
            self.assertEqual(self.fetch(index), 'from the host\n')
        answers = self.inside('db', 'busybox', 'nslookup', 'web')
        found = {self.api.inspect(f'shop_web_{index}')['NetworkSettings']['Networks']['shop_back']['IPAddress'] for index in (1, 2, 3)}
        self.assertLessEqual(found, set(re.findall(r'Address[ 0-9]*: *([0-9.]+)', answers)))
        self.compose('up', '-d', '--scale', 'web=1', '-t', '0')
        self.assertEqual(self.running(), ['/shop_db_1', '/shop_web_1'])

    def test_restart_pause_stop_start(self):
        started = self.api.inspect('shop_web_1')['State']['StartedAt']
        self.compose('restart', '-t', '0', 'web')
        self.assertNotEqual(self.api.inspect('shop_web_1')['State']['StartedAt'], started)
        self.assertEqual(self.fetch(), 'from the host\n')
        self.compose('pause', 'db')
        self.assertEqual(self.api.inspect('shop_db_1')['State']['Status'], 'paused')
        self.compose('unpause', 'db')
        self.compose('stop', '-t', '0')
        self.assertEqual(self.running(), [])
        self.compose('start')
        self.assertEqual(self.running(), ['/shop_db_1', '/shop_web_1'])
        self.assertEqual(self.fetch(), 'from the host\n')

    def test_down_leaves_nothing(self):
        before_images = [image['Id'] for image in self.api.images()]
        self.compose('down', '-t', '0')
        self.assertEqual(self.api.containers(), [])
        self.assertEqual(self.api.call('GET', '/networks', filters={'type': ['custom']}), [])
        self.assertEqual([image['Id'] for image in self.api.images()], before_images)

    def test_events(self):
        follower = subprocess.Popen(['docker-compose', '--ansi', 'never', 'events', '--json'], cwd=self.folder, stdout=subprocess.PIPE,
                                    stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=self.environment())
        self.addCleanup(lambda: (follower.kill(), follower.wait(), follower.stdout.close()))
        until(lambda: self.api.call('GET', '/info')['NEventsListener'] > 0, 'it listens', 30)
        self.docker.ok('kill', 'shop_db_1')
        line = follower.stdout.readline().decode()
        self.assertIn('"action": "kill"', line)
        self.assertIn('"service": "db"', line)
