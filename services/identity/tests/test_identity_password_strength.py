"""Passwords that are easy to guess are refused, and judging one is cheap whatever it is."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from typing import Final

import pytest

from daicho.identity import policy
from daicho.identity.password_strength import EXAMINED, guesses
from daicho.identity.passwords import Passwords

PERSONAL: Final = ("hanako.yamada@midori.example.jp", "山田 花子", "midori-shoji", "株式会社みどり商事")
SIGNS: Final = "4@8({[<369!1|7+$5%2z0"
"""Every sign that zxcvbn reads as a letter."""


def fault(password: str) -> str | None:
    found = policy.password_fault("/password", password, personal=PERSONAL)
    return found.code if found else None


@pytest.mark.parametrize(
    "password",
    [
        *(
            "Passw0rd!!",
            "qwerty123456",
            "daicho1234",
            "Daicho2026!",
            "D@1ch0123!!",
            "台帳台帳2026",
            "だいちょう2026",
        ),
        *(
            "P@ssword2026!",
            "Password123!",
            "Admin@12345678",
            "welcome-daicho",
            "password-password",
            "iloveyou2026!!",
        ),
        *("1qaz2wsx3edc4rfv", "qwertyuiop[]", "asdfghjkl;12", "zaq12wsxcde3", "1234567890123", "9876543210!"),
        *("aaaaaaaaaaaa", "abcabcabcabc", "passwordpassword", "2026-11-30-01", "1985年4月1日"),
        *("sakura2026!", "Nippon-2026", "arigatou123", "パスワード12345", "さくらさくら2026", "suzuki1234!"),
        *(
            "hanako.yamada",
            "Yamada2026!",
            "山田花子2026!",
            "midori-shoji1",
            "Midori2026!!",
            "みどり商事2026",
            "m1d0r1-2026",
        ),
        *(
            "p a s s w o r d 1",
            "p.a.s.s.w.o.r.d",
            "Summer2026!!",
            "090-1234-5678",
            "みどり商事2026!",
            "gundam0079!!",
        ),
        *("himawari2024", "いろはにほへとちりぬるを", "一二三四五六七八九十", "東京都千代田区123"),
        *(
            "pаsswоrd123",
            "ΡАSSWОRD1234",
            "pássword1234",
            "pāsswørd1234",
            "qwеrtу123456",
            "ɪʟᴏᴠᴇʏᴏᴜ123",
            "dаiсhо2026!!",
        ),
        *("р а s s w о r d 1", "Yаmаdа2026!", "P@sswоrd123!"),
        *("ｐａｓｓｗｏｒｄ１２３", "PASSWORD1234", "drowssap1234", "x" * 10),
    ],
)
def test_easily_guessed_password_is_refused(password: str) -> None:
    assert fault(password) in ("password_too_common", "too_short")


@pytest.mark.parametrize(
    "password",
    [
        *("correct horse battery", "another good password", "blue table seven", "ながいパスワードです"),
        *(
            "k8Zq2mWx7p",
            "tr33house-k1te-lamp",
            "カレーが好きな三毛猫",
            "x7!Kq$2p@L9z",
            "x9!Kq#2pL$",
            "g-w4_tn+7v",
        ),
        "kite lamp river " * 16,
    ],
)
def test_unrelated_words_and_chance_are_accepted(password: str) -> None:
    assert fault(password) is None


def test_the_same_password_is_weaker_for_the_one_whose_name_it_holds() -> None:
    password = "rumiko kuronuma"
    assert policy.password_fault("/p", password) is None
    assert policy.password_fault("/p", password, personal=("kuronuma.rumiko@example.jp",)) is not None


def hostile(length: int) -> list[str]:
    """Passwords that cost zxcvbn most: signs read as letters, repetitions, digits."""
    chance = random.Random(1)
    alphabets = (SIGNS, "4@8(1|7$0", "1!|7", "01", "0123456789./-", "lL1!|7", "4@$5", "abc1!|")
    made = ["".join(chance.choice(signs) for _ in range(length)) for signs in alphabets]
    return [
        *made,
        "1" * length,
        "ab" * (length // 2),
        (SIGNS * length)[:length],
        "4@({[<69!|17$5+%2" * (length // 17),
    ]


def test_cost_of_judging_is_bounded() -> None:
    """Without the bounds one of these takes 24 s; the slowest was seen at 0.03 s."""
    guesses("warm up")
    for password in hostile(256):
        begun = time.process_time()
        guesses(password, PERSONAL)
        assert time.process_time() - begun < 0.5, password


def test_what_stands_behind_the_examined_part_changes_nothing() -> None:
    beginning = "correct horse battery staple lamp"[:EXAMINED]
    assert guesses(beginning + "x" * 200) == guesses(beginning)


async def test_passwords_are_judged_in_a_thread_and_each_with_its_own_words() -> None:
    """zxcvbn keeps what it is told of somebody in a global: those judged at once must not share it."""
    passwords, interval = Passwords(threads=4), sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        names = [f"kuronuma{chr(97 + n)}zq" for n in range(8)]
        own = [passwords.judge("/p", f"{name}!71", name) for name in names]
        others = [passwords.judge("/p", f"{name}!71", "somebody") for name in names]
        found = await asyncio.gather(*own, *others)
    finally:
        sys.setswitchinterval(interval)
        passwords.close()
    assert all(found[:8])
    assert not any(found[8:])
