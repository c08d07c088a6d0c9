"""What a fault is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

Language = Literal["ja", "en"]


@dataclass(frozen=True, slots=True)
class Messages:
    """One sentence in both languages; ``{name}`` stands for a parameter of the fault."""

    ja: str
    en: str

    def say(self, language: Language, params: Mapping[str, object]) -> str:
        """The sentence in ``language`` with its parameters filled in."""
        return (self.ja if language == "ja" else self.en).format_map(_Lenient(params))


class _Lenient(dict[str, object]):
    """A missing parameter reads as its own name: an error about an error helps nobody."""

    def __missing__(self, key: str) -> str:
        return key


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One thing wrong with one field.

    ``pointer`` is an RFC 6901 JSON pointer into what the caller sent (``/emails/0/address``; the empty
    string is the whole document); ``code`` is stable; ``params`` fill the message's gaps.
    """

    pointer: str
    code: str
    params: Mapping[str, str | int] = field(default_factory=dict)


class Fault(Exception):
    """Something that the caller, not the program, must act on.

    Subclasses set ``status`` (HTTP), ``code`` and ``messages``. ``fields`` lists what is wrong field by
    field; ``params`` fill the message and travel to the caller as extension members.
    """

    status: ClassVar[int] = 500
    code: str = "internal"
    messages: Messages = Messages(
        ja="サーバーで問題が起きました。時間をおいてもう一度お試しください。",
        en="Something went wrong on our side. Please try again later.",
    )

    def __init__(self, fields: Sequence[FieldFault] = (), **params: str | int) -> None:
        self.fields = tuple(fields)
        self.params = params
        super().__init__(self.code, self.fields, params)

    def __str__(self) -> str:
        return self.say("en")

    def say(self, language: Language) -> str:
        """What to tell the caller, in his language."""
        return self.messages.say(language, self.params)
