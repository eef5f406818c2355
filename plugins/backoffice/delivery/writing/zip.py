"""Several files in one."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from typing import TYPE_CHECKING, BinaryIO

from backoffice.contract.outputs import ZipOutput
from backoffice.delivery.writing.archive import Archive
from backoffice.delivery.writing.written import Written
from backoffice.spool import Spool

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from backoffice.originals import Original

__all__ = ["write"]

_COMPRESSED = {"xlsx", "ods", "parquet"}
_LARGE = 2**31 - 2**20
_LEVEL = 1
"""Documents are mostly packed within already: deflate finds little more, however long it looks."""


def write(
    connection: DuckDBPyConnection, output: ZipOutput, file: BinaryIO, *, originals: Iterable[Original] = ()
) -> Written:
    """Write each of the files as it would be on its own, one behind the other; then the originals, piece by piece."""
    from backoffice.delivery.writing import write_into

    done = []
    with Archive(file, streamed=output.documents is not None) as archive:
        for one in output.files:
            with Spool() as part:
                done.append(write_into(connection, one, part))
                part.finish()
                stored, large = one.format in _COMPRESSED, done[-1].bytes > _LARGE
                with archive.open(one.filename, stored=stored, large=large) as target:
                    shutil.copyfileobj(part, target, 1024 * 1024)
        for original in originals:
            with archive.open(original.path, large=original.size > _LARGE, level=_LEVEL) as target:
                for piece in original.pieces:
                    target.write(piece)
    return Written.of(done, archive.size)
