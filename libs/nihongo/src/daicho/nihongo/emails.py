"""E-mail addresses: what is accepted and the one form in which they are stored."""

from __future__ import annotations

import re

from email_validator import EmailNotValidError, validate_email

from daicho.nihongo.unreadable import Unreadable, refuse_long
from daicho.nihongo.widths import narrow

CARRIERS = ("docomo.ne.jp", "ezweb.ne.jp", "au.com")
"""Until 2009 these gave out addresses that break RFC 5321 (``a..b@``, ``ab.@``), and people still use them."""

_ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_PLAIN = re.compile(rf"({_ATOM}+(?:\.{_ATOM}+)*+)@((?:{_LABEL}\.)+[a-z]{{2,63}})")
_CARRIER = re.compile(rf"{_ATOM}+[.a-z0-9!#$%&'*+/=?^_`{{|}}~-]*+")
_LONGEST = 320
"""Characters of an address as typed: RFC 5321 allows 254, and blanks may surround them."""
_SPECIAL = ("arpa", "invalid", "local", "localhost", "onion", "test", "example")
"""Endings about which email-validator has an opinion of its own."""


def read_email(text: str) -> str:
    """The address in lower-case ASCII.

    Raises:
        Unreadable: ``invalid_email``.
    """
    refuse_long(text, "invalid_email", _LONGEST)
    plain = narrow(text).strip().lower()
    match = _PLAIN.fullmatch(plain)
    if match and len(match[1]) <= 64 and len(plain) <= 254 and _is_ordinary(match[2]):
        return plain
    return read_email_with_library(plain)


def _is_ordinary(domain: str) -> bool:
    return "--" not in domain and domain.rpartition(".")[2] not in _SPECIAL


def read_email_with_library(plain: str) -> str:
    """What :func:`read_email` answers, for text that is narrow and lower-case, by way of email-validator alone."""
    refuse_long(plain, "invalid_email", _LONGEST)
    local, _, domain = plain.rpartition("@")
    if domain in CARRIERS and len(local) <= 64 and _CARRIER.fullmatch(local):
        return plain
    try:
        valid = validate_email(plain, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        raise Unreadable("invalid_email") from None
    if valid.ascii_email is None:
        raise Unreadable("invalid_email")
    return valid.ascii_email.lower()
