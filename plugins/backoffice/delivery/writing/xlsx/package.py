"""The parts of a workbook that hold no data: what is where, and how it hangs together."""

from __future__ import annotations

from collections.abc import Sequence

from backoffice.delivery.writing.archive import Archive
from backoffice.delivery.writing.xlsx.sheet import Page
from backoffice.delivery.writing.xlsx.styles import Styles
from backoffice.delivery.writing.xlsx.text import escaped

__all__ = ["finish"]

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument."


def finish(archive: Archive, pages: Sequence[Page], styles: Styles, drawings: Sequence[Sequence[int]]) -> None:
    """Write everything but the sheets and the charts. Nothing names a person, a program's version or a time.

    :param drawings: the numbers of each sheet's charts.
    """
    archive.add("xl/styles.xml", styles.xml())
    archive.add("xl/workbook.xml", _workbook(pages))
    sheets = [(f"rId{at}", "worksheet", f"worksheets/sheet{at}.xml") for at in range(1, len(pages) + 1)]
    archive.add("xl/_rels/workbook.xml.rels", _relations([*sheets, (f"rId{len(pages) + 1}", "styles", "styles.xml")]))
    for at, charts in enumerate(drawings, start=1):
        if charts:
            there = [("rId1", "drawing", f"../drawings/drawing{at}.xml")]
            archive.add(f"xl/worksheets/_rels/sheet{at}.xml.rels", _relations(there))
            drawn = [(f"rId{place}", "chart", f"../charts/chart{one}.xml") for place, one in enumerate(charts, start=1)]
            archive.add(f"xl/drawings/_rels/drawing{at}.xml.rels", _relations(drawn))
    archive.add("_rels/.rels", _relations([("rId1", "officeDocument", "xl/workbook.xml")]))
    archive.add("[Content_Types].xml", _types(len(pages), drawings))


def _workbook(pages: Sequence[Page]) -> str:
    sheets = "".join(
        f'<sheet name="{escaped(page.sheet.name)}" sheetId="{at}" r:id="rId{at}"/>'
        for at, page in enumerate(pages, start=1)
    )
    names = []
    for at, page in enumerate(pages):
        area = f"$A$1:${page.last_column}${page.last_row}"
        local = f'localSheetId="{at}"'
        if page.sheet.filter:
            text = escaped(f"{page.reference}!{area}")
            names.append(f'<definedName name="_xlnm._FilterDatabase" {local} hidden="1">{text}</definedName>')
        text = escaped(f"{page.reference}!$1:$1")
        names.append(f'<definedName name="_xlnm.Print_Titles" {local}>{text}</definedName>')
    return (
        f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_REL}"><bookViews><workbookView/></bookViews>'
        f"<sheets>{sheets}</sheets><definedNames>{''.join(names)}</definedNames>"
        '<calcPr calcId="191029"/></workbook>'
    )


def _relations(targets: Sequence[tuple[str, str, str]]) -> str:
    every = "".join(f'<Relationship Id="{at}" Type="{_REL}/{kind}" Target="{to}"/>' for at, kind, to in targets)
    return f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{every}</Relationships>'


def _types(sheets: int, drawings: Sequence[Sequence[int]]) -> str:
    parts = [("/xl/workbook.xml", "spreadsheetml.sheet.main"), ("/xl/styles.xml", "spreadsheetml.styles")]
    parts += [(f"/xl/worksheets/sheet{at}.xml", "spreadsheetml.worksheet") for at in range(1, sheets + 1)]
    for at, charts in enumerate(drawings, start=1):
        if charts:
            parts.append((f"/xl/drawings/drawing{at}.xml", "drawing"))
        parts += [(f"/xl/charts/chart{one}.xml", "drawingml.chart") for one in charts]
    every = "".join(f'<Override PartName="{name}" ContentType="{_KIND}{kind}+xml"/>' for name, kind in parts)
    return (
        f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{every}</Types>'
    )
