"""How long `make run` takes and how much memory everything holds: `python tests/bench/start.py`.

Starts the product on a fresh folder once (not counted), then three times more; prints the median of the second
starts against the bar (8 s) and the memory of all processes, shared pages counted once (PSS), against 700 MiB.
Beside them the floor: a bare PostgreSQL of the same settings, started and asked once.
"""

from __future__ import annotations

import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import psutil

from daicho.local.servers import PostgresServer, free_port

BAR_SECONDS, BAR_MEMORY = 8.0, 700


def start(folder: Path) -> tuple[subprocess.Popen[str], float]:
    """A running product and the seconds until it said that it is ready."""
    began = perf_counter()
    product = subprocess.Popen(
        [sys.executable, "-m", "daicho.local", "run", "--port", str(free_port()), "--data", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"DEMO": "0"},
    )
    assert product.stdout is not None
    for line in product.stdout:
        if re.search(r"Ctrl-C", line):
            return product, perf_counter() - began
    raise SystemExit("the product did not start")


def stop(product: subprocess.Popen[str]) -> None:
    """As Ctrl-C does."""
    product.send_signal(signal.SIGINT)
    product.wait(60)


def memory(product: subprocess.Popen[str]) -> float:
    """MiB of the product's processes, PSS."""
    tree = [psutil.Process(product.pid), *psutil.Process(product.pid).children(recursive=True)]
    return sum(process.memory_full_info().pss for process in tree) / 2**20


def floor(folder: Path) -> float:
    """Seconds that a second start of PostgreSQL alone takes."""
    server = PostgresServer(folder, port=free_port(), password="bench")
    server.initialise()
    took = []
    for _ in range(4):
        began = perf_counter()
        server.start()
        server.wait_until_ready()
        took.append(perf_counter() - began)
        server.stop()
    return statistics.median(took[1:])


def main() -> None:
    """Print both figures."""
    with tempfile.TemporaryDirectory(prefix="daicho-start-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        times, sizes = [], []
        for _ in range(4):
            product, seconds = start(Path(folder) / "data")
            times.append(seconds)
            sizes.append(memory(product))
            stop(product)
        second, bare = statistics.median(times[1:]), floor(Path(folder) / "bare")
    print(f"first start {times[0]:.1f} s")
    print(
        f"second start {second:.1f} s (bar {BAR_SECONDS:.0f} s); PostgreSQL alone {bare:.1f} s: ×{second / bare:.1f}"
    )
    print(f"memory {statistics.median(sizes[1:]):.0f} MiB PSS (bar {BAR_MEMORY} MiB)")


if __name__ == "__main__":
    main()
