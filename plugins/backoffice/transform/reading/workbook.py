"""Sheets of a workbook (XLSX, XLS, XLSB, ODS), each into a table. Another process parses it: see ``workbook_child``."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator, Mapping
from typing import IO, TYPE_CHECKING, Any

from backoffice.child import Child
from backoffice.contract import SpreadsheetInput
from backoffice.errors import DropRejected, EngineError
from backoffice.transform.figures import InputProfile
from backoffice.transform.reading.loading import load_batches, wanted
from backoffice.transform.reading.workbook_child import Gone, number_text

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

__all__ = ["read_workbook"]

_MEMORY = 1536 << 20
"""A sheet of 1,048,576 rows and ten columns takes about 1 GB."""
_CPU_SECONDS = 180
_CODE = "backoffice.transform.reading.workbook_child"
_SAVE = "Open it in a spreadsheet program and save it again."


def read_workbook(
    connection: DuckDBPyConnection, descriptor: int, specs: Mapping[str, SpreadsheetInput], *, size: int
) -> dict[str, InputProfile]:
    """Read one workbook into a table for each input, all text, in the order of its rows.

    :param descriptor: an open file that the child reads.
    :param size: its bytes.
    :raises DropRejected: ``format``, ``protected``, ``sheet``, ``columns``, ``empty``, ``line-too-long``, ``too-large``.
    """
    order = {
        "descriptor": descriptor,
        "memory": _MEMORY,
        "cpu_seconds": _CPU_SECONDS,
        "sheets": [_order(name, spec) for name, spec in specs.items()],
    }
    with Child(_CODE, order, descriptors=[descriptor]) as child:
        said = _Said(child.answers)
        profiles = {name: _table(connection, said, name, spec, size) for name, spec in specs.items() if not said.fault}
        said.next_line()
        code, _ = child.ended()
    if said.refused:
        kind, message, hint = said.refused
        raise DropRejected(kind, message, hint=hint)
    if said.fault or code or not said.line.get("done"):
        raise _rejection(code)
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


def _table(connection: DuckDBPyConnection, said: _Said, name: str, spec: SpreadsheetInput, size: int) -> InputProfile:
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


class _Said:
    """What the child says, message by message. Where it breaks off, ``fault`` is set."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.fault = False
        self.refused: list[str] | None = None
        self.line: dict[str, Any] = {}

    def next_line(self) -> dict[str, Any]:
        if self.fault:
            return {}
        text = self._stream.readline()
        self.line = json.loads(text) if text.endswith(b"\n") else {}
        self.refused = self.line.get("refused")
        self.fault = not self.line or self.refused is not None
        return self.line

    def buffer(self, size: int) -> bytes:
        found = self._stream.read(size)
        self.fault = self.fault or len(found) < size
        return found


def _pieces(said: _Said) -> Iterator[tuple[int, list[pa.Array]]]:
    """The columns of the open sheet, piece by piece, up to its end or the child's."""
    while "rows" in said.next_line() and not said.fault:
        buffers = [(kind, said.buffer(size)) for kind, size in said.line["kinds"]]
        if said.fault:
            return
        rows = said.line["rows"]
        yield rows, [_texts(one, rows) if kind == "t" else _numbers(one) for kind, one in buffers]


def _texts(data: bytes, rows: int) -> pa.Array:
    import numpy as np
    import pyarrow as pa

    signs = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(signs == 0)
    offsets = np.zeros(rows + 1, np.int32)
    offsets[1:] = ends - np.arange(rows)
    found = pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(signs[signs != 0]))
    found.validate(full=True)
    return found


def _numbers(data: bytes) -> pa.Array:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    values = np.frombuffer(data, np.float64) + 0.0  # no -0
    empty = ~np.isfinite(values)
    values[empty] = 0
    if (np.abs(values) < 1e15).all() and (np.trunc(values) == values).all():
        return pa.array(values.astype(np.int64), mask=empty).cast(pa.string())
    texts = pa.array(values, mask=empty).cast(pa.string())
    odd = pc.fill_null(pc.match_substring(texts, "e"), False)
    if not pc.any(odd).as_py():
        return texts
    written = [number_text(value) for value in values[odd.to_numpy(zero_copy_only=False)].tolist()]
    return pc.replace_with_mask(texts, odd, pa.array(written, pa.string()))


def _rejection(code: int) -> DropRejected | EngineError:
    if code == Gone.PROTECTED:
        return DropRejected("protected", "The workbook is protected with a password.", hint="Send it without one.")
    if code in (Gone.MEMORY, -signal.SIGABRT, -signal.SIGKILL):  # Rust aborts where memory ends
        hint = "Is there a cell far below or beside the table? Delete the empty rows and columns, or send CSV."
        return DropRejected("too-large", "The workbook takes more memory than reading may use.", hint=hint)
    if code == -signal.SIGXCPU:
        return DropRejected("too-large", "The workbook takes too long to read.", hint="Send it in parts, or as CSV.")
    if code in (Gone.UNREADABLE, -signal.SIGSEGV, -signal.SIGBUS, -signal.SIGILL):
        return DropRejected("format", "The workbook is damaged or not what its format says.", hint=_SAVE)
    ended = f"signal {-code}" if code < 0 else f"exit code {code}"
    return EngineError(
        f"The process that reads workbooks ended with {ended}.", hint="The file was not judged: try again."
    )
