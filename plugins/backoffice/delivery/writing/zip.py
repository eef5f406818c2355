"""Several files in one."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, BinaryIO

from backoffice.contract.outputs import ZipOutput
from backoffice.delivery.writing.archive import Archive
from backoffice.delivery.writing.written import Written
from backoffice.spool import Spool

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
            with Spool() as part:
                done.append(write_into(connection, one, part))
                part.finish()
                stored, large = one.format in _COMPRESSED, done[-1].bytes > 2**31 - 2**20
                with archive.open(one.filename, stored=stored, large=large) as target:
                    shutil.copyfileobj(part, target, 1024 * 1024)
    return Written.of(done, file.tell())
