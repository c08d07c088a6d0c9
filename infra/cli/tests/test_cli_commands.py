"""The command finds the commands of the libraries and services."""

from __future__ import annotations

import subprocess
import sysconfig
from pathlib import Path

import pytest

SAMPLES = Path(__file__).resolve().parents[3] / "services" / "audit" / "tests" / "data"


def daicho(*words: str) -> subprocess.CompletedProcess[str]:
    """The installed command, as somebody types it; without any setting."""
    command = Path(sysconfig.get_paths()["scripts"]) / "daicho"
    return subprocess.run([command, *words], capture_output=True, text=True, check=False, env={})


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("audit", "verify", "/nowhere"), 2, "cannot read"),
        (("events", "lag", "--group", "g", "--topic", "t"), 2, "DAICHO_BUS_URL"),
        ((), 2, "usage: daicho"),
        (("audit", "mend"), 2, "usage: daicho"),
    ],
)
def test_a_command_leads_to_whose_it_is(words, status, said) -> None:
    done = daicho(*words)
    assert done.returncode == status
    assert said in done.stdout + done.stderr


def test_a_log_is_verified_without_any_setting() -> None:
    sample = next(iter(sorted(SAMPLES.glob("*.jsonl"))))
    assert daicho("audit", "verify", str(sample)).stdout.count("verified:") == 1
