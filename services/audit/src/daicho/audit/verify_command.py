"""The command line of the verifier: ``daicho audit verify FILE``.

It needs no network, no database and no setting: the file, and what vouches for it from elsewhere. It says of the
key and of each checkpoint where it came from. A file that is vouched for by itself alone is not proven: whoever
can write to the database can make one.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, TextIO

from daicho.audit.cosignatures import Witness, find_cosignature
from daicho.audit.notes import LARGEST, Checkpoint, NoteInvalid, Verifier, split_note
from daicho.audit.strict_json import read_lines
from daicho.audit.verify import Report, verify

STANDS, BAD, UNUSABLE, UNPROVEN = 0, 1, 2, 3

_UNPROVEN: Final = (
    "NOT PROVEN: key and checkpoint are the file's own, and whoever can write to the database can make such a file.",
    "Give --key (GET /v1/audit/key, or daicho audit anchor), and --checkpoint with one that was kept elsewhere.",
)
_NO_PAST: Final = (
    "compared with no earlier checkpoint: a log that was cut back since then looks like this as well"
)


@dataclass(frozen=True, slots=True)
class _Given:
    """Evidence for the file from elsewhere; ``kept`` are (name of the file, note)."""

    key: Verifier | None
    kept: Sequence[tuple[str, str]]
    witness: Witness | None


def run(arguments: Sequence[str], out: TextIO = sys.stdout) -> int:
    """Verify as ``arguments`` say and write the outcome to ``out``.

    Answers 0 when the log stands, 1 when it does not, 2 when it could not be looked at, and 3 when the file agrees
    with itself and no key, kept checkpoint or witness from elsewhere vouches for it.
    """
    chosen = _parser().parse_args(arguments)
    try:
        given = _Given(
            None if chosen.key is None else Verifier.parse(chosen.key),
            [(name, _read_note(Path(name))) for name in chosen.checkpoint],
            None if chosen.witness is None else Witness.parse(chosen.witness),
        )
        with Path(chosen.file).open("rb") as file:
            report = verify(read_lines(file), key=given.key, kept=[note for _, note in given.kept])
    except NoteInvalid as error:
        out.write(f"--key or --witness does not read: {error}\n")
        return UNUSABLE
    except (OSError, ValueError) as error:
        out.write(f"cannot read: {error}\n")
        return UNUSABLE
    status, lines = _outcome(report, given)
    out.writelines(f"{_printable(line)}\n" for line in lines)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="daicho audit verify",
        description="Verify an export or a proof of an audit log, offline.",
        epilog="Ends with 0: stands; 1: does not; 2: could not look; 3: agrees with itself, and nothing vouches for it.",
    )
    parser.add_argument("file", metavar="FILE", help="the export (JSON lines) or the proof (JSON)")
    parser.add_argument("--key", help="the log's key as text, from a place that is not the file")
    parser.add_argument(
        "--checkpoint",
        action="append",
        default=[],
        metavar="NOTE",
        help="a file with a signed checkpoint of this log, kept from earlier; may be given many times",
    )
    parser.add_argument(
        "--witness",
        metavar="KEY",
        help="the key of a witness that must have cosigned the file's or a kept checkpoint",
    )
    return parser


def _outcome(report: Report, given: _Given) -> tuple[int, list[str]]:
    lines = _sources(report, given)
    if report.finding is not None:
        place = "the file" if report.finding.sequence is None else f"entry {report.finding.sequence}"
        return BAD, [*lines, f"BAD: {place}: {report.finding.problem}: {report.finding.detail}"]
    cosigned = None
    if given.witness is not None:
        try:
            cosigned = _cosigned(report, given, given.witness)
        except NoteInvalid as error:
            return BAD, [*lines, f"BAD: the file: cosignature: {error}"]
        if cosigned is None:
            return BAD, [
                *lines,
                f"BAD: the file: cosignature: {given.witness.name} has cosigned no checkpoint here",
            ]
        size, time = cosigned
        lines.append(f"witness: {given.witness.name} cosigned {size} entries at {time.isoformat()}")
    compared = len(given.kept) > len(report.uncompared)
    if not (report.key_trusted or compared or cosigned):
        return UNPROVEN, [*lines, f"agrees with itself: {_entries(report)}", *_UNPROVEN]
    if not (compared or cosigned):
        lines.append(_NO_PAST)
    return STANDS, [*lines, f"verified: {_entries(report)}"]


def _sources(report: Report, given: _Given) -> list[str]:
    """The log's tenant, and where key and checkpoints came from."""
    lines = []
    if report.tenant_id is not None:
        lines.append(f"tenant: {report.tenant_id}")
    if report.checkpoint is not None:
        size, root = report.checkpoint.size, report.checkpoint.root.hex()
        lines.append(f"checkpoint, from the file: {size} entries, root {root}")
    if report.key:
        lines.append(f"key, {'as given' if report.key_trusted else 'from the file itself'}: {report.key}")
    for name, note in given.kept if report.finding is None else ():
        size = _size_of(note)
        compared = size not in report.uncompared
        lines.append(
            f"{'compared' if compared else 'not compared'} with the checkpoint of {size} entries in {name}"
            + ("" if compared else ": a proof leads to one checkpoint, an export to each")
        )
    return lines


def _cosigned(report: Report, given: _Given, witness: Witness) -> tuple[int, datetime] | None:
    """The largest of the checkpoints compared that the witness cosigned: its size, and when."""
    notes = [report.note, *(note for _, note in given.kept if _size_of(note) not in report.uncompared)]
    found = [(_size_of(note), find_cosignature(note, witness)) for note in notes]
    return max(((size, cosigned[1]) for size, cosigned in found if cosigned is not None), default=None)


def _size_of(note: str) -> int:
    return Checkpoint.parse(split_note(note)[0]).size


def _entries(report: Report) -> str:
    return f"{report.entries} entries stand, {report.erased} of them erased"


def _read_note(file: Path) -> str:
    with file.open("rb") as note:
        data = note.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError(f"{file} is too large for a checkpoint")
    return data.decode()


def _printable(text: str) -> str:
    """``text`` of a file for a terminal: bounded, control characters and direction marks escaped."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text[:2_000])


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
