"""The command line: ``daicho audit anchor`` and ``daicho audit re-anchor``, with the audit's settings."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO
from uuid import UUID

from daicho.audit.anchors import Anchor
from daicho.audit.checkpoints import Checkpoints
from daicho.audit.faults import LogForked
from daicho.audit.log import Unsigned
from daicho.audit.model import Tree
from daicho.audit.reanchoring import accept_log
from daicho.faults import Unavailable
from daicho.keyring import KeyRefused, Keyring, StaleVersion, Transit
from daicho.runtime import utc_now
from daicho.tenancy import Database, TenantId

INTACT, FORKED, UNUSABLE = 0, 1, 2
_SETTINGS: Final = (
    "DAICHO_DATABASE_URL",
    "DAICHO_VAULT_ADDR",
    "DAICHO_VAULT_ROLE_ID",
    "DAICHO_VAULT_SECRET_ID",
)


@dataclass(frozen=True, slots=True)
class _Servers:
    database: Database
    keyring: Keyring
    checkpoints: Checkpoints


def run(command: str, arguments: Sequence[str], environ: Mapping[str, str], out: TextIO = sys.stdout) -> int:
    """Run ``anchor`` or ``re-anchor``; 0 when the log continues its anchor, 1 when not, 2 when it could not be looked at."""
    chosen = _parser(command).parse_args(arguments)
    missing = [name for name in _SETTINGS if not environ.get(name)]
    if missing:
        out.write(f"{', '.join(missing)} not set: run it with the settings of audit.\n")
        return UNUSABLE
    settings = [environ[name] for name in _SETTINGS]
    act = _show if command == "anchor" else _accept
    try:
        return asyncio.run(act(chosen, settings, out))
    except StaleVersion:
        out.write("The anchor changed meanwhile. Run it again.\n")
    except (KeyRefused, Unavailable) as error:
        out.write(f"The database or the key store is away, or refuses this tenant: {error}\n")
    except OSError as error:
        out.write(f"cannot write: {error}\n")
    return UNUSABLE


def _parser(command: str) -> argparse.ArgumentParser:
    if command == "anchor":
        says = (
            "Show a log's anchor, the last signed checkpoint in the key store, and compare the log with it."
        )
    else:
        says = (
            "After a restore: accept a log that does not continue its anchor. Look at what was lost first; the log "
            "gets an entry that names both and the reason."
        )
    parser = argparse.ArgumentParser(prog=f"daicho audit {command}", description=says)
    parser.add_argument("--tenant", required=True, type=UUID)
    if command == "anchor":
        parser.add_argument(
            "--note", type=Path, help="write the anchor as a signed note, for verify --checkpoint"
        )
    else:
        parser.add_argument("--reason", required=True, type=_reason, help="why, for the log's readers")
    return parser


async def _show(chosen: argparse.Namespace, settings: Sequence[str], out: TextIO) -> int:
    tenant_id = TenantId(chosen.tenant)
    async with _opened(settings) as servers:
        fork = None
        try:
            anchor: Anchor | None = (await servers.checkpoints.check(tenant_id))[0]
        except LogForked as found:
            fork, anchor = found.reason, await _anchor(servers, tenant_id)
    if anchor is not None:
        out.write(
            f"key, from the key store: {anchor.signed.key}\nanchor, from the key store: {_words(anchor.tree)}\n"
        )
        if anchor.refusal is not None:
            out.write(f"refused by {anchor.refusal.witness}, which saw {anchor.refusal.size} entries\n")
        if anchor.replaced is not None:
            out.write(f"anchored anew by an operator: {anchor.replaced.reason}\n")
        if chosen.note is not None:
            chosen.note.write_text(anchor.signed.note, encoding="utf-8")
    if fork is not None:
        out.write(f"FORKED: {fork}\n")
        return FORKED
    out.write("intact: the log in the database continues the anchor\n")
    return INTACT


async def _accept(chosen: argparse.Namespace, settings: Sequence[str], out: TextIO) -> int:
    async with _opened(settings) as servers:
        try:
            done = await accept_log(
                servers.database,
                servers.keyring,
                servers.checkpoints,
                TenantId(chosen.tenant),
                reason=chosen.reason,
                clock=utc_now,
            )
        except LogForked as fork:
            out.write(f"The log's own tree is damaged ({fork.reason}): restore the database first.\n")
            return FORKED
    before = "none that reads" if done.before is None else _words(done.before)
    out.write(
        f"anchor of before: {before}\naccepted: {_words(done.log)}\n"
        f"anchor now: {_words(done.anchor)}; its last entry says so\n"
    )
    return INTACT


@asynccontextmanager
async def _opened(settings: Sequence[str]) -> AsyncIterator[_Servers]:
    url, address, role_id, secret_id = settings
    transit = Transit(address, role_id, secret_id, service="audit")
    database = await Database.open(url, pool=2, application="audit.anchor")
    try:
        checkpoints = Checkpoints(database, transit, utc_now, Unsigned())
        yield _Servers(database, Keyring(transit, database), checkpoints)
    finally:
        await database.close()
        transit.close()


async def _anchor(servers: _Servers, tenant_id: TenantId) -> Anchor | None:
    try:
        return await servers.checkpoints.anchors.read(tenant_id)
    except LogForked:
        return None


def _words(tree: Tree) -> str:
    return f"{tree[0]} entries, root {tree[1].hex()}"


def _reason(text: str) -> str:
    if not (1 <= len(text) <= 500 and text.isprintable()):
        raise argparse.ArgumentTypeError("one line of 1 to 500 characters")
    return text
