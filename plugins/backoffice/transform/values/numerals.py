"""Numbers as people write them, as SQL: which signs part thousands, which begins the fraction, and where the minus stands."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from backoffice.transform.sql import sql

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["CURRENCY", "deciding", "plain", "signed", "trimmed"]

CURRENCY = r"\p{Sc}|EUR|USD|GBP|CHF|SEK|NOK|DKK|ISK|PLN|CZK|HUF|RON|BGN|Fr\.|SFr\.?|kr\.?|zł|Kč|Ft|lei"
"""Signs and codes of Europe's currencies, and the dollar's."""

_MINUS = r"-\x{2212}\x{2013}"  # hyphen, minus, dash
_BLANK = r"[\s\p{Z}]"  # of any width: it parts thousands in French, Polish, Swedish, …
_APOSTROPHE = r"['\x{2019}]"
_AMBIGUOUS = r"^[1-9][0-9]{0,2}[.,][0-9]{3}$"
"""``1.234``: a thousand or a fraction; only the rest of the column can say."""
_SIGNED = rf"^[{_MINUS}]{_BLANK}*([^{_MINUS}()]+)$|^([^{_MINUS}()]*[0-9.,]){_BLANK}*[{_MINUS}]$|^\(([^{_MINUS}()]+)\)$"
"""``-1``, ``1-``, ``(1)``."""
_EVEN = rf"[.,][{_MINUS}\x{{2014}}]{{1,2}}$"
"""``12,-``: no cents."""


def trimmed(cell: exp.Expr, *, cut: Iterable[str] = (), currency: bool = False) -> exp.Expr:
    """The cell without blanks, units and currency at its ends; a sign stays, without a blank after it.

    :param cut: units; upper and lower case do not matter.
    """
    units = [re.escape(one).replace("/", r"\/") for one in sorted(cut, key=len, reverse=True)]
    units += [CURRENCY] if currency else []
    end = f"(?:{_BLANK}|{'|'.join(units)})*" if units else f"{_BLANK}*"
    # The sign may stand before the currency (-€ 5) or between it and the number (€ -5); a bracket around both.
    head, tail = f"^(?i:{end})([{_MINUS}+(]?)(?i:{end})", f"(?i:{end})([{_MINUS})]?)(?i:{end})$"
    bare = sql(r"regexp_replace(regexp_replace(:cell, :head, '\1'), :tail, '\1')", cell=cell, head=head, tail=tail)
    return sql("regexp_replace(:bare, :even, '')", bare=bare, even=_EVEN)


def _form(decimal: str, group: str | None) -> str:
    """The regular expression of an unsigned number."""
    other = {".": ",", ",": "."}[decimal]
    known = {".": "[.]", ",": "[,]", "'": _APOSTROPHE, " ": _BLANK}
    groups = [known[group]] if group else [known[other], _APOSTROPHE, _BLANK]
    grouped = "|".join(f"[0-9]{{1,3}}(?:{one}[0-9]{{3}})+" for one in groups)
    return f"(?:(?:{grouped}|[0-9]+)(?:{known[decimal]}[0-9]*)?|{known[decimal]}[0-9]+)"


def signed(whole: exp.Expr) -> tuple[exp.Expr, exp.Expr]:
    """What :func:`trimmed` left, without its sign; and whether that was a minus."""
    minus = sql("regexp_matches(:whole, :signed)", whole=whole, signed=_SIGNED)
    bare = sql(
        r"case when :minus then regexp_replace(:whole, :signed, '\1\2\3') else ltrim(:whole, '+') end",
        minus=minus, whole=whole, signed=_SIGNED,
    )  # fmt: skip
    return bare, minus


def plain(bare: exp.Expr, *, decimal: str, group: str | None, decided: exp.Expr | None = None) -> exp.Expr:
    """A number without a sign as digits and a point; empty where it is none.

    :param decimal: ``.``, ``,``, or ``auto``: as each cell shows; what it does not show (``1.234``) as ``decided``.
    :param group: what parts thousands; ``None``: any of the usual signs, the same throughout a cell.
    :param decided: the decimal sign that the whole column shows; empty: none, then ``1.234`` is no number.
    """
    if decimal != "auto":
        return _as(bare, decimal, group)
    return sql(
        """case when regexp_full_match(:bare, '[0-9]+') then :bare
        when not regexp_matches(:bare, :ambiguous) then coalesce(:point, :comma)
        when :decided = '.' then replace(:bare, ',', '') when :decided = ',' then replace(replace(:bare, '.', ''), ',', '.')
        end""",
        bare=bare, ambiguous=_AMBIGUOUS, point=_as(bare, ".", group), comma=_as(bare, ",", group), decided=decided,
    )  # fmt: skip


def _as(bare: exp.Expr, sign: str, group: str | None) -> exp.Expr:
    digits = sql("replace(regexp_replace(:bare, :other, '', 'g'), ',', '.')", bare=bare, other=f"[^0-9{sign}]")
    return sql(
        "case when regexp_full_match(:bare, :form) then :digits end", bare=bare, form=_form(sign, group), digits=digits
    )


def deciding(text: exp.Expr) -> exp.Expr:
    """The decimal sign of a whole column, as an aggregate: the only one that its unambiguous cells show; else empty."""
    unsigned = f"^[{_MINUS}(]?"
    parted = r"[0-9]{1,3}(?:[SIGN][0-9]{3}){2,}"
    fraction = r"(?:[0-9]+|[0-9]{1,3}(?:[^0-9SIGN][0-9]{3})+)?[SIGN](?:[0-9]{0,2}|[0-9]{4,})|(?:0|[0-9]{4,})[SIGN][0-9]{3}" \
               r"|[0-9]{1,3}(?:[^0-9SIGN][0-9]{3})+[SIGN][0-9]*"  # fmt: skip
    shown = {
        sign: sql(
            "coalesce(bool_or(regexp_matches(:text, :form)), false)",
            text=text,
            form=f"{unsigned}(?:{fraction.replace('SIGN', sign)}|{parted.replace('SIGN', other)})[{_MINUS})]?$",
        )
        for sign, other in ((".", ","), (",", "."))
    }
    return sql("case when :point and not :comma then '.' when :comma and not :point then ',' end", point=shown["."],
               comma=shown[","])  # fmt: skip
