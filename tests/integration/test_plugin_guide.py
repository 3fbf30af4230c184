"""docs/plugin-guide.md: each of its commands, from an installation, prints what it says."""
import glob
import os
import shutil
import subprocess
import unittest

from harness import guide, leaks, places
from harness.leaks import Snapshot

DOCUMENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'docs', 'plugin-guide.md')
BUILD = os.environ.get('DAVIT_TEST_BUILD', '')


class ParserTest(unittest.TestCase):
    """The check itself can fail."""

    def run_text(self, text):
        folder = places.work_dir('guide')
        self.addCleanup(shutil.rmtree, folder)
        guide.run(guide.parse(text), folder, dict(os.environ), 60)

    def fails(self, text, *words):
        with self.assertRaises((AssertionError, ValueError)) as failure:
            self.run_text(text)
        for word in words:
            self.assertIn(word, str(failure.exception))

    def test_what_is_right(self):
        self.run_text('# t\n```sh\nX=1\necho a; echo b; echo c >&2\n```\n```text\n…\nc\n```\n\n```txt d/f\nhello\n```\n'
                      '```sh\ncat d/f; echo $X is\n```\n```text\nhe…o\n1 is\n```\n')

    def test_what_is_wrong(self):
        self.fails('```sh\ntrue\n```\n\n```sh\nfalse\necho not here\n```\n', 'line 5', 'status 1', 'false')
        self.fails('```sh\nfalse | cat\n```\n', 'line 1')
        self.fails('```sh\necho a\n```\n```text\nb\n```\n', 'line 1: prints\na', 'not\nb')
        self.fails('```sh\necho a; echo b\n```\n```text\na\n```\n', 'prints')
        self.fails('```sh\nexit 0\n```\n```sh\necho never\n```\n', 'line 1')
        self.fails('```python\nx\n```\n', 'that nobody runs')
        self.fails('```text\nx\n```\n', 'output of nothing')
        self.fails('```sh\ntrue\n', 'has no end')
        for hidden in ('  ```sh\n  false\n  ```\n', '~~~sh\nfalse\n~~~\n', '> ```sh\n> false\n> ```\n'):
            self.fails('text\n' + hidden, 'line 2', 'nobody sees')


@unittest.skipUnless(BUILD, 'needs a build folder')
class GuideTest(unittest.TestCase):
    def test_the_guide(self):
        folder, stage = places.work_dir('guide'), places.work_dir('stage')
        for made in (folder, stage):
            self.addCleanup(shutil.rmtree, made, True)
        subprocess.run(['cmake', '--install', BUILD, '--prefix', stage], check=True, stdout=subprocess.DEVNULL)
        before = Snapshot()
        self.addCleanup(self.remove_cgroups)
        with open(DOCUMENT, encoding='utf-8') as file:
            steps = guide.parse(file.read())
        self.assertGreater(len(steps), 8)
        environment = {'PATH': f'{stage}/bin:{stage}/sbin:' + os.environ['PATH'], 'CMAKE_PREFIX_PATH': stage, 'LC_ALL': 'C.UTF-8', 'HOME': folder}
        guide.run(steps, folder, environment, 600 * places.SLOW)
        leaks.assert_none(before)

    @staticmethod
    def remove_cgroups():
        """The daemon's own parent stays, as Docker's does."""
        for path in sorted(glob.glob('/sys/fs/cgroup/**/quota-guide', recursive=True), reverse=True):
            for top, _, _ in os.walk(path, topdown=False):
                os.rmdir(top)


if __name__ == '__main__':
    unittest.main()
