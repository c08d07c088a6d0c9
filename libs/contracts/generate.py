"""Generate ``daicho.contracts`` from ``proto/``, and keep the protocol's baseline.

``make proto`` runs it; a test generates again into a folder of its own and compares, so that what is
checked in is what the protocol files say. ``--baseline`` also writes ``proto/baseline.binpb``, the image
that breaking changes are measured against: a release does that, a change of the protocol does not.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from importlib import resources
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROTO = ROOT / "proto"
BASELINE = PROTO / "baseline.binpb"
PACKAGE = Path(__file__).resolve().parent / "src" / "daicho" / "contracts"
GENERATED = ("*_pb2.py", "*_pb2.pyi", "*_pb2_grpc.py")


def generate(output: Path, proto: Path = PROTO) -> list[Path]:
    """Write the modules and stubs of every file below ``proto`` to ``output``; answers their relative paths.

    ``daicho/identity/v1/identity.proto`` becomes ``identity/v1/identity_pb2.py``: services own
    ``daicho.<service>``, so what is generated lives in ``daicho.contracts.<service>``. ``*_pb2_grpc.py``
    is written for files with a service alone. Raises CalledProcessError when a file does not compile.
    """
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder)
        _compile(proto, raw)
        written = []
        for path in sorted(found for pattern in GENERATED for found in raw.rglob(pattern)):
            source = path.read_text(encoding="utf-8")
            if path.name.endswith("_pb2_grpc.py") and "class " not in source:
                continue
            relative = path.relative_to(raw / "daicho")
            target = output / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_renamed(source), encoding="utf-8")
            written.append(relative)
    return written


def generated_files(package: Path = PACKAGE) -> list[Path]:
    """Every generated file below ``package``, relative to it."""
    return sorted(path.relative_to(package) for pattern in GENERATED for path in package.rglob(pattern))


def _compile(proto: Path, output: Path) -> None:
    """Run protoc over all files in a stable order, with the plug-ins of this environment."""
    files = sorted(str(path.relative_to(proto)) for path in proto.rglob("*.proto"))
    well_known = resources.files("grpc_tools") / "_proto"
    stubs = Path(sysconfig.get_path("scripts")) / "protoc-gen-mypy"
    subprocess.run(  # noqa: S603 the interpreter itself, over our own files
        [
            *(sys.executable, "-m", "grpc_tools.protoc", f"-I{proto}", f"-I{well_known}"),
            *(f"--plugin=protoc-gen-mypy={stubs}", f"--mypy_out=quiet:{output}"),
            *(f"--python_out={output}", f"--grpc_python_out={output}"),
            *files,
        ],
        check=True,
    )


def _renamed(source: str) -> str:
    """``source`` with every mention of a generated module pointed at its new place."""
    lines = []
    for line in source.splitlines(keepends=True):
        if line.startswith(("from daicho.", "import daicho.")):
            line = line.replace("daicho.", "daicho.contracts.", 1)
        lines.append(line)
    return "".join(lines)


def _replace_package() -> None:
    """Generate into place; what the protocol no longer names goes."""
    kept = set(generate(PACKAGE))
    for relative in generated_files():
        if relative not in kept:
            (PACKAGE / relative).unlink()
    for folder in sorted(PACKAGE.rglob("*"), reverse=True):
        if folder.is_dir() and not any(path.is_file() for path in folder.rglob("*.py")):
            shutil.rmtree(folder)


def write_baseline(target: Path) -> None:
    """Write the image of the protocol as it is now; without source positions, so that comments move freely."""
    buf = Path(sysconfig.get_path("scripts")) / "buf"
    subprocess.run(  # noqa: S603 buf of this environment, over our own files
        [str(buf), "build", "--exclude-source-info", "-o", str(target)], cwd=PROTO, check=True
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="generate libs/contracts from proto/")
    parser.add_argument("--baseline", action="store_true", help="take the protocol as the new baseline")
    chosen = parser.parse_args()
    _replace_package()
    if chosen.baseline:
        write_baseline(BASELINE)


if __name__ == "__main__":
    main()
