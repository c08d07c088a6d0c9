"""The job types of an import, and which of them a file goes to.

Large imports have places of their own, so that a small one never waits for the end of a large one. A check whose
file turns out to be large (an xlsx is packed) goes on as a large one from where it stands.
"""

from __future__ import annotations

from typing import Final

from daicho.customers.imports.model import Import

CHECK: Final = "import.check"
RUN: Final = "import.run"
LARGE: Final = "import.large"
"""Checks or runs a large import, whichever its state asks for."""
LARGE_BYTES: Final = 1_000_000
"""Size of a file from which on it is large before its rows are known."""
LARGE_ROWS: Final = 5_000


def check_job(found: Import) -> str:
    """The job type that checks ``found``."""
    return LARGE if found.file_size >= LARGE_BYTES else CHECK


def run_job(found: Import) -> str:
    """The job type that runs ``found``, whose rows the check has counted."""
    return LARGE if found.rows > LARGE_ROWS else RUN
