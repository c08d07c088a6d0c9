"""What a fault is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

Language = Literal["ja", "en"]


@dataclass(frozen=True, slots=True)
class Messages:
    """One sentence in both languages; ``{name}`` stands for a parameter of the fault."""

    ja: str
    en: str

    def say(self, language: Language, params: Mapping[str, object]) -> str:
        """The sentence in ``language`` with its parameters filled in; ``expected`` names one of :data:`KINDS`."""
        filled = _Lenient(params)
        kind = KINDS.get(str(filled.get("expected", "other")))
        if kind is not None:
            filled["expected"] = kind.ja if language == "ja" else kind.en
        return (self.ja if language == "ja" else self.en).format_map(filled)


KINDS: Mapping[str, Messages] = {
    "text": Messages(ja="文字列", en="text"),
    "integer": Messages(ja="整数", en="a whole number"),
    "number": Messages(ja="数値", en="a number"),
    "boolean": Messages(ja="true か false ", en="true or false"),
    "list": Messages(ja="配列（[ ]）", en="a list ([ ])"),
    "object": Messages(ja="オブジェクト（{ }）", en="an object ({ })"),
    "null": Messages(ja="null", en="null"),
    "money": Messages(
        ja='最小通貨単位の整数と通貨（{"amount": 1200, "currency": "JPY"}）',
        en='whole minor units and their currency ({"amount": 1200, "currency": "JPY"})',
    ),
    "condition": Messages(
        ja='{"field", "op", "value"} か、{"all": […]}、{"any": […]}、{"not": {…}} のどれか',
        en='{"field", "op", "value"}, or one of {"all": […]}, {"any": […]}, {"not": {…}}',
    ),
    "pair": Messages(ja="2 つの値の配列（[最小, 最大]）", en="a list of two values ([least, most])"),
    "period": Messages(
        ja='期間（{"period": "this_month"} や {"period": "last_days", "count": 30}）',
        en='a period ({"period": "this_month"}, or {"period": "last_days", "count": 30})',
    ),
    "other": Messages(ja="別の種類の値", en="a value of another type"),
}
"""What a value may have to be, as sentences say it."""


def listed(names: Iterable[str], most: int = 20) -> str:
    """Names as a sentence shows them: at most ``most``, and an ellipsis for the rest; a dash where there is none."""
    every = list(names)
    return ", ".join([*every[:most], *(["…"] if len(every) > most else [])]) or "–"


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
        """What to tell the caller, in their language."""
        return self.messages.say(language, self.params)
