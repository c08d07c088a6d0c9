"""The faults that every service shares. A service's own faults subclass one of these."""

from __future__ import annotations

from daicho.faults.fault import Fault, Messages


class Malformed(Fault):
    """The request cannot be read at all: broken JSON, a body of the wrong type, an unusable cursor."""

    status = 400
    code = "malformed"
    messages = Messages(ja="リクエストを読み取れません。", en="The request could not be read.")


class PathNotCanonical(Malformed):
    """The path is spelled otherwise than its route: escapes, dots, doubled or trailing slashes, parameters."""

    messages = Messages(
        ja="URL のパスの書き方が正しくありません。API の説明のとおりに書いてください"
        "（末尾や連続の「/」、「.」だけの区切り、「;」、エスケープした文字は使えません）。",
        en="The path is not spelled as the API describes it. Leave out trailing and doubled slashes, dot segments, "
        "semicolons and escaped characters.",
    )


class Unauthenticated(Fault):
    """No credential, or one that no longer stands."""

    status = 401
    code = "unauthenticated"
    messages = Messages(ja="サインインしてください。", en="Please sign in.")


class Forbidden(Fault):
    """The caller is known and may not do this."""

    status = 403
    code = "forbidden"
    messages = Messages(ja="この操作を行う権限がありません。", en="You are not allowed to do this.")


class NotFound(Fault):
    """No such thing, or none that the caller may know of: the answer is the same for both."""

    status = 404
    code = "not_found"
    messages = Messages(ja="見つかりません。", en="Not found.")


class Conflict(Fault):
    """The state of things does not allow it."""

    status = 409
    code = "conflict"
    messages = Messages(
        ja="現在の状態ではこの操作を行えません。", en="The current state does not allow this."
    )


class IdempotencyInFlight(Conflict):
    """The same Idempotency-Key is being worked on at this moment."""

    code = "idempotency_in_flight"
    messages = Messages(
        ja="同じリクエストを処理しています。少し待ってからもう一度お試しください。",
        en="The same request is still being processed. Please retry shortly.",
    )


class PreconditionFailed(Fault):
    """If-Match names a version that is no longer current; ``params['version']`` is the current one."""

    status = 412
    code = "version_mismatch"
    messages = Messages(
        ja="ほかの人が先に変更しました。最新の内容を確認し、その ETag を If-Match に指定してもう一度お試しください。",
        en="Someone else changed this first. Look at the current version, then send your change with its ETag as If-Match.",
    )


class TooLarge(Fault):
    """The body exceeds ``params['limit']`` bytes."""

    status = 413
    code = "too_large"
    messages = Messages(
        ja="データが大きすぎます（上限 {limit} バイト）。小さく分けて送ってください。",
        en="The data is too large (limit {limit} bytes). Send it in smaller parts.",
    )


class Invalid(Fault):
    """Readable, but some field is wrong; ``fields`` says which and why."""

    status = 422
    code = "invalid"
    messages = Messages(ja="入力内容を確認してください。", en="Please check the fields.")


class IdempotencyMismatch(Fault):
    """The Idempotency-Key was used before with another body."""

    status = 422
    code = "idempotency_mismatch"
    messages = Messages(
        ja="この Idempotency-Key は別の内容ですでに使われています。同じ内容を送るか、新しいキーを指定してください。",
        en="This Idempotency-Key was used before with a different body. Send that body again, or choose another key.",
    )


class PreconditionRequired(Fault):
    """A change needs If-Match with the version that the caller has seen."""

    status = 428
    code = "if_match_required"
    messages = Messages(
        ja='If-Match ヘッダーで、変更前のレコードの ETag（例："v3"）を指定してください。',
        en='Say in the If-Match header which version you change: the ETag that the record had, such as "v3".',
    )


class TooManyRequests(Fault):
    """Slow down; ``params['retry_after']`` is in seconds."""

    status = 429
    code = "too_many_requests"
    messages = Messages(
        ja="リクエストが多すぎます。{retry_after} 秒後にお試しください。",
        en="Too many requests. Please retry in {retry_after} seconds.",
    )


class TooBusy(TooManyRequests):
    """Too many requests of one caller are under way or wait; ``params['retry_after']`` is in seconds. Nothing was done."""

    code = "too_busy"
    messages = Messages(
        ja="同時に処理しているリクエストが多すぎます。何も変更していません。{retry_after} 秒後にもう一度お試しください。",
        en="Too many of your requests are being handled at once. Nothing was changed; retry in {retry_after} seconds.",
    )


class Unavailable(Fault):
    """A part that this needs is away; nothing was written, and trying again is safe.

    ``passing``: it may be over in seconds, so whoever waits asks again soon.
    """

    passing = True
    status = 503
    code = "unavailable"
    messages = Messages(
        ja="ただいま利用できません。変更は保存されていません。少し待ってから、同じ内容でもう一度お試しください。",
        en="Temporarily unavailable. Nothing was changed; send the same again in a moment.",
    )
