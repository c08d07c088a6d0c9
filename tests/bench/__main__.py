"""``make bench``: every figure, each beside what it is measured against. Takes about half an hour on two cores.

``python -m tests.bench relay search`` runs those alone. Each script says in its docstring what it measures.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
NOT_SCRIPTS = {"__main__", "ledger_data", "page_serving", "people", "tenant"}


def scripts() -> list[Path]:
    """The measurements, by name."""
    return sorted(path for path in HERE.glob("*.py") if path.stem not in NOT_SCRIPTS)


def main(wanted: list[str]) -> int:
    """Run the wanted measurements, all without names; the exit code is 1 when one of them failed."""
    failed = []
    for script in scripts():
        if wanted and script.stem not in wanted:
            continue
        print(f"\n== {script.stem}", flush=True)
        if subprocess.run(
            [sys.executable, "-m", f"tests.bench.{script.stem}"], cwd=HERE.parents[1], check=False
        ).returncode:
            failed.append(script.stem)
    if failed:
        print(f"\nfailed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
