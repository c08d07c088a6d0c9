"""What the terminal says once everything runs."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from pathlib import Path

from daicho.local.plan import Wiring


def banner(wiring: Wiring, demo: Mapping[str, str] | None, seconds: float) -> str:
    """Where to go, how to sign in, where mail shows, how to stop: in Japanese and English."""
    options = wiring.options
    lines = [
        ("", ""),
        ("Daicho 台帳", f"準備ができました / ready ({seconds:.1f} s)"),
        ("開く / open", options.public_url),
    ]
    if demo:
        lines += [
            ("デモ / demo", f"会社コード / company  {demo['tenant']}"),
            ("", f"メール / e-mail        {demo['email']}"),
            ("", f"パスワード / password  {demo['password']}"),
        ]
    lines.append(("メール / mail", wiring.mail_page or options.smtp_url or ""))
    lines.append(("API", f"{options.public_url}/docs"))
    lines.append(("データ / data", str(options.data)))
    if options.vault_addr is None:
        lines.append(("鍵 / unseal key", _key_note(options.unseal_file, options.data)))
    lines += [("停止 / stop", "Ctrl-C"), ("", "")]
    return "\n".join(f"  {_padded(name, 18)}{value}".rstrip() for name, value in lines)


def _key_note(chosen: Path | None, data: Path) -> str:
    if chosen is not None:
        return str(chosen)
    return f"{data / 'openbao' / 'unseal.json'} (バックアップは別の場所へ / back it up elsewhere; UNSEAL_FILE= moves it)"


def _padded(text: str, width: int) -> str:
    """Wide characters take two columns."""
    taken = sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
    return text + " " * max(1, width - taken)
