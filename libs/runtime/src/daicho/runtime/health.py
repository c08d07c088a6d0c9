"""Whether a process is ready, and why not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

Check = Callable[[], Awaitable[str | None]]
"""Answers None when all is well, else what is missing, in a few words for an operator."""


class Health:
    """The named checks of one process; ``/readyz`` and gRPC health both ask it."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}

    def add(self, name: str, check: Check) -> None:
        """Ask ``check`` whenever readiness is asked for."""
        self._checks[name] = check

    async def missing(self) -> dict[str, str]:
        """What stands in the way, by the check's name; empty when ready."""
        reasons: dict[str, str] = {}
        for name, check in self._checks.items():
            reason = await check()
            if reason is not None:
                reasons[name] = reason
        return reasons
