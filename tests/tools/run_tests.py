#!/usr/bin/env python3
"""Runs every test that ctest knows of a build folder and counts the cases inside them.

A Boost.Test binary counts as many tests as its report says it has cases; a Python suite as many as its own last line says;
any other ctest entry counts as one. An entry that fails counts at least one failure, whatever it printed. The last line is
"N passed, N failed, N skipped"; the exit status is 0 only when something passed and nothing failed.
"""
import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

BOOST_REPORT = re.compile(r'^\s*(\d+) test cases? out of \d+ (passed|failed|skipped)$', re.M)
SUITE_REPORT = re.compile(r'^(\d+) passed, (\d+) failed, (\d+) skipped$', re.M)
SKIP_REASON = re.compile(r'^skipped?:? (.*)$', re.M | re.I)


class Count:
    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        return f'{self.passed} passed, {self.failed} failed, {self.skipped} skipped'


def count_output(text):
    """What a test's own report says, or None when it has none."""
    suite = SUITE_REPORT.findall(text)
    if suite:
        return Count(*(int(n) for n in suite[-1]))
    boost = BOOST_REPORT.findall(text)
    if not boost:
        return None
    count = Count()
    for number, state in boost:
        if state == 'passed':
            count.passed += int(number)
        elif state == 'skipped':
            count.skipped += int(number)
        else:
            count.failed += int(number)
    return count


def count_entry(entry):
    status = entry.get('status')
    output = entry.findtext('system-out') or ''
    if status == 'run':
        return count_output(output) or Count(passed=1)
    if status in ('notrun', 'disabled') and not entry.find('failure'):
        return count_output(output) or Count(skipped=1)
    count = count_output(output) or Count()
    if count.failed == 0:
        count.failed = 1
    return count


def run_ctest(build, arguments, report):
    environment = dict(os.environ, BOOST_TEST_REPORT_LEVEL='short', BOOST_TEST_COLOR_OUTPUT='no')
    command = ['ctest', '--test-dir', build, '--output-junit', report, '--timeout', '600', '-j', str(os.cpu_count() or 1),
               '--test-output-size-passed', '4000000', '--test-output-size-failed', '4000000', '--output-on-failure']
    return subprocess.run(command + arguments, env=environment).returncode


def main():
    if len(sys.argv) < 2:
        sys.exit('usage: run_tests.py BUILD_DIR [CTEST_ARGUMENT...]')
    build = os.path.abspath(sys.argv[1])
    report = os.path.join(build, 'tests.xml')
    if os.path.exists(report):
        os.unlink(report)
    begin = time.monotonic()
    status = run_ctest(build, sys.argv[2:], report)
    total = Count()
    entries = ElementTree.parse(report).getroot().findall('testcase') if os.path.exists(report) else []
    print()
    for entry in entries:
        count = count_entry(entry)
        total.add(count)
        note = ''
        if count.skipped:
            reasons = SKIP_REASON.findall(entry.findtext('system-out') or '')
            note = '   skipped: ' + '; '.join(dict.fromkeys(reasons)) if reasons else ''
        print(f'{entry.get("name"):<40} {count}  {float(entry.get("time") or 0):.1f} s{note}')
    if status != 0 and total.failed == 0:
        total.failed = 1  # ctest itself failed: no report, or a test it could not even begin
    print(f'{len(entries)} suites, {time.monotonic() - begin:.0f} s')
    print(total)
    sys.exit(1 if total.failed or not total.passed else 0)


if __name__ == '__main__':
    main()
