"""The looks of cells, as automatic styles of the content."""

from __future__ import annotations

import re
from dataclasses import dataclass

from backoffice.contract.parts import Colour, number_format
from backoffice.delivery.writing.ods.text import escaped
from backoffice.delivery.writing.xlsx.styles import COLOURS

__all__ = ["Look", "Styles"]

_DATE = {
    "YYYY": '<number:year number:style="long"/>',
    "MM": '<number:month number:style="long"/>',
    "M": "<number:month/>",
    "DD": '<number:day number:style="long"/>',
    "D": "<number:day/>",
    "hh": '<number:hours number:style="long"/>',
    "mm": '<number:minutes number:style="long"/>',
    "ss": '<number:seconds number:style="long"/>',
}


@dataclass(frozen=True)
class Look:
    """How a cell looks."""

    format: str = ""
    """A format of the contract; empty: general."""
    role: str = "cell"
    """``cell``, ``header`` or ``total``."""
    colour: Colour | None = None
    right: bool = False


class Styles:
    """Collects looks and widths while the sheets are laid out."""

    def __init__(self) -> None:
        self._looks: dict[Look, str] = {}
        self._widths: dict[int, str] = {}

    def name(self, look: Look) -> str:
        """A look's name."""
        return self._looks.setdefault(look, f"c{len(self._looks) + 1}")

    def width(self, signs: int) -> str:
        """The name of a column's style."""
        return self._widths.setdefault(signs, f"w{len(self._widths) + 1}")

    def xml(self) -> str:
        """The automatic styles."""
        codes = {look.format: "" for look in self._looks if look.format}
        names = {code: f"n{at}" for at, code in enumerate(codes, start=1)}
        parts = [_number_style(name, code) for code, name in names.items()]
        parts += [
            f'<style:style style:name="{name}" style:family="table-column"><style:table-column-properties '
            f'style:column-width="{signs * 0.19:.2f}cm"/></style:style>'
            for signs, name in self._widths.items()
        ]
        parts += [_cell_style(name, look, names.get(look.format)) for look, name in self._looks.items()]
        return f"<office:automatic-styles>{''.join(parts)}</office:automatic-styles>"


def _number_style(name: str, code: str) -> str:
    number = number_format(code)
    if number is None:
        pieces = re.findall(r"YYYY|MM|DD|hh|mm|ss|M|D|.", code)
        inner = "".join(_DATE.get(one) or f"<number:text>{escaped(one)}</number:text>" for one in pieces)
        return f'<number:date-style style:name="{name}">{inner}</number:date-style>'
    kind = "percentage-style" if number.percent else "number-style"
    grouped = ' number:grouping="true"' if number.grouped else ""
    digits = (
        f'<number:number number:decimal-places="{number.places}" number:min-decimal-places="{number.places}" '
        f'number:min-integer-digits="1"{grouped}/>'
    )
    before, after = (
        f"<number:text>{escaped(text)}</number:text>" if text else "" for text in (number.before, number.after)
    )
    return f'<number:{kind} style:name="{name}">{before}{digits}{after}</number:{kind}>'


def _cell_style(name: str, look: Look, number: str | None) -> str:
    data = f' style:data-style-name="{number}"' if number else ""
    cell, text = "", ""
    if look.role == "header":
        cell, text = ' fo:background-color="#e9edf1" fo:border-bottom="0.5pt solid #8a949e"', ' fo:font-weight="bold"'
    elif look.role == "total":
        cell, text = ' fo:border-top="0.5pt solid #8a949e"', ' fo:font-weight="bold"'
    if look.colour:
        words, behind = COLOURS[look.colour]
        cell, text = f' fo:background-color="#{behind.lower()}"', f' fo:color="#{words.lower()}"'
    right = '<style:paragraph-properties fo:text-align="end"/>' if look.right else ""
    return (
        f'<style:style style:name="{name}" style:family="table-cell" style:parent-style-name="Default"{data}>'
        + (f"<style:table-cell-properties{cell}/>" if cell else "")
        + right
        + (f"<style:text-properties{text}/>" if text else "")
        + "</style:style>"
    )
