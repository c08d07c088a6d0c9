"""Ends what the supervisor started, when the supervisor itself was killed.

Run as ``python -I -S watchdog.py``: standard library only, for it lives beside everything else. It reads
process ids from its standard input, one a line: ``+123`` starts the watch over a process, ``-123`` ends it. When
the input ends, whatever is still watched is asked to stop, and killed when it does not. On Linux the kernel asks
first (PR_SET_PDEATHSIG); this holds everywhere.
"""

import os
import signal
import sys
import time

PATIENCE = 10.0
STEP = 0.05


def watch() -> None:
    """Follow the supervisor's lines to their end, then end what is left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    watched: list[int] = []
    for line in sys.stdin:
        pid = int(line[1:])
        if line.startswith("+"):
            watched.append(pid)
        elif pid in watched:
            watched.remove(pid)
    end(watched)


def end(watched: list[int]) -> None:
    """Ask, wait, kill. Servers before those that they use: in the reverse order of their start."""
    for pid in reversed(watched):
        send(pid, signal.SIGINT)
    deadline = time.monotonic() + PATIENCE
    while any(send(pid, 0) for pid in watched) and time.monotonic() < deadline:
        time.sleep(STEP)
    for pid in watched:
        send(pid, signal.SIGKILL)


def send(pid: int, number: int) -> bool:
    """Whether the process was there to be told."""
    try:
        os.kill(pid, number)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    watch()
