"""Several files in one."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, BinaryIO

from backoffice.contract.outputs import ZipOutput
from backoffice.delivery.writing.archive import Archive
from backoffice.delivery.writing.written import Written

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["write"]

_COMPRESSED = {"xlsx", "ods", "parquet"}


def write(connection: DuckDBPyConnection, output: ZipOutput, file: BinaryIO) -> Written:
    """Write each of the files as it would be on its own, one behind the other."""
    from backoffice.delivery.writing import write_into

    done = []
    with Archive(file) as archive:
        for one in output.files:
            with open(os.memfd_create("part", os.MFD_CLOEXEC), "rb+") as part:  # noqa: PTH123 - a descriptor
                done.append(write_into(connection, one, part))
                part.seek(0)
                stored, large = one.format in _COMPRESSED, done[-1].bytes > 2**31 - 2**20
                with archive.open(one.filename, stored=stored, large=large) as target:
                    shutil.copyfileobj(part, target, 1024 * 1024)
    return Written.of(done, file.tell())
