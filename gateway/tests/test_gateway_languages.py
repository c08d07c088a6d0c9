"""The gateway's own problems are told in the language that the services would choose."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daicho.gateway.languages import asks_for_english
from daicho.testkit.gateway import Gateway
from daicho.web.problems import language_of


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        (None, "ja"),
        ("en", "en"),
        ("fr, en", "en"),
        ("EN-us,en;q=0.9", "en"),
        ("ja,en;q=0.5", "ja"),
        ("ja;q=0.5, en-GB", "en"),
        ("ja;q=0.5,en;q=0.8", "en"),
        ("en;q=0.8,ja;q=0.8", "en"),
        ("ja;q=0.8,en;q=0.8", "ja"),
        ("*,en;q=0.9", "ja"),
        ("en;q=0", "ja"),
        ("eng,enough", "ja"),
        ("fr", "ja"),
    ],
)
async def test_problems_are_told_in_the_language_that_is_asked_for(
    gateway: Gateway, accept: str | None, language: str
) -> None:
    answer = await gateway.client.get("/v1/contacts", headers={"accept-language": accept} if accept else {})
    assert answer.status_code == 401
    assert answer.headers["content-language"] == language
    assert answer.json()["title"] == "Please sign in."
    assert answer.json()["detail"] == {"ja": "サインインしてください。", "en": "Please sign in."}[language]
    assert language_of(accept) == language


_TAGS = [
    "ja",
    "ja-JP",
    "JA",
    "j",
    "jv",
    "jav",
    "en",
    "en-US",
    "EN",
    "e",
    "eo",
    "eng",
    "fr-CA",
    "zh-Hant-TW",
    "*",
]
_QUALITIES = [
    "",
    ";q=1",
    ";q=1.000",
    ";q=0",
    ";q=0.000",
    *(f"; q=0.{tenths}" for tenths in range(1, 10)),
    " ;q=0.50",
]
_LANGUAGE = st.builds(
    "{}{}{}".format, st.sampled_from(["", " "]), st.sampled_from(_TAGS), st.sampled_from(_QUALITIES)
)
_ELEMENTS = st.one_of(st.sampled_from(["", " "]), _LANGUAGE)


@given(st.lists(_ELEMENTS, min_size=1, max_size=5))
def test_the_pattern_chooses_as_the_services_do(elements: list[str]) -> None:
    accept = ",".join(elements)
    english = re.fullmatch(asks_for_english(), accept) is not None
    assert english == (language_of(accept) == "en"), accept
