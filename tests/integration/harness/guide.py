"""Documents whose commands are run: fenced blocks of Markdown as steps of one shell session.

    ```sh                commands, all in one shell that ends at the first failure
    ```text              what the block before it prints, both streams; a line "…" stands for any lines, "…" in a line for any text
    ```cpp some/file     the content of that file from here on

Other fences are refused: a document can't have a block that nobody checks.
"""
import os
import re
import subprocess

MARK = '@@step'


class Step:
    def __init__(self, line, kind, name, text):
        self.line, self.kind, self.name, self.text = line, kind, name, text
        self.expected = None


def parse(markdown):
    """The steps of a document, in order."""
    steps, block = [], None
    for number, line in enumerate(markdown.splitlines(), 1):
        if block is None:
            if line.startswith('```'):
                kind, _, name = line[3:].partition(' ')
                block = Step(number, kind, name.strip(), '')
            elif line.lstrip('> \t').startswith(('```', '~~~')):
                raise ValueError(f'line {number}: a fence that nobody sees: only ``` at the beginning of a line')
        elif line == '```':
            add(steps, block)
            block = None
        else:
            block.text += line + '\n'
    if block is not None:
        raise ValueError(f'line {block.line}: the block has no end')
    return steps


def add(steps, block):
    if block.kind == 'text':
        if not steps or steps[-1].kind != 'sh' or steps[-1].expected is not None:
            raise ValueError(f'line {block.line}: output of nothing')
        steps[-1].expected = block.text
    elif block.kind == 'sh' or block.name:
        steps.append(block)
    else:
        raise ValueError(f'line {block.line}: a block "{block.kind}" that nobody runs')


def matches(expected, printed):
    pattern = ''
    for line in expected.splitlines():
        pattern += r'(?:.*\n)*' if line == '…' else '.*'.join(map(re.escape, line.split('…'))) + r'\n'
    return re.fullmatch(pattern, printed) is not None


def run(steps, folder, environment, seconds):
    """Runs them in the folder. Raises AssertionError naming the line of the document at which it goes wrong."""
    script = ['set -euo pipefail']
    for number, step in enumerate(steps):
        script.append(f'echo {MARK} {number}')
        if step.kind == 'sh':
            script.append(step.text)
        else:
            script.append(f"mkdir -p \"$(dirname '{step.name}')\"; cat > '{step.name}' <<'{MARK}'\n{step.text}{MARK}")
    script.append(f'echo {MARK} {len(steps)}')
    # A file, not a pipe: what goes on in the background may keep it open.
    log = os.path.join(folder, 'log-of-the-guide')
    with open(log, 'w', encoding='utf-8') as out:
        status = subprocess.run(['bash', '-c', '\n'.join(script)], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                timeout=seconds, check=False).returncode
    with open(log, encoding='utf-8', errors='replace') as printed:
        parts = re.split(rf'^{MARK} \d+\n', printed.read(), flags=re.MULTILINE)[1:]
    for number, step in enumerate(steps):
        printed = parts[number] if number < len(parts) else ''
        if number + 1 >= len(parts):
            raise AssertionError(f'line {step.line}: status {status}:\n{step.text}{printed}')
        if step.expected is not None and not matches(step.expected, printed):
            raise AssertionError(f'line {step.line}: prints\n{printed}\nnot\n{step.expected}')
