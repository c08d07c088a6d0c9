"""Write a sample of every event that has none yet: `python tests/contract/make_golden.py`.

A sample is a pair in `golden/`: `<full name>.<n>.json`, what it says, and `.hex`, how it lies on the bus. Pairs
are never changed: events of years ago must be read as they were meant. When an event gains a field, this
writes the next pair, with the field in it.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).with_name("golden")


def event_types() -> Iterator[type[Message]]:
    """The envelope, and every message of an events package that stands by itself."""
    files = [
        *sorted((ROOT / "proto").glob("daicho/*/events/v*/*.proto")),
        ROOT / "proto/daicho/bus/v1/envelope.proto",
    ]
    for path in files:
        relative = path.relative_to(ROOT / "proto" / "daicho").with_suffix("")
        module = importlib.import_module("daicho.contracts." + ".".join(relative.parts) + "_pb2")
        messages = module.DESCRIPTOR.message_types_by_name
        parts = {
            field.message_type.name for one in messages.values() for field in one.fields if field.message_type
        }
        for name in messages:
            if name not in parts:
                yield getattr(module, name)


def sample(kind: type[Message]) -> Message:
    """A message with every field set, each to a value that tells it from its neighbours."""
    return json_format.ParseDict(_fill(kind.DESCRIPTOR), kind())


def samples_of(name: str) -> Sequence[Path]:
    """The JSON halves of the pairs for the message called ``name``."""
    return sorted(GOLDEN.glob(f"{name}.*.json"))


def _fill(descriptor: Descriptor) -> dict[str, Any]:
    return {field.name: _repeated(field) for field in descriptor.fields}


def _repeated(field: FieldDescriptor) -> Any:
    return [_value(field), _value(field)] if field.is_repeated else _value(field)


def _value(field: FieldDescriptor) -> Any:
    if field.message_type is not None:
        if field.message_type.full_name == "google.protobuf.Timestamp":
            return "2026-01-31T00:00:00.123456Z"
        return _fill(field.message_type)
    if field.enum_type is not None:
        return field.enum_type.values[-1].name
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return True
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        if field.type == FieldDescriptor.TYPE_BYTES:
            return json_format.MessageToDict(_bytes(bytes([field.number]) * 16))
        return f"{field.name} 台帳"
    return 1_000 + field.number


def _bytes(value: bytes) -> Message:
    from google.protobuf.wrappers_pb2 import BytesValue

    return BytesValue(value=value)


def main() -> None:
    GOLDEN.mkdir(exist_ok=True)
    for kind in event_types():
        name, message = kind.DESCRIPTOR.full_name, sample(kind)
        kept = samples_of(name)
        value = message.SerializeToString(deterministic=True)
        if any(value.hex() == path.with_suffix(".hex").read_text().strip() for path in kept):
            continue
        path = GOLDEN / f"{name}.{len(kept) + 1}.json"
        said = json_format.MessageToDict(message, preserving_proto_field_name=True)
        path.write_text(json.dumps(said, ensure_ascii=False, indent=2) + "\n")
        path.with_suffix(".hex").write_text(value.hex() + "\n")


if __name__ == "__main__":
    main()
