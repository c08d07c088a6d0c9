"""The one spelling of a path of the API, as a pattern that both RE2 (Envoy) and Python read.

A path that can be spelled in two ways passes whatever is attached to only one of them. The gateway refuses every other
spelling, and each service refuses it again.
"""

from __future__ import annotations

from typing import Final

API_PATH: Final = r"(?:/\.well-known)?(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+"
"""A whole path without its query: unreserved characters of RFC 3986 alone, so that nothing is escaped; no empty
segment, no trailing slash, no segment that begins with a dot (but ``/.well-known``, RFC 8615)."""
