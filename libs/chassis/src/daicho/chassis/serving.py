"""From settings to a running service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Literal, Self

from daicho import access
from daicho.access import Directory, MissedEventsAlarm, Permissions, TokenVerifier, fetch_jwks
from daicho.chassis.parts import GrantSource, Parts, Rails
from daicho.chassis.settings import Settings
from daicho.events import (
    AccessLog,
    BatchSigner,
    Consumer,
    EventVerifier,
    ForgeryAlarm,
    Refusals,
    Relay,
    open_bus,
)
from daicho.faults import Unavailable
from daicho.jobs import Worker
from daicho.keyring import Certificates, Keyring, Transit
from daicho.rpc import Channel, Server
from daicho.runtime import (
    Check,
    Health,
    SettingsError,
    configure_telemetry,
    read_settings,
    serve_http,
    utc_now,
)
from daicho.tenancy import JOBS, REQUESTS, Database, StatementLimits
from daicho.web import BULK, HEAVY, LIGHT, PUBLIC, Admission, Callers, create_app

Role = Literal["api", "worker"]
Build = Callable[[Rails], Parts]


@dataclass(frozen=True, slots=True)
class Running:
    """Where a service listens; 0 where it does not."""

    http_port: int
    grpc_port: int


@asynccontextmanager
async def serve(
    name: str, build: Build, environ: Mapping[str, str], roles: Collection[Role] = ("api", "worker")
) -> AsyncIterator[Running]:
    """Run the service ``name`` while the block does.

    ``api`` answers REST and gRPC; ``worker`` relays events, consumes, and does jobs. Raises
    :class:`daicho.runtime.SettingsError`, OSError for a taken port, Unavailable when the key store is away.
    When one of its loops fails for good, the block is cancelled.
    """
    settings = read_settings(Settings, environ)
    async with AsyncExitStack() as stack:
        stack.enter_context(configure_telemetry(name, settings.otlp_endpoint))
        limits = JOBS if "worker" in roles else REQUESTS
        rails, certificates, unguarded = await _lay(stack, name, settings, limits)
        verifier = TokenVerifier(fetch_jwks(settings.identity_http), issuer=settings.public_url)
        parts = build(rails)
        permissions: GrantSource = parts.permissions or Permissions(
            unguarded,
            rails.bus,
            Directory(rails.channel("identity")),
            verifier,
            event_verifier=rails.event_verifier,
        )
        tasks = await stack.enter_async_context(_Loops())
        tasks.start(certificates.run)
        tasks.start(permissions.run)
        if "worker" in roles:
            if parts.permissions is None:
                tasks.start(_permission_copy(rails, unguarded).run)
            await _work(stack, tasks, rails, parts)
        if "api" not in roles:
            yield Running(0, 0)
            return
        rails.health.add("permissions", permissions.check)
        refusals = Refusals(rails.access_log)
        stack.push_async_callback(refusals.close)
        tasks.start(refusals.run)
        yield await _answer(stack, rails, parts, certificates, verifier, permissions, refusals)


async def _lay(
    stack: AsyncExitStack, name: str, settings: Settings, limits: StatementLimits
) -> tuple[Rails, Certificates, Database]:
    """The rails, and the database without the guard that they put before every write."""
    database = await Database.open(
        settings.database_url,
        pool=settings.database_pool,
        heavy_pool=settings.heavy_pool,
        application=name,
        limits=limits,
    )
    stack.push_async_callback(database.close)
    transit = Transit(settings.vault_addr, settings.vault_role_id, settings.vault_secret_id, service=name)
    stack.callback(transit.close)
    certificates = Certificates(transit)
    await certificates.start()
    bus = await open_bus(settings.bus_url)
    stack.push_async_callback(bus.close)
    access_log = AccessLog(database)
    stack.push_async_callback(access_log.close)
    health = Health()
    health.add("database", _database_check(database))
    health.add("keys", transit.check)
    channels: dict[str, Channel] = {}

    def channel(service: str) -> Channel:
        if service not in channels:
            target = getattr(settings, f"{service}_grpc")
            channels[service] = Channel(target, certificates, service=service)
            stack.push_async_callback(channels[service].close)
        return channels[service]

    keyring = Keyring(transit, database)
    guarded = database.guarded(keyring.require_store)
    rails = Rails(
        name,
        settings,
        guarded,
        transit,
        keyring,
        bus,
        EventVerifier(transit, on_forged=ForgeryAlarm(access_log, name)),
        MissedEventsAlarm(Directory(channel("identity")), access_log, name),
        access_log,
        utc_now,
        health,
        channel,
    )
    return rails, certificates, database


def _permission_copy(rails: Rails, database: Database) -> Consumer:
    """Keeps this service's copy of tenants, users and roles; its own consumers need not.

    Also while the key store is away: a user who was demoted before that must not keep their rights.
    """
    return Consumer(
        rails.bus,
        f"{rails.name}.permissions",
        database,
        rails.event_verifier,
        topics=[access.TOPIC],
        handlers=access.handlers(),
        snapshot=partial(access.take_snapshot, Directory(rails.channel("identity")), database),
        on_missed=rails.missed_alarm,
    )


async def _work(stack: AsyncExitStack, tasks: _Loops, rails: Rails, parts: Parts) -> None:
    signer = BatchSigner(rails.transit)
    tasks.start(Relay(rails.settings.relay_database_url, rails.bus, signer).run)
    for consumer in parts.consumers:
        tasks.start(consumer.run)
    for loop in parts.loops:
        tasks.start(loop)
    if parts.jobs:
        await stack.enter_async_context(Worker(rails.settings.database_url, parts.jobs).running())


async def _answer(
    stack: AsyncExitStack,
    rails: Rails,
    parts: Parts,
    certificates: Certificates,
    verifier: TokenVerifier,
    permissions: GrantSource,
    refusals: Refusals,
) -> Running:
    settings = rails.settings
    server = Server(
        certificates,
        verifier,
        host=settings.host,
        port=settings.grpc_port,
        health=rails.health,
        refusals=refusals,
    )
    for add, servicer in parts.rpc:
        server.add(add, servicer)
    grpc_port = await stack.enter_async_context(server)
    app = create_app(
        rails.name,
        parts.routes,
        callers=Callers(verifier, permissions, origin=settings.public_url),
        health=rails.health,
        messages=parts.messages,
        glossary=parts.glossary,
        state={"rails": rails, "permissions": permissions, "verifier": verifier, **parts.state},
        refusals=refusals,
        admission=_admission(rails.name, settings),
    )
    http_port = await stack.enter_async_context(serve_http(app, settings.host, settings.http_port))
    return Running(http_port, grpc_port)


def _admission(service: str, settings: Settings) -> Admission:
    """How many requests are handled at once. Raises SettingsError."""
    try:
        return Admission(
            service,
            light=LIGHT.resized(settings.light_requests),
            heavy=HEAVY.resized(settings.heavy_requests),
            bulk=BULK.resized(settings.bulk_requests),
            public=PUBLIC.resized(settings.public_requests),
        )
    except ValueError as error:
        raise SettingsError(f"requests: {error}") from None


def _database_check(database: Database) -> Check:
    async def check() -> str | None:
        try:
            await database.ping()
        except Unavailable:
            return "the database is away"
        return None

    return check


class _Loops:
    """Loops beside each other; one that fails cancels whoever entered."""

    def __init__(self) -> None:
        self._group = asyncio.TaskGroup()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    def start(self, loop: Callable[[], object]) -> None:
        """Run ``loop`` until the end."""
        self._tasks.append(self._group.create_task(loop()))  # type: ignore[arg-type]  # a coroutine function's

    async def __aexit__(self, *error: object) -> None:
        for task in self._tasks:
            task.cancel()
        await self._group.__aexit__(*error)  # type: ignore[arg-type]  # passed through
