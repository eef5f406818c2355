"""The looks of cells: each kind of look is written once, and cells name it by its number."""

from __future__ import annotations

import re
from dataclasses import dataclass

from backoffice.contract.parts import Colour, number_format
from backoffice.delivery.writing.xlsx.text import escaped

__all__ = ["COLOURS", "Look", "Styles", "excel_format"]

COLOURS: dict[Colour, tuple[str, str]] = {
    "red": ("9C1C1C", "FBE3E1"),
    "amber": ("7A4B00", "FDF0D0"),
    "green": ("1D5B33", "E0F2E4"),
    "blue": ("1B4B7A", "E1EDF8"),
    "grey": ("5A6068", "ECEEF0"),
}
"""Of words, and of what is behind them. Each pair reads at a contrast of at least 5:1."""


@dataclass(frozen=True)
class Look:
    """How a cell looks."""

    format: str = ""
    """Excel's code; empty: general."""
    text: bool = False
    """Marked as text although it looks like a formula."""
    role: str = "cell"
    """``cell``, ``header`` or ``total``."""
    right: bool = False


class Styles:
    """Collects looks and colours while the sheets are written."""

    def __init__(self) -> None:
        self._looks: dict[Look, int] = {Look(): 0}
        self._colours: dict[Colour, int] = {}

    def number(self, look: Look) -> int:
        """A look's number."""
        return self._looks.setdefault(look, len(self._looks))

    def colour(self, colour: Colour) -> int:
        """A colour's number, for rules."""
        return self._colours.setdefault(colour, len(self._colours))

    def xml(self) -> str:
        """``xl/styles.xml``."""
        codes = {look.format: 0 for look in self._looks if look.format}
        ids = {code: 164 + at for at, code in enumerate(codes)}
        formats = "".join(f'<numFmt numFmtId="{at}" formatCode="{escaped(code)}"/>' for code, at in ids.items())
        looks = "".join(_look(look, ids.get(look.format, 0)) for look in self._looks)
        rules = "".join(_rule(*COLOURS[colour]) for colour in self._colours)
        font = '<name val="Calibri"/><family val="2"/>'
        return (
            '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
            '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
            + (f'<numFmts count="{len(ids)}">{formats}</numFmts>' if ids else "")
            + f'<fonts count="2"><font><sz val="11"/>{font}</font><font><b/><sz val="11"/>{font}</font></fonts>'
            '<fills count="3"><fill><patternFill patternType="none"/></fill>'
            '<fill><patternFill patternType="gray125"/></fill>'
            '<fill><patternFill patternType="solid"><fgColor rgb="FFE9EDF1"/><bgColor indexed="64"/></patternFill></fill>'
            "</fills>"
            '<borders count="3"><border><left/><right/><top/><bottom/><diagonal/></border>'
            '<border><left/><right/><top/><bottom style="thin"><color rgb="FF8A949E"/></bottom><diagonal/></border>'
            '<border><left/><right/><top style="thin"><color rgb="FF8A949E"/></top><bottom/><diagonal/></border></borders>'
            '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
            f'<cellXfs count="{len(self._looks)}">{looks}</cellXfs>'
            '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
            f'<dxfs count="{len(self._colours)}">{rules}</dxfs>'
            '<tableStyles count="0" defaultTableStyle="TableStyleMedium2" defaultPivotStyle="PivotStyleLight16"/>'
            "</styleSheet>"
        )


def _look(look: Look, code: int) -> str:
    font, fill, border = {"cell": (0, 0, 0), "header": (1, 2, 1), "total": (1, 0, 2)}[look.role]
    more = ' quotePrefix="1"' if look.text else ""
    more += ' applyNumberFormat="1"' if code else ""
    more += ' applyFont="1" applyFill="1" applyBorder="1"' if font else ""
    align = '<alignment horizontal="right"/>' if look.right else ""
    more += ' applyAlignment="1"' if align else ""
    return f'<xf numFmtId="{code}" fontId="{font}" fillId="{fill}" borderId="{border}" xfId="0"{more}>{align}</xf>'


def _rule(words: str, behind: str) -> str:
    return (
        f'<dxf><font><color rgb="FF{words}"/></font><fill><patternFill patternType="solid">'
        f'<fgColor rgb="FF{behind}"/><bgColor rgb="FF{behind}"/></patternFill></fill></dxf>'
    )


def excel_format(code: str) -> str:
    """A format of the contract as Excel's."""
    number = number_format(code)
    if number is not None:
        digits = ("#,##0" if number.grouped else "0") + ("." + "0" * number.places if number.places else "")
        before, after = (
            re.sub(r"[^%]+", lambda found: f'"{found[0]}"', text) for text in (number.before, number.after)
        )
        return before + digits + after
    parts = re.findall(r"YYYY|MM|DD|hh|mm|ss|M|D|.", code)
    known = {"YYYY": "yyyy", "MM": "mm", "DD": "dd", "M": "m", "D": "d", "hh": "hh", "mm": "mm", "ss": "ss"}
    return "".join(known.get(part) or (part if part in "-/:" else f'"{part}"') for part in parts)
