"""``python -m daicho.audit [api] [worker]``: the service with settings from the environment."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import get_args

from daicho.audit.app import serve
from daicho.chassis import Role
from daicho.runtime import configure_logging, run_process


async def _main(stop: asyncio.Event) -> None:
    configure_logging("audit", os.environ.get("DAICHO_LOG_LEVEL", "INFO"))
    roles: list[Role] = [role for role in get_args(Role) if role in sys.argv[1:]]
    async with serve(os.environ, roles or get_args(Role)):
        await stop.wait()


if __name__ == "__main__":
    run_process(_main)
