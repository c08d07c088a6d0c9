"""Which texts stand on one line, and what is dropped from cells."""

import random
import sys
import unicodedata

import pytest

from daicho.nihongo import drop_unseen, is_single_line, may_hold_unseen, unify_line_ends

UNSEEN = [
    *(
        "\n",
        "\r",
        "\t",
        "\x00",
        "\x85",
        "\u2028",
        "\u2029",
        "\u200b",
        "\u200c",
        "\u200d",
        "\u200e",
        "\u200f",
        "\u061c",
    ),
    *(
        "\u202a",
        "\u202b",
        "\u202c",
        "\u202d",
        "\u202e",
        "\u2060",
        "\u2066",
        "\u2067",
        "\u2068",
        "\u2069",
        "\ufeff",
        "\u00ad",
    ),
    *("\u034f", "\u115f", "\u1160", "\u17b4", "\u180b", "\u2800", "\u3164", "\uffa0"),
]


@pytest.mark.parametrize("mark", UNSEEN, ids=[f"U+{ord(each):04X}" for each in UNSEEN])
def test_line_end_or_invisible_character_is_none_of_a_line(mark: str) -> None:
    assert not is_single_line(f"株式会社{mark}青空")
    assert not is_single_line(mark)


@pytest.mark.parametrize(
    "text", ["髙﨑", "葛\U000e0100城", "👨\u200d👩\u200d👧", "❤\ufe0f\u200d🔥", "a b", "　", "が\u3099", ""]
)
def test_what_a_name_may_hold_is_a_line(text: str) -> None:
    assert is_single_line(text)
    assert drop_unseen(text) == text


@pytest.mark.parametrize("mark", [each for each in UNSEEN if each != "\u200d"])
def test_joiner_alone_stands_between_emoji(mark: str) -> None:
    assert not is_single_line(f"👨{mark}👩")


def test_invisible_characters_of_a_cell_are_dropped_and_line_ends_stay() -> None:
    assert drop_unseen("\u202aZ-1\u200b\u202c") == "Z-1"
    assert drop_unseen("一\n二\u2028三\u200e") == "一\n二\u2028三"


def test_every_format_character_is_dropped_and_nothing_else_but_fillers() -> None:
    texts = {each: f"あ{each}い" for each in map(chr, range(sys.maxunicode + 1))}
    dropped = {each for each, text in texts.items() if drop_unseen(text) != text}
    fillers = set("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u180f\u2800\u3164\uffa0")
    assert dropped == {each for each in texts if unicodedata.category(each) == "Cf"} | fillers
    assert {each for each in dropped if not may_hold_unseen(texts[each])} == set()


def without_unseen(text: str) -> str:
    """What :func:`drop_unseen` is to do, character by character."""
    text = "".join(each for each in text if each not in "\u3164\u2800")
    seen = [unicodedata.category(each) in ("So", "Sk") or each == "\ufe0f" for each in text] + [False]
    return "".join(
        each
        for place, each in enumerate(text)
        if unicodedata.category(each) != "Cf"
        or (each == "\u200d" and place > 0 and seen[place - 1] and seen[place + 1])
    )


def test_joiners_stay_between_emoji_alone_wherever_they_stand() -> None:
    source = random.Random(5)
    for _ in range(20_000):
        text = "".join(
            source.choices("a あ👨👩🏽\ufe0f\u200d\u200d\u200d\u200b\u3164\n", k=source.randrange(12))
        )
        assert drop_unseen(text) == without_unseen(text)


def test_line_ends_become_one() -> None:
    assert unify_line_ends("a\r\nb\rc\x85d\u2028e\u2029f\ng") == "a\nb\nc\nd\ne\nf\ng"
