"""A report as PDF: headings, words, charts and the first rows of tables, set by typst in memory."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any, BinaryIO

from backoffice.contract import Kind
from backoffice.contract.outputs import PdfOutput, Section
from backoffice.contract.parts import Chart, Colour, number_format
from backoffice.delivery.pages.blocks import Block, Cell, Column, Drawing, Heading, Pages, Table, Words
from backoffice.delivery.pages.drawing import bar_chart, line_chart, pie_chart
from backoffice.delivery.pages.pdf import pdf
from backoffice.delivery.writing.cells import literal, meets, quoted, strftime
from backoffice.delivery.writing.survey import Survey, series, survey
from backoffice.delivery.writing.written import Written

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["write"]

_MOST_SIGNS = 500
"""Of a cell; what is longer is cut, with `…`."""


def write(connection: DuckDBPyConnection, output: PdfOutput, file: BinaryIO) -> Written:
    """Write a report."""
    blocks: list[Block] = []
    rows = 0
    for at, section in enumerate(output.sections):
        found = survey(connection, section)
        rows = found.rows if at == 0 else rows
        blocks += _section(connection, section, found)
    pages = Pages(
        title=output.title, subtitle=output.subtitle or "", blocks=blocks, foot=output.title, landscape=output.landscape
    )
    file.write(pdf(pages, any_font=True))
    return Written(rows=rows, bytes=file.tell())


def _section(connection: DuckDBPyConnection, section: Section, found: Survey) -> Iterator[Block]:
    if section.heading:
        yield Heading(section.heading)
    if section.text:
        yield Words(section.text)
    for chart in section.charts:
        yield _chart(connection, section, chart, found)
    if section.rows == 0:
        return
    columns = [Column(name, right=kind in (Kind.NUMBER, Kind.INTEGER)) for name, kind in found.columns.items()]
    wide = [Column(one.name, one.right, width=0 if one.right else 1) for one in columns]
    yield Table(wide, _rows(connection, section, found), total=_total(section, found), small=len(columns) > 7)
    if found.rows > section.rows:
        yield Words(f"The first {section.rows:,} of {found.rows:,} rows.", quiet=True)


def _chart(connection: DuckDBPyConnection, section: Section, chart: Chart, found: Survey) -> Drawing:
    drawn = series(connection, section.table, chart, found.columns)
    values = list(drawn.values.items())
    if chart.kind == "pie":
        svg = pie_chart(drawn.labels, values[0][1])
    else:
        svg = (bar_chart if chart.kind == "bar" else line_chart)(drawn.labels, values)
    return Drawing(svg, chart.title, caption=chart.title)


def _rows(connection: DuckDBPyConnection, section: Section, found: Survey) -> list[list[str | Cell]]:
    shown = ", ".join(_shown(section, name, kind) for name, kind in found.columns.items())
    rules = [f"coalesce({meets(rule)}, false)" for rule in section.colours]
    asked = ", ".join([shown, *rules])
    rows = connection.execute(f"SELECT {asked} FROM {quoted(section.table)} LIMIT {section.rows}").fetchall()  # noqa: S608
    width = len(found.columns)
    return [
        [
            _cell(section, name, kind, row[at], _colour(section, name, row[width:]))
            for at, (name, kind) in enumerate(found.columns.items())
        ]
        for row in rows
    ]


def _shown(section: Section, name: str, kind: Kind) -> str:
    cell = quoted(name)
    if kind in (Kind.NUMBER, Kind.INTEGER):
        return cell
    if kind in (Kind.DATE, Kind.TIMESTAMP) and name in section.formats:
        return f"strftime({cell}, {literal(strftime(section.formats[name]))})"
    return f"left({cell}::varchar, {_MOST_SIGNS + 1})"


def _cell(section: Section, name: str, kind: Kind, value: Any, colour: Colour | None) -> str | Cell:
    if value is None:
        text = ""
    elif kind in (Kind.NUMBER, Kind.INTEGER):
        text = _number(Decimal(value), section.formats.get(name))
    else:
        text = value if len(value) <= _MOST_SIGNS else value[:_MOST_SIGNS] + "…"
    return Cell(text or "\u2013", colour) if colour else text


def _colour(section: Section, name: str, met: tuple[bool, ...]) -> Colour | None:
    rules = zip(section.colours, met, strict=True)
    return next((rule.colour for rule, holds in rules if holds and rule.column == name), None)


def _number(value: Decimal, code: str | None) -> str:
    form = number_format(code) if code else None
    if form is None:
        text = f"{value:,f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    shown = value * 100 if form.percent else value
    text = f"{shown:{',' if form.grouped else ''}.{form.places}f}"
    return f"{form.before}{text}{form.after}"


def _total(section: Section, found: Survey) -> list[str] | None:
    if not section.totals:
        return None
    cells = []
    for at, name in enumerate(found.columns):
        how, value = section.totals.get(name), found.totals.get(name)
        if how is None:
            cells.append("Total" if at == 0 else "")
        else:
            cells.append(_number(value or Decimal(0), None if how == "count" else section.formats.get(name)))
    return cells
