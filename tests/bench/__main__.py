"""``make bench``: every figure, each beside what it is measured against. Takes about half an hour on two cores.

``python -m tests.bench relay search`` runs those alone. Each script says in its docstring what it measures.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parent
NOT_SCRIPTS = {"__main__", "http_client", "ledger_data", "page_serving", "people", "tenant"}


def scripts() -> list[Path]:
    """The measurements, by name."""
    return sorted(path for path in HERE.glob("*.py") if path.stem not in NOT_SCRIPTS)


def measure(script: Path, environ: Mapping[str, str]) -> bool:
    """Run one measurement; whether it came to its end."""
    print(f"\n== {script.stem}", flush=True)
    command = [sys.executable, "-m", f"tests.bench.{script.stem}"]
    return subprocess.run(command, cwd=HERE.parents[1], env=environ, check=False).returncode == 0


def main(wanted: list[str]) -> int:
    """Run the wanted measurements, all without names; the exit code is 1 when one of them failed."""
    chosen = [script for script in scripts() if not wanted or script.stem in wanted]
    with tempfile.TemporaryDirectory(prefix="daicho-bench-kept-") as kept:
        Path(kept).chmod(0o755)  # PostgreSQL's user walks through
        # What one measurement has loaded the next one uses: a million sealed contacts take minutes.
        environ = {"DAICHO_BENCH_DATA": kept, **os.environ}
        failed = [script.stem for script in chosen if not measure(script, environ)]
    if failed:
        print(f"\nfailed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
