"""The errors that services raise and that edges turn into answers.

A :class:`Fault` names what went wrong in the product's terms. It knows its HTTP status, a ``code`` that
clients may rely on, and how to say itself in Japanese and English. Edges (REST, gRPC, jobs) map faults
once; nothing below them knows of status codes or languages.
"""

from daicho.faults.fault import Fault, FieldFault, Language, Messages, listed
from daicho.faults.messages import FIELD_MESSAGES
from daicho.faults.vocabulary import (
    Conflict,
    Forbidden,
    IdempotencyInFlight,
    IdempotencyMismatch,
    Invalid,
    Malformed,
    NotFound,
    PathNotCanonical,
    PreconditionFailed,
    PreconditionRequired,
    TooBusy,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)

__all__ = [
    "FIELD_MESSAGES",
    "Conflict",
    "Fault",
    "FieldFault",
    "Forbidden",
    "IdempotencyInFlight",
    "IdempotencyMismatch",
    "Invalid",
    "Language",
    "Malformed",
    "Messages",
    "NotFound",
    "PathNotCanonical",
    "PreconditionFailed",
    "PreconditionRequired",
    "TooBusy",
    "TooLarge",
    "TooManyRequests",
    "Unauthenticated",
    "Unavailable",
    "listed",
]
