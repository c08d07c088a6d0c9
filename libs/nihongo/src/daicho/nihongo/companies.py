"""Company names: the legal form, where it stands, and the name without it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from daicho.nihongo.widths import BLANKS, narrow

_FORMS = {
    "株式会社": "株",
    "有限会社": "有",
    "合同会社": "同",
    "合資会社": "資",
    "合名会社": "名",
    "相互会社": "相",
    "特定目的会社": "特目",
    "一般社団法人": "一社",
    "一般財団法人": "一財",
    "公益社団法人": "公社",
    "公益財団法人": "公財",
    "社団法人": "社",
    "財団法人": "財",
    "医療法人社団": "医社",
    "医療法人財団": "医財",
    "社会医療法人": "社医",
    "医療法人": "医",
    "学校法人": "学",
    "宗教法人": "宗",
    "社会福祉法人": "福",
    "特定非営利活動法人": "特非",
    "NPO法人": "NPO",
    "国立大学法人": "大",
    "公立大学法人": "公大",
    "地方独立行政法人": "地独",
    "国立研究開発法人": "国研",
    "独立行政法人": "独",
    "弁護士法人": "弁",
    "税理士法人": "税",
    "司法書士法人": "司",
    "行政書士法人": "行",
    "社会保険労務士法人": "労",
    "弁理士法人": "弁理",
    "監査法人": "監",
    "農事組合法人": "農",
    "有限責任事業組合": "LLP",
    "生活協同組合": "生協",
    "農業協同組合": "農協",
    "漁業協同組合": "漁協",
    "事業協同組合": "業協",
    "協同組合": "協",
}
_SAME_FORM = {"NPO法人": "特定非営利活動法人"}
_OPEN, _CLOSE = r"[(\[〔【<]", r"[)\]〕】>]"


def _alternatives() -> str:
    spelled = sorted(_FORMS, key=len, reverse=True)
    short = sorted(_FORMS.values(), key=len, reverse=True)
    return "|".join(spelled) + f"|{_OPEN}(?:{'|'.join(short)}){_CLOSE}"


_FRONT = re.compile(rf"({_alternatives()})[{BLANKS}]*(.+)", re.DOTALL)
_BACK = re.compile(rf"(?:{_alternatives()})\Z")
_LONGEST = 500
"""Characters of a name whose form is looked for; a longer one is no company's."""
_BY_SHORT = {short: form for form, short in _FORMS.items()}


@dataclass(frozen=True, slots=True)
class CompanyName:
    """``core`` is the NFKC name without its form; ``form`` is written out (株式会社), or None."""

    core: str
    form: str | None
    position: Literal["front", "back"] | None


def split_company(name: str) -> CompanyName:
    """Split 株式会社, (株), （株）, ㈱ and the other legal forms off, before (前株) or after (後株) the name.

    A name that is nothing but a form, or longer than any company's, is kept whole.
    """
    plain = narrow(name).strip(BLANKS)
    if len(plain) > _LONGEST:
        return CompanyName(plain, None, None)
    if match := _FRONT.fullmatch(plain):
        return CompanyName(match[2].strip(BLANKS), _form(match[1]), "front")
    if match := _BACK.search(plain, 1):
        return CompanyName(plain[: match.start()].strip(BLANKS), _form(match[0]), "back")
    return CompanyName(plain, None, None)


def _form(spelling: str) -> str:
    form = spelling if spelling in _FORMS else _BY_SHORT[spelling[1:-1]]
    return _SAME_FORM.get(form, form)
