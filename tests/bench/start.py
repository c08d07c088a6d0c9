"""How long `make run` takes and how much memory everything holds: `python -m tests.bench.start`.

Starts the whole product on a fresh folder once, until its demo company is filled (not counted), then three times
more, each until the gateway's /readyz says 200 and the demo's owner is signed in. Prints the median of these second
starts against the bar (8 s), with the processor time that they took and the load average: on a machine that is
busy with other things the seconds are not honest, the processor time is. Then the memory of all processes, shared
pages counted once (PSS), against 700 MiB; and the floor: a bare PostgreSQL, started and asked once.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import httpx
import psutil

from daicho.local.servers import PostgresServer, free_port

BAR_SECONDS, BAR_MEMORY = 8.0, 700
SECOND_STARTS = 3
FIRST_WITHIN, SECOND_WITHIN = 600.0, 120.0


@dataclass(frozen=True)
class Start:
    """What one start took, in seconds of the clock and of the processors, and what it then holds, in MiB."""

    seconds: float
    processor: float
    memory: float


def start(data: Path, within: float) -> Start:
    """Start the product on ``data``, until its demo's owner is signed in; look at it, and stop it as Ctrl-C does."""
    port, began = free_port(), perf_counter()
    with _running(data, port) as product, httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        _wait(product, lambda: _signed_in(client, data / "demo.json"), within)
        seconds = perf_counter() - began
        return Start(seconds, *_look(product))


@contextlib.contextmanager
def _running(data: Path, port: int) -> Iterator[psutil.Popen]:
    product = psutil.Popen(
        [sys.executable, "-m", "daicho.local", "run", "--port", str(port), "--data", str(data)],
        stdout=subprocess.DEVNULL,
        env=os.environ | {"DEMO": "1"},
    )
    try:
        yield product
    finally:
        product.send_signal(signal.SIGINT)
        product.wait(60)


def _wait(product: psutil.Popen, done: Callable[[], bool], within: float) -> None:
    deadline = time.monotonic() + within
    while not done():
        if product.poll() is not None or time.monotonic() > deadline:
            raise SystemExit("the product did not start")
        time.sleep(0.02)


def _signed_in(client: httpx.Client, demo: Path) -> bool:
    """Whether everything is ready and the demo's owner gets a session."""
    try:
        if not demo.exists() or client.get("/readyz").status_code != 200:
            return False
        account = json.loads(demo.read_text(encoding="utf-8"))
        return client.post("/v1/sessions", json=account).status_code == 201
    except (httpx.TransportError, ValueError):  # not open yet; demo.json is being written
        return False


def _look(product: psutil.Popen) -> tuple[float, float]:
    """Processor seconds so far, those of processes that ended included, and MiB of memory."""
    processor = memory = 0.0
    for process in [product, *product.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):  # a connection's backend that just ended
            processor += sum(process.cpu_times()[:4])
            memory += process.memory_full_info().pss / 2**20
    return processor, memory


def floor(folder: Path) -> float:
    """Seconds that a second start of PostgreSQL alone takes."""
    server = PostgresServer(folder, port=free_port(), password="bench")
    server.initialise()
    took = []
    for _ in range(1 + SECOND_STARTS):
        began = perf_counter()
        server.start()
        server.wait_until_ready()
        took.append(perf_counter() - began)
        server.stop()
    return statistics.median(took[1:])


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory(prefix="daicho-start-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        first = start(Path(folder) / "data", FIRST_WITHIN)
        later = [start(Path(folder) / "data", SECOND_WITHIN) for _ in range(SECOND_STARTS)]
        load, bare = os.getloadavg()[0], floor(Path(folder) / "bare")
    seconds = statistics.median(each.seconds for each in later)
    processor = statistics.median(each.processor for each in later)
    memory = statistics.median(each.memory for each in later)
    print(f"first start, demo filled: {first.seconds:.1f} s, {first.processor:.1f} s of processor time")
    print(
        f"second start, until signed in: {seconds:.1f} s (bar {BAR_SECONDS:.0f} s), {processor:.1f} s of processor "
        f"time, load average {load:.1f} on {os.cpu_count()} cores"
    )
    print(f"PostgreSQL alone: {bare:.2f} s: ×{seconds / bare:.1f}")
    print(f"memory: {memory:.0f} MiB PSS (bar {BAR_MEMORY} MiB)")


if __name__ == "__main__":
    main()
