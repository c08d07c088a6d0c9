"""``python -m daicho.gateway render FILE`` and ``… openapi FILE``: what images and Compose call.

Settings come from ``DAICHO_…`` variables; ``openapi`` asks each service for its document.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import urllib.request
from pathlib import Path
from typing import Any, Final

from daicho.gateway.bootstrap import render
from daicho.gateway.openapi import merge
from daicho.gateway.settings import Settings
from daicho.gateway.table import SERVICES
from daicho.runtime.settings import SettingsError, read_settings

_TIMEOUT: Final = 10.0


def main(arguments: list[str]) -> int:
    """Write the asked document; 0 when it stands, 2 when the settings are wrong."""
    parser = argparse.ArgumentParser(prog="python -m daicho.gateway", description=__doc__)
    parser.add_argument("document", choices=["render", "openapi"])
    parser.add_argument("file", type=Path)
    asked = parser.parse_args(arguments)
    try:
        settings = read_settings(Settings, os.environ)
        document = render(settings) if asked.document == "render" else merge(_documents(settings))
    except (SettingsError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    write(document, asked.file)
    return 0


def write(document: dict[str, Any], file: Path) -> None:
    """Write ``document`` as JSON in one step: a reader sees the former one or this one, never a part."""
    scratch = file.with_name(f".{file.name}.new")
    scratch.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    scratch.replace(file)


def _documents(settings: Settings) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name in SERVICES:
        address = f"http://{getattr(settings, name)}/openapi.json"
        with urllib.request.urlopen(address, timeout=_TIMEOUT) as reply:
            found[name] = json.load(reply)
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
