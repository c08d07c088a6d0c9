"""How services ask each other: gRPC over mutual TLS.

A :class:`Server` puts a guard before every method: the caller's certificate must be among the callers that
the protocol file names, a user's token is verified and becomes the :func:`current_actor`, the deadline is
kept, faults leave as faults, a span joins the caller's trace. A :class:`Channel` is the other end: it sends
the actor's token, lets deadlines shrink with every hop, repeats only what may be repeated, and raises the
fault that the other side raised.
"""

from daicho.rpc.calls import acting, current_actor, current_caller, detached, remaining, within
from daicho.rpc.carriage import CallerNotAllowed, DeadlineExceeded
from daicho.rpc.certificates import Certificate, CertificateSource
from daicho.rpc.channel import Channel
from daicho.rpc.guard import TokenVerifier
from daicho.rpc.rules import MissingRule, Party, Rule, is_idempotent, rule_of
from daicho.rpc.server import Server

__all__ = [
    "CallerNotAllowed",
    "Certificate",
    "CertificateSource",
    "Channel",
    "DeadlineExceeded",
    "MissingRule",
    "Party",
    "Rule",
    "Server",
    "TokenVerifier",
    "acting",
    "current_actor",
    "current_caller",
    "detached",
    "is_idempotent",
    "remaining",
    "rule_of",
    "within",
]
