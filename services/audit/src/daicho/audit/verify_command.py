"""The command line of the verifier: ``daicho audit verify FILE``.

It needs no network, no database and no setting: the file, and at best the log's key from elsewhere.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from daicho.audit.notes import LARGEST, NoteInvalid, Verifier
from daicho.audit.strict_json import read_lines
from daicho.audit.verify import Report, verify

STANDS, BAD, UNUSABLE = 0, 1, 2


def run(arguments: Sequence[str], out: TextIO = sys.stdout) -> int:
    """Verify as ``arguments`` say and write the outcome to ``out``.

    Answers 0 when the log stands, 1 when it does not, 2 when it could not be looked at.
    """
    chosen = _parser().parse_args(arguments)
    try:
        key = None if chosen.key is None else Verifier.parse(chosen.key)
        kept = [_read_note(Path(name)) for name in chosen.checkpoint]
        with Path(chosen.file).open("rb") as lines:
            report = verify(read_lines(lines), key=key, kept=kept)
    except NoteInvalid as error:
        out.write(f"--key does not read: {error}\n")
        return UNUSABLE
    except (OSError, ValueError) as error:
        out.write(f"cannot read: {error}\n")
        return UNUSABLE
    out.write(_words(report))
    return STANDS if report.stands else BAD


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="daicho audit verify", description="Verify an export or a proof of an audit log, offline."
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
    return parser


def _words(report: Report) -> str:
    lines = []
    if report.tenant_id is not None:
        lines.append(f"tenant: {report.tenant_id}")
    if report.checkpoint is not None:
        lines.append(f"checkpoint: {report.checkpoint.size} entries, root {report.checkpoint.root.hex()}")
    if report.key:
        trust = (
            "as given" if report.key_trusted else "from the file itself: compare it with the published one"
        )
        lines.append(f"key: {report.key} ({trust})")
    if report.finding is None:
        lines.append(f"verified: {report.entries} entries stand, {report.erased} of them erased")
        lines += [
            f"not compared: the kept checkpoint of {size} entries; a proof leads to one checkpoint, an export to each"
            for size in report.uncompared
        ]
    else:
        place = "the file" if report.finding.sequence is None else f"entry {report.finding.sequence}"
        lines.append(f"BAD: {place}: {report.finding.problem}: {report.finding.detail}")
    return "".join(f"{_printable(line)}\n" for line in lines)


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
