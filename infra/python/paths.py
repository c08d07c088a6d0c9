"""Put every source folder of the tree on the environment's path, so that ``import daicho.<name>`` works.

The packages are parts of one implicit namespace package; a ``.pth`` file names their folders, which
spares a build and an install for each. The command ``daicho`` is put beside the environment's Python.
"""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("libs/*", "services/*", "infra/*", "gateway/*")


def source_folders(root: Path) -> list[Path]:
    """Every ``src`` folder below the places where packages stand, in a stable order."""
    return sorted(folder for pattern in SOURCES for folder in root.glob(f"{pattern}/src"))


def main() -> None:
    """Write ``daicho.pth`` and the command ``daicho`` into the running environment."""
    paths = sysconfig.get_paths()
    site = Path(paths["purelib"])
    (site / "daicho.pth").write_text("".join(f"{folder}\n" for folder in source_folders(ROOT)))
    command = Path(paths["scripts"]) / "daicho"
    command.write_text(f"#!{sys.executable}\nfrom daicho.cli.__main__ import run\n\nrun()\n")
    command.chmod(0o755)


if __name__ == "__main__":
    main()
