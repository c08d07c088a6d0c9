"""What goes wrong with keys."""

from __future__ import annotations

from daicho.faults import Messages, Unavailable


class KeysUnavailable(Unavailable):
    """The key store is away and the key is not at hand: nothing is read or written without it."""

    code = "keys_unavailable"
    messages = Messages(
        ja="暗号鍵を利用できないため、処理できません。時間をおいてもう一度お試しください。",
        en="The encryption keys are out of reach. Please try again later.",
    )


class KeyGone(KeysUnavailable):
    """The store is there and refuses this tenant's key: it was destroyed, or the service may not use it.

    To a caller the same as a store that is away; to whoever waits it is not over in seconds, if ever.
    """

    passing = False


class Tampered(Exception):
    """A sealed value does not open: it was changed, or belongs to another row, field or tenant.

    Not a fault of the caller's: the edge answers 500, and the log line is an alert.
    """


class KeyRefused(Exception):
    """The key store refused: the service's policy does not allow it, or the key is gone."""
