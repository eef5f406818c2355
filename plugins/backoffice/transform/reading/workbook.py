"""Sheets of a workbook (XLSX, XLS, XLSB, ODS), each into a table. Another process parses it: see ``workbook_child``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from backoffice.child import Child
from backoffice.contract import SpreadsheetInput
from backoffice.errors import DropRejected
from backoffice.transform.figures import InputProfile
from backoffice.transform.reading.apart import Said, refuse_if_it_failed
from backoffice.transform.reading.loading import load_batches, texts, wanted

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

__all__ = ["read_workbook"]

_CODE = "backoffice.transform.reading.workbook_child"


def read_workbook(
    connection: DuckDBPyConnection, descriptor: int, specs: Mapping[str, SpreadsheetInput], *, size: int
) -> dict[str, InputProfile]:
    """Read one workbook into a table for each input, all text, in the order of its rows.

    :param descriptor: an open file that the child reads.
    :param size: its bytes.
    :raises DropRejected: ``format``, ``protected``, ``sheet``, ``columns``, ``empty``, ``line-too-long``, ``too-large``.
    """
    order = {"descriptor": descriptor, "sheets": [_order(name, spec) for name, spec in specs.items()]}
    with Child(_CODE, order, descriptors=[descriptor]) as child:
        said = Said(child.answers)
        profiles = {name: _table(connection, said, name, spec, size) for name, spec in specs.items()}
        refuse_if_it_failed(child, said, "workbook")
    for profile in profiles.values():
        if profile.rows == 0:
            raise DropRejected("empty", "The sheet has no rows.", hint="Send one with rows below its header.")
    return profiles


def _order(name: str, spec: SpreadsheetInput) -> dict[str, Any]:
    return {
        "input": name,
        "sheet": spec.sheet,
        "header_row": spec.header_row,
        "skip_below_header": spec.skip_below_header,
        "merged": spec.merged,
        "drop_others": spec.extra_columns == "drop",
        "columns": [[one.name, one.header, one.required] for one in wanted(spec)],
    }


def _table(connection: DuckDBPyConnection, said: Said, name: str, spec: SpreadsheetInput, size: int) -> InputProfile:
    start = said.next_line()
    nothing = InputProfile(format=spec.format, rows=0, bytes=size, columns=0)
    if said.fault or "places" not in start:
        said.fault = True
        return nothing
    places = start["places"]
    rows = load_batches(connection, spec, places, _pieces(said), into=name)
    if said.fault:
        return nothing
    return InputProfile(
        format=spec.format,
        rows=rows,
        bytes=size,
        columns=start["columns"],
        dropped_columns=said.line["dropped"],
        missing_columns=sum(place is None for place in places.values()),
        sheet=start["sheet"],
        sheets=start["sheets"],
        blank_rows=said.line["blank_rows"],
        merged_cells=said.line["merged"],
        filled_cells=said.line["filled"],
    )


def _pieces(said: Said) -> Iterator[tuple[int, list[pa.Array]]]:
    """The columns of the open sheet, piece by piece, up to its end or the child's."""
    while "rows" in said.next_line() and not said.fault:
        buffers = [said.buffer(size) for size in said.line["sizes"]]
        if said.fault:
            return
        rows = said.line["rows"]
        yield rows, [texts(one, rows) for one in buffers]
