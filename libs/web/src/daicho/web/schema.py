"""The tables that a REST service keeps for its rails; called from its first migration."""

from daicho.web.idempotency import create

__all__ = ["create"]
