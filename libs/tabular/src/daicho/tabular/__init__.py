"""Tables in files: xlsx. Knows no tenant and no database.

The readers are made for hostile files: everything that is read has a limit, and what the limits of this code miss,
the limits of the process that runs it do not (:mod:`daicho.runtime.child_pool`).
"""

from daicho.tabular.faults import FileEmpty, FileTooComplex, FileTooLarge, FileUnreadable, FileUnsupported
from daicho.tabular.xlsx_cells import Row
from daicho.tabular.xlsx_reader import read_xlsx

__all__ = [
    "FileEmpty",
    "FileTooComplex",
    "FileTooLarge",
    "FileUnreadable",
    "FileUnsupported",
    "Row",
    "read_xlsx",
]
