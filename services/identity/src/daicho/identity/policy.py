"""Identity's rules as pure functions: texts that people choose, times, limits, who may change whom."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Literal

from email_validator import EmailNotValidError, validate_email

from daicho.faults import FieldFault
from daicho.identity.password_strength import ENOUGH, guesses
from daicho.identity.permissions import ROLES
from daicho.nihongo import compose, is_single_line

#: A new company may work this long before somebody confirms the address it gave.
CONFIRMATION_GRACE = timedelta(hours=72)
#: The link outlives the grace, so that a late owner still gets in.
CONFIRMATION_LIFETIME = timedelta(days=14)
INVITATION_LIFETIME = timedelta(days=7)
RESET_LIFETIME = timedelta(hours=1)
NOTICE_LIFETIME = timedelta(days=7)

ACCESS_TOKEN_LIFETIME = timedelta(minutes=10)
SESSION_IDLE_LIFETIME = timedelta(days=14)
SESSION_LIFETIME = timedelta(days=90)
#: Callers that race with one refresh token inside this time get the same successor.
REFRESH_GRACE = timedelta(seconds=10)

INVITATIONS_AT_ONCE = 100
LONGEST_EMAIL = 254
"""Characters of an address (RFC 5321, section 4.5.3.1.3, without the brackets)."""

_CODE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_RESERVED_CODES = frozenset(
    [
        "admin",
        "api",
        "app",
        "auth",
        "console",
        "daicho",
        "docs",
        "help",
        "mail",
        "root",
        "static",
        "support",
        "www",
    ]
)
_PASSWORD_MINIMUM, _PASSWORD_MAXIMUM = 10, 256


def normalise_email(text: str) -> str:
    """The form under which an address is found: NFKC, trimmed, lower case.

    Lower-casing the local part joins addresses that only pedants tell apart; people type both.
    """
    return compose(text).strip().lower()


def email_fault(pointer: str, text: str) -> FieldFault | None:
    """What is wrong with an e-mail address, if anything."""
    if not text.strip():
        return FieldFault(pointer, "required")
    if has_control(text):
        return FieldFault(pointer, "control_character")
    if len(text) > LONGEST_EMAIL:
        return FieldFault(pointer, "too_long", {"maximum": LONGEST_EMAIL})
    try:
        validate_email(normalise_email(text), check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return FieldFault(pointer, "invalid_email")
    return None


def has_control(text: str) -> bool:
    """Whether ``text`` holds a control or invisible formatting character, line ends included."""
    return not is_single_line(text)


def line_fault(pointer: str, text: str, *, maximum: int) -> FieldFault | None:
    """What is wrong with a one-line text that people read (a name), if anything."""
    if not text.strip():
        return FieldFault(pointer, "required")
    if len(text) > maximum:
        return FieldFault(pointer, "too_long", {"maximum": maximum})
    return FieldFault(pointer, "control_character") if has_control(text) else None


def code_fault(pointer: str, code: str) -> FieldFault | None:
    """What is wrong with a tenant's code: 3 to 40 of a–z, 0–9 and single hyphens, beginning with a letter."""
    if not code:
        return FieldFault(pointer, "required")
    if len(code) < 3:
        return FieldFault(pointer, "too_short", {"minimum": 3})
    if len(code) > 40:
        return FieldFault(pointer, "too_long", {"maximum": 40})
    if not _CODE.fullmatch(code):
        return FieldFault(pointer, "invalid_code")
    return FieldFault(pointer, "reserved_code") if code in _RESERVED_CODES else None


def normalise_password(text: str) -> str:
    """NFKC, so that a password typed full width on one machine matches half width on another. Nothing of a password that
    may be long enough is cut."""
    return unicodedata.normalize("NFKC", text) if len(text) <= _PASSWORD_MAXIMUM else compose(text)


def password_length_fault(pointer: str, password: str) -> FieldFault | None:
    """What is wrong with the length of a new password, if anything: asked before anything is worked for it."""
    text = normalise_password(password)
    if len(text) < _PASSWORD_MINIMUM:
        return FieldFault(pointer, "too_short", {"minimum": _PASSWORD_MINIMUM})
    if len(text) > _PASSWORD_MAXIMUM:
        return FieldFault(pointer, "too_long", {"maximum": _PASSWORD_MAXIMUM})
    return None


def password_fault(pointer: str, password: str, *, personal: tuple[str, ...] = ()) -> FieldFault | None:
    """What is wrong with a new password, after NIST SP 800-63B: its length, and how few guesses find it.

    ``personal`` is what everybody knows of its owner: address, name, company, company code. Computes for up to 0.1 s:
    where others wait, by :meth:`daicho.identity.passwords.Passwords.judge`.
    """
    if fault := password_length_fault(pointer, password):
        return fault
    text = normalise_password(password)
    known = {part.lower() for word in personal for part in (word, word.split("@")[0])}
    if text.lower() in known or guesses(text, personal) < ENOUGH:
        return FieldFault(pointer, "password_too_common")
    return None


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``count`` within ``window``; past it, refused for ``pause``."""

    count: int
    window: timedelta
    pause: timedelta


#: Wrong passwords for one e-mail address of one tenant from one place, whether a user has it or not.
HERE_LOCKOUT = Limit(count=10, window=timedelta(minutes=15), pause=timedelta(minutes=15))
#: Wrong passwords from one place at one tenant, whoever they are for; an office shares one.
PLACE_LOCKOUT = Limit(count=50, window=timedelta(minutes=15), pause=timedelta(minutes=15))
#: Wrong passwords for one e-mail address from everywhere: a thousand machines guess no faster than this. It holds where
#: the user is not known, or strangers could lock them out.
EVERYWHERE_LOCKOUT = Limit(count=50, window=timedelta(hours=1), pause=timedelta(hours=1))
#: For how long a place from which a user got in is known.
KNOWN_PLACE_LIFETIME = timedelta(days=90)


def place_of(address: str | None) -> str:
    """What counts as one place: an IPv4 address, or the /64 of an IPv6 one, of which everybody has 2⁶⁴; "" for none."""
    if address is None:
        return ""
    given = ip_address(address)
    return str(given if given.version == 4 else ip_network((given, 64), strict=False))


@dataclass(frozen=True, slots=True)
class Attempts:
    """How often something was tried in the running window."""

    failures: int
    window_started_at: datetime
    locked_until: datetime | None

    def locked_for(self, now: datetime) -> int:
        """Seconds until another attempt is heard; 0 when it is heard now."""
        if self.locked_until is None or self.locked_until <= now:
            return 0
        return max(1, int((self.locked_until - now).total_seconds()))


def count_failure(attempts: Attempts | None, limit: Limit, now: datetime) -> Attempts:
    """The record after one more failure at ``now``; a window that has passed starts anew."""
    if attempts is None or attempts.window_started_at + limit.window <= now:
        attempts = Attempts(0, now, None)
    failures = attempts.failures + 1
    locked = now + limit.pause if failures >= limit.count else attempts.locked_until
    return Attempts(failures, attempts.window_started_at, locked)


Turn = Literal["rotate", "repeat", "reuse"]


def judge_refresh(*, presented: int, current: int, rotated_at: datetime, now: datetime) -> Turn:
    """What a genuine refresh token of generation ``presented`` is worth when ``current`` is the newest.

    ``rotate``: it is the newest, its successor becomes so. ``repeat``: a racing caller within
    ``REFRESH_GRACE`` of the rotation gets the same successor. ``reuse``: it was used before, so somebody
    has a copy, and the family ends. The repository's one UPDATE says the same in SQL; a test holds them equal.
    """
    if presented == current:
        return "rotate"
    if presented == current - 1 and now - rotated_at <= REFRESH_GRACE:
        return "repeat"
    return "reuse"


def confirmation_overdue(*, confirmed_at: datetime | None, created_at: datetime, now: datetime) -> bool:
    """Whether a tenant has to confirm its address before anybody works on."""
    return confirmed_at is None and now >= created_at + CONFIRMATION_GRACE


def may_touch_user(*, caller_role: str, target_role: str, wanted_role: str | None) -> bool:
    """Whether a caller who manages users may change this one, or give them ``wanted_role``.

    Nobody changes or makes a user above themselves: only owners make, change or unmake owners, whoever
    else a tenant lets manage users.
    """
    ranks = [ROLES.index(role) for role in (target_role, wanted_role) if role in ROLES]
    return caller_role in ROLES and all(ROLES.index(caller_role) <= rank for rank in ranks)


def mail_backoff(attempt: int) -> timedelta | None:
    """How long a mail waits after its ``attempt``-th failure (1, 2, …); None gives it up after two days."""
    minutes = (1, 5, 15, 60, 180, 360, 720, 1440)
    return timedelta(minutes=minutes[attempt - 1]) if attempt <= len(minutes) else None


def mail_lifetime(kind: str) -> timedelta:
    """How long a mail is worth sending: as long as the link in it is good for something, a notice a week."""
    lifetimes = {
        "confirmation": CONFIRMATION_LIFETIME,
        "invitation": INVITATION_LIFETIME,
        "reset": RESET_LIFETIME,
        "field_readers": NOTICE_LIFETIME,
    }
    return lifetimes.get(kind, timedelta())


def mail_may_leave(*, kind: str, tenant_confirmed: bool) -> bool:
    """Whether a mail leaves now: an unconfirmed tenant sends its confirmation and nothing else."""
    return tenant_confirmed or kind == "confirmation"


def mail_may_repeat(kind: str) -> bool:
    """Whether a mail that may have left already may be sent again.

    A link that is good once is so however often it arrives; every kind of today carries nothing else.
    """
    return kind in ("confirmation", "invitation", "reset", "field_readers")


FIELD_MESSAGES_JA_EN: Mapping[str, tuple[str, str]] = {
    "invalid_code": (
        "英小文字で始まる、英小文字・数字・ハイフンの組み合わせにしてください。",
        "Use a–z, 0–9 and single hyphens, beginning with a letter.",
    ),
    "reserved_code": ("この会社コードは使えません。", "This code is reserved."),
    "password_too_common": (
        "推測されやすいパスワードです。名前や会社名、よくある言葉、キーの並び、日付は避け、関係のない言葉を 3 つ以上つなげるなど、長くしてください。",
        "This password is easy to guess. Avoid names, your company, common words, keys in a row and dates: use three or more unrelated words.",
    ),
    "unknown_role": (
        "この役割はありません。使えるのは次の役割です：{options}",
        "There is no such role. There are: {options}.",
    ),
    "unknown_team": (
        "このチームはありません。GET /v1/teams にある id を指定してください。",
        "There is no such team. Take an id from GET /v1/teams.",
    ),
    "unknown_action": (
        "この操作はありません。GET /v1/roles の permissions にある名前を指定してください。",
        "There is no such action. Take a name from the permissions of GET /v1/roles.",
    ),
    "scope_not_applicable": (
        "この操作には「なし」か「すべて」だけ指定できます。",
        "This action is either none or all.",
    ),
    "beyond_own_team": (
        "このチームの顧客データに自分の権限が及ばないため、この人をこのチームには入れられません。オーナーに依頼してください。",
        "Your own rights do not reach the records of this person and team, so you cannot put them together. Ask an owner.",
    ),
    "own_rights": (
        "自分の役割やチームは変更できません。オーナーか別の管理者に依頼してください。",
        "You cannot change your own role or team. Ask an owner or another administrator.",
    ),
    "records_out_of_reach": (
        "この人の担当データを閲覧・編集する権限がないか、引き継ぎ先に渡す権限がありません。引き継ぎ先なしで続けるか、オーナーに依頼してください。",
        "You may not read and change this person's records, or not give them to that successor. Go on without a successor, or ask an owner.",
    ),
    "invited_beyond_own": (
        "この方には、あなたが出せない役割の招待がすでに届いています。招待した人かオーナーに依頼してください。",
        "This person holds an invitation to a role that you cannot give. Ask whoever invited them, or an owner.",
    ),
    "beyond_own": ("自分にない権限は与えられません。", "You cannot give what you do not have yourself."),
    "already_member": ("すでにユーザーとして登録されています。", "This person is a user already."),
    "repeated": ("同じ値が重複しています。", "This is given twice."),
}
