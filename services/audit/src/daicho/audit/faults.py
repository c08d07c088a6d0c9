"""What can go wrong with the log, beyond what every service shares."""

from __future__ import annotations

from daicho.faults import Conflict, Messages


class LogForked(Conflict):
    """What the database holds does not continue what was signed: it was cut back or written anew."""

    code = "log_forked"
    messages = Messages(
        ja="監査ログが署名済みの内容とつながりません。改ざんの可能性があるため、管理者に連絡してください。",
        en="The audit log does not continue what was signed. It may have been tampered with; tell the operator.",
    )
