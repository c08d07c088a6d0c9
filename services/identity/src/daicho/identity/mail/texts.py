"""The mails that identity sends, in both languages. Plain text: every reader shows it, no link hides."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

from daicho.identity.cards import Language

Kind = Literal["confirmation", "invitation", "reset", "field_readers"]

_TEXTS: Final[Mapping[tuple[Kind, Language], tuple[str, str]]] = {
    ("confirmation", "ja"): (
        "メールアドレスの確認",
        """{name} 様

台帳「Daicho」に会社コード「{company}」でご登録いただき、ありがとうございます。
次のリンクを開いて、メールアドレスの確認を完了してください。

{link}

お心当たりのない場合は、このメールを破棄してください。

会社コード：{code}
サインイン：{sign_in}
""",
    ),
    ("confirmation", "en"): (
        "Please confirm your e-mail address",
        """Hello {name},

Thank you for signing up to Daicho with the company code "{company}".
Please open this link to confirm your e-mail address:

{link}

If this was not you, please ignore this mail.

Company code: {code}
Sign in at: {sign_in}
""",
    ),
    ("invitation", "ja"): (
        "{company} の台帳への招待",
        """{name} さんから、{company} の台帳「Daicho」に招待されています。
次のリンクを開いて、名前とパスワードを登録してください（7 日間有効）。

{link}

お心当たりのない場合は、このメールを破棄してください。

会社コード：{code}
サインイン：{sign_in}
""",
    ),
    ("invitation", "en"): (
        "You are invited to the ledger of {company}",
        """{name} invites you to the Daicho ledger of {company}.
Please open this link within seven days to choose your name and password:

{link}

If you do not expect this, please ignore this mail.

Company code: {code}
Sign in at: {sign_in}
""",
    ),
    ("field_readers", "ja"): (
        "項目「{field}」を閲覧できる役割が増えました",
        """{name} 様

{company} の台帳「Daicho」で、あなたが閲覧できる項目「{field}」を、ほかの役割の人も閲覧できるようになりました。
閲覧できる役割は項目の設定で、変更した人は監査ログで確認できます。

{link}

会社コード：{code}
サインイン：{sign_in}
""",
    ),
    ("field_readers", "en"): (
        "Further roles may read the field “{field}”",
        """Hello {name},

In the Daicho ledger of {company}, further roles may now read the field “{field}”, which you may read.
The settings of fields show which roles; the audit shows who changed it.

{link}

Company code: {code}
Sign in at: {sign_in}
""",
    ),
    ("reset", "ja"): (
        "パスワードの再設定",
        """{name} 様

パスワード再設定のご依頼を受け付けました。
次のリンクを開いて、新しいパスワードを登録してください（1 時間有効）。

{link}

お心当たりのない場合は、このメールを破棄してください。パスワードは変わりません。

会社コード：{code}
サインイン：{sign_in}
""",
    ),
    ("reset", "en"): (
        "Choose a new password",
        """Hello {name},

Somebody asked to reset your password.
Please open this link within an hour to choose a new one:

{link}

If this was not you, please ignore this mail; your password stays as it is.

Company code: {code}
Sign in at: {sign_in}
""",
    ),
}


SHOWN: Final = 60
"""Characters of a name that a mail shows."""
_LINK_SIGNS: Final = re.compile(
    r"(?<=\S)[.．。｡․﹒︒](?=[^\W_]|[\u034f\ufe00-\ufe0f])|[@＠]|[:：](?=[/／])|(?<=[/／])[/／]"
)


def without_links(text: str) -> str:
    """``text``, cut to :data:`SHOWN` characters, in which no program that shows mail sees a web or mail address.

    A blank follows each dot inside of a word, and what makes an address stands apart: ``evil. example``, ``a @ b``.
    """
    shown = text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
    return _LINK_SIGNS.sub(lambda found: f" {found[0]} " if found[0] in "@＠" else f"{found[0]} ", shown)


def write_mail(
    kind: Kind,
    language: Language,
    *,
    name: str,
    company: str,
    link: str,
    code: str,
    sign_in: str,
    field: str = "",
) -> tuple[str, str]:
    """(subject, text) of a mail; ``field`` is the key of the field that it is about.

    ``company`` is the company's name; in a confirmation, which a stranger may get, its code. ``code`` and
    ``sign_in`` are what its reader needs to sign in later: the company's code and the page's address.
    Names are texts that anybody may choose: they are cut, and nothing in them becomes a link.
    """
    subject, text = _TEXTS[kind, language]
    given = {"name": without_links(name), "company": without_links(company), "link": link, "field": field}
    given |= {"code": code, "sign_in": sign_in}
    return subject.format_map(given), text.format_map(given)
