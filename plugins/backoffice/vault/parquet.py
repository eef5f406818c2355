"""Encrypted Parquet between tasks: AES-256-GCM, the footer too, under the job's own data key (P7).

Written and read by pyarrow, from and to DuckDB's memory batch by batch: DuckDB's own reader fails on some valid files,
and keeps the key for as long as the connection lives. Plaintext is in memory only; what lies on disk is sealed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from backoffice.ahead import ahead
from backoffice.discretion import kind_of
from backoffice.errors import BackofficeError, VaultError
from backoffice.vault.memory import Memory, Unnamed

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, DuckDBPyRelation
    from pyarrow import RecordBatch, Schema, Table
    from pyarrow.dataset import Dataset
    from pyarrow.parquet import ParquetFile

__all__ = [
    "Opening",
    "Sealed",
    "View",
    "opening_of",
    "read_batches",
    "read_encrypted",
    "write_batches",
    "write_encrypted",
]

_BATCH_ROWS = 32_768
_PREFIX = b"backoffice/parquet/1:"


class Sealed(Unnamed):
    """An encrypted Parquet file without a name, unchangeable: ``sha256`` (hexadecimal) of its bytes, ``rows`` in it."""

    sha256: str = ""
    rows: int = 0


class View:
    """A view in DuckDB over an encrypted file; each query decrypts what it needs.

    Gone with ``close``, or with the connection.
    """

    def __init__(self, connection: DuckDBPyConnection, name: str, rows: int) -> None:
        self._connection = connection
        self.name = name
        self.rows = rows

    def close(self) -> None:
        """Drop it, and the key with it."""
        with suppress(Exception):  # the connection may be closed already; then the view is gone as well
            self._connection.unregister(self.name)

    def __enter__(self) -> Self:
        """Use it in a ``with`` to drop it at the end."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Drop it."""
        self.close()


def write_encrypted(
    connection: DuckDBPyConnection, table: str | DuckDBPyRelation, key: bytes, *, binding: str | UUID = ""
) -> Sealed:
    """Write a table, view or relation as encrypted Parquet (LZ4). Close what it gives.

    :param key: the job's data key, 32 bytes.
    :param binding: what else the file is bound to, such as the job's id: it opens only with the same.
    :raises VaultError: it cannot be written; no value is in the message.
    """

    with ExitStack() as open_:

        def content() -> tuple[Schema, Iterable[RecordBatch]]:
            found = connection.sql('FROM "' + table.replace('"', '""') + '"') if isinstance(table, str) else table
            reader = found.to_arrow_reader(_BATCH_ROWS)
            return reader.schema, open_.enter_context(closing(ahead(reader)))

        return _sealed(content, key, binding, compression="lz4")


def write_batches(schema: Schema, batches: Iterable[RecordBatch], key: bytes, *, binding: str | UUID = "") -> Sealed:
    """Write batches as encrypted Parquet, each as a row group of its own, as they come: no more than one is held. Not
    compressed, for what is so already. Close what it gives.

    :raises VaultError: it cannot be written; no value is in the message.
    :raises BackofficeError: what ``batches`` raises of ours.
    """
    return _sealed(lambda: (schema, batches), key, binding, compression="none")


def _sealed(
    content: Callable[[], tuple[Schema, Iterable[RecordBatch]]], key: bytes, binding: str | UUID, *, compression: str
) -> Sealed:
    import pyarrow.parquet as pq
    from pyarrow.parquet.encryption import create_encryption_properties

    _check(key)
    sealed = Sealed("parquet")
    ours: BackofficeError | None = None
    kind = ""
    try:
        schema, batches = content()
        properties = create_encryption_properties(key, aad_prefix=_bound(binding), store_aad_prefix=False)
        # Nobody asks for the least or the most of a column.
        plainly = {"compression": compression, "use_dictionary": False, "write_statistics": False}
        with pq.ParquetWriter(sealed, schema, encryption_properties=properties, **plainly) as writer:
            for batch in batches:
                writer.write_batch(batch)
                sealed.rows += batch.num_rows
        sealed.seek(0)
        sealed.sha256 = hashlib.file_digest(sealed, "sha256").hexdigest()
        return sealed.seal()
    except BackofficeError as error:  # no value is in it: no room, or a drop that cannot be read
        ours = error
    except Exception as error:  # noqa: BLE001 - pyarrow and DuckDB print values in their errors
        kind = kind_of(error)
    sealed.close()
    if ours is not None:
        raise ours
    raise VaultError(
        f"The encrypted intermediate could not be written ({kind}).",
        hint="Is memory short, or a column's type unusual?",
    )


@dataclass(frozen=True)
class Opening:
    """How an encrypted file is read, by another process of the same user too: it is sent to Spark's Python processes."""

    path: str
    key: bytes
    bound: bytes

    def __repr__(self) -> str:
        """Without the key."""
        return "Opening()"

    @property
    def row_groups(self) -> int:
        """How many it has."""
        with self._file() as file:
            return file.num_row_groups

    def batches(self, numbers: Iterable[int], columns: Sequence[str] | None = None) -> Iterator[RecordBatch]:
        """The rows of these row groups, a little at a time.

        :param columns: left out: all.
        """
        chosen = None if columns is None else list(columns)
        with self._file() as file:
            for number in numbers:
                read = file.iter_batches(_BATCH_ROWS, row_groups=[number], columns=chosen, use_threads=False)
                yield from (batch if chosen is None else batch.select(chosen) for batch in read)

    def _file(self) -> ParquetFile:
        import pyarrow.parquet as pq
        from pyarrow.parquet.encryption import create_decryption_properties

        properties = create_decryption_properties(self.key, aad_prefix=self.bound)
        return pq.ParquetFile(self.path, decryption_properties=properties, pre_buffer=False)


def opening_of(source: Memory, key: bytes, *, binding: str | UUID = "") -> Opening:
    """How other processes read a file that this one holds open, and has looked at with :func:`read_encrypted`."""
    return Opening(f"/proc/{os.getpid()}/fd/{source.fileno()}", key, _bound(binding))


def read_batches(source: Memory, key: bytes, *, binding: str | UUID = "", sha256: str | None = None) -> Iterator[Table]:
    """What :func:`write_batches` wrote, a row group at a time, in order. Keep the source open while it is read.

    :raises VaultError: as :func:`read_encrypted`.
    """
    import pyarrow.parquet as pq
    from pyarrow.parquet.encryption import create_decryption_properties

    _check(key)
    file: ParquetFile | None = None
    with suppress(Exception):  # as above
        if sha256 is None or _digest(source.path) == sha256:
            properties = create_decryption_properties(key, aad_prefix=_bound(binding))
            file = pq.ParquetFile(source.path, decryption_properties=properties)
    if file is None:
        raise _does_not_open()
    return _groups(file)


def _groups(file: ParquetFile) -> Iterator[Table]:
    with file:
        for number in range(file.num_row_groups):
            found: Table | None = None
            with suppress(Exception):
                found = file.read_row_group(number)
            if found is None:
                raise _does_not_open()
            yield found


def read_encrypted(
    connection: DuckDBPyConnection,
    source: str | Path | int | Memory,
    key: bytes,
    view: str,
    *,
    binding: str | UUID = "",
    sha256: str | None = None,
) -> View:
    """Register an encrypted file as a view. Keep the source open for as long as the view is used.

    :param source: a path (``/proc/self/fd/N`` too), a descriptor, or a file in memory.
    :param sha256: if given, the whole file is compared with it first, so that no query can meet a changed byte.
    :raises VaultError: wrong key, another job's file, cut off, changed, or not encrypted; no value is in the message.
    """
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq
    from pyarrow.parquet.encryption import create_decryption_properties

    _check(key)
    path = (
        source.path
        if isinstance(source, Memory)
        else f"/proc/self/fd/{source}"
        if isinstance(source, int)
        else str(source)
    )
    try:
        genuine = sha256 is None or _digest(path) == sha256
        if genuine:
            properties = create_decryption_properties(key, aad_prefix=_bound(binding))
            with pq.ParquetFile(path, decryption_properties=properties) as file:
                rows = file.metadata.num_rows
            options = ds.ParquetFragmentScanOptions(
                decryption_properties=properties, pre_buffer=False, use_buffered_stream=True
            )
            form = ds.ParquetFileFormat(default_fragment_scan_options=options)
            connection.register(view, _little_at_a_time(ds.dataset(path, format=form)))
            return View(connection, view, rows)
    except Exception:  # noqa: BLE001, S110 - as above
        pass
    raise _does_not_open()


def _does_not_open() -> VaultError:
    return VaultError(
        "An encrypted intermediate does not open: another key, another job's file, cut off, or changed.",
        hint="Run the job again from `prepare`; its drop is untouched.",
    )


def _little_at_a_time(dataset: Dataset) -> Dataset:
    """The same for DuckDB, read as it is asked for: most of what a check or a delivery would hold.

    DuckDB asks for millions of rows in advance, and Arrow's threads read on until a gibibyte waits for it, whatever is said
    of reading ahead. Without threads of its own Arrow reads in DuckDB's, no further than the batch that is wanted.
    """
    import pyarrow.dataset as ds

    few = {"batch_size": _BATCH_ROWS, "batch_readahead": 0, "fragment_readahead": 0, "use_threads": False}

    class Few(ds.UnionDataset):
        def scanner(self, **asked: Any) -> Any:
            return super().scanner(**asked | few)

    return Few(dataset.schema, [dataset])


def _check(key: bytes) -> None:
    if len(key) != 32:
        raise VaultError(f"A data key has 32 bytes, not {len(key)}: AES-256 and nothing less.")


def _bound(binding: str | UUID) -> bytes:
    return _PREFIX + str(binding).encode()


def _digest(path: str) -> str:
    with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC), "rb", buffering=0) as file:  # noqa: PTH123 - /proc/self/fd
        return hashlib.file_digest(file, "sha256").hexdigest()
