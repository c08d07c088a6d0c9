"""The faults that only an HTTP edge has."""

from __future__ import annotations

from daicho.faults import Fault, Malformed, Messages, TooManyRequests


class NoBody(Malformed):
    """There is no body where one is needed."""

    messages = Messages(
        ja="本文がありません。JSON のオブジェクト（{{ }}）を送ってください。",
        en="There is no body. Send a JSON object ({{ }}).",
    )


class UnreadableBody(Malformed):
    """The body is no JSON; ``line`` and ``column`` count from 1 and say where it stops being it."""

    messages = Messages(
        ja="本文が JSON として読み取れません（{line} 行目の {column} 文字目）。UTF-8 の JSON を送ってください。",
        en="The body is not JSON: it cannot be read from line {line}, column {column} on. Send JSON in UTF-8.",
    )


class NestedTooDeep(Malformed):
    """The body has more levels than any honest one."""

    messages = Messages(
        ja="本文の入れ子が深すぎます。", en="The body is nested too deeply. Send one with fewer levels."
    )


class NulInUrl(Malformed):
    """PostgreSQL has no text with a NUL in it."""

    messages = Messages(
        ja="URL に使えない文字（%00）が含まれています。",
        en="The URL holds %00, which stands for no character. Leave it out.",
    )


class InvalidIfMatch(Malformed):
    """If-Match holds something else than one ETag of ours."""

    code = "invalid_if_match"
    messages = Messages(
        ja='If-Match ヘッダーには、変更前のレコードの ETag を "v3" のように（引用符も含めて）1 つ指定してください。',
        en='If-Match takes one ETag as the record\'s answer had it, quotation marks and all, such as "v3".',
    )


class MethodNotAllowed(Fault):
    """The resource exists and does not know this method; ``allowed`` names those that it knows."""

    status = 405
    code = "method_not_allowed"
    messages = Messages(
        ja="この URL ではこのメソッドを使えません。使えるのは {allowed} です。",
        en="This method is not allowed here. These are: {allowed}.",
    )


class UnsupportedMediaType(Fault):
    """The body is in a form that this resource does not read; ``accepted`` is the one that it does."""

    status = 415
    code = "unsupported_media_type"
    messages = Messages(
        ja="この形式の本文は受け付けていません。Content-Type: {accepted} で送ってください。",
        en="This media type is not accepted here. Send the body as Content-Type: {accepted}.",
    )


class UnsupportedCharset(UnsupportedMediaType):
    """The body says that it is in another encoding than UTF-8; read as UTF-8 it would be other text."""

    messages = Messages(
        ja="この文字コードの本文は受け付けていません。UTF-8 に変換して、Content-Type: {accepted} で送ってください。",
        en="Bodies in this encoding are not accepted here. Convert it to UTF-8 and send it as Content-Type: {accepted}.",
    )


class UnsupportedContentEncoding(UnsupportedMediaType):
    """The body is compressed or otherwise encoded; no service decodes bodies (RFC 9110, 15.5.16)."""

    messages = Messages(
        ja="圧縮した本文は受け付けていません。Content-Encoding を外し、圧縮せずに送ってください。",
        en="Encoded bodies are not accepted here. Send the body as it is, without Content-Encoding.",
    )


class ClientDisconnected(Fault):
    """The client hung up before its request was whole. Nobody reads the answer; 499 is what nginx logs for it."""

    status = 499
    code = "client_disconnected"
    messages = Messages(ja="接続が切断されました。", en="The connection was closed.")


class HeadersTooLarge(Fault):
    """More header fields, or longer ones, than any honest client sends."""

    status = 431
    code = "headers_too_large"
    messages = Messages(
        ja="ヘッダーが大きすぎます（上限は 100 個、合計 32 KiB です）。",
        en="The header fields are too large (100 of them and 32 KiB together at most).",
    )


class UrlTooLong(Fault):
    """The path and the query together are longer than any honest client's."""

    status = 414
    code = "url_too_long"
    messages = Messages(
        ja="URL が長すぎます（上限は 16 KiB です）。", en="The URL is too long (16 KiB at most)."
    )


class TooManyStreams(TooManyRequests):
    """Too many live streams, downloads and uploads are open: ``limit`` of one user, one company or one address."""

    code = "too_many_streams"
    messages = Messages(
        ja="同時に開けるダウンロード、アップロード、進行状況の表示は {limit} 件までです。"
        "どれかが終わるのを待つか、使っていないタブを閉じてください。",
        en="At most {limit} downloads, uploads and live views may be open at once. Wait for one to end, or close a tab "
        "that you do not use.",
    )
