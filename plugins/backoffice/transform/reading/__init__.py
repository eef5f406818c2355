"""Reading what a client handed in: from a file to a table of text for each input of the SOW."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from backoffice.contract import INPUT, Sow
from backoffice.transform.figures import InputProfile
from backoffice.transform.reading.csv import read_csv
from backoffice.transform.reading.lookups import read_lookups

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["read_drop", "read_lookups"]


def read_drop(connection: DuckDBPyConnection, sow: Sow, path: Path) -> InputProfile:
    """Read ``path`` into a table for each input of the SOW; ``input`` is the main one.

    :raises DropRejected: the client has to mend the file; neither message nor code holds anything of its content.
    """
    return read_csv(connection, sow.input, path, into=INPUT)
