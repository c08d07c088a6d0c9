"""Buffer request bodies in the gateway until they are complete, so that a slow sender holds no connection of a service.

A long answer must have no time limit, but its request must have one. Envoy's limit of a stream covers both, so such a
route is in the table twice. The first one (:func:`until_whole`) has the limit and applies until the body is complete. Then
Envoy chooses the route again, and the second one (:func:`once_whole`) has no limit.
"""

from __future__ import annotations

from typing import Any, Final

_TYPES: Final = "type.googleapis.com/envoy.extensions.filters."
_BUFFER: Final = "daicho.body.buffer"
_UPLOAD: Final = "daicho.body.upload"
_MARK: Final = "daicho.body.mark"
_OFF: Final = {"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "disabled": True}
_ON: Final = {"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "config": {}}
_STATE: Final = "daicho.body"
_WHOLE: Final = "whole"


def filters(largest_body: int, largest_upload: int) -> list[dict[str, Any]]:
    """The filters that take a body: behind the checks of token and rate, before whatever answers."""
    return [
        {
            "name": _UPLOAD,
            "typed_config": {
                "@type": _TYPES + "http.body_size_limit.v3.BodySizeLimit",
                "max_request_bytes": largest_upload,
            },
        },
        {
            "name": _BUFFER,
            "typed_config": {"@type": _TYPES + "http.buffer.v3.Buffer", "max_request_bytes": largest_body},
        },
        {"name": _MARK, "disabled": True, "typed_config": _marking()},
    ]


def _marking() -> dict[str, Any]:
    """Reached once the body is whole: says so, and has the route chosen anew."""
    return {
        "@type": _TYPES + "http.set_filter_state.v3.Config",
        "on_request_headers": [
            {
                "object_key": _STATE,
                "factory_key": "envoy.string",
                "format_string": {"text_format_source": {"inline_string": _WHOLE}},
            }
        ],
        "clear_route_cache": True,
    }


def at_most(limit: int) -> dict[str, Any]:
    """A route's filter settings: its body is at most ``limit`` bytes."""
    size = {"max_request_bytes": limit}
    return {_BUFFER: {"@type": _TYPES + "http.buffer.v3.BufferPerRoute", "buffer": size}}


def unbuffered() -> dict[str, Any]:
    """A route's filter settings: its body passes as it comes."""
    return {_BUFFER: {"@type": _TYPES + "http.buffer.v3.BufferPerRoute", "disabled": True}}


def until_whole() -> dict[str, Any]:
    """Filter settings of the route that holds while a body arrives."""
    return {_MARK: {**_ON, "config": _marking()}}


def once_whole() -> dict[str, Any]:
    """What the match of the route demands that holds from then on."""
    return {"filter_state": [{"key": _STATE, "string_match": {"exact": _WHOLE}}]}
