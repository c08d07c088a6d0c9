"""Operators look at a log's anchor and accept a restored log, which the log itself records."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import hvac
import pytest

from daicho.audit import anchor_command
from daicho.audit.notes import Verifier
from daicho.keyring import ANCHORS
from tests.faults.audit_ledger import SIZE, Ledger


@pytest.fixture
def command(made: Any, openbao_server: Any, openbao_roles: Any) -> Callable[..., tuple[int, str]]:
    """``daicho audit anchor`` and ``re-anchor``: what they end with, and what they say."""
    role_id, secret_id = openbao_roles["audit"]
    settings = {
        "DAICHO_DATABASE_URL": made.app_url,
        "DAICHO_VAULT_ADDR": openbao_server.address,
        "DAICHO_VAULT_ROLE_ID": role_id,
        "DAICHO_VAULT_SECRET_ID": secret_id,
    }

    def run(name: str, *arguments: str) -> tuple[int, str]:
        out = io.StringIO()
        return anchor_command.run(name, arguments, settings, out), out.getvalue()

    return run


async def test_operator_accepts_a_restored_log_and_its_last_entry_says_so(
    ledger: Ledger, command: Any, another_process: Any, tmp_path: Any
) -> None:
    tenant, words = ledger.actor.tenant_id, ("--tenant", str(ledger.actor.tenant_id))
    kept = await ledger.checkpoints.newest(tenant)
    for table in ("entry", "tree_node", "log_head", "entry_record", "checkpoint"):
        await ledger.tamper(f"DELETE FROM {table} WHERE tenant_id = $1")  # noqa: S608 - the test's own text
    await ledger.append(7)  # what a backup of long ago held
    assert await asyncio.to_thread(command, "anchor", *words) == (
        1,
        f"""key, from the key store: {kept.key}
anchor, from the key store: {SIZE} entries, root {kept.checkpoint.root.hex()}
FORKED: entries_missing
""",
    )
    ended, said = await asyncio.to_thread(command, "re-anchor", *words, "--reason", "restored 2026-11-30")
    assert ended == 0, said
    assert f"anchor of before: {SIZE} entries" in said
    ledger = replace(ledger, checkpoints=another_process(ledger))
    await ledger.append(3)
    assert (await ledger.checkpoints.sign(tenant)).checkpoint.size == 11
    note = tmp_path / "anchor.note"
    ended, said = await asyncio.to_thread(command, "anchor", *words, "--note", str(note))
    assert (ended, "anchored anew by an operator: restored 2026-11-30" in said) == (0, True)
    assert (await ledger.verified(key=Verifier.parse(kept.key), kept=[note.read_text()])).stands
    assert await ledger.finding(kept=[kept.note]) == ("truncated", 11)
    row = await ledger.admin.fetchrow(
        "SELECT action, actor_service, entry_id FROM entry WHERE tenant_id = $1 AND sequence = 7", tenant
    )
    assert (row["action"], row["actor_service"]) == ("audit.anchored_anew", "audit")
    shown = await ledger.reader._entry(ledger.actor, row["entry_id"])
    payload = await payload_of(ledger, shown)
    assert payload["reason"] == "restored 2026-11-30"
    assert (payload["before"]["size"], payload["accepted"]["size"]) == (SIZE, 7)


async def test_operator_accepts_a_log_whose_anchor_is_gone(
    ledger: Ledger, command: Any, key_store: hvac.Client, another_process: Any
) -> None:
    tenant = ledger.actor.tenant_id
    key_store.secrets.kv.v2.delete_metadata_and_all_versions(str(tenant), mount_point=ANCHORS)
    ended, said = await asyncio.to_thread(
        command, "re-anchor", "--tenant", str(tenant), "--reason", "lost in a move"
    )
    assert (ended, "anchor of before: none that reads" in said) == (0, True)
    assert (await another_process(ledger).sign(tenant)).checkpoint.size == SIZE + 1


async def test_damaged_tree_is_not_accepted(ledger: Ledger, command: Any) -> None:
    await ledger.tamper("UPDATE log_head SET peaks = set_byte(peaks, 1, 7) WHERE tenant_id = $1")
    words = ("--tenant", str(ledger.actor.tenant_id), "--reason", "why not")
    ended, said = await asyncio.to_thread(command, "re-anchor", *words)
    assert (ended, "restore the database first" in said) == (1, True)


async def payload_of(ledger: Ledger, stored: Any) -> dict[str, Any]:
    (item,) = await ledger.reader._show(
        ledger.actor, await ledger.keyring.open(ledger.actor.tenant_id), [stored]
    )
    return dict(item.payload or {})
