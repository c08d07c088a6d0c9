"""What is checked in under libs/contracts is what the protocol files say."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
GENERATOR = ROOT / "libs" / "contracts" / "generate.py"


def load_generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("contracts_generate", GENERATOR)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def differences(generator: ModuleType, fresh: Path, package: Path) -> list[str]:
    """The relative paths that are missing, left over or different in ``package``."""
    there = {str(path): (fresh / path).read_bytes() for path in generator.generated_files(fresh)}
    here = {str(path): (package / path).read_bytes() for path in generator.generated_files(package)}
    return sorted(path for path in there.keys() | here.keys() if there.get(path) != here.get(path))


def test_generated_code_is_what_the_protocol_files_say(tmp_path: Path) -> None:
    generator = load_generator()
    assert generator.generate(tmp_path)
    assert differences(generator, tmp_path, generator.PACKAGE) == [], "run `make proto` and commit"


def test_the_check_sees_a_protocol_file_that_was_changed_without_generating(tmp_path: Path) -> None:
    generator = load_generator()
    proto = tmp_path / "proto"
    shutil.copytree(generator.PROTO, proto)
    changed = proto / "daicho" / "audit" / "v1" / "audit.proto"
    changed.write_text(changed.read_text() + "\nmessage Afterthought { string why = 1; }\n")
    output = tmp_path / "output"
    generator.generate(output, proto)
    assert differences(generator, output, generator.PACKAGE) == [
        "audit/v1/audit_pb2.py",
        "audit/v1/audit_pb2.pyi",
    ]
