"""XLSX, streamed: DuckDB writes the rows as XML, Python moves them into a ZIP in memory.

Text is written as text (inline strings), never as a formula, a link or a number that it looks like. So nothing in it runs.
A cell that looks like a formula also carries Excel's own mark for "this is text" (``quotePrefix``), so that it stays text
when somebody edits it. The one formula that we write is the total below a column, with its value.

Excel holds 15 digits of a number and no day before March 1900: such cells are written as text, and counted.
Sources: ECMA-376 part 1; Excel's specifications and limits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from backoffice.contract.outputs import XlsxOutput
from backoffice.delivery.writing.archive import Archive
from backoffice.delivery.writing.survey import series, survey
from backoffice.delivery.writing.written import Written
from backoffice.delivery.writing.xlsx import package
from backoffice.delivery.writing.xlsx.charts import chart_xml, drawing_xml
from backoffice.delivery.writing.xlsx.sheet import Page, write_sheet
from backoffice.delivery.writing.xlsx.styles import Styles

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["write"]


def write(connection: DuckDBPyConnection, output: XlsxOutput, file: BinaryIO) -> Written:
    """Write a workbook.

    :raises NotWritable: more rows, columns or signs in a cell than a sheet holds.
    """
    styles = Styles()
    pages = [Page(sheet, survey(connection, sheet), apostrophes=output.apostrophes) for sheet in output.sheets]
    for page in pages:
        page.refuse_if_too_large()
    done: list[Written] = []
    charts = 0
    with Archive(file) as archive:
        drawings: list[list[int]] = []
        for number, page in enumerate(pages, start=1):
            done.append(write_sheet(connection, page, number, styles, archive))
            drawn = page.sheet.drawn
            drawings.append(list(range(charts + 1, charts + len(drawn) + 1)))
            charts += len(drawn)
            for at, chart in zip(drawings[-1], drawn, strict=True):
                found = series(connection, page.sheet.table, chart, page.survey.columns)
                archive.add(f"xl/charts/chart{at}.xml", chart_xml(chart, found, page))
            if drawn:
                archive.add(f"xl/drawings/drawing{number}.xml", drawing_xml(drawn, page))
        package.finish(archive, pages, styles, drawings)
    return Written.of(done, file.tell())
