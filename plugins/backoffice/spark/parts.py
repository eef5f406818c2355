"""Tables on their way between this process and Spark: encrypted Parquet in the session's own folder (P7).

AES-256-GCM, the footer too, under a key that is made for the session and is in memory only: this process', and that of
Spark's Python processes, which write and read the files. Rows keep their order: files by their number, row groups in them.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from backoffice.vault.parquet import Opening

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Parts", "new_key", "new_parts"]

_GROUP_ROWS = 100_000


@dataclass(frozen=True)
class Parts:
    """One table's files. Small: it is sent to Spark's Python processes."""

    folder: str
    key: bytes
    name: str

    def __repr__(self) -> str:
        """Without the key."""
        return f"Parts({self.name})"

    # ------------------------------------------------------------------ in this process

    def write(self, batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> tuple[int, int]:
        """Write them as one file; gives the number of its row groups, and of the rows."""
        import pyarrow as pa

        groups, total, waiting, rows = 0, 0, [], 0
        with self._writer(0, schema) as writer:
            for batch in batches:
                waiting.append(batch)
                rows += batch.num_rows
                if rows >= _GROUP_ROWS:
                    writer.write_table(pa.Table.from_batches(waiting, schema), row_group_size=rows)
                    groups, total, waiting, rows = groups + 1, total + rows, [], 0
            if rows:
                writer.write_table(pa.Table.from_batches(waiting, schema), row_group_size=rows)
                groups, total = groups + 1, total + rows
        return groups, total

    def dataset(self, numbers: Iterable[int], schema: pa.Schema) -> Any:
        """These files, in order, as something that DuckDB reads; each time anew."""
        import pyarrow.dataset as ds
        from pyarrow.parquet.encryption import create_decryption_properties

        options = ds.ParquetFragmentScanOptions(
            decryption_properties=create_decryption_properties(self.key, aad_prefix=self.name.encode()),
            pre_buffer=False,
            use_buffered_stream=True,
        )
        files = [str(self._place / f"{number}.parquet") for number in numbers]
        return ds.dataset(files, schema, format=ds.ParquetFileFormat(default_fragment_scan_options=options))

    def remove(self) -> None:
        """Delete the files."""
        shutil.rmtree(self._place, ignore_errors=True)

    def opening(self) -> Opening:
        """How the one file that :meth:`write` wrote is read."""
        return Opening(str(self._place / "0.parquet"), self.key, self.name.encode())

    # ------------------------------------------------------------------ in Spark's Python processes

    def keep(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Write what is given as the file of this partition; answers with its number and rows. For ``mapInArrow``."""
        import pyarrow as pa
        from pyspark import TaskContext

        context = TaskContext.get()
        number, rows, writer = (context.partitionId() if context else 0), 0, None
        try:
            for batch in batches:
                if batch.num_rows:
                    writer = writer or self._writer(number, batch.schema)
                    writer.write_batch(batch, row_group_size=_GROUP_ROWS)
                    rows += batch.num_rows
        finally:
            if writer is not None:
                writer.close()
        if rows:
            yield pa.RecordBatch.from_pydict(
                {"part": pa.array([number], pa.int64()), "rows": pa.array([rows], pa.int64())}
            )

    # ------------------------------------------------------------------ files

    @property
    def _place(self) -> Path:
        return Path(self.folder, self.name)

    def _writer(self, number: int, schema: pa.Schema) -> Any:
        import pyarrow.parquet as pq
        from pyarrow.parquet.encryption import create_encryption_properties

        with suppress(FileExistsError):
            self._place.mkdir(mode=0o700)
        sealing = create_encryption_properties(self.key, aad_prefix=self.name.encode(), store_aad_prefix=False)
        where = self._place / f"{number}.parquet"
        return pq.ParquetWriter(where, schema, compression="zstd", use_dictionary=False, encryption_properties=sealing)


def new_parts(folder: Path, key: bytes) -> Parts:
    """Room for a table."""
    return Parts(str(folder), key, f"parts-{uuid4().hex}")


def new_key() -> bytes:
    """A key for one session: AES-256."""
    return secrets.token_bytes(32)
