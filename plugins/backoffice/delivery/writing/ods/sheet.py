"""One sheet: its rows as XML said in SQL, and what stands around them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from backoffice.contract import Kind
from backoffice.contract.outputs import Sheet
from backoffice.delivery.writing.cells import literal, looks_like_formula, marked, meets, number, quoted
from backoffice.delivery.writing.ods.styles import Look, Styles
from backoffice.delivery.writing.ods.text import escaped, paragraphs_sql
from backoffice.delivery.writing.survey import Survey
from backoffice.delivery.writing.written import NotWritable

__all__ = ["Page", "foot", "head", "query"]

_MOST_ROWS, _MOST_COLUMNS = 1_048_576, 16_384
_DEFAULTS = {Kind.DATE: "YYYY-MM-DD", Kind.TIMESTAMP: "YYYY-MM-DD hh:mm:ss"}


@dataclass(frozen=True)
class Page:
    """A sheet and what was found in its table."""

    sheet: Sheet
    survey: Survey
    apostrophes: bool = False

    @property
    def area(self) -> str:
        """Where header and data stand, as an address."""
        name = escaped("'" + self.sheet.name.replace("'", "''") + "'")
        return f"{name}.A1:{name}.{_letters(len(self.survey.columns))}{self.survey.rows + 1}"

    def refuse_if_too_large(self) -> None:
        """A sheet has limits.

        :raises NotWritable: the table exceeds them.
        """
        rows, columns = self.survey.rows + 1 + bool(self.sheet.totals), len(self.survey.columns)
        if rows > _MOST_ROWS or columns > _MOST_COLUMNS:
            raise NotWritable(
                f"The sheet `{self.sheet.name}` would have {rows:,} rows and {columns:,} columns; a sheet holds "
                f"{_MOST_ROWS:,} and {_MOST_COLUMNS:,}.",
                hint="Agree on CSV or Parquet, or on several tables.",
            )


def head(page: Page, styles: Styles) -> str:
    """The sheet up to its first row of data."""
    columns = "".join(
        f'<table:table-column table:style-name="{styles.width(_width(page, name, kind))}"/>'
        for name, kind in page.survey.columns.items()
    )
    cells = "".join(
        f'<table:table-cell table:style-name="{styles.name(Look(role="header", right=_right(kind)))}" '
        f'office:value-type="string"><text:p>{escaped(name)}</text:p></table:table-cell>'
        for name, kind in page.survey.columns.items()
    )
    return (
        f'<table:table table:name="{escaped(page.sheet.name)}">{columns}<table:table-header-rows><table:table-row>'
        f"{cells}</table:table-row></table:table-header-rows>"
    )


def query(page: Page, styles: Styles) -> str:
    """The rows: a line of XML each, how many of its cells look like formulas, how many numbers are written as text."""
    cells, risky, wide = [], ["0"], ["0"]
    for name, kind in page.survey.columns.items():
        cell = quoted(name)
        style = _style(page.sheet, name, kind, styles)
        empty = f"concat('<table:table-cell', {style}, '/>')"
        if kind is Kind.TEXT:
            shown = marked(cell) if page.apostrophes else cell
            filled = _string(style, paragraphs_sql(shown))
            risky.append(f"{looks_like_formula(cell)}::int")
        else:
            value, fits, words = _value(cell, kind)
            as_value = (
                f"concat('<table:table-cell', {style}, {value}, '\"><text:p>', {words}, '</text:p></table:table-cell>')"
            )
            as_words = _string(style, f"concat('<text:p>', {words}, '</text:p>')")
            filled = as_value if fits is None else f"CASE WHEN {fits} THEN {as_value} ELSE {as_words} END"
            if fits is not None:
                wide.append(f"({cell} IS NOT NULL AND NOT {fits})::int")
        cells.append(f"CASE WHEN {cell} IS NULL THEN {empty} ELSE {filled} END")
    line = f"concat('<table:table-row>', {', '.join(cells)}, '</table:table-row>')"
    return f"SELECT {line}, {' + '.join(risky)}, {' + '.join(wide)} FROM {quoted(page.sheet.table)}"  # noqa: S608


def _string(style: str, inner: str) -> str:
    return f"concat('<table:table-cell', {style}, ' office:value-type=\"string\">', {inner}, '</table:table-cell>')"


def _value(cell: str, kind: Kind) -> tuple[str, str | None, str]:
    """A cell as an attribute (its last quote is still open), when it can be one, and the same as text."""
    words = number(cell) if kind is Kind.NUMBER else f"{cell}::varchar"
    if kind is Kind.BOOLEAN:
        return f'concat(\' office:value-type="boolean" office:boolean-value="\', {words})', None, words
    if kind in (Kind.DATE, Kind.TIMESTAMP):
        value = f"concat(' office:value-type=\"date\" office:date-value=\"', replace({words}, ' ', 'T'))"
        return value, f"({cell} >= DATE '0001-01-01' AND {cell} < DATE '10000-01-01')", words
    fits = f"(length(translate({words}, '-.', '')) <= 15)"
    return f'concat(\' office:value-type="float" office:value="\', {words})', fits, words


def _style(sheet: Sheet, name: str, kind: Kind, styles: Styles) -> str:
    """The style's attribute as SQL: that of the first rule of the SOW which the cell meets."""
    code = sheet.formats.get(name) or _DEFAULTS.get(kind, "")
    plain = _attribute(styles.name(Look(format=code))) if code else "''"
    whens = [
        f"WHEN {meets(rule)} THEN {_attribute(styles.name(Look(format=code, colour=rule.colour)))}"
        for rule in sheet.colours
        if rule.column == name
    ]
    return f"CASE {' '.join(whens)} ELSE {plain} END" if whens else plain


def _attribute(name: str) -> str:
    return literal(f' table:style-name="{name}"')


def foot(page: Page, styles: Styles) -> str:
    """The totals and the end of the sheet."""
    if not page.sheet.totals:
        return "</table:table>"
    cells = []
    for at, (name, kind) in enumerate(page.survey.columns.items()):
        how = page.sheet.totals.get(name)
        if how is None:
            look = styles.name(Look(role="total"))
            words = ' office:value-type="string"><text:p>Total</text:p></table:table-cell>' if at == 0 else "/>"
            cells.append(f'<table:table-cell table:style-name="{look}"{words}')
            continue
        code = "0" if how == "count" else page.sheet.formats.get(name) or _DEFAULTS.get(kind, "")
        look = styles.name(Look(format=code, role="total", right=True))
        total = _plain(page.survey.totals[name] or Decimal(0))
        cells.append(
            f'<table:table-cell table:style-name="{look}" office:value-type="float" office:value="{total}">'
            f"<text:p>{total}</text:p></table:table-cell>"
        )
    return f"<table:table-row>{''.join(cells)}</table:table-row></table:table>"


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _right(kind: Kind) -> bool:
    return kind in (Kind.NUMBER, Kind.INTEGER, Kind.DATE, Kind.TIMESTAMP)


def _width(page: Page, name: str, kind: Kind) -> int:
    longest = page.survey.longest[name]
    code = page.sheet.formats.get(name) or _DEFAULTS.get(kind, "")
    if kind in (Kind.DATE, Kind.TIMESTAMP):
        longest = len(code)
    elif code:
        longest += len(code) - 3 + longest // 3
    return min(60, max(8, longest + 2, len(name) + (4 if page.sheet.filter else 2)))


def _letters(number_: int) -> str:
    found = ""
    while number_:
        number_, at = divmod(number_ - 1, 26)
        found = chr(65 + at) + found
    return found
