"""Pages as one HTML file: no script, no request to anywhere, readable on paper too."""

from __future__ import annotations

from html import escape

from backoffice.delivery.pages.blocks import Block, Cell, Drawing, Figures, Heading, Pages, Table, Words
from backoffice.delivery.pages.colours import ACCENT, INK, LINE, QUIET, TONES

__all__ = ["html"]

_TONES = "".join(f".{name}{{color:{ink};background:{behind}}}" for name, (ink, behind) in TONES.items())
_STYLE = f"""
:root{{color-scheme:light}}
*{{box-sizing:border-box}}
body{{margin:0;background:#f4f5f6;color:{INK};
font:16px/1.5 "Source Serif 4","Libertinus Serif",Georgia,"Times New Roman",serif}}
main{{max-width:52rem;margin:2rem auto;padding:3.5rem 4rem 3rem;background:#fff;border:1px solid {LINE};border-radius:3px}}
h1{{font-size:1.95rem;line-height:1.2;margin:0 0 .35rem;font-weight:600;letter-spacing:-.01em}}
.sub{{color:{QUIET};margin:0 0 1.4rem;font-size:1.06rem}}
dl{{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1.4rem;margin:0 0 1.8rem;padding:1rem 0;
border-top:1px solid {LINE};border-bottom:1px solid {LINE};font-size:.94rem}}
dt{{color:{QUIET}}} dd{{margin:0;overflow-wrap:anywhere}}
h2{{font-size:1.24rem;margin:2.5rem 0 .6rem;font-weight:600;color:{ACCENT}}}
p{{margin:.4rem 0 .9rem}} .quiet{{color:{QUIET};font-size:.92rem}}
.figures{{display:grid;grid-template-columns:repeat(var(--across),1fr);gap:.9rem;margin:1.2rem 0}}
.figure{{padding:.8rem 1rem;background:#f6f7f8;border-radius:3px}}
.figure b{{display:block;font-size:1.55rem;line-height:1.2;font-weight:600;font-variant-numeric:tabular-nums}}
.figure span{{color:{QUIET};font-size:.88rem;line-height:1.3;display:block}}
.figure.red,.figure.green{{background:#f6f7f8}}
.figure.red b{{color:{TONES["red"][0]}}} .figure.green b{{color:{TONES["green"][0]}}}
figure{{margin:1rem 0 1.2rem}} figure svg{{width:100%;height:auto;display:block}} figure svg text{{font-family:inherit}}
figcaption{{font-weight:600;font-size:.95rem;margin-bottom:.5rem}}
.scroll{{overflow-x:auto}}
table{{border-collapse:collapse;width:100%;font-size:.92rem;margin:.5rem 0 1rem;font-variant-numeric:tabular-nums}}
th{{text-align:left;font-weight:600;color:{QUIET};border-bottom:1.5px solid {INK};
padding:.3rem .9rem .3rem 0;vertical-align:bottom}}
td{{border-bottom:1px solid {LINE};padding:.38rem .9rem .38rem 0;vertical-align:top}}
th:last-child,td:last-child{{padding-right:0}} .r{{text-align:right;white-space:nowrap}}
tfoot td{{border-top:1.5px solid {INK};border-bottom:0;font-weight:600}}
td b{{font-weight:600;padding:.05rem .45rem;border-radius:2px}} {_TONES}
footer{{margin-top:3rem;padding-top:1rem;border-top:1px solid {LINE};color:{QUIET};font-size:.88rem}}
@media (max-width:44rem){{main{{margin:0;padding:1.6rem 1.2rem;border:0}} .figures{{grid-template-columns:1fr 1fr}}}}
@media print{{body{{background:#fff;font-size:10.5pt}} main{{margin:0;padding:0;border:0;max-width:none}}
h2{{break-after:avoid}} tr,figure,.figures{{break-inside:avoid}}}}
"""
# What the page itself may do, said to the browser: nothing but its own style.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def html(pages: Pages) -> bytes:
    """The document as UTF-8."""
    facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in pages.facts)
    return (
        f'<!DOCTYPE html>\n<html lang="{escape(pages.language)}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="referrer" content="no-referrer">'
        f"<title>{escape(pages.title)}</title><style>{_STYLE}</style></head><body><main>"
        f"<header><h1>{escape(pages.title)}</h1>"
        + (f'<p class="sub">{escape(pages.subtitle)}</p>' if pages.subtitle else "")
        + (f"<dl>{facts}</dl>" if facts else "")
        + "</header>\n"
        + "\n".join(map(_block, pages.blocks))
        + (f"<footer>{escape(pages.foot)}</footer>" if pages.foot else "")
        + "</main></body></html>\n"
    ).encode()


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h2>{escape(block.text)}</h2>"
    if isinstance(block, Words):
        return f"<p{' class=quiet' if block.quiet else ''}>{escape(block.text)}</p>"
    if isinstance(block, Figures):
        every = "".join(
            f'<div class="figure {one.tone}"><b>{escape(one.value)}</b><span>{escape(one.label)}</span></div>'
            for one in block.figures
        )
        return f'<div class="figures" style="--across:{block.across}">{every}</div>'
    if isinstance(block, Drawing):
        picture = block.svg.replace("<svg ", f'<svg role="img" aria-label="{escape(block.words)}" ', 1)
        caption = f"<figcaption>{escape(block.caption)}</figcaption>" if block.caption else ""
        return f"<figure>{caption}{picture}</figure>"
    return _table(block)


def _table(table: Table) -> str:
    sides = [' class="r"' if column.right else "" for column in table.columns]
    head = "".join(
        f'<th scope="col"{side}>{escape(column.name)}</th>' for column, side in zip(table.columns, sides, strict=True)
    )
    body = "".join(
        "<tr>" + "".join(f"<td{side}>{_cell(cell)}</td>" for cell, side in zip(row, sides, strict=True)) + "</tr>"
        for row in table.rows
    )
    foot = ""
    if table.total:
        cells = "".join(f"<td{side}>{escape(cell)}</td>" for cell, side in zip(table.total, sides, strict=True))
        foot = f"<tfoot><tr>{cells}</tr></tfoot>"
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody>{foot}</table></div>'


def _cell(cell: str | Cell) -> str:
    if isinstance(cell, Cell):
        more = f' <span class="quiet">{escape(cell.more)}</span>' if cell.more else ""
        return (f'<b class="{cell.tone}">{escape(cell.text)}</b>' if cell.tone else escape(cell.text)) + more
    return escape(cell)
