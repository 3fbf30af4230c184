"""Waiting with a deadline, never with a bare sleep."""
import time

from harness.places import SLOW


def until(condition, what, seconds=10.0, every=0.02):
    """Calls `condition` until it returns something true, which is returned; fails with `what` when the time is over."""
    deadline = time.monotonic() + seconds * SLOW
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f'{what}: not within {seconds * SLOW:g} s')
        time.sleep(every)
