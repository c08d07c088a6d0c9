"""Events that lie on a bus, in an archive or in a dead letter keep their meaning.

`golden/` holds samples of every event (see make_golden.py, which writes the missing ones). A failure here means
that events told before a change can no longer be read as they were meant.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from google.protobuf import json_format
from google.protobuf.message import Message

_spec = importlib.util.spec_from_file_location("make_golden", Path(__file__).with_name("make_golden.py"))
assert _spec is not None
assert _spec.loader is not None
make_golden = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(make_golden)

KINDS: dict[str, type[Message]] = {kind.DESCRIPTOR.full_name: kind for kind in make_golden.event_types()}
SAMPLES = sorted(make_golden.GOLDEN.glob("*.json"))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_the_bytes_of_then_say_the_same_now(path: Path) -> None:
    kind = KINDS[path.stem.rpartition(".")[0]]
    value = bytes.fromhex(path.with_suffix(".hex").read_text())
    message = kind.FromString(value)
    said = json_format.MessageToDict(message, preserving_proto_field_name=True)
    assert said == json.loads(path.read_text())


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_what_is_said_now_makes_the_bytes_of_then(path: Path) -> None:
    kind = KINDS[path.stem.rpartition(".")[0]]
    message = json_format.ParseDict(json.loads(path.read_text()), kind())
    assert message.SerializeToString(deterministic=True).hex() == path.with_suffix(".hex").read_text().strip()


@pytest.mark.parametrize("name", KINDS)
def test_every_field_of_every_event_has_a_sample(name: str) -> None:
    newest = make_golden.sample(KINDS[name]).SerializeToString(deterministic=True).hex()
    kept = [path.with_suffix(".hex").read_text().strip() for path in make_golden.samples_of(name)]
    assert newest in kept, "run python tests/contract/make_golden.py"
