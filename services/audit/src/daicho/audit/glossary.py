"""What the names in the audit's REST shapes mean, with values such as they have."""

from __future__ import annotations

from typing import Final

from daicho.web import Glossary, Term

_RECORD: Final = "019abf4e-b3c4-7f55-8a16-e8091a2b3c37"
_LOG: Final = "daicho/audit/019abf4e-7a00-7123-8d13-51e2a0c4b601"
_KEY: Final = f"{_LOG}+09904a78+AXEiTadwGkd4IhSIzVkJvAClhO+qJYhiais4F6H1BWXA"
_ROOT: Final = "snmSuNHRkOEi6K04rJjh3JL2Yf1XuAvSWnYPDK3KlXw="
_NOTE: Final = f"{_LOG}\n20\n{_ROOT}\n\n— {_LOG} CZBKePfZLP/TgTa0eM3vRCOQNZOICAVOCQjyVio3kZrO…\n"
_DIGEST: Final = "01paMZf63RKWeYwyoiB7ngaEsOb4x2QybbVmUz1Xt4U="
EXPORT: Final = (
    f'{{"line":"header","format":"daicho-audit-export/1","key":"{_KEY}",…}}\n'
    '{"line":"block","block":0,"hashes":"bVKZ+sJ0…","proof":[]}\n'
    '{"line":"entry","sequence":0,…}\n'
)

GLOSSARY: Final[Glossary] = {
    "actor_id": Term("Who acted: a user's id.", "019abf4e-8e10-7c35-8f61-92f3c4e5a704"),
    "resource": Term("What kind of thing was acted on: contact, company, user, import …", "contact"),
    "AuditEntry.resource": Term("What was acted on."),
    "Entry.resource": Term("What was acted on."),
    "record_id": Term("What was acted on: its id.", _RECORD),
    "action": Term("What was done: contact.open, contact.search, contact.updated …", "contact.open"),
    "from": Term("Not before this moment (RFC 3339).", "2026-11-25T00:00:00Z"),
    "to": Term("Before this moment (RFC 3339).", "2026-11-26T00:00:00Z"),
    "entry_id": Term("An entry, from POST /v1/audit/entries/search.", "019abf4e-d5e6-7a77-9b38-0a2b3c4d5e59"),
    "sequence": Term("Its place in the log, from 0.", 7),
    "time": Term("When it happened (RFC 3339, UTC).", "2026-11-25T01:23:45.678901Z"),
    "kind": Term("A change, an access, or an erasure."),
    "AuditActor.kind": Term("A person, a service, the product itself, or somebody who had not signed in."),
    "Actor.kind": Term("A person, a service, the product itself, or somebody who had not signed in."),
    "actor": Term("Who acted."),
    "user_id": Term("The user; null where no person acted.", "019abf4e-8e10-7c35-8f61-92f3c4e5a704"),
    "session_id": Term("The session; null where there was none.", "019abf4e-7f00-7b21-8d13-51e2a0c4b603"),
    "service": Term("The service that acted; empty where a person did.", ""),
    "name": Term("What the user is called now, where that is known.", "鈴木 一郎"),
    "type": Term("The kind of thing.", "contact"),
    "AuditResource.id": Term("The one thing, where it was one.", _RECORD),
    "Resource.id": Term("The one thing, where it was one.", _RECORD),
    "address": Term("From which network address.", "203.0.113.17"),
    "request_id": Term("The request, as the service's log and X-Request-Id name it.", "5b0c6d0f0a6e4f5f"),
    "payload_digest": Term("SHA-256 of what was entered, base64; it stays after an erasure.", _DIGEST),
    "payload": Term("What was entered, opened for the reader; null after an erasure.", {"ids": [_RECORD]}),
    "Entry.payload": Term("What was entered, base64; null after an erasure.", "AaSoddbh9BAMgCRA1F4HWReCpmZpZWxkcw=="),
    "line": Term("What the line of an export holds.", "entry"),
    "size": Term("Entries in the log.", 20),
    "root": Term("The root of the Merkle tree over them (RFC 9162), base64.", _ROOT),
    "note": Term("The checkpoint as a signed note (C2SP).", _NOTE),
    "checkpoint": Term("The checkpoint as a signed note (C2SP).", _NOTE),
    "key": Term("The verifier key of the company's log; keep it apart from proofs and exports.", _KEY),
    "format": Term("The form of this file.", "daicho-audit-proof/1"),
    "tenant_id": Term("Whose log it is.", "019abf4e-7a00-7123-8d13-51e2a0c4b601"),
    "entry": Term("The entry."),
    "proof": Term("The hashes from the entry's leaf to the root, base64.", [_DIGEST]),
    "reason": Term("Why the payloads go.", "privacy_request"),
    "entries": Term("The entries that name the erasure.", ["019abf4e-d5e6-7a77-9b38-0a2b3c4d5e59"]),
    "erased": Term("How many payloads went.", 12),
    "is_complete": Term("Whether all are gone; if not, ask again with next_cursor.", True),  # noqa: FBT003 a value, not a switch
    "ErasureView.id": Term("The entry that names the erasure.", "019abf4e-d5e6-7a77-9b38-0a2b3c4d5e59"),
    "actor_user_id": Term("Who erased.", "019abf4e-8e10-7c35-8f61-92f3c4e5a704"),
    "erased_at": Term("When (RFC 3339, UTC).", "2026-11-25T01:23:45.678901Z"),
    "state": Term("intact: the log continues its last signed checkpoint. forked: it was changed, cut back or written anew.", "intact"),
    "LogStatus.reason": Term("Why the log is forked: head_unreadable, tree_damaged, entries_missing, entries_rewritten, checkpoint_missing, checkpoint_forged, anchor_missing, anchor_forged or witness_refused; null while it is intact.", None),
    "anchored_size": Term("Entries of the last signed checkpoint, as the key store holds it; null where it is gone.", 20),
    "anchored_note": Term("The last signed checkpoint (C2SP signed note); null where it is gone.", _NOTE),
    "accepted_anew": Term("Whether an operator once accepted a log that did not continue the checkpoint of before.", False),  # noqa: FBT003 a value, not a switch
    "witnessed": Term("The newest checkpoint that the witness cosigned; null where there is no witness, or none yet."),
    "witness": Term("The witness's name.", "witness.example/w1"),
    "WitnessedView.note": Term("The checkpoint with the signatures of the log and of the witness (C2SP tlog-cosignature).", _NOTE),
    "cosigned_at": Term("When the witness cosigned (RFC 3339, UTC).", "2026-11-25T01:23:45Z"),
    "AuditSearch": Term("", {"record_id": _RECORD, "action": "contact.open", "from": "2026-11-25T00:00:00Z", "limit": 50}),
}  # fmt: skip
