"""The protocol files keep buf's rules and break nobody who speaks the baseline."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from daicho import contracts
from daicho.rpc import rule_of

ROOT = Path(__file__).resolve().parents[2]
PROTO = ROOT / "proto"
BASELINE = PROTO / "baseline.binpb"
PACKAGE = Path(contracts.__file__).parent
BUF = Path(sysconfig.get_path("scripts")) / "buf"


def run_buf(*arguments: str, folder: Path = PROTO) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(BUF), *arguments], cwd=folder, capture_output=True, text=True, check=False)


def breaking(folder: Path) -> subprocess.CompletedProcess[str]:
    return run_buf("breaking", "--against", str(BASELINE), folder=folder)


@pytest.fixture
def changed_protocol(tmp_path: Path) -> Path:
    """A copy of the protocol, for a test to change."""
    copy = tmp_path / "proto"
    shutil.copytree(PROTO, copy)
    return copy


def replace(file: Path, pattern: str, replacement: str) -> None:
    text, count = re.subn(pattern, replacement, file.read_text(), flags=re.MULTILINE)
    assert count == 1, f"{pattern} is in {file.name} {count} times"
    file.write_text(text)


def test_the_protocol_files_are_linted() -> None:
    result = run_buf("lint")
    assert result.returncode == 0, result.stdout


def test_the_protocol_files_are_formatted() -> None:
    result = run_buf("format", "--diff", "--exit-code")
    assert result.returncode == 0, result.stdout


def test_the_protocol_breaks_nobody_who_speaks_the_baseline() -> None:
    result = breaking(PROTO)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("file", "pattern", "replacement"),
    [
        pytest.param("bus/v1/envelope.proto", r"^  bytes payload = 9;\n", "", id="a field deleted"),
        pytest.param("bus/v1/envelope.proto", r"bytes payload = 9;", "bytes payload = 19;", id="renumbered"),
        pytest.param("bus/v1/envelope.proto", r"string traceparent", "bytes traceparent", id="retyped"),
        pytest.param("bus/v1/envelope.proto", r"string traceparent", "string trace", id="renamed"),
        pytest.param("identity/v1/identity.proto", r"returns \(stream ", "returns (", id="stream made unary"),
    ],
)
def test_the_check_sees_a_breaking_change(
    changed_protocol: Path, file: str, pattern: str, replacement: str
) -> None:
    replace(changed_protocol / "daicho" / file, pattern, replacement)
    result = breaking(changed_protocol)
    assert result.returncode == 100, result.stdout + result.stderr
    assert Path(file).name in result.stdout


def test_a_new_field_and_a_new_message_break_nobody(changed_protocol: Path) -> None:
    file = changed_protocol / "daicho" / "bus" / "v1" / "envelope.proto"
    replace(file, r"bytes payload = 9;", "bytes payload = 9;\n  string note = 10;")
    file.write_text(file.read_text() + "\nmessage Extra { string why = 1; }\n")
    result = breaking(changed_protocol)
    assert result.returncode == 0, result.stdout


def test_lint_sees_a_field_that_is_not_snake_case(changed_protocol: Path) -> None:
    file = changed_protocol / "daicho" / "bus" / "v1" / "envelope.proto"
    replace(file, r"bytes payload = 9;", "bytes payloadBytes = 9;")
    assert run_buf("lint", folder=changed_protocol).returncode == 100


def test_every_method_says_who_may_call_it() -> None:
    for module in sorted(PACKAGE.rglob("*_pb2.py")):
        name = ".".join(("daicho", "contracts", *module.relative_to(PACKAGE).with_suffix("").parts))
        for service in importlib.import_module(name).DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                assert rule_of(f"/{service.full_name}/{method.name}").callers, method.full_name
