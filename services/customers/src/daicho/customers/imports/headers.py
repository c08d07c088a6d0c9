"""What columns are called in the files of Japanese and English companies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from daicho.nihongo import fold

_ADDRESS: Final = {
    "address.postal_code": "郵便番号 〒 郵便 zip zipcode postalcode postcode 郵便no",
    "address.prefecture": "都道府県 都道府県名 県 prefecture state province",
    "address.city": "市区町村 市区郡 市区町村名 市町村 区市町村 city 市区",
    "address.street": "番地 町名番地 町域番地 住所 丁目番地 町名・番地 町域 以降の住所 住所1 street address address1 addressline1 streetaddress",
    "address.building": "建物名 建物 ビル名 マンション名 建物名・部屋番号 建物名部屋番号 住所2 building address2 addressline2 apartment",
}
_CONTACT: Final = {
    "family_name": "姓 苗字 名字 氏 姓名(姓) 氏名(姓) お名前(姓) lastname familyname surname",
    "given_name": "名 名前(名) 姓名(名) 氏名(名) お名前(名) firstname givenname forename",
    "family_name_kana": "セイ 姓カナ 姓かな 姓(カナ) 姓(フリガナ) 姓フリガナ カナ姓 フリガナ(姓) フリガナ(セイ) lastnamekana familynamekana",
    "given_name_kana": "メイ 名カナ 名かな 名(カナ) 名(フリガナ) 名フリガナ カナ名 フリガナ(名) フリガナ(メイ) firstnamekana givennamekana",
    "full_name": "氏名 お名前 名前 姓名 担当者名 担当者 顧客名 name fullname contactname",
    "full_name_kana": "氏名カナ 氏名(カナ) フリガナ ふりがな お名前(カナ) カナ氏名 カナ 氏名フリガナ 名前カナ namekana fullnamekana kana",
    "email": "メールアドレス メール eメール email mail mailaddress emailaddress 電子メール アドレス",
    "phone": "電話番号 電話 tel telno 固定電話 代表電話 会社電話 連絡先 phone phonenumber telephone workphone",
    "mobile": "携帯電話 携帯 携帯番号 携帯電話番号 モバイル mobile mobilephone cell cellphone",
    "fax": "fax fax番号 ファックス ファクシミリ faxnumber",
    "company_name": "会社名 企業名 法人名 勤務先 勤務先名 所属 取引先 取引先名 会社 社名 company companyname organization account accountname",
    "department": "部署 部署名 所属部署 部門 部課 department division",
    "title": "役職 役職名 肩書 肩書き title jobtitle position",
    "birthday": "誕生日 生年月日 誕生年月日 birthday birthdate dateofbirth dob",
    "notes": "備考 メモ 備考欄 摘要 コメント note notes memo remarks comment comments",
    "customer_code": "顧客番号 顧客コード 顧客id 会員番号 お客様番号 お客様コード 取引先コード customercode customerid customernumber customerno",
    "lifecycle": "ライフサイクル 顧客区分 lifecycle lifecyclestage",
    "owner": "担当 営業担当 営業担当者 自社担当 自社担当者 担当営業 所有者 owner accountowner salesrep",
    "tags": "タグ ラベル tag tags labels",
    **_ADDRESS,
}
_COMPANY: Final = {
    "name": "会社名 企業名 法人名 取引先名 取引先 会社 社名 company companyname name organization accountname",
    "name_kana": "会社名カナ 会社名(カナ) 会社名フリガナ 会社名かな 社名カナ 法人名カナ 企業名カナ フリガナ カナ companynamekana namekana kana",
    "corporate_number": "法人番号 法人no corporatenumber houjinbangou",
    "registration_number": "登録番号 インボイス番号 適格請求書発行事業者登録番号 インボイス登録番号 t番号 registrationnumber invoicenumber",
    "phone": "電話番号 電話 tel 代表電話 代表番号 代表電話番号 phone phonenumber telephone",
    "url": "url ホームページ hp webサイト ウェブサイト サイトurl website web homepage",
    "capital": "資本金 資本金(円) capital",
    "closing_month": "決算月 決算 決算期 closingmonth fiscalyearend",
    "founded_on": "設立日 設立年月日 設立 創業日 創立日 foundedon founded foundeddate established",
    "owner": "担当 営業担当 営業担当者 自社担当 担当者 担当営業 所有者 owner accountowner salesrep",
    "tags": "タグ ラベル tag tags labels",
    **_ADDRESS,
}

_MARKS: Final = re.compile(
    r"[\s_\-※*＊:：・/]+|[(\[【〔<](?:必須|任意|半角|全角|半角英数|半角数字|required|optional)[)\]】〕>]"
)


def header_key(name: str) -> str:
    """What two spellings of a column's name have in common: widths, case, blanks, and marks such as （必須）."""
    return _MARKS.sub("", fold(name))


def _by_key(names: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for field, spellings in names.items():
        for spelling in (field, field.rpartition(".")[2], *spellings.split()):
            found.setdefault(header_key(spelling), field)
    return found


FIELD_OF_HEADER: Final[Mapping[str, Mapping[str, str]]] = {
    "contact": _by_key(_CONTACT),
    "company": _by_key(_COMPANY),
}
"""By resource: the field that a column means, by the :func:`header_key` of its name."""

KNOWN_HEADERS: Final = frozenset(key for names in FIELD_OF_HEADER.values() for key in names)
