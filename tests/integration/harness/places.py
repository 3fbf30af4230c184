"""Where the programs under test are: a build folder or an installed prefix; and where tests may write."""
import os
import re
import shutil
import tempfile

_BUILD = os.environ.get('DAVIT_TEST_BUILD')
_PREFIX = os.environ.get('DAVIT_TEST_PREFIX')


def program(name):
    """The path of one of davit's executables."""
    if _BUILD:
        return os.path.join(_BUILD, 'bin', name)
    folder = {'davit': 'bin', 'davitd': 'sbin'}.get(name, 'libexec/davit')
    return os.path.join(_PREFIX, folder, name)


def plugin_dir():
    return os.path.join(_BUILD, 'plugins') if _BUILD else os.path.join(_PREFIX, 'lib', 'davit', 'plugins')


def plugin_files():
    """The names of the plugins, sorted. A build tree has other things beside them."""
    return sorted(name for name in os.listdir(plugin_dir()) if name.endswith('.so'))


def test_program(name):
    """A helper that the build makes for the tests only."""
    return os.path.join(_BUILD or os.environ.get('DAVIT_TEST_HELPERS', ''), 'bin', name)


def sanitized():
    """Whether a sanitizer is built in: then programs that are static otherwise have its shared run-time."""
    try:
        with open(os.path.join(_BUILD or '', 'CMakeCache.txt'), encoding='utf-8') as cache:
            return any(re.match(r'DAVIT_SANITIZE:\w+=.', line) for line in cache)
    except OSError:
        return False


def copy_programs(folder):
    """A copy of the daemon, its helpers and its plugins, in the layout of a build tree. Returns (davitd, the plugin folder)."""
    os.makedirs(os.path.join(folder, 'bin'))
    for name in ('davitd', 'davit-shim', 'davit-init', 'davit-plugin-host', 'davit-resolver', 'davit-runtime'):
        shutil.copy(program(name), os.path.join(folder, 'bin'))
    plugins = os.path.join(folder, 'plugins')
    os.makedirs(plugins)
    for name in plugin_files():
        shutil.copy(os.path.join(plugin_dir(), name), plugins)
    return os.path.join(folder, 'bin', 'davitd'), plugins


def docker():
    """The unmodified Docker CLI."""
    found = shutil.which('docker')
    if not found:
        raise RuntimeError('the docker CLI is not installed')
    return found


def work_dir(prefix):
    """A new folder on a real disk: overlay needs one, and so does a test of a full one."""
    return tempfile.mkdtemp(prefix=f'davit-{prefix}-', dir=os.environ.get('DAVIT_TEST_DIR', '/var/tmp'))


# Deadlines are multiplied by this: emulated machines and sanitizers are slow.
SLOW = float(os.environ.get('DAVIT_TEST_SLOW', '1'))
