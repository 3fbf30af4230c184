#!/usr/bin/env python3
"""Checks the architecture of docs/architecture.md from the #include lines.

usage: check.py [ROOT]          print every violation; exit status 1 when there is one
       check.py --warn [ROOT]   also list the files that are longer than they should be
"""
import os
import re
import sys

# Lower layers first. A folder may include folders of lower lines, and itself; never one of its own line or above.
LAYERS = [
    ['base'],
    ['driver'],
    ['sdk', 'archive', 'http', 'linux'],
    ['oci', 'resolver', 'state'],
    ['plugin', 'image', 'network', 'volume', 'runtime'],
    ['builder', 'managed'],
    ['engine'],
    ['api'],
    ['app'],
]
RANK = {folder: rank for rank, line in enumerate(LAYERS) for folder in line}
# Folders that may use less than their height allows.
ONLY = {
    'sdk': {'base', 'driver'},
    'cli': {'base', 'http'},
    'plugins': {'base', 'driver', 'linux', 'archive', 'sdk'},
    # Programs and libraries that stand beside davitd: they load and serve drivers.
    'sdk/host': {'base', 'driver', 'http', 'linux', 'archive', 'sdk', 'plugin'},
    'sdk/conformance': {'base', 'driver', 'http', 'linux', 'archive', 'sdk', 'plugin'},
}
# Below plugins/: what several drivers are made of, and no driver itself.
SHARED = ('plugins/network/common/', 'plugins/network/parent_link/')
POCO_ALLOWED = re.compile(r'^core/(http/tls[^/]*|api/.*|plugin/.*|app/.*)$')
RAPIDJSON_ALLOWED = re.compile(r'^(core/base/json[^/]*\.cpp|sdk/.*)$')
# "host", "bridge" and "local" are also words of Docker's API (modes, a scope), so a comparison with them proves nothing.
AMBIGUOUS_NAMES = {'host', 'bridge', 'local'}
MAX_LINES = 800
WARN_LINES = 400

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)
COMPARISON = r'(?:[!=]=\s*"(?:{0})"|"(?:{0})"\s*[!=]=|case\s+"(?:{0})")'
SUFFIXES = ('.hpp', '.cpp', '.h', '.c')


class Tree:
    """The project's own C and C++ files, with their includes resolved to files of the tree where they are one."""

    def __init__(self, root):
        self.root = root
        self.text = {}
        for top in ('core', 'sdk', 'plugins', 'tests'):
            for directory, _, names in os.walk(os.path.join(root, top)):
                for name in names:
                    if name.endswith(SUFFIXES):
                        path = os.path.relpath(os.path.join(directory, name), root)
                        with open(os.path.join(root, path), encoding='utf-8') as file:
                            self.text[path] = file.read()
        self.includes = {path: INCLUDE.findall(text) for path, text in self.text.items()}
        self.edges = {path: [t for t in (self.resolve(path, i) for i in names) if t] for path, names in self.includes.items()}

    def resolve(self, path, include):
        beside = os.path.normpath(os.path.join(os.path.dirname(path), include))
        for candidate in (beside, 'core/' + include, 'sdk/include/' + include, 'sdk/' + include,
                          'plugins/network/' + include):
            if candidate in self.text:
                return candidate
        return None

    def product_files(self):
        """Everything that ships: not the tests, and not the SDK's templates, which are built against an installed SDK."""
        return [p for p in sorted(self.text) if not p.startswith(('tests/', 'sdk/template/'))]


def folder_of(path):
    parts = path.split('/')
    if '/'.join(parts[:2]) in ONLY:
        return '/'.join(parts[:2])
    return parts[1] if parts[0] == 'core' else parts[0]


def allowed(source, target):
    """Whether a file of folder `source` may include one of folder `target`."""
    if source == target or source == 'app':
        return True
    if source in ONLY:
        return target in ONLY[source]
    return target in RANK and RANK[target] < RANK[source]


def check_arrows(tree):
    for path in tree.product_files():
        source = folder_of(path)
        if source not in RANK and source not in ONLY:
            yield f'{path}: folder {source} has no place in the layers'
            continue
        for target in tree.edges[path]:
            if target.startswith('tests/'):
                yield f'{path}: includes {target}, a test'
            elif not allowed(source, folder_of(target)):
                yield f'{path}: includes {target}: {source} may not use {folder_of(target)}'
            elif (source == 'plugins' and target.startswith('plugins/') and target.split('/')[:3] != path.split('/')[:3]
                  and not target.startswith(SHARED)):
                yield f'{path}: includes {target}, of another plugin'


def check_cycles(tree):
    done, on_path = set(), []

    def visit(path):
        if path in done:
            return None
        if path in on_path:
            return on_path[on_path.index(path):] + [path]
        on_path.append(path)
        for target in tree.edges[path]:
            cycle = visit(target)
            if cycle:
                return cycle
        on_path.pop()
        done.add(path)
        return None

    for path in sorted(tree.text):
        on_path.clear()
        cycle = visit(path)
        if cycle:
            yield 'includes go in a circle: ' + ' -> '.join(cycle)
            return


def check_libraries(tree):
    for path in tree.product_files():
        for include in tree.includes[path]:
            if include.startswith('Poco/') and not POCO_ALLOWED.match(path):
                yield f'{path}: includes {include}: Poco belongs to http/tls, api, plugin and app'
            if include.startswith('rapidjson/') and not RAPIDJSON_ALLOWED.match(path):
                yield f'{path}: includes {include}: RapidJSON belongs to base/json*.cpp and the SDK'
            if path.startswith('core/driver/') and '/' in include and not include.startswith(('base/', 'driver/', 'sys/')):
                yield f'{path}: includes {include}: core/driver is free of third-party headers'


def driver_names(tree):
    names = {p.split('/')[2] for p in tree.text if p.startswith('plugins/') and p.count('/') >= 3 and not p.startswith(SHARED)}
    return names - AMBIGUOUS_NAMES


def check_names(tree):
    names = driver_names(tree)
    if not names:
        return
    comparison = re.compile(COMPARISON.format('|'.join(map(re.escape, sorted(names)))))
    for path in tree.product_files():
        if path.startswith('core/') and not path.startswith('core/app/'):
            for number, line in enumerate(tree.text[path].splitlines(), 1):
                if comparison.search(line):
                    yield f'{path}:{number}: compares a driver\'s name; ask for its capabilities instead'


def check_files(tree):
    for path, text in sorted(tree.text.items()):
        lines = text.count('\n')
        if lines > MAX_LINES:
            yield f'{path}: {lines} lines, the limit is {MAX_LINES}'
        if path.endswith('.hpp') and '#pragma once' not in text:
            yield f'{path}: no #pragma once'


CHECKS = [check_arrows, check_cycles, check_libraries, check_names, check_files]


def violations(root):
    tree = Tree(root)
    return tree, [problem for check in CHECKS for problem in check(tree)]


def main():
    arguments = [a for a in sys.argv[1:] if a != '--warn']
    root = arguments[0] if arguments else os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
    tree, problems = violations(root)
    if '--warn' in sys.argv:
        for path, text in sorted(tree.text.items()):
            if text.count('\n') > WARN_LINES:
                print(f'warning: {path}: {text.count(chr(10))} lines, think at {WARN_LINES}')
    for problem in problems:
        print(problem)
    print(f'{len(tree.text)} files, {sum(map(len, tree.edges.values()))} includes, {len(problems)} violations')
    sys.exit(1 if problems or not tree.text else 0)


if __name__ == '__main__':
    main()
