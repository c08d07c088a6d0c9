"""The process of one service."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import structlog

from daicho.runtime import configure_logging, run_process, spare_start_from_collection

Serve = Callable[..., AbstractAsyncContextManager[Any]]


def main(name: str, serve: Serve) -> None:
    """Run service ``name`` with the environment's settings; the arguments choose roles, both without any."""
    roles = sys.argv[1:] or ["api", "worker"]
    if unknown := set(roles) - {"api", "worker"}:
        sys.exit(f"{', '.join(sorted(unknown))}: the roles are api and worker")
    configure_logging(name, os.environ.get("DAICHO_LOG_LEVEL") or "INFO")

    async def run(stop: asyncio.Event) -> None:
        async with serve(os.environ, roles=roles) as running:
            structlog.get_logger().info(
                "service_started", roles=roles, http_port=running.http_port, grpc_port=running.grpc_port
            )
            spare_start_from_collection()
            await stop.wait()

    run_process(run)
