"""What can go wrong with an import as a whole."""

from __future__ import annotations

from daicho.faults import Conflict, Malformed, Messages, Unavailable


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


class StorageUnavailable(Unavailable):
    """The disk for files is full or cannot be written; nothing was kept."""

    code = "storage_unavailable"
    messages = Messages(
        ja="ファイルを保存できません。空き容量を確認してから、もう一度お試しください。",
        en="The file cannot be stored. Check the free space, then try again.",
    )


class UploadMalformed(Malformed):
    """The body is no multipart/form-data with one ``file`` and a ``resource``."""

    code = "upload_malformed"
    messages = Messages(
        ja="multipart/form-data で file と resource を送ってください。",
        en="Send multipart/form-data with file and resource.",
    )
