"""Checks around every method: caller, token, tenant, deadline, trace, faults.

One :class:`Guard` wraps one method when the server starts, so a call runs through plain function calls
and no chain of interceptors.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from ipaddress import ip_address
from typing import Any, NoReturn, Protocol, TypeVar
from uuid import UUID

import grpc
import structlog
from google.protobuf.message import DecodeError
from opentelemetry import trace
from opentelemetry.trace import Span

from daicho import faults
from daicho.faults import Fault
from daicho.rpc import calls, carriage, tracing
from daicho.rpc.refused import Refused, ids_of
from daicho.rpc.rules import Party, Rule
from daicho.tenancy import Actor, RefusalLog, TenantId

AUTHORIZATION = "authorization"
ADDRESS = "daicho-address"
REQUEST_ID = "daicho-request-id"

# A token of ours is below 1 KiB; a longer one is not worth a look.
LONGEST_TOKEN = 4_096
LONGEST_REQUEST_ID = 64

T = TypeVar("T")
Method = Callable[[Any, Any], Any]
Reader = Callable[[bytes], Any]


class TokenVerifier(Protocol):
    """Turns access tokens into actors."""

    async def verify(self, token: str) -> Actor:
        """The actor that holds ``token``, the token itself included.

        Raises :class:`daicho.faults.Unauthenticated` for a token that does not stand,
        :class:`daicho.faults.Unavailable` when that cannot be known.
        """


class Guard:
    """Serves one method as its rule says.

    ``read`` makes the request of its bytes; ``longest`` is the deadline, in seconds, of a call that comes
    without one; ``refusals`` hears of every call that is refused within a tenant.
    """

    def __init__(
        self,
        path: str,
        method: Method,
        *,
        read: Reader,
        rule: Rule,
        verifier: TokenVerifier,
        longest: float,
        refusals: RefusalLog | None = None,
    ) -> None:
        self._path = path
        self._method = method
        self._read = read
        self._rule = rule
        self._verifier = verifier
        self._longest = longest
        self._refused = None if refusals is None else Refused(path, refusals)

    async def unary(self, body: bytes, context: Any) -> Any:
        """Serve a call with one answer."""

        async def work(request: Any) -> Any:
            return await self._method(request, context)

        return await self._serve(body, context, work)

    async def stream(self, body: bytes, context: Any) -> None:
        """Serve a call with many answers."""

        async def work(request: Any) -> None:
            async for answer in self._method(request, context):
                await context.write(answer)

        await self._serve(body, context, work)

    async def _serve(self, body: bytes, context: Any, work: Callable[[Any], Awaitable[T]]) -> T:
        metadata = dict(context.invocation_metadata())
        span = tracing.server_span(self._path, metadata)
        with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            try:
                answer = await self._within(body, metadata, context, work)
            except Fault as fault:
                await _refuse(context, span, await self._noted(fault, body, metadata, context))
            except TimeoutError:
                await _refuse(context, span, carriage.DeadlineExceeded())
            except grpc.aio.AbortError:
                raise
            except Exception:  # noqa: BLE001 the edge: what happened is logged, the caller learns that it did
                structlog.get_logger().exception("rpc_failed", method=self._path)
                await _refuse(context, span, Fault())
            tracing.say_status(span, "OK", failed=False)
            return answer

    async def _within(
        self, body: bytes, metadata: Mapping[str, Any], context: Any, work: Callable[[Any], Awaitable[T]]
    ) -> T:
        caller = self._admit(context)
        given = context.time_remaining()
        calls.enter(caller, self._longest if given is None else given)
        if given is not None:
            return await self._answer(caller, body, metadata, work)
        # gRPC ends a call at the deadline that it came with; one that came without is ended here.
        async with asyncio.timeout(self._longest):
            return await self._answer(caller, body, metadata, work)

    async def _answer(
        self, caller: str, body: bytes, metadata: Mapping[str, Any], work: Callable[[Any], Awaitable[T]]
    ) -> T:
        token = self._token(metadata)
        actor = None if token is None else await self._verifier.verify(token)
        try:
            request = self._read(body)
        except DecodeError:
            raise faults.Malformed from None
        _check_ids(request)
        actor = self._in_tenant(request, actor, caller)
        if actor is not None:
            calls.act(_with_origin(actor, metadata))
        return await work(request)

    async def _noted(self, fault: Fault, body: bytes, metadata: Mapping[str, Any], context: Any) -> Fault:
        """The fault to answer, once the refusal is recorded: ``fault``, or why it could not be recorded."""
        if self._refused is None or not isinstance(fault, faults.Forbidden | faults.NotFound):
            return fault
        user = await self._user(metadata)
        return await self._refused.note(
            fault, caller=_caller(context), user=user, request=self._readable(body)
        )

    async def _user(self, metadata: Mapping[str, Any]) -> Actor | None:
        """The holder of the token of a call that is already refused; None without a valid token."""
        token = _bearer(metadata)
        try:
            return None if token is None else _with_origin(await self._verifier.verify(token), metadata)
        except Fault:
            return None

    def _readable(self, body: bytes) -> Any | None:
        try:
            return self._read(body)
        except DecodeError:
            return None

    def _admit(self, context: Any) -> str:
        """The name in the caller's certificate; it must be among the method's callers."""
        name = _caller(context)
        if name is None or name not in self._rule.callers:
            raise carriage.CallerNotAllowed
        return name

    def _token(self, metadata: Mapping[str, Any]) -> str | None:
        """The access token, or None where a service may act by itself."""
        if AUTHORIZATION not in metadata:
            if self._rule.party is Party.USER:
                raise faults.Unauthenticated
            return None
        if self._rule.party is Party.SERVICE:
            raise carriage.CallerNotAllowed
        token = _bearer(metadata)
        if token is None:
            raise faults.Unauthenticated
        return token

    def _in_tenant(self, request: Any, actor: Actor | None, caller: str) -> Actor | None:
        """The actor within their tenant.

        A user's tenant is their token's: a request that names another finds nothing there. A service that
        acts by itself names the tenant in the request.
        """
        if not self._rule.names_tenant:
            return actor
        named: bytes = request.tenant_id
        if actor is not None:
            if named and named != actor.tenant_id.bytes:
                raise faults.NotFound
            return actor
        if len(named) != 16:
            raise faults.Invalid([faults.FieldFault("/tenant_id", "required")])
        return Actor(tenant_id=TenantId(UUID(bytes=named)), kind="service", service=caller)


def _caller(context: Any) -> str | None:
    """The one name in the caller's certificate."""
    names = context.auth_context().get("x509_common_name", ())
    return str(names[0].decode()) if len(names) == 1 else None


def _bearer(metadata: Mapping[str, Any]) -> str | None:
    """The access token in ``metadata``; None for none that looks like one."""
    scheme, _, token = str(metadata.get(AUTHORIZATION, "")).partition(" ")
    return token if scheme.lower() == "bearer" and 0 < len(token) <= LONGEST_TOKEN else None


def _check_ids(request: Any) -> None:
    """Ids are UUIDs: fields of bytes named ``…_id`` or ``…_ids``. Raises Invalid for one of another length.

    The tenant's is looked at where the tenant is settled, for a user's token may stand in its place.
    """
    wrong = [faults.FieldFault(f"/{name}", "invalid") for name, value in ids_of(request) if len(value) != 16]
    if wrong:
        raise faults.Invalid(wrong)


async def _refuse(context: Any, span: Span, fault: Fault) -> NoReturn:
    """End the call with what ``fault`` says; never with more than its code."""
    status = carriage.status_of(fault)
    tracing.say_status(span, status.name, failed=fault.status >= 500)
    await context.abort(status, fault.code, ((carriage.KEY, carriage.pack(fault)),))
    raise AssertionError("abort() raises")


def _with_origin(actor: Actor, metadata: Mapping[str, Any]) -> Actor:
    """``actor`` with where the request came from, for the record; it grants nothing."""
    address, request_id = metadata.get(ADDRESS), metadata.get(REQUEST_ID)
    if address is None and request_id is None:
        return actor
    return replace(actor, address=_address(address), request_id=_request_id(request_id))


def _address(text: object) -> str | None:
    try:
        return str(ip_address(str(text)))
    except ValueError:
        return None


def _request_id(text: object) -> str | None:
    if isinstance(text, str) and len(text) <= LONGEST_REQUEST_ID and text.isascii() and text.isprintable():
        return text
    return None
