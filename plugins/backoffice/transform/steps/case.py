"""Upper and lower case."""

from __future__ import annotations

from sqlglot import exp, parse_one

from backoffice.contract.steps.case import Case
from backoffice.transform.compiling import Cells, Source, call, col, compile_step

# Words are what stands between blanks; in names also what stands between hyphens and apostrophes, but for a last
# single letter (Maria's). The engine's regular expressions cannot change case, so the pieces are cut out and joined.
_TITLE = r"""
    array_to_string(list_transform(string_split(lower(cell), ' '), lambda w: upper(w[1]) || w[2:]), ' ')
"""
_NAME = r"""
    array_to_string(list_transform(
        regexp_extract_all(lower(cell), '[''\x{2019}]\p{L}(?:[^\p{L}]|$)|[\p{L}\p{M}]+|[^\p{L}\p{M}]'),
        lambda w: case when starts_with(w, 'mc') and length(w) > 3 then 'Mc' || upper(w[3]) || w[4:]
                       else upper(w[1]) || w[2:] end), '')
"""


@compile_step.register
def _(step: Case, source: Source) -> Cells:  # noqa: ARG001
    return Cells({name: _cased(col(name), step.to) for name in step.columns})


def _cased(cell: exp.Expr, to: str) -> exp.Expr:
    if to in ("lower", "upper"):
        return call(to, cell)
    words = parse_one(_TITLE if to == "title" else _NAME, dialect="duckdb")
    words = words.transform(lambda node: cell.copy() if isinstance(node, exp.Column) and node.name == "cell" else node)
    if to == "title":
        return words
    one_case = exp.or_(
        exp.EQ(this=cell.copy(), expression=call("lower", cell.copy())),
        exp.EQ(this=cell.copy(), expression=call("upper", cell.copy())),
    )
    return exp.Case().when(one_case, words).else_(cell.copy())
