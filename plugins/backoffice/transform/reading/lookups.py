"""The look-ups that belong to a SOW: tables of ours, small, beside it."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from backoffice.contract import Sow
from backoffice.discretion import kind_of
from backoffice.errors import ContractError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["read_lookups"]


def read_lookups(connection: DuckDBPyConnection, sow: Sow) -> None:
    """Make a table of each: ``_row`` and its columns, all text; an empty cell is empty.

    :raises ContractError: one is not there any more, or has rows that do not fit its header.
    """
    import pyarrow as pa

    for name, lookup in sow.lookups.items():
        path = sow.path.parent / "lookups" / lookup.file
        fault, rows = "", []
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                rows = list(csv.DictReader(file, restkey=None, strict=True))
        except (OSError, ValueError, csv.Error) as error:
            fault = kind_of(error)
        if fault or any(None in row or None in row.values() for row in rows):
            hint = "A CSV file in UTF-8, a header, and as many cells in each row."
            raise ContractError(f"The look-up {path} cannot be read{f' ({fault})' if fault else ''}.", hint=hint)
        columns = {column: pa.array([row[column] or None for row in rows], pa.string()) for column in lookup.columns}
        connection.register("_lookup", pa.table({"_row": pa.array(range(1, len(rows) + 1), pa.int64()), **columns}))
        quoted = '"' + name.replace('"', '""') + '"'
        connection.execute(f"CREATE OR REPLACE TABLE {quoted} AS SELECT * FROM _lookup")  # noqa: S608
        connection.unregister("_lookup")
