"""The context of the call being served: actor, calling service, time left."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from daicho.tenancy import Actor

_actor: ContextVar[Actor | None] = ContextVar("daicho.rpc.actor", default=None)
_caller: ContextVar[str] = ContextVar("daicho.rpc.caller")
_deadline: ContextVar[float | None] = ContextVar("daicho.rpc.deadline", default=None)


def current_actor() -> Actor:
    """The actor of the call being served, as their token or the calling service's certificate proves.

    Raises LookupError outside a call, and in a service's own call that names no tenant.
    """
    actor = _actor.get()
    if actor is None:
        raise LookupError("nobody acts here: this is no call for a tenant")
    return actor


def inherited_actor() -> Actor | None:
    """As :func:`current_actor`, or None."""
    return _actor.get()


def current_caller() -> str:
    """The service whose certificate the call being served came with; LookupError outside a call."""
    return _caller.get()


def remaining() -> float | None:
    """Seconds until the deadline of what is being done, below zero when it has passed; None without one."""
    deadline = _deadline.get()
    return None if deadline is None else deadline - time.monotonic()


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Calls made inside are made for ``actor``, unless they say otherwise."""
    token = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(token)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Calls made inside end at most ``seconds`` from now; an earlier deadline around it stays."""
    left = remaining()
    token = _deadline.set(time.monotonic() + (seconds if left is None else min(left, seconds)))
    try:
        yield
    finally:
        _deadline.reset(token)


@contextmanager
def detached() -> Iterator[None]:
    """Calls made inside are the service's own, with a deadline of their own.

    For work that several callers share, or that outlives the call that began it: a task takes over the actor
    and the deadline of whoever creates it.
    """
    actor, deadline = _actor.set(None), _deadline.set(None)
    try:
        yield
    finally:
        _actor.reset(actor)
        _deadline.reset(deadline)


def enter(caller: str, seconds: float) -> None:
    """Set what the call being served came with. The task that serves it ends with it: nothing is reset."""
    _caller.set(caller)
    _deadline.set(time.monotonic() + seconds)


def act(actor: Actor) -> None:
    """Set who acts in the call being served, once that is proven."""
    _actor.set(actor)
