"""Runs the service until it is told to stop: ``python -m daicho.customers [api] [worker]``."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import cast

from daicho.chassis import Role
from daicho.customers.app import serve
from daicho.runtime import run_process


async def main() -> None:
    """Serve in the roles named as arguments, in both without any."""
    roles = cast(list[Role], sys.argv[1:]) or ["api", "worker"]
    async with serve(os.environ, roles):
        await asyncio.Event().wait()


if __name__ == "__main__":
    run_process(main)
