"""The few colours that pages and charts use."""

from __future__ import annotations

__all__ = ["ACCENT", "INK", "LINE", "PALETTE", "QUIET", "TONES"]

INK, QUIET, LINE, ACCENT = "#1f2933", "#5c6770", "#d5dade", "#2f5d8a"
PALETTE = ("#2f5d8a", "#c8803a", "#5b8c5a", "#8a5a83", "#7a7f87", "#b5483f")
"""Of a chart's series."""
TONES = {
    "red": ("#9c1c1c", "#fbe3e1"),
    "amber": ("#7a4b00", "#fdf0d0"),
    "green": ("#1d5b33", "#e0f2e4"),
    "blue": ("#1b4b7a", "#e1edf8"),
    "grey": ("#5a6068", "#eceef0"),
}
"""Of words, and of what is behind them: at least 5:1 in contrast."""
