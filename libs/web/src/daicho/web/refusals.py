"""The faults that only an HTTP edge has."""

from __future__ import annotations

from daicho.faults import Fault, Messages


class MethodNotAllowed(Fault):
    """The resource exists and does not know this method."""

    status = 405
    code = "method_not_allowed"
    messages = Messages(ja="この URL ではこのメソッドを使えません。", en="This method is not allowed here.")


class UnsupportedMediaType(Fault):
    """The body is in a form that this resource does not read."""

    status = 415
    code = "unsupported_media_type"
    messages = Messages(ja="この形式の本文は受け付けていません。", en="This media type is not accepted here.")


class HeadersTooLarge(Fault):
    """More header fields, or longer ones, than any honest client sends."""

    status = 431
    code = "headers_too_large"
    messages = Messages(ja="ヘッダーが大きすぎます。", en="The header fields are too large.")
