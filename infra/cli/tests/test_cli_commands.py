"""The command finds the commands of the libraries and services."""

from __future__ import annotations

import json
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


def test_beside_a_run_a_command_takes_the_settings_of_its_service(tmp_path) -> None:
    away = {"DAICHO_BUS_URL": "postgresql://nobody@127.0.0.1:1/bus"}
    told = {"audit": away, "customers": {"DAICHO_DATABASE_URL": "x"}, "identity": {}}
    (tmp_path / "settings.json").write_text(json.dumps(told))
    data = ("--data", str(tmp_path))
    lag = daicho(*data, "events", "lag", "--group", "g", "--topic", "t")
    assert "bus cannot be reached" in lag.stdout
    tenant = ("--tenant", "019abf4e-7a00-7123-8d13-51e2a0c4b601")
    keys = daicho(*data, "keys", "rotate", "--service=customers", *tenant)
    assert keys.stdout.startswith("DAICHO_VAULT_ADDR")
    assert daicho(*data, "keys", "rotate-signing").stdout.startswith("DAICHO_DATABASE_URL")


@pytest.mark.parametrize("data", [(), ("/nowhere",)])
def test_a_folder_without_a_run_is_named_with_the_way_out(data) -> None:
    done = daicho("--data", *data, *(["events", "lag"] if data else []))
    assert done.returncode == 2
    assert "folder" in done.stderr


def test_a_log_is_verified_without_any_setting() -> None:
    sample = next(iter(sorted(SAMPLES.glob("*.jsonl"))))
    # The file alone vouches for itself, so the command reads it whole and proves nothing.
    assert daicho("audit", "verify", str(sample)).stdout.count("NOT PROVEN") == 1
