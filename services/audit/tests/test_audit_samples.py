"""Files that left the house once must verify for ever: samples of the first format, never written anew."""

from __future__ import annotations

from pathlib import Path

from daicho.audit.notes import Verifier
from daicho.audit.verify import verify

DATA = Path(__file__).parent / "data"
KEY = Verifier.parse(
    "daicho/audit/01890a5d-ac96-774b-bcce-b302099a8057+09904a78+AXEiTadwGkd4IhSIzVkJvAClhO+qJYhiais4F6H1BWXA"
)
ROOT = "b27992b8d1d190e122e8ad38ac98e1dc92f661fd57b80bd25a760f0cadca957c"


def test_the_first_export_still_verifies() -> None:
    with (DATA / "export-v1.jsonl").open("rb") as lines:
        report = verify(lines, key=KEY)
    assert report.finding is None
    assert report.checkpoint is not None
    assert report.checkpoint.root.hex() == ROOT
    assert (report.entries, report.erased) == (20, 2)


def test_the_first_proof_still_verifies() -> None:
    report = verify([(DATA / "proof-v1.json").read_bytes()], key=KEY)
    assert report.finding is None
    assert report.entries == 1
