"""Running a command line client against a daemon: plain, in the background, or on a terminal."""
import os
import pty
import select
import signal
import struct
import subprocess
import fcntl
import termios
import time

from harness import places


class Cli:
    """`docker` or `davit` with the daemon's socket. Both take the same arguments: that is what is tested."""

    def __init__(self, program, host, home):
        self.program, self.host = program, host
        self.environment = {**os.environ, 'DOCKER_CONFIG': os.path.join(home, 'client'), 'DOCKER_HOST': host, 'LC_ALL': 'C.UTF-8'}

    def command(self, *arguments):
        return [self.program, *map(str, arguments)]

    def run(self, *arguments, input=None, timeout=60, check=None):
        """The finished process with bytes in stdout and stderr. With `check`, another exit status than this is a failure."""
        # An empty stdin, and never the tests' own.
        result = subprocess.run(self.command(*arguments), input=b'' if input is None else input, capture_output=True,
                                timeout=timeout * places.SLOW, env=self.environment)
        if check is not None and result.returncode != check:
            raise AssertionError(f'{" ".join(self.command(*arguments))}: exit status {result.returncode}, not {check}\n'
                                 f'stdout: {result.stdout[-2000:].decode(errors="replace")}\n'
                                 f'stderr: {result.stderr[-2000:].decode(errors="replace")}')
        return result

    def ok(self, *arguments, **keywords):
        """Standard output as text, without the newline at its end; the command must succeed."""
        return self.run(*arguments, check=0, **keywords).stdout.decode().rstrip('\n')

    def fails(self, *arguments, status=1, **keywords):
        """Standard error as text; the command must end with `status`."""
        return self.run(*arguments, check=status, **keywords).stderr.decode()

    def spawn(self, *arguments, **keywords):
        keywords = {'stdin': subprocess.PIPE, 'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, **keywords}
        return subprocess.Popen(self.command(*arguments), env=self.environment, **keywords)

    def terminal(self, *arguments, rows=24, columns=80):
        return Terminal(self.command(*arguments), self.environment, rows, columns)


class Terminal:
    """A client on a pseudo terminal, as a person has it."""

    def __init__(self, command, environment, rows, columns):
        self.master, slave = pty.openpty()
        self.resize(rows, columns)
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        self.output = ''

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
        if hasattr(self, 'process'):
            self.process.send_signal(signal.SIGWINCH)

    def send(self, text):
        os.write(self.master, text.encode())

    def _read(self, timeout):
        ready, _, _ = select.select([self.master], [], [], timeout)
        if not ready:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: the other side is closed
            return False
        self.output += data.decode(errors='replace')
        return bool(data)

    def expect(self, text, seconds=10):
        """Reads until `text` came; what came before it, and it, is taken from the output and returned."""
        deadline = time.monotonic() + seconds * places.SLOW
        while text not in self.output:
            if time.monotonic() > deadline or not self._read(0.1):
                if text in self.output:
                    break
                raise AssertionError(f'{text!r} did not come on the terminal: {self.output!r}')
        end = self.output.index(text) + len(text)
        taken, self.output = self.output[:end], self.output[end:]
        return taken

    def shows(self, text, seconds=0.3):
        """Whether `text` has come by then; takes nothing."""
        deadline = time.monotonic() + seconds
        while text not in self.output and time.monotonic() < deadline and self._read(0.05):
            pass
        return text in self.output

    def wait(self, seconds=10):
        """The exit status; reads on so that the client never blocks on a full terminal."""
        deadline = time.monotonic() + seconds * places.SLOW
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                raise AssertionError(f'the client did not end: {self.output!r}')
            if not self._read(0.05):
                time.sleep(0.01)
        while select.select([self.master], [], [], 0)[0] and self._read(0):
            pass
        return self.process.returncode
