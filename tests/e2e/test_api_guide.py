"""The guide to the API does what it says: its shell blocks run as they stand, in one shell, from top to bottom."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sysconfig
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "guide" / "api.md"
ROWS, REJECTED = 20, 3
"""Of the sample file that the guide imports."""
SECONDS = 180


async def test_the_guide_runs_from_sign_up_to_proof(product, tmp_path) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    script = "\n".join(["set -euo pipefail", *blocks])
    path = f"{sysconfig.get_paths()['scripts']}{os.pathsep}{os.environ['PATH']}"
    shell = await asyncio.create_subprocess_exec(
        "bash",
        "-c",
        script,
        cwd=ROOT,
        env={
            "PATH": path,
            "LANG": "C.UTF-8",
            "BASE": product.url,
            "MAIL": product.mail,
            "WORK": str(tmp_path),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await asyncio.wait_for(shell.communicate(), SECONDS)
    text = said.decode()
    assert shell.returncode == 0, f"{text[-2000:]}\n{complained.decode()[-2000:]}"
    _check_what_it_printed(text)
    _check_what_it_left(tmp_path)
    _check_what_it_filtered(tmp_path)
    _check_the_problem_is_the_one_that_is_printed(tmp_path)


def _check_what_it_printed(text: str) -> None:
    lines = text.splitlines()
    assert "cp932" in {line.lower() for line in lines}
    assert lines.count(str(REJECTED)) == 1, "as many rejected rows as the sample file has"
    assert lines.count(str(ROWS - REJECTED)) == 1, "as many contacts as there are good rows"
    assert "次郎" in lines, "the deleted contact is restored"
    assert "412" in lines, "the second editor is told"
    assert "422" in lines, "so is a body that is no contact"
    assert any("'title'" in line and "営業部長" in line for line in lines), "the history has the new title"
    assert lines.count("1") == 1, "the colleague sees the one contact that is theirs"
    assert "鈴木 一郎" in lines, "the audit names who opened it"
    assert sum(line.startswith("verified: ") for line in lines) == 2
    assert lines.count("verified: 1 entries stand, 0 of them erased") == 1


def _check_what_it_left(folder: Path) -> None:
    template = (folder / "template.csv").read_text("utf-8-sig")
    assert template.startswith("顧客番号,姓,名,セイ,メイ,")
    assert template.count("\n") == 1, "nothing but the headers"
    assert "累計購入額" in template
    opened = json.loads((folder / "contact.json").read_text())
    assert "タナ" in f"{opened['family_name_kana']}{opened['given_name_kana']}{opened['company_name']}"
    assert json.loads((folder / "conflict.json").read_text())["version"] == 2
    renewed, session = (json.loads((folder / name).read_text()) for name in ("renewed.json", "session.json"))
    assert renewed["refresh_token"] != session["refresh_token"]
    events = (folder / "events.txt").read_text().splitlines()
    told = [json.loads(line.removeprefix("data: ")) for line in events if line.startswith("data: ")]
    assert told[-1]["status"] == "done", "the stream lasts until the import is done"
    found = [len(json.loads((folder / name).read_text())["items"]) for name in ("gone.json", "back.json")]
    assert found[1] == found[0] + 1, "a deleted contact is not found, a restored one is"
    exported = (folder / "contacts.csv").read_text("utf-8-sig")
    assert exported.startswith("顧客番号,姓,名,セイ,メイ,")
    assert "タナカ" in exported
    rejected = (folder / "rejected.csv").read_bytes().decode("cp932")
    assert rejected.startswith("エラー内容,顧客番号,")


def _check_what_it_filtered(folder: Path) -> None:
    def items(name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads((folder / name).read_text())["items"]
        assert found, f"{name}: an empty page shows nothing"
        return found

    best = items("best.json")
    assert {each["custom"]["rank"] for each in best} == {"S", "A"}
    for each in items("call.json"):
        assert each["custom"]["total_spent"]["amount"] >= 100_000
        assert each["custom"].get("consent") is not True
        assert each["prefecture"] in {"東京都", "神奈川県"} or not each["emails"]
    assert items("recent.json")
    assert all(each["custom"]["registered_on"] >= "2020-04-01" for each in items("since.json"))
    paged = (folder / "paged.txt").read_text().split()
    assert paged == [each["id"] for each in reversed(best)], "every one once, the oldest first"
    counted = json.loads((folder / "counted.json").read_text())
    assert counted["count"]["value"] > len(counted["items"]) == 1


def _check_the_problem_is_the_one_that_is_printed(folder: Path) -> None:
    (printed,) = re.findall(
        r"^```json\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    said, told = json.loads(printed), json.loads((folder / "problem.json").read_text())
    assert sorted(said.pop("errors"), key=str) == sorted(told.pop("errors"), key=str)
    assert said == told
