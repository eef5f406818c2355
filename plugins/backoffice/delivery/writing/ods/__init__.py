"""ODS, streamed: DuckDB writes the rows as XML, Python moves them into a ZIP in memory.

Text is written as text, never as a formula, a link or a number that it looks like. Colours are those of the cells as they
were delivered. LibreOffice holds 15 digits of a number and days from the year 1 on; numbers that are longer are written
as text, and counted. Source: OASIS OpenDocument 1.2.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, BinaryIO

from backoffice.contract.outputs import OdsOutput
from backoffice.delivery.writing.archive import Archive
from backoffice.delivery.writing.cells import lines
from backoffice.delivery.writing.ods.package import MANIFEST, content_head, settings
from backoffice.delivery.writing.ods.sheet import Page, foot, head, query
from backoffice.delivery.writing.ods.styles import Styles
from backoffice.delivery.writing.survey import survey
from backoffice.delivery.writing.written import Written

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["write"]

_LARGE_CELLS = 10_000_000
"""From so many cells on, the XML may exceed 2 GiB."""


def write(connection: DuckDBPyConnection, output: OdsOutput, file: BinaryIO) -> Written:
    """Write a spreadsheet.

    :raises NotWritable: more rows or columns than a sheet holds.
    """
    styles = Styles()
    pages = [Page(sheet, survey(connection, sheet), apostrophes=output.apostrophes) for sheet in output.sheets]
    queries = []
    for page in pages:
        page.refuse_if_too_large()
        queries.append((head(page, styles), query(page, styles), foot(page, styles)))
    done = []
    large = sum(page.survey.rows * len(page.survey.columns) for page in pages) > _LARGE_CELLS
    with Archive(file) as archive:
        archive.add("mimetype", "application/vnd.oasis.opendocument.spreadsheet", stored=True)
        with archive.open("content.xml", large=large) as target:
            target.write(content_head(styles).encode())  # every style is known: the queries are made
            for before, rows, after in queries:
                target.write(before.encode())
                done.append(_rows(connection, rows, target))
                target.write(after.encode())
            target.write(_ranges(pages).encode())
            target.write(b"</office:spreadsheet></office:body></office:document-content>")
        archive.add("settings.xml", settings(pages))
        archive.add("META-INF/manifest.xml", MANIFEST)
    return Written.of(done, file.tell())


def _rows(connection: DuckDBPyConnection, rows: str, target: IO[bytes]) -> Written:
    counts = [0, 0, 0]
    for line, sums in lines(connection, rows):
        target.write(line)
        counts = [have + more for have, more in zip(counts, sums, strict=True)]
    return Written(rows=counts[0], bytes=0, escaped=counts[1], as_text=counts[2])


def _ranges(pages: list[Page]) -> str:
    every = "".join(
        f'<table:database-range table:name="filter{at}" table:display-filter-buttons="true" '
        f'table:target-range-address="{page.area}"/>'
        for at, page in enumerate(pages, start=1)
        if page.sheet.filter
    )
    return f"<table:database-ranges>{every}</table:database-ranges>" if every else ""
