"""Checkpoints are sent to a witness, as c2sp.org/tlog-witness defines it (``add-checkpoint``).

A witness that has seen another log than the one it is shown is the alarm: its memory lies outside of this
installation, so it also notices a database and a key store that were both taken back. Its refusal is entered
into the anchor, and the log is not signed any more until an operator has looked (``daicho audit re-anchor``).
"""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace
from typing import Final, NoReturn

import httpx
import structlog

from daicho.audit import checkpoint_rows, merkle, repository
from daicho.audit.alarm import raise_alarm
from daicho.audit.anchors import Anchor, Refusal
from daicho.audit.checkpoint_rows import Cosigned
from daicho.audit.checkpoints import Checkpoints
from daicho.audit.cosignatures import Witness, find_cosignature
from daicho.audit.faults import LogForked
from daicho.audit.notes import NoteInvalid
from daicho.faults import Unavailable
from daicho.keyring import StaleVersion
from daicho.runtime import SettingsError
from daicho.tenancy import Database, TenantId

PERIOD: Final = 60.0
"""Seconds between two checkpoints of a log that are sent; a witness serves many logs."""
AT_ONCE: Final = 4
ATTEMPTS: Final = 4
TIMEOUT: Final = 10.0
LONGEST_ANSWER: Final = 16 * 1024
_SIZE_DIGITS: Final = 19

log = structlog.get_logger()


class WitnessRefuses(Exception):
    """The witness does not cosign, for a reason that says nothing of the log: it does not know the log or its key."""


class Witnessing:
    """Sends the newest checkpoints of logs that grew to one witness, and keeps its cosignatures."""

    def __init__(
        self,
        database: Database,
        checkpoints: Checkpoints,
        witness: Witness,
        url: str,
        waiting: set[TenantId],
        *,
        period: float = PERIOD,
    ) -> None:
        """``url`` is the witness's submission prefix; ``waiting`` are the tenants with new checkpoints, from outside."""
        self._database, self._checkpoints = database, checkpoints
        self._witness, self._url, self._period = witness, f"{url.rstrip('/')}/add-checkpoint", period
        self._client = httpx.AsyncClient(timeout=TIMEOUT, trust_env=False)
        self._waiting = waiting
        self._places = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Send what is new, each log at most once a period; until cancelled."""
        async with self._client:
            while True:
                tenants = [*self._waiting]
                self._waiting.clear()
                await asyncio.gather(*(self._try(tenant) for tenant in tenants), asyncio.sleep(self._period))

    async def submit(self, tenant_id: TenantId) -> None:
        """Get the anchored checkpoint cosigned, and keep it so.

        Raises :class:`LogForked` when the witness has seen another log, :class:`WitnessRefuses`, Unavailable, and
        :class:`httpx.HTTPError`.
        """
        anchor = await self._checkpoints.anchors.read(tenant_id)
        known = await self._last_size(tenant_id)
        for _ in range(ATTEMPTS):
            if anchor is None:
                raise LogForked(reason="anchor_missing")
            known = min(known, anchor.tree[0])
            status, text = await self._ask(tenant_id, anchor, known)
            match status:
                case httpx.codes.OK:
                    await self._keep(tenant_id, anchor, text)
                    return
                case httpx.codes.CONFLICT:
                    anchor, known = await self._conflict(tenant_id, anchor, known, seen=_size(text))
                case httpx.codes.UNPROCESSABLE_ENTITY:
                    await self._refuse(tenant_id, anchor, known)
                case _:
                    raise WitnessRefuses(f"it answered {status}")
        raise WitnessRefuses("it names another size at each request")

    async def _ask(self, tenant_id: TenantId, anchor: Anchor, known: int) -> tuple[int, str]:
        """Status and text of the witness's answer to the anchored checkpoint, if it knows the log of ``known`` entries."""
        size, _ = anchor.tree
        async with self._database.reading(tenant_id) as tx:
            nodes = await repository.read_nodes(tx, merkle.consistency_nodes(known, size), size)
        proof = merkle.consistency_proof(known, size, nodes)
        lines = [f"old {known}", *(base64.b64encode(node).decode() for node in proof), ""]
        body = "".join(f"{line}\n" for line in lines) + anchor.signed.note
        async with self._client.stream("POST", self._url, content=body.encode()) as answer:
            data = b""
            async for part in answer.aiter_bytes():
                data += part
                if len(data) > LONGEST_ANSWER:
                    raise WitnessRefuses("its answer is too long")
        if answer.is_server_error:
            answer.raise_for_status()
        return answer.status_code, data.decode("utf-8", "replace")

    async def _conflict(
        self, tenant_id: TenantId, anchor: Anchor, known: int, *, seen: int | None
    ) -> tuple[Anchor | None, int]:
        """The next question to a witness that last cosigned ``seen`` entries and not ``known``."""
        size, _ = anchor.tree
        if known == size and seen in (None, known):
            await self._refuse(tenant_id, anchor, known)  # of this size it has seen another root
        if seen is None or seen == known:
            raise WitnessRefuses("it names no other size")
        if seen > size:
            fresh = await self._checkpoints.anchors.read(tenant_id)
            if fresh is None or fresh.tree[0] < seen:
                await self._refuse(tenant_id, anchor, seen)
            return fresh, seen
        return anchor, seen

    async def _keep(self, tenant_id: TenantId, anchor: Anchor, lines: str) -> None:
        cosigned = anchor.signed.note + lines
        try:
            found = find_cosignature(cosigned, self._witness)
        except NoteInvalid as error:
            raise WitnessRefuses(str(error)) from error
        if found is None:
            raise WitnessRefuses("its answer holds no cosignature by its key")
        line, time = found
        note = f"{anchor.signed.note}{line}"
        async with self._database.transaction(tenant_id) as tx:
            await checkpoint_rows.add_cosigned(tx, self._witness.name, Cosigned(anchor.tree[0], note, time))

    async def _last_size(self, tenant_id: TenantId) -> int:
        async with self._database.reading(tenant_id) as tx:
            last = await checkpoint_rows.read_cosigned(tx, self._witness.name)
        return 0 if last is None else last.size

    async def _refuse(self, tenant_id: TenantId, anchor: Anchor, size: int) -> NoReturn:
        """Enter the refusal into the anchor, and raise :class:`LogForked`.

        A log that an operator accepted anew is another than the witness knows, which is no news.
        """
        if anchor.replaced is not None:
            raise WitnessRefuses("it remembers the log from before it was anchored anew")
        try:
            refused = replace(anchor, refusal=Refusal(self._witness.name, size))
            await self._checkpoints.anchors.write(tenant_id, refused, replacing=anchor.version)
        except StaleVersion as error:
            raise WitnessRefuses("the log has grown meanwhile") from error  # the next request tells
        raise LogForked(reason="witness_refused")

    async def _try(self, tenant_id: TenantId) -> None:
        try:
            async with self._places:
                await self.submit(tenant_id)
        except LogForked as fork:
            raise_alarm(tenant_id, fork)
        except WitnessRefuses as error:
            log.error("witness_refuses", tenant_id=str(tenant_id), witness=self._witness.name, why=str(error))  # noqa: TRY400 - the trace says no more
        except (Unavailable, httpx.HTTPError) as error:
            log.warning("witness_waits", tenant_id=str(tenant_id), error=type(error).__name__)
            self._waiting.add(tenant_id)
        except Exception:  # a loop of the process: one tenant's trouble is not the others'
            log.exception("witness_failed", tenant_id=str(tenant_id))


def witness_of(key: str, url: str) -> Witness | None:
    """The witness that the settings name; None without one. Raises SettingsError for half a witness."""
    if not key and not url:
        return None
    if not (key and url.startswith(("https://", "http://"))):
        raise SettingsError("DAICHO_WITNESS_KEY and DAICHO_WITNESS_URL (http or https) belong together")
    try:
        return Witness.parse(key)
    except NoteInvalid as error:
        raise SettingsError(f"DAICHO_WITNESS_KEY: {error}") from None


def _size(text: str) -> int | None:
    """The size in the answer to a request whose old size was not the last one; None when there is none."""
    digits = text.strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _SIZE_DIGITS else None
