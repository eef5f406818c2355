"""The documents of a drop that go back as they came in: kept under ``work/`` between two stages, like every intermediate.

They are encrypted with the job's own data key, one after the other in pieces of one MiB, in the order of their numbers. No
more than a few pieces are in memory, however many and large they are.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from backoffice.errors import VaultError
from backoffice.work import work_prefix

if TYPE_CHECKING:
    import pyarrow as pa

    from backoffice.contract import Sow
    from backoffice.deployment import Deployment
    from backoffice.ledger import Job

__all__ = ["Original", "open_originals", "save_originals"]

SAVED = "originals"
"""Where a job's figures hold the digest."""
_TOGETHER = 8
"""Pieces in one batch."""


@dataclass(frozen=True)
class Original:
    """A document as it came in."""

    path: str
    """Where it lies in the delivery: safe, and its alone."""
    size: int
    """Bytes."""
    pieces: Iterator[bytes]
    """Its content, to be read before the next one is asked for."""


def save_originals(deployment: Deployment, job: Job, originals: Iterable[Original]) -> dict[str, str]:
    """Store them, in place of those stored before.

    Gives what the ledger has to keep with the job's figures, once the job is ``prepared``: the digest.
    """
    import pyarrow as pa

    from backoffice.vault.parquet import write_batches

    schema = pa.schema([("path", pa.string()), ("size", pa.int64()), ("data", pa.binary())])
    key = deployment.keys.unwrap(job.project, job.id)
    with write_batches(schema, _batches(schema, originals), key, binding=_binding(job)) as sealed:
        deployment.store_of(job).put(job.bucket, _place(job), sealed, sha256=sealed.sha256)
        return {SAVED: sealed.sha256}


@contextmanager
def open_originals(deployment: Deployment, job: Job, sow: Sow) -> Iterator[Iterator[Original]]:
    """Those of a job, in their order; none where the SOW asks for none.

    :raises StorageError: they are not there, or the store is away.
    :raises VaultError: they are not this job's, were changed, or are not those that the ledger knows.
    """
    from backoffice.vault.memory import Unnamed
    from backoffice.vault.parquet import read_batches

    if sow.filed is None:
        yield iter(())
        return
    known = job.figures.get(SAVED)
    if not known:
        raise VaultError("The documents of this job were not kept.", hint="Run the job again from `prepare`.")
    key = deployment.keys.unwrap(job.project, job.id)
    with Unnamed("work") as file:
        with deployment.store_of(job).open(job.bucket, _place(job)) as source:
            shutil.copyfileobj(source, file)
        file.flush()
        yield _apart(read_batches(file, key, binding=_binding(job), sha256=known))


def _batches(schema: pa.Schema, originals: Iterable[Original]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    rows: list[tuple[str, int, bytes]] = []
    for original in originals:
        for piece in original.pieces:
            rows.append((original.path, original.size, piece))
            if len(rows) == _TOGETHER:
                yield pa.RecordBatch.from_arrays([*map(pa.array, zip(*rows, strict=True))], schema=schema)
                rows.clear()
    if rows:
        yield pa.RecordBatch.from_arrays([*map(pa.array, zip(*rows, strict=True))], schema=schema)


def _apart(tables: Iterable[pa.Table]) -> Iterator[Original]:
    rows = (row for one in tables for row in _rows(one))
    for (path, size), same in groupby(rows, key=lambda row: row[:2]):
        yield Original(path, size, (data for _, _, data in same))


def _rows(table: pa.Table) -> Iterator[tuple[str, int, bytes]]:
    for number in range(table.num_rows):  # one at a time: a piece is copied as it is asked for
        path, size, data = (table.column(name)[number].as_py() for name in ("path", "size", "data"))
        yield path, size, data


def _binding(job: Job) -> str:
    return f"{job.id}/originals"


def _place(job: Job) -> str:
    return f"{work_prefix(job.id)}originals/documents.parquet"
