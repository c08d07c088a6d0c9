"""Reasons for which a file as a whole cannot be read."""

from __future__ import annotations

from daicho.faults import Fault, Messages


class FileUnreadable(Fault):
    """The file as a whole cannot be read."""

    status = 422
    code = "file_unreadable"
    messages = Messages(ja="ファイルを読み取れません。", en="The file cannot be read.")


class FileEmpty(FileUnreadable):
    """The file has no row."""

    code = "file_empty"
    messages = Messages(ja="ファイルに行がありません。", en="The file has no rows.")


class FileUnsupported(FileUnreadable):
    """The file is neither text nor xlsx."""

    code = "file_unsupported"
    messages = Messages(
        ja="CSV・TSV・xlsx 以外のファイル（パスワード付きのブックや古い .xls を含む）は読み込めません。",
        en="Only CSV, TSV and xlsx can be read; not old .xls and no workbook with a password.",
    )


class FileTooLarge(FileUnreadable):
    """The file, or a part of it, would unpack to more than ``params['limit']`` bytes."""

    status = 413
    code = "file_too_large"
    messages = Messages(
        ja="ファイルが大きすぎます（展開後の上限 {limit} バイト）。",
        en="The file is too large (limit {limit} bytes unpacked).",
    )


class FileTooComplex(FileUnreadable):
    """Reading the file takes more time, memory or nesting than a file of its size may take."""

    code = "file_too_complex"
    messages = Messages(
        ja="ファイルの構造が複雑すぎるため、決められた時間とメモリーの中で読み取れません。"
        "必要な表だけを新しいブックか CSV に保存し直すか、ファイルを分けてください。",
        en="The file is too complex to be read within the limits of time and memory. "
        "Save the table alone as a new workbook or as CSV, or split the file.",
    )
