"""The one spelling of a path of the API, as a pattern that both RE2 (Envoy) and Python read.

A path with two spellings would pass a limit that is attached to only one of them. The gateway refuses every other
spelling, and each service refuses it again.
"""

from __future__ import annotations

from typing import Final

_BEYOND_ASCII: Final = "%[89A-F][0-9A-F]"
"""An escaped byte of a character beyond ASCII, which has no other spelling; digits above 9 in capitals (RFC 3986, 2.1)."""
API_PATH: Final = (
    r"(?:/\.well-known)?"
    rf"(?:/(?:[A-Za-z0-9_~-]|{_BEYOND_ASCII})(?:[A-Za-z0-9._~-]|{_BEYOND_ASCII})*)+"
)
"""A whole path without its query: unreserved characters of RFC 3986 and escaped ones beyond ASCII; no empty segment, no
trailing slash, no segment that begins with a dot (but ``/.well-known``, RFC 8615)."""
