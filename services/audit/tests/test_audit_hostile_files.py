"""The verifier reads files of unknown origin: every input gets a report that names the bad entry."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daicho.audit import verify_command
from daicho.audit.notes import Checkpoint, sign, write_note
from daicho.audit.strict_json import LONGEST_LINE, read_lines
from daicho.audit.verify import Report, verify

DEEP = b"[" * 200_000 + b"]" * 200_000


def at(lines: Sequence[bytes], sequence: int) -> int:
    return next(n for n, line in enumerate(lines) if json.loads(line).get("sequence") == sequence)


def found(report: Report) -> tuple[str, int | None]:
    assert report.finding is not None, "the verifier found nothing"
    return report.finding.problem, report.finding.sequence


@pytest.fixture(scope="module")
def small(new_log: Any) -> Any:
    return new_log(20)


HOSTILE = {
    "raw 0xFF in a string": lambda line: line.replace(b'"contact"', b'"con\xfftact"'),
    "raw 0xFF in a time": lambda line: line.replace(b"2026-", b"\xff026-"),
    "a raw NUL": lambda line: line.replace(b'"contact"', b'"con\x00tact"'),
    "half a line": lambda line: line[: len(line) // 2],
    "half a UTF-8 character": lambda line: line.replace(b'"contact"', '"台"'.encode()[:-2] + b'"'),
    "a lone surrogate": lambda line: line.replace(b'"contact"', b'"\\ud800"'),
    "deep nesting": lambda line: line.replace(b'"contact"', DEEP),
    "deep nesting alone": lambda _: DEEP + b"\n",
    "an unknown key with deep nesting": lambda line: line.replace(b"{", b'{"x":' + DEEP + b",", 1),
    "a number of 5,000 digits": lambda line: line.replace(b'"sequence":7', b'"sequence":' + b"7" * 5_000),
    "a number beyond floats": lambda line: line.replace(b'"sequence":7', b'"sequence":7e999'),
    "a repeated key": lambda line: line.replace(b'"sequence":7', b'"sequence":8,"sequence":7'),
    "a repeated key of an inner object": lambda line: line.replace(b'"actor":{', b'"actor":{"kind":"system",'),
    "a line of 100 MB": lambda line: line.replace(b'"contact"', b'"' + b"x" * 100_000_000 + b'"'),
    "nothing": lambda _: b"\n",
}  # fmt: skip


@pytest.mark.parametrize("spoil", HOSTILE.values(), ids=HOSTILE.keys())
def test_malformed_entry_is_named(small: Any, spoil: Any) -> None:
    lines = small.export()
    place = at(lines, 7)
    spoilt = spoil(lines[place])
    assert spoilt != lines[place], "the input is not spoilt"
    lines[place] = spoilt
    assert found(verify(lines)) == ("unreadable", 7)


@pytest.mark.parametrize("spoil", HOSTILE.values(), ids=HOSTILE.keys())
def test_malformed_line_behind_gap_hides_nothing(small: Any, spoil: Any) -> None:
    lines = small.export()
    spoilt = spoil(lines[at(lines, 7)])
    lines[at(lines, 7)] = spoilt
    del lines[at(lines[:7], 3)]
    assert found(verify(lines)) == ("deleted", 3)


def test_negative_sequence_is_no_repetition(small: Any) -> None:
    lines = small.export()
    place = at(lines, 7)
    lines[place] = lines[place].replace(b'"sequence":7', b'"sequence":-7')
    assert found(verify(lines)) == ("deleted", 7)


def test_header_with_deep_nesting_or_bad_bytes_is_unreadable(small: Any) -> None:
    header, *rest = small.export()
    for spoilt in (DEEP, b'{"line":' + DEEP + b"}", header.replace(b"daicho", b"\xff"), header[:40]):
        assert found(verify([spoilt + b"\n", *rest])) == ("unreadable", None)


def test_file_without_end_is_refused_without_reading_it_all() -> None:
    def endless() -> Any:
        while True:
            yield b" " * 65_536

    assert found(verify(endless())) == ("unreadable", None)


def test_overlong_line_is_cut_and_what_follows_is_read() -> None:
    file = io.BytesIO(b"a\n" + b"x" * (3 * LONGEST_LINE) + b"\nb\n")
    assert [len(line) for line in read_lines(file)] == [2, LONGEST_LINE + 1, 2]


def test_empty_log_with_another_root_is_refused(new_log: Any) -> None:
    log = new_log(0)
    text = str(Checkpoint(log.verifier.name, 0, bytes(32)))
    note = write_note(text, [sign(log.verifier, log.key.sign(text.encode()))])
    header = json.loads(log.export()[0]) | {"checkpoint": note}
    assert found(verify([json.dumps(header).encode()])) == ("checkpoint", None)
    assert found(verify(log.export(), kept=[note])) == ("checkpoint", None)


def test_report_holds_no_control_character_of_the_file(small: Any, tmp_path: Path) -> None:
    lines = small.export()
    header = json.loads(lines[0])
    header["key"] = f"\x1b[2Jverified\x9b\u202e{header['key']}"
    file = tmp_path / "log.jsonl"
    file.write_bytes(json.dumps(header).encode() + b"\n" + b"".join(lines[1:]))
    out = io.StringIO()
    assert verify_command.run([str(file)], out) == verify_command.BAD
    assert all(line.isprintable() for line in out.getvalue().splitlines())


def test_kept_checkpoint_that_is_huge_or_no_text_cannot_be_looked_at(small: Any, tmp_path: Path) -> None:
    file, note = tmp_path / "log.jsonl", tmp_path / "note"
    file.write_bytes(b"".join(small.export()))
    for data in (b"\xff\xfe", b"x" * 2_000_000):
        note.write_bytes(data)
        arguments = [str(file), "--checkpoint", str(note)]
        assert verify_command.run(arguments, io.StringIO()) == verify_command.UNUSABLE


EDIT = st.tuples(
    st.sampled_from(("replace", "insert", "cut", "copy")),
    st.floats(0, 1, exclude_max=True),
    st.one_of(
        st.binary(min_size=1, max_size=12),
        st.sampled_from([b"\xff", b"\x00", b"\n", b'"', b"{", b"}", b"[" * 3_000, b"9" * 4_500, b"1e999",
                         b"\\ud800", b'"sequence":3,', b'"line":"block",', b"null", "台".encode()[:2]]),
    ),
)  # fmt: skip


def edited(data: bytes, edits: Sequence[tuple[str, float, bytes]]) -> bytes:
    for kind, share, piece in edits:
        place = int(share * len(data))
        match kind:
            case "replace":
                data = data[:place] + piece + data[place + len(piece) :]
            case "insert":
                data = data[:place] + piece + data[place:]
            case "cut":
                data = data[:place] + data[place + 40 * len(piece) :]
            case _:
                data = data[:place] + data[place // 2 : place // 2 + 600] + data[place:]
    return data


@settings(max_examples=400, deadline=None)
@given(edits=st.lists(EDIT, min_size=1, max_size=4))
def test_no_edit_of_an_export_ends_the_verifier_or_passes(small: Any, edits: Any) -> None:
    """A report comes whatever the bytes are; it says that the log stands only if every line still says the same."""
    before = b"".join(small.export())
    after = edited(before, edits)
    report = verify(read_lines(io.BytesIO(after)), key=small.verifier)
    if report.stands:
        assert meaning(after) == meaning(before)
    elif report.finding is not None and report.finding.sequence is not None:
        assert 0 <= report.finding.sequence <= 20 or report.finding.problem == "surplus"


@settings(max_examples=200, deadline=None)
@given(edits=st.lists(EDIT, min_size=1, max_size=4))
def test_no_edit_of_a_proof_ends_the_verifier_or_passes(small: Any, edits: Any) -> None:
    before = small.proof(7)
    after = edited(before, edits)
    report = verify(read_lines(io.BytesIO(after)), key=small.verifier)
    if report.stands:
        assert meaning(after) == meaning(before)


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=2_000))
def test_arbitrary_bytes_get_a_report(data: bytes) -> None:
    assert not verify(read_lines(io.BytesIO(data))).stands


def meaning(data: bytes) -> list[Any]:
    """The lines as JSON; base64 and UUIDs may be spelled in more than one way, and blank lines mean nothing."""
    return [json.loads(line.replace(b"=", b"").lower()) for line in data.splitlines() if line.strip()]
