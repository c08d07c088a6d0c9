"""``python -m daicho.local run``: everything on this machine, until Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import sys

from daicho.local.options import read_options
from daicho.local.servers import ServerFailed
from daicho.local.supervisor import Supervisor
from daicho.runtime import run_process


def main(arguments: list[str]) -> int:
    """0 after a stop that was asked for; 1 with one line on standard error otherwise."""
    try:
        supervisor = Supervisor(read_options(arguments, os.environ))
        run_process(supervisor.run)
    except ServerFailed as error:
        sys.stderr.write(f"daicho: {error}\n")
        return 1
    except asyncio.CancelledError:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
