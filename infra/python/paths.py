"""Put every source folder of the tree on the environment's path, so that ``import daicho.<name>`` works.

The packages are parts of one implicit namespace package; a ``.pth`` file names their folders, which
spares a build and an install for each.
"""

from __future__ import annotations

import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("libs/*", "services/*", "infra/*", "gateway/*")


def source_folders(root: Path) -> list[Path]:
    """Every ``src`` folder below the places where packages stand, in a stable order."""
    return sorted(folder for pattern in SOURCES for folder in root.glob(f"{pattern}/src"))


def main() -> None:
    """Write ``daicho.pth`` into the running environment."""
    site = Path(sysconfig.get_paths()["purelib"])
    (site / "daicho.pth").write_text("".join(f"{folder}\n" for folder in source_folders(ROOT)))


if __name__ == "__main__":
    main()
