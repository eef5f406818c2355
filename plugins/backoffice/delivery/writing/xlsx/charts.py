"""Charts over a sheet's own cells (DrawingML): they follow when the client changes a number."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from backoffice.contract.parts import Chart
from backoffice.delivery.writing.survey import Series
from backoffice.delivery.writing.xlsx.sheet import Page
from backoffice.delivery.writing.xlsx.text import escaped

__all__ = ["PALETTE", "chart_xml", "drawing_xml"]

PALETTE = ("2F5D8A", "C8803A", "5B8C5A", "8A5A83", "7A7F87", "B5483F")
_DRAW = "http://schemas.openxmlformats.org/drawingml/2006"
_HIGH, _WIDE = 18, 8
"""Of one chart, in rows and columns."""


def drawing_xml(charts: Sequence[Chart], page: Page) -> str:
    """Where the charts stand: one below the other, to the right of the table."""
    left = len(page.survey.columns) + 1
    anchors = []
    for at, chart in enumerate(charts):
        top = 1 + at * (_HIGH + 2)
        anchors.append(
            "<xdr:twoCellAnchor>"
            f"<xdr:from><xdr:col>{left}</xdr:col><xdr:colOff>0</xdr:colOff><xdr:row>{top}</xdr:row>"
            "<xdr:rowOff>0</xdr:rowOff></xdr:from>"
            f"<xdr:to><xdr:col>{left + _WIDE}</xdr:col><xdr:colOff>0</xdr:colOff><xdr:row>{top + _HIGH}</xdr:row>"
            "<xdr:rowOff>0</xdr:rowOff></xdr:to>"
            f'<xdr:graphicFrame macro=""><xdr:nvGraphicFramePr><xdr:cNvPr id="{at + 2}" name="Chart {at + 1}" '
            f'descr="{escaped(chart.title)}"/><xdr:cNvGraphicFramePr/></xdr:nvGraphicFramePr>'
            '<xdr:xfrm><a:off x="0" y="0"/><a:ext cx="0" cy="0"/></xdr:xfrm>'
            f'<a:graphic><a:graphicData uri="{_DRAW}/chart"><c:chart xmlns:c="{_DRAW}/chart" r:id="rId{at + 1}"/>'
            "</a:graphicData></a:graphic></xdr:graphicFrame><xdr:clientData/></xdr:twoCellAnchor>"
        )
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        f'<xdr:wsDr xmlns:xdr="{_DRAW}/spreadsheetDrawing" xmlns:a="{_DRAW}/main" '
        'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
        + "".join(anchors)
        + "</xdr:wsDr>"
    )


def chart_xml(chart: Chart, series: Series, page: Page) -> str:
    """One chart, with its values beside the references, for viewers that calculate nothing."""
    title = (
        f'<c:title><c:tx><c:rich><a:bodyPr/><a:p><a:pPr><a:defRPr sz="1300" b="1"/></a:pPr>'
        f'<a:r><a:rPr lang="en" sz="1300" b="1"/><a:t>{escaped(chart.title)}</a:t></a:r></a:p></c:rich></c:tx>'
        '<c:overlay val="0"/></c:title><c:autoTitleDeleted val="0"/>'
    )
    every = "".join(_series(chart, series, page, at, name) for at, name in enumerate(chart.values))
    legend = '<c:legend><c:legendPos val="b"/><c:overlay val="0"/></c:legend>'
    shown = legend if chart.kind == "pie" or len(chart.values) > 1 else ""
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        f'<c:chartSpace xmlns:c="{_DRAW}/chart" xmlns:a="{_DRAW}/main" '
        'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><c:roundedCorners val="0"/>'
        f"<c:chart>{title}<c:plotArea><c:layout/>{_plot(chart, every)}</c:plotArea>{shown}"
        '<c:plotVisOnly val="1"/><c:dispBlanksAs val="gap"/></c:chart></c:chartSpace>'
    )


def _plot(chart: Chart, every: str) -> str:
    if chart.kind == "pie":
        return f'<c:pieChart><c:varyColors val="1"/>{every}<c:firstSliceAng val="0"/></c:pieChart>'
    axes = '<c:axId val="11"/><c:axId val="12"/>'
    if chart.kind == "bar":
        drawn = (
            f'<c:barChart><c:barDir val="col"/><c:grouping val="clustered"/><c:varyColors val="0"/>{every}'
            f'<c:gapWidth val="60"/>{axes}</c:barChart>'
        )
    else:
        drawn = (
            f'<c:lineChart><c:grouping val="standard"/><c:varyColors val="0"/>{every}'
            f'<c:marker val="1"/>{axes}</c:lineChart>'
        )
    line = '<a:ln w="6350"><a:solidFill><a:srgbClr val="DDE1E5"/></a:solidFill></a:ln>'
    grid = f"<c:majorGridlines><c:spPr>{line}</c:spPr></c:majorGridlines>"
    return (
        drawn + '<c:catAx><c:axId val="11"/><c:scaling><c:orientation val="minMax"/></c:scaling><c:delete val="0"/>'
        '<c:axPos val="b"/><c:numFmt formatCode="General" sourceLinked="0"/><c:majorTickMark val="none"/>'
        '<c:minorTickMark val="none"/><c:tickLblPos val="low"/><c:crossAx val="12"/><c:crosses val="autoZero"/>'
        '<c:auto val="0"/><c:lblAlgn val="ctr"/><c:lblOffset val="100"/><c:noMultiLvlLbl val="1"/></c:catAx>'
        '<c:valAx><c:axId val="12"/><c:scaling><c:orientation val="minMax"/></c:scaling><c:delete val="0"/>'
        f'<c:axPos val="l"/>{grid}<c:numFmt formatCode="#,##0" sourceLinked="0"/><c:majorTickMark val="none"/>'
        '<c:minorTickMark val="none"/><c:tickLblPos val="nextTo"/><c:spPr><a:ln><a:noFill/></a:ln></c:spPr>'
        '<c:crossAx val="11"/><c:crosses val="autoZero"/><c:crossBetween val="between"/></c:valAx>'
    )


def _series(chart: Chart, series: Series, page: Page, at: int, name: str) -> str:
    colour = f'<a:solidFill><a:srgbClr val="{PALETTE[at % len(PALETTE)]}"/></a:solidFill>'
    last = max(2, len(series.labels) + 1)
    look, points = "", ""
    if chart.kind == "line":
        look = f'<c:spPr><a:ln w="22225" cap="rnd">{colour}<a:round/></a:ln></c:spPr>'
        look += '<c:marker><c:symbol val="none"/></c:marker>'
    elif chart.kind == "bar":
        look = f'<c:spPr>{colour}</c:spPr><c:invertIfNegative val="0"/>'
    else:
        points = "".join(
            f'<c:dPt><c:idx val="{slice_}"/><c:bubble3D val="0"/><c:spPr><a:solidFill><a:srgbClr '
            f'val="{PALETTE[slice_ % len(PALETTE)]}"/></a:solidFill></c:spPr></c:dPt>'
            for slice_ in range(len(series.labels))
        )
    name_at, labels_at, values_at = page.column(name), page.column(chart.labels), page.column(name)
    labels = _points([escaped(one) for one in series.labels])
    values = _points([None if one is None else _plain(one) for one in series.values[name]])
    where = escaped(page.reference)
    return (
        f'<c:ser><c:idx val="{at}"/><c:order val="{at}"/><c:tx><c:strRef><c:f>{where}!${name_at}$1</c:f>'
        f"<c:strCache>{_points([escaped(name)])}</c:strCache></c:strRef></c:tx>{look}{points}"
        f"<c:cat><c:strRef><c:f>{where}!${labels_at}$2:${labels_at}${last}</c:f>"
        f"<c:strCache>{labels}</c:strCache></c:strRef></c:cat>"
        f"<c:val><c:numRef><c:f>{where}!${values_at}$2:${values_at}${last}</c:f>"
        f"<c:numCache><c:formatCode>General</c:formatCode>{values}</c:numCache></c:numRef></c:val>"
        + ('<c:smooth val="0"/>' if chart.kind == "line" else "")
        + "</c:ser>"
    )


def _points(values: Sequence[str | None]) -> str:
    every = "".join(
        f'<c:pt idx="{at}"><c:v>{value}</c:v></c:pt>' for at, value in enumerate(values) if value is not None
    )
    return f'<c:ptCount val="{len(values)}"/>{every}'


def _plain(value: Decimal) -> str:
    return f"{value:f}"
