"""The sample files with known answers, which stand beside the repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data"


def sample(name: str) -> bytes:
    """The bytes of a sample file; skips, saying so, where the files are not."""
    file = FOLDER / name
    if not file.exists():
        pytest.skip(f"LACKING: the sample file {name} (expected in ../shared/data beside the repository)")
    return file.read_bytes()


def expected(name: str) -> Any:
    """The known answers for a sample file."""
    return json.loads(sample(name))
