"""Following the tables and their columns through a SOW: what is there at each step, and what is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.mistakes import did_you_mean, one_of
from backoffice.contract.outputs import RESULT, Part
from backoffice.contract.sow import INPUT, REJECTS, Work
from backoffice.contract.step import Found, Made, Named, Step

if TYPE_CHECKING:
    from backoffice.contract.sow import Sow

__all__ = ["Fault", "Flow", "flow_of", "follow", "in_order"]

Loc = tuple[str | int, ...]
Fault = tuple[Loc, str, str]
"""The place, what is wrong, and what to do."""


def follow(sow: Sow) -> dict[str, dict[str, Kind]]:
    """Every table of a SOW without mistakes, and its columns at the end."""
    flow = flow_of(sow)
    list(flow.faults())
    return flow.known


def in_order(sow: Sow) -> tuple[Work, ...]:
    """Its work in an order in which each table is made before it is read."""
    return flow_of(sow).order()


def flow_of(sow: Sow) -> Flow:
    """The flow of a SOW that could be read."""
    works = [Work(RESULT, INPUT, sow.steps, ("steps",))]
    works += [Work(name, one.of, one.steps, ("tables", name, "steps")) for name, one in sow.tables.items()]
    homes = [(name, home) for home, one in sow.all_inputs.items() for name in one.more_kinds]
    return Flow(sow.bases, works, list(sow.output.parts()), within=homes, first=[*sow.all_inputs, *sow.lookups])


class Flow:
    """The tables of a SOW; of one with other mistakes, what can be read of them.

    :param bases: inputs and look-ups, with their columns.
    :param works: what is made of them. A step that cannot be read is no ``Step``: what follows it is not known.
    :param parts: what is delivered.
    :param within: tables that stand within an input, each with the input's name.
    :param first: the names of inputs and look-ups: no table within an input may have one of them.
    """

    def __init__(
        self,
        bases: Mapping[str, Columns],
        works: list[Work],
        parts: list[tuple[Loc, Part]],
        *,
        within: Sequence[tuple[str, str]] = (),
        first: Sequence[str] = (),
    ) -> None:
        self._inner, self._within, self._first = within, dict(within), first
        self._bases, self._works, self._parts = bases, {work.table: work for work in works}, parts
        self.known: dict[str, dict[str, Kind]] = {}
        self._unknown: set[str] = set()
        self._maker = {name: work.table for work in works for name in _tables_made(work)}

    def order(self) -> tuple[Work, ...]:
        """The work in order; what can never be made is left out (``faults`` names it)."""
        done: dict[str, Work] = {}
        open_: set[str] = set()

        def visit(name: str) -> bool:
            work = self._works.get(self._maker.get(name, name))
            if work is None or work.table in done:
                return True
            if work.table in open_:
                return False
            open_.add(work.table)
            needed = [one for one in _tables_read(work) if self._maker.get(one) != work.table]
            possible = sum(map(visit, needed)) == len(needed)  # every one is visited
            if possible:
                done[work.table] = work
            return possible

        for name in self._works:
            visit(name)
        return tuple(done.values())

    def faults(self, *, thorough: bool = False) -> Iterator[Fault]:
        """Everything that does not fit together.

        :param thorough: ask the steps for what takes heavy libraries to tell, too.
        """
        yield from self._names()
        self.known = {name: dict(columns) for name, columns in self._bases.items()}
        for name, columns in self._bases.items():
            if twice := _twice(columns):
                yield (
                    (*self._place(name), "columns", twice),
                    f"Two columns are called `{twice}` but for upper and lower case.",
                    "",
                )
        order = self.order()
        for work in order:
            yield from self._steps(work, thorough=thorough)
        for work in self._works.values():
            if work not in order:
                fault = f"The table `{work.table}` is made from itself."
                yield work.loc[:-1] or ("steps",), fault, "Take one of the tables that it reads out."
                self._unknown.add(work.table)
        for loc, part in self._parts:
            yield from self._output(loc, part)

    def _place(self, name: str) -> Loc:
        """Where an input, or a table within one, stands in the SOW."""
        home = self._within.get(name, name)
        return (*_input_at(home), "tables", name) if name in self._within else _input_at(home)

    def _names(self) -> Iterator[Fault]:
        """Each table has a name of its own."""
        taken = {INPUT, RESULT, REJECTS, *self._first}
        for name, home in self._inner:
            if name in taken:
                place = (*_input_at(home), "tables", name)
                yield place, f"There is a table `{name}` already.", "Choose another name."
            taken.add(name)
        for name, work in self._works.items():
            if name in self._bases or (work.loc and work.loc[0] == "tables" and name == RESULT) or name == REJECTS:
                yield work.loc[:-1], f"There is a table `{name}` already.", "Choose another name."

    def _steps(self, work: Work, *, thorough: bool) -> Iterator[Fault]:
        if work.of not in self.known:
            if work.of not in self._unknown and self._maker.get(work.of) not in self._unknown:
                yield (*work.loc[:-1], "of"), f"No table is called `{work.of}`.", self._tables_hint(work.of)
            self._unknown.add(work.table)
            return
        columns = dict(self.known[work.of])
        made: set[str] = set()
        told = _twice(columns)
        for index, step in enumerate(work.steps):
            if not isinstance(step, Step):
                self._unknown.add(work.table)
                return
            loc = (*work.loc, index)
            faults = list(self._step(step, loc, columns, made))
            yield from faults
            if not faults:
                yield from ((loc + place, fault, hint) for place, fault, hint in step.faults(columns))
                between = [*step.faults_between(columns, self.known)]
                if thorough and not between:
                    between = [*step.proof(columns, self.known)]
                yield from ((loc + place, fault, hint) for place, fault, hint in between)
            if faults and not all(one.name in columns for one in step.names() if isinstance(one.mark, Found)):
                self._unknown.add(work.table)
                if not _survives(step, columns, self.known):
                    return
            self.known |= step.tables_made(columns, self.known)
            if getattr(step, "unreadable", "") == "reject":
                base = self._bases.get(INPUT, {})
                self.known[REJECTS] = {
                    "reject_row": Kind.INTEGER,
                    "reject_reason": Kind.TEXT,
                    **dict.fromkeys(base, Kind.TEXT),
                }
            columns = step.columns_after(columns, self.known)
            if (twice := _twice(columns)) and twice != told:
                told = twice
                yield loc, f"After this step two columns are called `{twice}`.", "Each name may be there once."
        self.known[work.table] = columns

    def _step(self, step: Step, loc: Loc, columns: Columns, made: set[str]) -> Iterator[Fault]:
        for one in step.names():
            place = (*loc, *one.loc)
            if isinstance(one.mark, Found):
                yield from self._column(step, one, place, columns)
            elif isinstance(one.mark, Made):
                if one.name in columns and one.name not in made:
                    yield place, f"There is a column `{one.name}` already.", "Choose another name."
                made.add(one.name)
            elif one.mark.made:
                if one.name in self.known:
                    yield place, f"There is a table `{one.name}` already.", "Choose another name."
            elif one.name not in self.known and one.name not in self._unknown:
                yield place, f"No table is called `{one.name}`.", self._tables_hint(one.name)

    def _column(self, step: Step, one: Named, place: Loc, columns: Columns) -> Iterator[Fault]:
        assert isinstance(one.mark, Found)  # noqa: S101 - asked by the caller
        there = columns
        where = "at this step"
        if one.mark.table_field:
            table = step.table(one.mark.table_field)
            if table not in self.known:
                return
            there, where = self.known[table], f"in `{table}`"
        if one.name not in there:
            yield place, f"No column is called `{one.name}` {where}.", did_you_mean(one.name, there) or one_of(there)
        elif not one.allows(there[one.name]):
            wanted = " or ".join(sorted(one.mark.kinds or ()))
            fault = f"`{one.name}` holds {_plural(there[one.name])} {where}; `{step.step}` works on {wanted}."
            yield place, fault, _MAKE.get(there[one.name] if Kind.TEXT in (one.mark.kinds or ()) else Kind.TEXT, "")

    def _output(self, loc: Loc, part: Part) -> Iterator[Fault]:
        if part.table not in self.known:
            if part.table not in self._unknown and self._maker.get(part.table) not in self._unknown:
                fault = f"No table is called `{part.table}`."
                yield ("output", *loc, "table"), fault, self._tables_hint(part.table)
            return
        there = self.known[part.table]
        for index, column in enumerate(part.columns or ()):
            if column not in there:
                fault = f"No column is called `{column}` in the {'result' if part.table == RESULT else 'table'}."
                yield ("output", *loc, "columns", index), fault, did_you_mean(column, there) or one_of(there)
        if twice := _twice(part.columns or ()):
            yield ("output", *loc, "columns"), f"`{twice}` is here twice.", "Each column may be there once."
        yield from ((("output", *loc, *place), fault, hint) for place, fault, hint in part.faults(there))

    def _tables_hint(self, name: str) -> str:
        known = {*self._bases, *self._works, *self.known}
        return did_you_mean(name, known) or one_of(sorted(known))


def _input_at(name: str) -> Loc:
    return ("input",) if name == INPUT else ("inputs", name)


_MAKE = {
    Kind.TEXT: "A step before it has to read the text as that: `number`, `dates`, `boolean`.",
    Kind.NUMBER: "Put this step before the one that makes it a number.",
    Kind.INTEGER: "Put this step before the one that makes it a number.",
    Kind.DATE: "Put this step before the one that makes it a date.",
}


def _plural(kind: Kind) -> str:
    return {Kind.TEXT: "text", Kind.BOOLEAN: "true and false"}.get(kind, f"{kind}s")


def _survives(step: Step, columns: Columns, tables: Mapping[str, Columns]) -> bool:
    """Whether the columns after a step are known although it names one that is not there."""
    try:
        step.columns_after(columns, tables)
    except (KeyError, ValueError):
        return False
    return True


def _tables_read(work: Work) -> list[str]:
    found = [work.of]
    for step in work.steps:
        if isinstance(step, Step):
            found += [one.name for one in step.names() if not isinstance(one.mark, Found | Made) and not one.mark.made]
    return found


def _tables_made(work: Work) -> Iterator[str]:
    for step in work.steps:
        if isinstance(step, Step):
            yield from (one.name for one in step.names() if not isinstance(one.mark, Found | Made) and one.mark.made)
            if getattr(step, "unreadable", "") == "reject" and work.table == RESULT:
                yield REJECTS


def _twice(columns: Any) -> str | None:
    seen: set[str] = set()
    for column in columns:
        if column.casefold() in seen:
            return column
        seen.add(column.casefold())
    return None
