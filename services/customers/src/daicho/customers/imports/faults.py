"""What can go wrong with an import as a whole."""

from __future__ import annotations

from typing import Final

from daicho.faults import Conflict, Forbidden, Malformed, Messages, TooLarge, TooManyRequests, Unavailable
from daicho.tabular import FileEmpty, FileTooComplex, FileTooLarge, FileUnreadable, FileUnsupported


class ImportBusy(Conflict):
    """The import is being checked or run."""

    code = "import_busy"
    messages = Messages(
        ja="このインポートは処理中です。終わるまでお待ちください。",
        en="The import is being worked on. Wait until it is done.",
    )


class ImportFinished(Conflict):
    """The import has run; its rows are in the ledger."""

    code = "import_finished"
    messages = Messages(ja="このインポートは完了しています。", en="The import has been run already.")


class ImportUnchecked(Conflict):
    """Only what was checked can be run."""

    code = "import_unchecked"
    messages = Messages(
        ja="先に内容の確認（チェック）を行ってください。", en="Check the import before running it."
    )


class ImportBegun(Conflict):
    """Rows of the import are in the ledger: checked again they would be there twice."""

    code = "import_begun"
    messages = Messages(
        ja="このインポートは途中まで取り込まれているため、変更やチェックのやり直しはできません。"
        "もう一度取り込みを実行すると、残りの行から続きます。",
        en="Some of its rows are imported already, so it cannot be changed or checked again. "
        "Run it again to go on with the rest.",
    )


class ImportExpired(Conflict):
    """The file and the staged rows of an import that stopped halfway are gone."""

    code = "import_expired"
    messages = Messages(
        ja="保存期間を過ぎたため、続きから取り込めません。ファイルをもう一度アップロードし、"
        "一致するレコードをスキップする設定で取り込んでください。",
        en="It was kept too long ago to go on. Upload the file again and have rows skipped whose record exists.",
    )


class ImportOfAnother(Forbidden):
    """An import is worked on with the permissions of who uploaded it, so nobody else may set it to work."""

    code = "import_of_another"
    messages = Messages(
        ja="このインポートを変更・チェック・実行できるのは、アップロードした人だけです。"
        "同じファイルをご自身でアップロードしてください。",
        en="Only who uploaded this import may change, check or run it. Upload the file yourself.",
    )


class ImportDeletionOfAnother(Forbidden):
    """An import with its file and rejected rows is its uploader's to delete, or that of a user who manages the company."""

    code = "import_deletion_of_another"
    messages = Messages(
        ja="このインポートを削除・中止できるのは、アップロードした人と会社の設定を管理できる人だけです。",
        en="Only who uploaded this import, and those who manage the company, may delete or stop it.",
    )


class StorageUnavailable(Unavailable):
    """The disk for files is full or cannot be written; nothing was kept."""

    code = "storage_unavailable"
    messages = Messages(
        ja="ファイルを保存できません。空き容量を確認してから、もう一度お試しください。",
        en="The file cannot be stored. Check the free space, then try again.",
    )


class FilesBusy(Unavailable):
    """As many files as this process handles at a time are being received or read."""

    code = "files_busy"
    messages = Messages(
        ja="ほかのファイルを処理しているため、いまは受け付けられません。{retry_after} 秒後にもう一度お試しください。",
        en="Too many files are being read at the moment. Please retry in {retry_after} seconds.",
    )


class TooManyUploads(TooManyRequests):
    """The company has as many uploads under way as it may have at a time."""

    code = "too_many_uploads"
    messages = Messages(
        ja="同時にアップロードできるファイルの数を超えています。{retry_after} 秒後にもう一度お試しください。",
        en="Your company is uploading as many files as it may at a time. Please retry in {retry_after} seconds.",
    )


class ImportsFull(Conflict):
    """Files of imports that have not run take as much space as a company has for them."""

    code = "imports_full"
    messages = Messages(
        ja="取り込み前のファイルの合計が上限（{limit} バイト）に達しています。不要なインポートを削除してください。",
        en="Files that wait to be imported take all the space there is for them ({limit} bytes). "
        "Delete imports that you do not need.",
    )


class NamesTooLarge(TooLarge):
    """The names in the cells of an import are too large for one question to identity, or for its answer."""

    code = "names_too_large"
    messages = Messages(
        ja="担当者の列の内容が大きすぎるため、照合できませんでした。ファイルを分割してからもう一度お試しください。",
        en="The columns that name users are too large to be looked up. Split the file, then try again.",
    )


class UploadMalformed(Malformed):
    """The body is no multipart/form-data with one ``file`` and a ``resource``."""

    code = "upload_malformed"
    messages = Messages(
        ja="multipart/form-data で file と resource を送ってください。",
        en="Send multipart/form-data with file and resource.",
    )


class FileTooWide(FileUnreadable):
    """The file has more than ``params['limit']`` columns."""

    code = "file_too_wide"
    messages = Messages(
        ja="列が多すぎます（上限 {limit} 列）。不要な列を削除するか、ファイルを分けてください。",
        en="The file has too many columns (limit {limit}). Delete columns that are not needed, or split the file.",
    )


UNREADABLE: Final = (FileEmpty, FileTooComplex, FileTooLarge, FileTooWide, FileUnreadable, FileUnsupported)
"""Faults of a file as a whole."""
