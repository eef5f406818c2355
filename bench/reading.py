"""Spreadsheets of 200,000 rows and ten columns: read into the engine, beside python-calamine alone on the same file.

"Alone" is what a script would do: open the workbook, take the sheet, ``to_python()``. Ours ends with a table of text
in DuckDB; the time of the process that parses is in it, from its start. Both are warm, one after the other.
"""

from __future__ import annotations

import datetime as dt
import gc
import random
import resource
import statistics
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from python_calamine import CalamineWorkbook

from backoffice.contract import Sow
from backoffice.transform import Engine

__all__ = ["measure", "ods", "rows", "timed", "xlsx"]

ROWS = 200_000
RUNS = 5
COLUMNS = ["id", "name", "city", "mail", "phone", "born", "amount", "count", "paid", "note"]


def measure() -> None:
    with TemporaryDirectory() as folder:
        print("| file | calamine alone, CPU s | read, CPU s | ratio | wall s alone | wall s read | ratio |")
        print("|---|---|---|---|---|---|---|")
        for write in (xlsx, ods):
            path = Path(folder, f"sample.{write.__name__}")
            write(path, ROWS)
            _compare(path)


def _compare(path: Path) -> None:
    sow = _sow(path.suffix[1:])
    alone: list[tuple[float, float]] = []
    ours: list[tuple[float, float]] = []
    with Engine() as engine:
        engine.load(sow, path)  # once, so that neither waits for imports
        for _ in range(RUNS):
            alone.append(timed(lambda: _alone(path)))
            ours.append(timed(lambda: engine.load(sow, path)))
    cpu, wall = ([statistics.median(one[which] for one in times) for times in (alone, ours)] for which in (0, 1))
    print(
        f"| {path.suffix[1:].upper()}, {ROWS:,} x {len(COLUMNS)}, {path.stat().st_size / 1e6:.0f} MB "
        f"| {cpu[0]:.2f} | {cpu[1]:.2f} | {cpu[1] / cpu[0]:.2f} | {wall[0]:.2f} | {wall[1]:.2f} | {wall[1] / wall[0]:.2f} |"
    )


def _alone(path: Path) -> None:
    cells = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
    assert len(cells) == ROWS + 1


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Seconds of processor time, of this process and of those that it waited for; and by the clock."""
    gc.collect()
    before, start = _cpu(), time.monotonic()
    work()
    return _cpu() - before, time.monotonic() - start


def _cpu() -> float:
    both = (resource.getrusage(which) for which in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


def _sow(format_: str) -> Sow:
    return Sow.model_validate(
        {
            "title": "Reading", "owner": "bench", "description": "Reads a sheet.", "purpose": "bench",
            "input": {"format": format_, "columns": dict.fromkeys(COLUMNS, "required")},
            "steps": [{"step": "trim"}], "output": {"format": "csv", "filename": "out.csv"},
            "approval": False, "retention": {"results": {"until": "acceptance", "at_most_days": 1}}, "signers": ["acme"],
        }
    )  # fmt: skip


# ---------------------------------------------------------------------- the files


def rows(count: int) -> Iterator[list[Any]]:
    """Orders as a shop exports them; the same each time."""
    luck = random.Random(1)
    for number in range(1, count + 1):
        yield [
            f"r{number}", f"name {luck.randrange(5000)}", f"city {luck.randrange(300)}", f"a{number}@example.com",
            f"0{luck.randrange(10**9)}", dt.date(1950, 1, 1) + dt.timedelta(days=luck.randrange(20_000)),
            luck.randrange(10**6) / 100, luck.randrange(1000), luck.random() < 0.5, "note" if luck.random() < 0.5 else None,
        ]  # fmt: skip


def xlsx(path: Path, count: int) -> None:
    """As Excel writes it: shared strings, dates as formatted numbers."""
    import xlsxwriter

    with xlsxwriter.Workbook(str(path)) as book:
        sheet, day = book.add_worksheet("Orders"), book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, COLUMNS)
        for number, row in enumerate(rows(count), start=1):
            sheet.write_row(number, 0, row[:5])
            sheet.write_datetime(number, 5, row[5], day)
            sheet.write_row(number, 6, row[6:9])
            if row[9]:
                sheet.write_string(number, 9, row[9])


def ods(path: Path, count: int) -> None:
    """As LibreOffice writes it, without styles."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        archive.writestr("META-INF/manifest.xml", _MANIFEST)
        with archive.open("content.xml", "w") as content:
            content.write(_ODS_START.encode())
            content.write(_ods_row(COLUMNS).encode())
            for row in rows(count):
                content.write(_ods_row(row).encode())
            content.write(b"</table:table></office:spreadsheet></office:body></office:document-content>")


def _ods_row(row: list[Any]) -> str:
    return f"<table:table-row>{''.join(map(_ods_cell, row))}</table:table-row>"


def _ods_cell(cell: Any) -> str:
    if cell is None:
        return "<table:table-cell/>"
    if isinstance(cell, bool):
        value, text = f'"boolean" office:boolean-value="{str(cell).lower()}"', str(cell).upper()
    elif isinstance(cell, int | float):
        value, text = f'"float" office:value="{cell}"', str(cell)
    elif isinstance(cell, dt.date):
        value, text = f'"date" office:date-value="{cell}"', str(cell)
    else:
        value, text = '"string"', cell
    return f"<table:table-cell office:value-type={value}><text:p>{text}</text:p></table:table-cell>"


_NAME = "urn:oasis:names:tc:opendocument:xmlns:"
_ODS_START = (
    f'<?xml version="1.0" encoding="UTF-8"?><office:document-content xmlns:office="{_NAME}office:1.0" '
    f'xmlns:table="{_NAME}table:1.0" xmlns:text="{_NAME}text:1.0" office:version="1.3">'
    '<office:body><office:spreadsheet><table:table table:name="Orders">'
)
_MANIFEST = (
    f'<?xml version="1.0" encoding="UTF-8"?><manifest:manifest xmlns:manifest="{_NAME}manifest:1.0">'
    '<manifest:file-entry manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/>'
    "</manifest:manifest>"
)
