"""Generate ``daicho.contracts`` from ``proto/``.

``make proto`` runs it; a test runs it again into a folder beside and compares, so that what is checked
in is what the protocol files say.
"""

from __future__ import annotations

import sys
from importlib import resources
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parents[2]
PROTO = ROOT / "proto"
OUTPUT = Path(__file__).resolve().parent / "src"


def generate(output: Path) -> None:
    """Write modules and stubs for every file below ``proto/`` to ``output``.

    ``daicho/identity/v1/identity.proto`` becomes ``daicho.contracts.identity.v1.identity_pb2``: the files
    are read under ``daicho/contracts`` so that generated imports carry the package's own name.
    """
    files = sorted(str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto"))
    well_known = str(resources.files("grpc_tools") / "_proto")
    arguments = ["protoc", f"-I{PROTO}", f"-I{well_known}"]
    arguments += [f"--python_out={output}", f"--grpc_python_out={output}", f"--mypy_out=quiet:{output}"]
    if protoc.main([*arguments, *files]) != 0:
        sys.exit("protoc failed")
    _move_under_contracts(output)


def _move_under_contracts(output: Path) -> None:
    """Services own ``daicho.<service>``; generated code moves to ``daicho.contracts.<service>``."""
    for path in sorted([*output.rglob("*_pb2*.py"), *output.rglob("*_pb2*.pyi")]):
        relative = path.relative_to(output / "daicho")
        if relative.parts[0] == "contracts":
            continue
        target = output / "daicho" / "contracts" / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_renamed(path.read_text()))
        path.unlink()
    for folder in sorted((output / "daicho").rglob("*"), reverse=True):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _renamed(source: str) -> str:
    """``source`` with the imports of generated modules pointed at their new place."""
    lines = []
    for line in source.splitlines(keepends=True):
        if line.startswith(("from daicho.", "import daicho.")) and "daicho.contracts" not in line:
            line = line.replace("daicho.", "daicho.contracts.", 1)
        lines.append(line)
    return "".join(lines)


if __name__ == "__main__":
    generate(OUTPUT)
