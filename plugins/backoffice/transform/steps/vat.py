"""Value added tax."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, model_validator
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.model import ColumnName, Country, Day, Model, Text
from backoffice.contract.step import DateColumn, Example, Family, Made, NumberColumn, Step, TextColumn
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.sql import col, sql
from backoffice.transform.values.rounding import Rounding, StepWidth, millionths, quotient, rounding_words

if TYPE_CHECKING:
    from sqlglot import exp

NewAmount = Annotated[ColumnName, Made(Kind.NUMBER)]


def _percent(rate: Decimal) -> Decimal:
    if not rate.is_finite() or not 0 <= rate <= 100 or rate * 10_000 % 1:
        raise ValueError("a rate is a percentage from 0 to 100 with at most 4 decimals, like 20 or 5.5")
    return rate


Percent = Annotated[Decimal, AfterValidator(_percent)]


class Rate(Model):
    """A rate, and what it is for. What is left out does not matter."""

    rate: Percent
    country: Country | None = None
    category: Text | None = None
    since: Day | None = None
    until: Day | None = None
    """Its last day."""

    def words(self) -> str:
        """The rate and what it is for."""
        which = [
            self.country,
            self.category,
            self.since and f"since {self.since}",
            self.until and f"until {self.until}",
        ]
        told = " ".join(str(one) for one in which if one)
        return f"{self.rate.normalize():f} %" + (f" for {told}" if told else "")


class Vat(Step):
    """Work out the third of net, gross and rate of value added tax from the other two, line by line.

    Say what is there (``net`` or ``gross``, or both) and what to make of it. The rate comes from the table ``rates``, of
    which the first that fits a row counts, or from ``rate_column``, in percent; from net and gross it is worked out, to a
    tenth of a percent.

    The amount that is made is rounded once; the tax is the difference, so net and tax always make up gross. (Directive
    2006/112/EC, articles 73 to 92, leaves rounding to the member states, and they to the parties: so it is stated.)
    """

    step: Literal["vat"] = "vat"
    net: NumberColumn | None = None
    gross: NumberColumn | None = None
    net_as: NewAmount | None = None
    tax_as: NewAmount | None = None
    gross_as: NewAmount | None = None
    rate_as: NewAmount | None = None
    rates: tuple[Rate, ...] = ()
    rate_column: NumberColumn | None = None
    country: TextColumn | None = None
    """Where a rate's country is found (ISO 3166-1, two capitals)."""
    category: TextColumn | None = None
    day: DateColumn | None = None
    to: StepWidth = Decimal("0.01")
    rounding: Rounding = "half_up"
    unreadable: Literal["blank", "reject", "stop"] = "blank"
    """For rows with an amount but no rate."""

    family: ClassVar[Family] = "products"
    example: ClassVar[Example] = Example(
        """- step: prices
  column: price
  amount_as: net
- step: vat
  net: net
  country: country
  category: kind
  rates:
    - {country: AT, category: book, rate: 10}
    - {country: AT, rate: 20}
    - {country: DE, rate: 19}
  tax_as: tax
  gross_as: gross
  rate_as: rate
""",
        before="""\
sku,price,country,kind
A1,10.00,AT,book
A2,0.33,DE,pen
A3,5.00,FR,pen
A4,,AT,pen
""",
        after="""\
sku,price,country,kind,net,tax,gross,rate
A1,10.00,AT,book,10.000000,1.000000,11.000000,10.000000
A2,0.33,DE,pen,0.330000,0.060000,0.390000,19.000000
A3,5.00,FR,pen,5.000000,,,
A4,,AT,pen,,,,
""",
    )
    blanks: ClassVar[str] = "A row without the amount, or without what its rate depends on, gets nothing."

    @model_validator(mode="after")
    def _belongs_together(self) -> Vat:
        both = self.net is not None and self.gross is not None
        if self.net is None and self.gross is None:
            raise ValueError("say which amount is there: `net`, `gross` or both")
        if both == bool(self.rates or self.rate_column) or (self.rates and self.rate_column):
            raise ValueError(
                "say where the rate comes from, `rates` or `rate_column`; if net and gross are there, neither"
            )
        if (self.net and self.net_as) or (self.gross and self.gross_as):
            raise ValueError("an amount is there or is made, not both")
        if self.rate_column and self.rate_as:
            raise ValueError("the rate is there already: leave out `rate_as`")
        if not (self.net_as or self.gross_as or self.tax_as or self.rate_as):
            raise ValueError("say what to make: `net_as`, `gross_as`, `tax_as`, `rate_as`")
        for one, what in (("country", "country"), ("category", "category"), ("since", "day"), ("until", "day")):
            if any(getattr(rate, one) is not None for rate in self.rates) and getattr(self, what) is None:
                raise ValueError(f"a rate depends on `{one}`: say which column has it, as `{what}`")
        return self

    @override
    def faults(self, columns: Columns) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        for index, rate in enumerate(self.rates[:-1]):
            if rate.words() == f"{rate.rate.normalize():f} %":
                yield ("rates", index), "The rates after this one never count: it fits every row.", "Put it last."

    @override
    def words(self) -> str:
        made = [one for one in (self.net_as, self.tax_as, self.gross_as, self.rate_as) if one]
        given = " and ".join(one for one in (self.net, self.gross) if one)
        if self.rates:
            given += f" and the rates {', '.join(rate.words() for rate in self.rates)}"
        elif self.rate_column:
            given += f" and the rate in {self.rate_column}"
        rule = rounding_words(self.to, self.rounding)
        return f"Work out {', '.join(made)} from {given}; amounts are {rule}, line by line."

    @override
    def compile(self, source: Source) -> Cells:
        amount = self.net or self.gross
        assert amount is not None  # noqa: S101 - the model says so
        made = _amounts(self)
        cells = {name: made[what] for what, name in _wanted(self).items()}
        return Cells(cells, reads=dict.fromkeys(cells, amount), unreadable=self.unreadable)


def _wanted(step: Vat) -> dict[str, str]:
    names = {"rate": step.rate_as, "net": step.net_as, "tax": step.tax_as, "gross": step.gross_as}
    return {what: name for what, name in names.items() if name}


def _amounts(step: Vat) -> dict[str, exp.Expr]:
    """Everything that can be made. 100 % are a hundred million millionths of a percent."""
    if step.net and step.gross:
        net, gross = col(step.net), col(step.gross)
        values: dict[str, Any] = {"n": millionths(net), "g": millionths(gross)}
        above = sql("(:g - :n) * 100000000 * sign(:n)", **values)
        rate = quotient(above, sql("abs(:n)", **values), Decimal("0.1"), "half_up")
        return {"rate": rate, "tax": _difference(gross, net)}
    rate = _rate(step)
    whole = sql("(100000000 + :r)", r=millionths(rate))
    if step.net:
        net = col(step.net)
        above = sql(":n * :w", n=millionths(net), w=whole)
        gross = quotient(above, sql("cast(100000000 as hugeint)"), step.to, step.rounding)
        return {"rate": _where(net, rate), "tax": _difference(gross, net), "gross": gross}
    gross = col(step.gross or "")
    net = quotient(sql(":g * 100000000", g=millionths(gross)), whole, step.to, step.rounding)
    return {"rate": _where(gross, rate), "tax": _difference(gross, net), "net": net}


def _difference(gross: exp.Expr, net: exp.Expr) -> exp.Expr:
    text = "try_cast(cast(:g as decimal(20, 6)) - cast(:n as decimal(20, 6)) as decimal(18, 6))"
    return sql(text, g=gross, n=net)


def _where(amount: exp.Expr, rate: exp.Expr) -> exp.Expr:
    return sql("case when :a is not null then :r end", a=amount, r=rate)


def _rate(step: Vat) -> exp.Expr:
    """In percent. A rate of a column that is none is empty."""
    from sqlglot import exp

    if step.rate_column:
        return sql("case when :r between 0 and 100 then cast(:r as decimal(18, 6)) end", r=col(step.rate_column))
    found = exp.Case()
    for one in step.rates:
        fits: list[exp.Expr] = []
        if one.country:
            fits.append(sql(":c = :v", c=col(step.country or ""), v=one.country))
        if one.category:
            fits.append(sql("lower(:c) = lower(:v)", c=col(step.category or ""), v=one.category))
        if one.since:
            fits.append(sql("cast(:d as date) >= cast(:v as date)", d=col(step.day or ""), v=one.since.isoformat()))
        if one.until:
            fits.append(sql("cast(:d as date) <= cast(:v as date)", d=col(step.day or ""), v=one.until.isoformat()))
        rate = sql("cast(:r as decimal(18, 6))", r=str(one.rate))
        found = found.when(exp.and_(*fits) if fits else exp.true(), rate)
    return found
