#!/usr/bin/env python3
"""Runs the unittest cases of the given files and ends with the line that run_tests.py counts.

usage: counting.py [-k PATTERN] FILE...      with the folder of each file, and tests/, importable
"""
import argparse
import importlib.util
import os
import sys
import time
import unittest


class Result(unittest.TextTestResult):
    """One line per case: what it is, how it went, how long it took."""

    def __init__(self, *arguments, **keywords):
        super().__init__(*arguments, **keywords)
        self.passed = 0
        self.begin = time.monotonic()  # of a class set-up, which is no case

    def startTest(self, test):
        super().startTest(test)
        self.begin = time.monotonic()

    def line(self, test, word):
        print(f'{word:<7} {time.monotonic() - self.begin:6.2f} s  {test.id()}', flush=True)

    def addSuccess(self, test):
        self.passed += 1
        self.line(test, 'ok')

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.line(test, 'FAILED')

    def addError(self, test, err):
        super().addError(test, err)
        self.line(test, 'ERROR')

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        print(f'skipped: {reason}', flush=True)


def load(path):
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    name = os.path.splitext(os.path.basename(path))[0]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('-k', action='append', default=None, help='only the cases whose name contains this')
    parser.add_argument('-f', '--failfast', action='store_true')
    parser.add_argument('files', nargs='+')
    options = parser.parse_args()
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
    loader = unittest.TestLoader()
    if options.k:
        loader.testNamePatterns = [f'*{pattern}*' for pattern in options.k]
    suite = unittest.TestSuite(loader.loadTestsFromModule(load(path)) for path in options.files)
    runner = unittest.TextTestRunner(stream=sys.stdout, resultclass=Result, verbosity=0, failfast=options.failfast)
    result = runner.run(suite)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    print(f'{result.passed} passed, {failed} failed, {len(result.skipped)} skipped')
    sys.exit(1 if failed or not (result.passed or result.skipped) else 0)


if __name__ == '__main__':
    main()
