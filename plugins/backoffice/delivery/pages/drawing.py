"""Drawings as SVG: the same picture in HTML and PDF, with no script and nothing from elsewhere."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from html import escape

from backoffice.delivery.pages.colours import ACCENT, INK, LINE, PALETTE, QUIET, TONES

__all__ = ["bar_chart", "bars", "line_chart", "pie_chart", "squares", "waterfall"]

_WIDE = 680
_FONT = "Libertinus Serif"
Number = Callable[[int], str]


def _svg(height: float, inner: str, *, wide: int = _WIDE) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {height:g}" width="{wide}" height="{height:g}" '
        f'font-family="{_FONT}" font-size="12">{inner}</svg>'
    )


def _text(x: float, y: float, words: str, *, fill: str = INK, anchor: str = "start", bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:g}" y="{y:g}" fill="{fill}" text-anchor="{anchor}"{weight}>{escape(words)}</text>'


def _rect(x: float, y: float, wide: float, high: float, fill: str, *, round_: float = 1.5) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(wide, 0):.1f}" height="{high:g}" rx="{round_:g}" fill="{fill}"/>'


def _cut(words: str, signs: int) -> str:
    return words if len(words) <= signs else words[: signs - 1] + "…"


def waterfall(steps: Sequence[tuple[str, int, int]], number: Number) -> str:
    """Rows through the steps: what each left in full colour, what it took out beside it.

    :param steps: label, rows before, rows after.
    """
    left, right, high = 150, 150, 24
    most = max([1, *(max(before, after) for _, before, after in steps)])
    scale = (_WIDE - left - right) / most
    parts = []
    for at, (label, before, after) in enumerate(steps):
        y = at * high
        parts.append(_text(left - 10, y + 15.5, _cut(label, 24), anchor="end", fill=INK))
        parts.append(_rect(left, y + 4, after * scale, high - 8, ACCENT))
        lost = before - after
        if lost > 0:
            parts.append(_rect(left + after * scale, y + 4, max(lost * scale, 1), high - 8, TONES["red"][1]))
            edge = left + before * scale - 0.5
            parts.append(f'<path d="M{edge:.1f} {y + 4}v{high - 8}" stroke="{TONES["red"][0]}" stroke-width="1"/>')
        x = left + max(before, after) * scale + 8
        parts.append(_text(x, y + 15.5, number(after), bold=True))
        if lost > 0:
            wide = 7 * len(number(after)) + 8
            parts.append(_text(x + wide, y + 15.5, f"\u2212{number(lost)}", fill=TONES["red"][0]))
    return _svg(max(1, len(steps)) * high, "".join(parts))


def bars(rows: Sequence[tuple[str, Sequence[int]]], names: Sequence[str], number: Number) -> str:
    """Counts by name, one bar per name, in one colour per kind of count; the kinds are named above."""
    left, right, high, top = 150, 110, 22, 26
    most = max([1, *(sum(counts) for _, counts in rows)])
    scale = (_WIDE - left - right) / most
    fills = [ACCENT, "#c8803a", "#7a7f87"]
    parts, x = [], float(left)
    for fill, name in zip(fills, names, strict=False):
        parts += [_rect(x, 5, 10, 10, fill), _text(x + 15, 14.5, name, fill=QUIET)]
        x += 34 + 6.4 * len(name)
    for at, (label, counts) in enumerate(rows):
        y, x = top + at * high, float(left)
        parts.append(_text(left - 10, y + 14.5, _cut(label, 24), anchor="end"))
        for fill, count in zip(fills, counts, strict=False):
            wide = max(count * scale, 1.5) if count else 0
            parts.append(_rect(x, y + 3, wide, high - 7, fill, round_=1))
            x += wide
        parts.append(_text(x + 8, y + 14.5, " + ".join(number(count) for count in counts if count), fill=QUIET))
    return _svg(top + len(rows) * high, "".join(parts))


def squares(passed: Sequence[bool]) -> str:
    """One square per check: green with a tick, red with a cross."""
    size, gap, line = 18, 5, 29
    parts = []
    for at, good in enumerate(passed):
        x, y = (at % line) * (size + gap), (at // line) * (size + gap)
        ink, behind = TONES["green" if good else "red"]
        mark = f"M{x + 4.5} {y + 9.5}l3 3.5l6 -7.5" if good else f"M{x + 5.5} {y + 5.5}l7 7m0 -7l-7 7"
        parts.append(_rect(x, y, size, size, behind, round_=3))
        parts.append(f'<path d="{mark}" fill="none" stroke="{ink}" stroke-width="1.8" stroke-linecap="round"/>')
    return _svg(math.ceil(len(passed) / line) * (size + gap), "".join(parts))


# ---------------------------------------------------------------------- charts over a client's own table

_Values = Sequence[tuple[str, Sequence[Decimal | None]]]
_HIGH, _LEFT, _BOTTOM = 250, 64, 40


def bar_chart(labels: Sequence[str], series: _Values) -> str:
    """Upright bars, those of a label side by side."""
    low, high, ticks = _axis(series)
    scale = _scale(low, high)
    slot = (_WIDE - _LEFT - 10) / max(1, len(labels))
    wide = slot * 0.72 / max(1, len(series))
    parts = [_frame(ticks, scale, labels, slot, series)]
    for place, (_, values) in enumerate(series):
        for at, value in enumerate(values):
            if value is not None:
                x, y, zero = _LEFT + slot * at + slot * 0.14 + wide * place, scale(float(value)), scale(0)
                fill = PALETTE[place % len(PALETTE)]
                parts.append(_rect(x, min(y, zero), max(wide - 1, 0.6), round(abs(y - zero), 1), fill, round_=0.8))
    return _svg(_HIGH + _BOTTOM + 24, "".join(parts))


def line_chart(labels: Sequence[str], series: _Values) -> str:
    """Lines, broken where a value is missing."""
    low, high, ticks = _axis(series)
    scale = _scale(low, high)
    slot = (_WIDE - _LEFT - 10) / max(1, len(labels))
    parts = [_frame(ticks, scale, labels, slot, series)]
    for place, (_, values) in enumerate(series):
        path, pen = "", "M"
        for at, value in enumerate(values):
            if value is None:
                pen = "M"
                continue
            path += f"{pen}{_LEFT + slot * (at + 0.5):.1f} {scale(float(value)):.1f}"
            pen = "L"
        fill = PALETTE[place % len(PALETTE)]
        parts.append(f'<path d="{path}" fill="none" stroke="{fill}" stroke-width="2" stroke-linejoin="round"/>')
    return _svg(_HIGH + _BOTTOM + 24, "".join(parts))


def pie_chart(labels: Sequence[str], values: Sequence[Decimal | None]) -> str:
    """Shares of a whole; what is not above nought has none. The smallest slices beyond the seventh are one."""
    have = [(label, float(value)) for label, value in zip(labels, values, strict=True) if value and value > 0]
    have.sort(key=lambda one: -one[1])
    if len(have) > 8:
        have = [*have[:7], ("…", sum(value for _, value in have[7:]))]
    whole = sum(value for _, value in have) or 1
    parts, angle, middle, radius = [], -math.pi / 2, (130, 120), 105
    fills = (*PALETTE, "#a9b4bf", "#d8c9a8")
    for at, (label, value) in enumerate(have):
        turn = value / whole * 2 * math.pi
        start = (middle[0] + radius * math.cos(angle), middle[1] + radius * math.sin(angle))
        angle += turn
        end = (middle[0] + radius * math.cos(angle), middle[1] + radius * math.sin(angle))
        if turn > 2 * math.pi - 1e-6:
            parts.append(f'<circle cx="{middle[0]}" cy="{middle[1]}" r="{radius}" fill="{fills[at]}"/>')
        else:
            arc = f"A{radius} {radius} 0 {int(turn > math.pi)} 1 {end[0]:.2f} {end[1]:.2f}"
            parts.append(
                f'<path d="M{middle[0]} {middle[1]}L{start[0]:.2f} {start[1]:.2f}{arc}Z" fill="{fills[at]}" '
                'stroke="#ffffff" stroke-width="1.5"/>'
            )
        y = 30 + at * 24
        parts += [_rect(280, y - 10, 12, 12, fills[at]), _text(300, y, _cut(label, 44))]
        parts.append(_text(_WIDE - 20, y, f"{100 * value / whole:.1f} %", anchor="end", fill=QUIET))
    return _svg(240, "".join(parts))


def _axis(series: _Values) -> tuple[float, float, list[float]]:
    """Round numbers around the values, nought among them."""
    every = [float(value) for _, values in series for value in values if value is not None]
    low, high = min([0.0, *every]), max([0.0, *every])
    if low == high:
        high = low + 1
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * times for times in (1, 2, 2.5, 5, 10) if power * times >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return first * step, last * step, [at * step for at in range(first, last + 1)]


def _scale(low: float, high: float) -> Callable[[float], float]:
    return lambda value: round(_HIGH - (value - low) / (high - low) * (_HIGH - 12), 2)


def _frame(
    ticks: Sequence[float], scale: Callable[[float], float], labels: Sequence[str], slot: float, series: _Values
) -> str:
    parts = []
    for tick in ticks:
        y = scale(tick)
        parts.append(
            f'<path d="M{_LEFT} {y}H{_WIDE - 10}" stroke="{QUIET if tick == 0 else LINE}" stroke-width="0.7"/>'
        )
        parts.append(_text(_LEFT - 8, y + 4, _short(tick), anchor="end", fill=QUIET))
    room = max(3, int(slot / 6.2))
    every = max(1, math.ceil(34 / slot))
    for at, label in enumerate(labels):
        if at % every == 0:
            x = _LEFT + slot * (at + 0.5)
            parts.append(_text(x, _HIGH + 18, _cut(label, room * every), anchor="middle", fill=QUIET))
    if len(series) > 1:
        x = float(_LEFT)
        for place, (name, _) in enumerate(series):
            fill = PALETTE[place % len(PALETTE)]
            parts += [_rect(x, _HIGH + 36, 10, 10, fill), _text(x + 15, _HIGH + 45, name, fill=QUIET)]
            x += 34 + 6.4 * len(name)
    return "".join(parts)


def _short(value: float) -> str:
    for size, sign in ((1e9, " bn"), (1e6, " m"), (1e3, " k")):
        if abs(value) >= 10 * size or (abs(value) >= size and value % size == 0):
            return f"{value / size:,.10g}{sign}"
    return f"{value:,.10g}"
