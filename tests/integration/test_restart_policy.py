"""Restart policies: when a container is started again, how often, and what stops it."""
import os
import unittest

from harness import places
from harness.case import IMAGE, DaemonCase
from harness.poll import until


class RestartPolicyTest(DaemonCase):
    def run_with(self, policy, *command, name='c1'):
        self.docker.ok('run', '-d', '--network', 'none', '--restart', policy, '--name', name, IMAGE, *command)

    def state(self, name='c1'):
        return self.api.inspect(name)['State']

    def events(self, *actions, name='c1'):
        lines = self.api.request('GET', '/events', since='0', until='0s', filters={'container': [name], 'event': list(actions)}).lines()
        return [event for event in lines if event['Actor']['Attributes']['name'] == name]

    def test_waits_double(self):
        self.run_with('always', 'false', name='doubling')
        until(lambda: len(self.events('start', name='doubling')) >= 6, 'five restarts', 30)
        self.docker.ok('stop', 'doubling')
        deaths = [event['timeNano'] for event in self.events('die', name='doubling')]
        starts = [event['timeNano'] for event in self.events('start', name='doubling')]
        for number, least in enumerate((100, 200, 400, 800, 1600)):
            waited = (starts[number + 1] - deaths[number]) / 10**6
            self.assertGreaterEqual(waited, least * 0.95)
            self.assertLess(waited, least * 2 + 500 * places.SLOW)
        self.assertGreaterEqual(self.api.inspect('doubling')['RestartCount'], 5)

    def test_failures_are_counted(self):
        self.run_with('on-failure:2', 'sh', '-c', 'exit 3', name='failing')
        until(lambda: len(self.events('die', name='failing')) == 3, 'the last end')
        until(lambda: self.state('failing')['Status'] == 'exited', 'it is given up')
        self.assertEqual((self.api.inspect('failing')['RestartCount'], self.state('failing')['ExitCode']), (2, 3))
        self.docker.ok('start', 'failing')
        self.assertLess(self.api.inspect('failing')['RestartCount'], 2)

    def test_success_is_no_failure(self):
        self.run_with('on-failure', 'true', name='fine')
        until(lambda: self.state('fine')['Status'] == 'exited', 'its end')
        self.assertEqual((self.api.inspect('fine')['RestartCount'], len(self.events('start', name='fine'))), (0, 1))

    def test_what_waits_for_its_restart(self):
        self.run_with('always', 'sh', '-c', 'exit 7')
        until(lambda: self.state()['Status'] == 'restarting' and self.api.inspect('c1')['RestartCount'] >= 4, 'a long wait')
        self.assertEqual((self.state()['Restarting'], self.state()['Running'], self.state()['Pid']), (True, True, 0))
        self.assertRegex(self.docker.ok('ps', '--format', '{{.Status}}'), r'^Restarting \(7\) ')
        self.assertIn('is restarting, wait until the container is running', self.docker.fails('exec', 'c1', 'true'))
        self.assertIn('You cannot remove a restarting container', self.docker.fails('rm', 'c1'))
        waiting = self.docker.spawn('wait', 'c1')
        until(lambda: self.state()['Status'] == 'restarting', 'the next wait')
        self.docker.ok('stop', 'c1')
        self.assertEqual(waiting.communicate(timeout=20 * places.SLOW)[0], b'7\n')
        self.assertEqual((self.state()['Status'], self.state()['ExitCode']), ('exited', 7))
        started = len(self.events('start'))
        self.docker.ok('start', 'c1')
        until(lambda: len(self.events('start')) > started + 1, 'the policy is in force again')
        self.docker.ok('rm', '-f', 'c1')

    def test_who_stops_or_kills_it_means_it(self):
        for policy, end in (('always', ('stop', '-t', '0')), ('unless-stopped', ('kill',))):
            self.run_with(policy, 'sleep', '1000')
            self.docker.ok(*end, 'c1')
            until(lambda: self.state()['Status'] == 'exited', 'its end')
            self.assertEqual(self.api.inspect('c1')['RestartCount'], 0)
            self.docker.ok('rm', 'c1')

    def test_who_is_killed_from_outside_comes_back(self):
        self.run_with('unless-stopped', 'sleep', '1000')
        pid = self.state()['Pid']
        os.kill(pid, 9)
        until(lambda: self.state()['Running'] and self.state()['Pid'] not in (0, pid), 'it runs again')

    def test_what_starts_with_the_daemon(self):
        for name, policy in (('stopped', 'always'), ('left', 'unless-stopped'), ('ends', 'unless-stopped'), ('no', 'no')):
            self.run_with(policy, 'sh', '-c', 'while ! [ -e /end ]; do sleep 0.05; done', name=name)
        for name in ('stopped', 'left', 'no'):
            self.docker.ok('stop', '-t', '0', name)
        pid = self.state('ends')['Pid']
        self.daemon.kill()
        with open(f'/proc/{pid}/root/end', 'w', encoding='utf-8'):
            pass
        until(lambda: not self.alive(pid), 'it has ended')
        self.daemon.start()
        until(lambda: self.events('start', name='ends'), 'its start')
        until(lambda: self.events('start', name='stopped'), 'its start')
        self.assertTrue(self.state('stopped')['Running'])
        self.assertEqual([self.state(name)['Status'] for name in ('left', 'no')], ['exited', 'exited'])

    @staticmethod
    def alive(pid):
        try:
            with open(f'/proc/{pid}/stat', encoding='utf-8') as file:
                return file.read().split()[2] != 'Z'
        except OSError:
            return False

    def test_a_daemon_that_ends_takes_up_what_waited(self):
        self.run_with('always', 'false')
        until(lambda: self.state()['Status'] == 'restarting' and self.api.inspect('c1')['RestartCount'] >= 3, 'it waits')
        self.daemon.kill()
        self.daemon.start()
        until(lambda: self.events('start'), 'its start')
        self.docker.ok('rm', '-f', 'c1')


if __name__ == '__main__':
    unittest.main()
