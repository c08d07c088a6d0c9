"""What columns are called in the files of Japanese and English companies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from daicho.nihongo import fold

_ADDRESS: Final = {
    "address.postal_code": "郵便番号 〒 郵便 zip zipcode postalcode postcode 郵便no 郵便 postal 郵便番号〒",
    "address.prefecture": "都道府県 都道府県名 県 prefecture state province",
    "address.city": "市区町村 市区郡 市区町村名 市町村 区市町村 city 市区 市郡区 市区町 郡市区 区市郡 towncity",
    "address.street": "番地 町名番地 町域番地 住所 丁目番地 町名・番地 町域 以降の住所 住所1 street address address1 addressline1 streetaddress 所在地 本社所在地 本店所在地 本社住所 会社住所 自宅住所 番地建物名 番地以降 番地等 町名 町域 住所番地 以下住所 street1",
    "address.building": "建物名 建物 ビル名 マンション名 建物名・部屋番号 建物名部屋番号 住所2 building address2 addressline2 apartment マンション建物名 ビルマンション名 アパートマンション名 マンション 方書 部屋番号 建物等 street2",
}
_CONTACT: Final = {
    "family_name": "姓 苗字 名字 氏 姓名(姓) 氏名(姓) お名前(姓) lastname familyname surname 漢字姓 氏名姓 担当者姓",
    "given_name": "名 名前(名) 姓名(名) 氏名(名) お名前(名) firstname givenname forename 漢字名 氏名名",
    "family_name_kana": "セイ 姓カナ 姓かな 姓(カナ) 姓(フリガナ) 姓フリガナ カナ姓 フリガナ(姓) フリガナ(セイ) lastnamekana familynamekana 姓ヨミ 姓よみがな 氏カナ セイカナ kanalastname",
    "given_name_kana": "メイ 名カナ 名かな 名(カナ) 名(フリガナ) 名フリガナ カナ名 フリガナ(名) フリガナ(メイ) firstnamekana givennamekana 名ヨミ 名よみがな メイカナ kanafirstname",
    "full_name": "氏名 お名前 名前 姓名 担当者名 担当者 顧客名 name fullname contactname 漢字氏名 氏名漢字 担当者氏名 先方担当者 先方担当者名 先方担当 お客様名 お客様氏名 顧客氏名 会員名 会員氏名 連絡先氏名 フルネーム 宛名 displayname personname customername",
    "full_name_kana": "氏名カナ 氏名(カナ) フリガナ ふりがな お名前(カナ) カナ氏名 カナ 氏名フリガナ 名前カナ namekana fullnamekana kana 氏名ヨミ 氏名よみがな よみがな よみ ヨミ 顧客名カナ 顧客名フリガナ お客様名カナ 担当者名カナ 担当者カナ 担当者フリガナ 会員名カナ カナ名前 名前フリガナ 姓名カナ 姓名フリガナ",
    "email": "メールアドレス メール eメール email mail mailaddress emailaddress 電子メール アドレス eメールアドレス pcメール pcメールアドレス メルアド mailアドレス 連絡先メール 連絡先メールアドレス 会社メール email1value workemail businessemail primaryemail",
    "phone": "電話番号 電話 tel telno 固定電話 代表電話 会社電話 連絡先 phone phonenumber telephone workphone 電話no 電話番号自宅 自宅電話 自宅電話番号 自宅tel 電話番号会社 電話番号勤務先 勤務先電話 勤務先電話番号 勤務先tel 会社電話番号 会社tel 代表電話番号 直通 直通電話 固定電話番号 固定 連絡先電話番号 連絡先tel 電話番号固定 phone1value businessphone homephone officephone mainphone phoneno",
    "mobile": "携帯電話 携帯 携帯番号 携帯電話番号 モバイル mobile mobilephone cell cellphone 携帯tel 携帯no 携帯電話no 電話番号携帯 電話携帯 スマホ スマートフォン mobileno mobilenumber cellular",
    "fax": "fax fax番号 ファックス ファクシミリ faxnumber",
    "company_name": "会社名 企業名 法人名 勤務先 勤務先名 所属 取引先 取引先名 会社 社名 company companyname organization account accountname 会社団体名 法人団体名 貴社名 屋号 組織名 団体名 会社名称 企業団体名 勤務先会社名 得意先名 得意先 客先名 client clientname employer",
    "department": "部署 部署名 所属部署 部門 部課 department division 所属部署名 所属部門 部課名 部署課名 部門名 dept section",
    "title": "役職 役職名 肩書 肩書き title jobtitle position 役職肩書 肩書役職 職位 職名 jobposition",
    "birthday": "誕生日 生年月日 誕生年月日 birthday birthdate dateofbirth dob birth",
    "notes": "備考 メモ 備考欄 摘要 コメント note notes memo remarks comment comments 特記事項 ノート 備考メモ",
    "customer_code": "顧客番号 顧客コード 顧客id 会員番号 お客様番号 お客様コード 取引先コード customercode customerid customernumber customerno 顧客no 顧客管理番号 顧客cd 会員no 会員id 会員コード お客様no お客様id 得意先コード 得意先番号 得意先no 得意先cd 取引先番号 取引先no 取引先cd 管理番号 管理no memberid memberno membernumber clientid clientcode customercd accountnumber",
    "lifecycle": "ライフサイクル 顧客区分 lifecycle lifecyclestage",
    "owner": "担当 営業担当 営業担当者 自社担当 自社担当者 担当営業 所有者 owner accountowner salesrep 営業担当者名 担当営業者 弊社担当 弊社担当者 弊社担当者名 自社担当者名 当社担当 当社担当者 担当社員 営業員 assignedto accountmanager",
    "tags": "タグ ラベル tag tags labels",
    **_ADDRESS,
}
_COMPANY: Final = {
    "name": "会社名 企業名 法人名 取引先名 取引先 会社 社名 company companyname name organization accountname 貴社名 得意先名 得意先 顧客名 団体名 組織名 屋号 商号 名称 法人名称 会社名称 企業団体名 会社団体名 客先名 client clientname customername",
    "name_kana": "会社名カナ 会社名(カナ) 会社名フリガナ 会社名かな 社名カナ 法人名カナ 企業名カナ フリガナ カナ companynamekana namekana kana 商号カナ 商号フリガナ 名称カナ 名称フリガナ 得意先名カナ 社名フリガナ 法人名フリガナ 企業名フリガナ 顧客名カナ カナ名 ヨミ よみがな",
    "corporate_number": "法人番号 法人no corporatenumber houjinbangou",
    "registration_number": "登録番号 インボイス番号 適格請求書発行事業者登録番号 インボイス登録番号 t番号 registrationnumber invoicenumber 適格請求書発行事業者番号 適格請求書登録番号 適格請求書番号 インボイスno インボイス事業者番号 t登録番号",
    "phone": "電話番号 電話 tel 代表電話 代表番号 代表電話番号 phone phonenumber telephone 電話no 本社電話番号 本社電話 会社電話番号 会社電話 代表tel 本社tel 固定電話 phoneno mainphone",
    "url": "url ホームページ hp webサイト ウェブサイト サイトurl website web homepage ホームページurl hpurl webサイトurl webページ サイト 企業url 会社url 会社hp 自社サイト homepageurl websiteurl",
    "capital": "資本金 資本金(円) capital",
    "closing_month": "決算月 決算 決算期 closingmonth fiscalyearend 期末月 決算月度",
    "founded_on": "設立日 設立年月日 設立 創業日 創立日 foundedon founded foundeddate established 創立年月日 創業年月日 会社設立日 incorporatedon",
    "owner": "担当 営業担当 営業担当者 自社担当 担当者 担当営業 所有者 owner accountowner salesrep 営業担当者名 弊社担当 弊社担当者 自社担当者 当社担当 当社担当者 担当社員 assignedto accountmanager",
    "tags": "タグ ラベル tag tags labels",
    **_ADDRESS,
}

_ASIDE: Final = re.compile(
    r"[(\[【〔<](?:必須|任意|半角|全角|半角英数|半角数字|漢字|西暦|和暦|[0-9]+桁|ハイフン(?:ナシ|アリ|不要)|required|optional)[)\]】〕>]"
)
_MARKS: Final = re.compile(r"[\s_\-※*＊:：・/.()\[\]【】〔〕<>]+")
_POLITE: Final = re.compile(r"[オゴ御](?=[一-鿿])")
_FIRST: Final = re.compile(r"(?<=[^0-9])1$")


def header_key(name: str) -> str:
    """What two spellings of a column's name have in common: widths, case, blanks, brackets, courtesy (ご住所), marks
    such as （必須）; the first of several (電話番号1) is the one."""
    key = _MARKS.sub("", _ASIDE.sub("", fold(name)))
    return _FIRST.sub("", _POLITE.sub("", key, count=1) if _POLITE.match(key) else key)


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
