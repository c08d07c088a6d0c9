"""How a fault crosses a connection: a gRPC status for everybody, and the fault itself for us."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import grpc
import msgpack

from daicho import faults
from daicho.faults import Fault, FieldFault

KEY = "daicho-fault-bin"

# Peers refuse metadata beyond 8 KiB; what does not fit of a long list of fields is left out.
LARGEST = 6_000


class DeadlineExceeded(faults.Unavailable):
    """No answer came in time. Unlike after its parent, the other side may have acted all the same."""

    code = "deadline_exceeded"


class CallerNotAllowed(faults.Forbidden):
    """The method is not for the service that the certificate names."""

    code = "caller_not_allowed"


STATUSES: dict[int, grpc.StatusCode] = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    409: grpc.StatusCode.ABORTED,
    412: grpc.StatusCode.FAILED_PRECONDITION,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    422: grpc.StatusCode.INVALID_ARGUMENT,
    428: grpc.StatusCode.FAILED_PRECONDITION,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
}

BY_HTTP_STATUS: dict[int, type[Fault]] = {
    400: faults.Malformed,
    401: faults.Unauthenticated,
    403: faults.Forbidden,
    404: faults.NotFound,
    409: faults.Conflict,
    412: faults.PreconditionFailed,
    413: faults.TooLarge,
    422: faults.Invalid,
    428: faults.PreconditionRequired,
    429: faults.TooManyRequests,
    503: faults.Unavailable,
}

BY_STATUS: dict[grpc.StatusCode, type[Fault]] = {
    grpc.StatusCode.INVALID_ARGUMENT: faults.Malformed,
    grpc.StatusCode.UNAUTHENTICATED: faults.Unauthenticated,
    grpc.StatusCode.PERMISSION_DENIED: faults.Forbidden,
    grpc.StatusCode.NOT_FOUND: faults.NotFound,
    grpc.StatusCode.ABORTED: faults.Conflict,
    grpc.StatusCode.ALREADY_EXISTS: faults.Conflict,
    grpc.StatusCode.FAILED_PRECONDITION: faults.Conflict,
    # Without a fault of ours beside it, gRPC itself speaks: a message beyond the cap.
    grpc.StatusCode.RESOURCE_EXHAUSTED: faults.TooLarge,
    grpc.StatusCode.UNAVAILABLE: faults.Unavailable,
    grpc.StatusCode.CANCELLED: faults.Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
}


def status_of(fault: Fault) -> grpc.StatusCode:
    """The gRPC status that says about what ``fault`` says."""
    if isinstance(fault, DeadlineExceeded):
        return grpc.StatusCode.DEADLINE_EXCEEDED
    return STATUSES.get(fault.status, grpc.StatusCode.INTERNAL)


def pack(fault: Fault) -> bytes:
    """The bytes of ``fault`` for the wire, at most :data:`LARGEST` of them."""
    fields = [[field.pointer, field.code, dict(field.params)] for field in fault.fields]
    while True:
        packed: bytes = msgpack.packb([fault.code, fault.status, fields, fault.params])
        if len(packed) <= LARGEST:
            return packed
        if not fields:
            bare: bytes = msgpack.packb([fault.code, fault.status, [], {}])
            return bare
        fields = fields[: len(fields) // 2]


def unpack(packed: bytes) -> Fault:
    """The fault that :func:`pack` was given: of the same class where this process knows it by its code.

    Else of the class that stands for its HTTP status, with the code kept. Raises ValueError for bytes that
    hold no fault.
    """
    try:
        code, status, fields, params = msgpack.unpackb(packed)
        listed = [FieldFault(str(pointer), str(kind), dict(values)) for pointer, kind, values in fields]
        named = {str(key): value for key, value in params.items()}
    except (TypeError, AttributeError, ValueError, msgpack.exceptions.UnpackException) as error:
        raise ValueError("these bytes hold no fault") from error
    kind = _class_of(str(code), status) or BY_HTTP_STATUS.get(status, Fault)
    return _revive(kind, str(code), listed, named)


def fault_of(error: grpc.aio.AioRpcError) -> Fault:
    """The fault that the server raised, or one for the status alone."""
    trailing: Any = error.trailing_metadata()
    for key, value in trailing or ():
        if key == KEY and isinstance(value, bytes):
            try:
                return unpack(value)
            except ValueError:
                break
    return BY_STATUS.get(error.code(), Fault)()


def _revive(kind: type[Fault], code: str, fields: list[FieldFault], params: dict[str, str | int]) -> Fault:
    """A fault of ``kind`` whatever its own constructor asks for."""
    fault = kind.__new__(kind)
    Fault.__init__(fault, fields, **params)
    if fault.code != code:
        fault.code = code
        fault.args = (code, fault.fields, params)
    return fault


_known: dict[tuple[str, int], type[Fault]] = {}


def _class_of(code: str, status: object) -> type[Fault] | None:
    """The class that defines ``code`` with that status. Classes that were defined since are found too."""
    if not isinstance(status, int):
        return None
    kind = _known.get((code, status))
    if kind is None:
        own = (cls for cls in _descendants(Fault) if "code" in vars(cls))
        found = [cls for cls in own if cls.code == code and cls.status == status]
        if not found:
            return None
        kind = _known[code, status] = min(found, key=_precedence)
    return kind


def _precedence(kind: type[Fault]) -> tuple[bool, str, str]:
    """The shared vocabulary first, then by name: two classes of one code must not depend on import order."""
    return not kind.__module__.startswith("daicho.faults"), kind.__module__, kind.__qualname__


def _descendants(kind: type[Fault]) -> Iterator[type[Fault]]:
    children: Iterable[type[Fault]] = kind.__subclasses__()
    for child in children:
        yield child
        yield from _descendants(child)
