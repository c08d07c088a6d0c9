"""ETag and If-Match: which version of a record an answer shows and a change means."""

from __future__ import annotations

import re
from typing import Any, Final

from litestar import Request

from daicho.faults import PreconditionRequired
from daicho.web.refusals import InvalidIfMatch

_TAG: Final = re.compile(r'(?:W/)?"v(\d{1,18})"')


def etag(version: int) -> str:
    """The entity tag of a record at ``version``."""
    return f'"v{version}"'


def if_match(request: Request[Any, Any, Any]) -> int:
    """The version that the caller has seen. Raises PreconditionRequired without If-Match, InvalidIfMatch for another tag.

    ``*`` is not taken: it says that the caller has seen nothing.
    """
    given = request.headers.get("if-match")
    if given is None:
        raise PreconditionRequired
    match = _TAG.fullmatch(given.strip())
    if match is None:
        raise InvalidIfMatch
    return int(match[1])
