"""The faults of the log, beside those that every service shares."""

from __future__ import annotations

from typing import Final

from daicho.faults import Conflict, Messages

REASONS: Final = (
    "head_unreadable",
    "tree_damaged",
    "entries_missing",
    "entries_rewritten",
    "checkpoint_missing",
    "checkpoint_forged",
    "anchor_missing",
    "anchor_forged",
    "witness_refused",
)
"""The values of ``LogForked``'s ``reason``; ``docs/guide/security.md`` says what each means."""


class LogForked(Conflict):
    """The log in the database does not continue the last signed checkpoint; ``reason`` is one of :data:`REASONS`."""

    code = "log_forked"
    messages = Messages(
        ja="監査ログが署名済みの内容とつながりません。改ざんの可能性があるため、管理者に連絡してください。",
        en="The audit log does not continue what was signed. It may have been tampered with; tell the operator.",
    )

    @property
    def reason(self) -> str:
        """Why, as a code."""
        return str(self.params.get("reason", ""))
