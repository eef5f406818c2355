"""Pages as PDF, set by typst in this process, from memory to memory.

The words go in as JSON and are set as text: nothing in them is ever read as typst's own language. The document has no date
and no id of its own, so the same pages give the same bytes. Only typst's own fonts are used, whatever the machine has;
``any_font`` lets signs that they do not have (Chinese, Arabic, …) come from the machine's.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from backoffice.delivery.pages.blocks import Block, Cell, Drawing, Figures, Heading, Pages, Words
from backoffice.delivery.pages.colours import ACCENT, INK, LINE, QUIET, TONES

__all__ = ["pdf"]

_TEMPLATE = r"""
#let d = json(bytes(sys.inputs.pages))
#let ink = rgb(d.colours.ink)
#let quiet = rgb(d.colours.quiet)
#let thin = rgb(d.colours.line)
#let accent = rgb(d.colours.accent)
#let tones = d.colours.tones
#set document(title: d.title, date: none)
#set text(font: "Libertinus Serif", size: 10pt, fill: ink, lang: d.language, number-width: "tabular")
#set par(leading: 0.6em, spacing: 0.9em)
#set page(
  paper: "a4",
  flipped: d.landscape,
  margin: (x: 22mm, top: 22mm, bottom: 22mm),
  footer: context [
    #set text(size: 8pt, fill: quiet)
    #line(length: 100%, stroke: 0.4pt + thin)
    #v(-4pt)
    #grid(columns: (1fr, auto), d.foot,
      [#d.page_words.at(0) #counter(page).display() #d.page_words.at(1) #counter(page).final().first()])
  ],
)
#show heading.where(level: 1): it => block(above: 0pt, below: 6pt, text(size: 21pt, weight: "semibold", it.body))
#show heading.where(level: 2): it => block(above: 20pt, below: 8pt, sticky: true,
  text(size: 13pt, weight: "semibold", fill: accent, it.body))
#let shown(cell) = {
  if type(cell) == str { cell }
  else if cell.tone == "" { cell.text }
  else {
    let tone = tones.at(cell.tone)
    box(fill: rgb(tone.at(1)), inset: (x: 4pt), outset: (y: 2.5pt), radius: 1.5pt,
      text(fill: rgb(tone.at(0)), weight: "semibold", cell.text))
    if cell.more != "" { h(5pt, weak: true); text(fill: quiet, cell.more) }
  }
}
#let figures(b) = block(above: 10pt, below: 12pt, breakable: false, grid(
  columns: (1fr,) * b.across, gutter: 8pt,
  ..b.figures.map(f => block(fill: rgb("#f6f7f8"), radius: 2pt, inset: 9pt, width: 100%, height: 46pt, {
    text(size: 17pt, weight: "semibold", fill: if f.tone == "" { ink } else { rgb(tones.at(f.tone).at(0)) }, f.value)
    v(-7pt)
    text(size: 8.5pt, fill: quiet, f.label)
  }))))
#let listing(b) = {
  set text(size: if b.small { 8pt } else { 9pt })
  let sides = b.columns.map(c => if c.right { right } else { left })
  let widths = b.columns.map(c => if c.width > 0 { c.width * 1fr } else { auto })
  block(above: 8pt, below: 12pt, table(
    columns: widths, align: (x, y) => sides.at(x) + (if y == 0 { bottom } else { top }),
    inset: (x, y) => (left: if x == 0 { 0pt } else { 5pt }, right: if x == b.columns.len() - 1 { 0pt } else { 5pt }, y: 4.2pt),
    stroke: (x, y) => if y == 0 { (bottom: 0.9pt + ink) } else { (bottom: 0.4pt + thin) },
    table.header(..b.columns.map(c => text(fill: quiet, weight: "semibold", c.name))),
    ..b.rows.map(row => row.map(shown)).flatten(),
    ..if b.total == none { () } else {
      (table.footer(repeat: false, ..b.total.map(t => table.cell(stroke: (top: 0.9pt + ink), text(weight: "semibold", t)))),)
    }))
}

= #d.title
#if d.subtitle != "" { text(size: 11.5pt, fill: quiet, d.subtitle) }
#if d.facts.len() > 0 {
  block(above: 14pt, below: 14pt, width: 100%, inset: (y: 9pt), stroke: (y: 0.5pt + thin),
    grid(columns: (auto, 1fr), column-gutter: 16pt, row-gutter: 6pt,
      ..d.facts.map(f => (text(fill: quiet, size: 9.5pt, f.at(0)), text(size: 9.5pt, f.at(1)))).flatten()))
}
#for b in d.blocks {
  if b.kind == "heading" { heading(level: 2, b.text) }
  else if b.kind == "words" { if b.quiet { par(text(fill: quiet, size: 9pt, b.text)) } else { par(b.text) } }
  else if b.kind == "figures" { figures(b) }
  else if b.kind == "drawing" {
    block(above: 10pt, below: 12pt, breakable: false, {
      if b.caption != "" { block(below: 7pt, text(size: 9.5pt, weight: "semibold", b.caption)) }
      image(bytes(b.svg), format: "svg", width: 100%, alt: b.words)
    })
  }
  else { listing(b) }
}
"""


def pdf(pages: Pages, *, any_font: bool = False) -> bytes:
    """The document as PDF, tagged (PDF/UA-1 where no sign is missing in the fonts).

    :raises Exception: typst's own, which shows words of the document: for the caller to keep to itself.
    """
    import typst

    document = {
        "title": pages.title, "subtitle": pages.subtitle, "facts": [list(pair) for pair in pages.facts],
        "blocks": list(map(_block, pages.blocks)), "foot": pages.foot, "language": pages.language,
        "landscape": pages.landscape, "page_words": list(pages.page_words),
        "colours": {"ink": INK, "quiet": QUIET, "line": LINE, "accent": ACCENT, "tones": TONES},
    }  # fmt: skip
    inputs = {"pages": json.dumps(document, ensure_ascii=False)}
    with silenced():
        return typst.compile(
            _TEMPLATE.encode(), format="pdf", sys_inputs=inputs, ignore_system_fonts=not any_font, pdf_tags=True
        )


@contextmanager
def silenced() -> Iterator[None]:
    """Nothing that this process writes to its standard error comes out: native code that panics prints there first, with
    the words that it was at, and a task's standard error is its log.
    """
    standing, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(standing, 2)
        os.close(standing)
        os.close(nowhere)


def _block(block: Block) -> dict[str, Any]:
    if isinstance(block, Heading):
        return {"kind": "heading", "text": block.text}
    if isinstance(block, Words):
        return {"kind": "words", "text": block.text, "quiet": block.quiet}
    if isinstance(block, Figures):
        figures = [{"value": one.value, "label": one.label, "tone": one.tone} for one in block.figures]
        return {"kind": "figures", "figures": figures, "across": block.across}
    if isinstance(block, Drawing):
        return {"kind": "drawing", "svg": block.svg, "words": block.words, "caption": block.caption}
    return {
        "kind": "table",
        "columns": [{"name": one.name, "right": one.right, "width": one.width} for one in block.columns],
        "rows": [[_cell(cell) for cell in row] for row in block.rows],
        "total": None if block.total is None else list(block.total),
        "small": block.small,
    }


def _cell(cell: str | Cell) -> Any:
    return {"text": cell.text, "tone": cell.tone, "more": cell.more} if isinstance(cell, Cell) else cell
