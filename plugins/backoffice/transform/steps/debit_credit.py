"""Debit and credit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import override

from backoffice.contract.kind import Kind
from backoffice.contract.model import ColumnName, Text
from backoffice.contract.step import AnyColumn, Example, Family, Made, NumberColumn, Step, TextColumn
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.sql import call, col, sql

if TYPE_CHECKING:
    from sqlglot import exp

NewNumber = Annotated[ColumnName, Made(Kind.NUMBER)]

_DEBIT = ("d", "dr", "debit", "s", "soll", "doit", "dare", "debe", "+")
_CREDIT = ("c", "cr", "credit", "h", "haben", "avoir", "avere", "haber", "-")


class DebitCredit(Step):
    """Bring debits and credits into one signed amount, debits over zero; and check that entries balance.

    They come as an ``amount`` with a ``side``, as two columns ``debit`` and ``credit``, or signed already (``amount``
    alone). An amount whose side is not known, or a row with both a debit and a credit, is unreadable. (Debits
    equal credits in each entry: the rule of double entry.)
    """

    step: Literal["debit_credit"] = "debit_credit"
    amount: NumberColumn | None = None
    side: TextColumn | None = None
    """Case and white space do not matter."""
    debit_is: tuple[Text, ...] = Field(default=_DEBIT, min_length=1)
    credit_is: tuple[Text, ...] = Field(default=_CREDIT, min_length=1)
    debit: NumberColumn | None = None
    credit: NumberColumn | None = None
    signed_as: NewNumber
    debit_as: NewNumber | None = None
    credit_as: NewNumber | None = None
    balance_by: tuple[AnyColumn, ...] = ()
    """What makes one entry: a voucher's number, a day and a journal."""
    balance_as: NewNumber | None = None
    """What is left of the row's entry, debits less credits: 0 where it balances."""
    unreadable: Literal["blank", "reject", "stop"] = "blank"

    family: ClassVar[Family] = "transactions"
    example: ClassVar[Example] = Example(
        """- step: prices
  column: value
  amount_as: amount
- step: debit_credit
  amount: amount
  side: side
  signed_as: signed
  balance_by: [voucher]
  balance_as: balance
""",
        before="""\
voucher,account,value,side
1,1200,119.00,S
1,8400,100.00,H
1,1776,19.00,H
2,1200,50.00,D
2,8400,49.90,C
3,1200,5.00,?
""",
        after="""\
voucher,account,value,side,amount,signed,balance
1,1200,119.00,S,119.000000,119.000000,0.000000
1,8400,100.00,H,100.000000,-100.000000,0.000000
1,1776,19.00,H,19.000000,-19.000000,0.000000
2,1200,50.00,D,50.000000,50.000000,0.100000
2,8400,49.90,C,49.900000,-49.900000,0.100000
3,1200,5.00,?,5.000000,,
""",
    )
    blanks: ClassVar[str] = "A row without an amount has none; it does not change the balance of its entry."

    @model_validator(mode="after")
    def _one_form(self) -> DebitCredit:
        two = self.debit is not None and self.credit is not None
        if (self.debit is None) != (self.credit is None) or (self.amount is None) != two or (two and self.side):
            raise ValueError(
                "say where the amounts are: `amount` (with `side`, if it has no sign), or `debit` and `credit`"
            )
        if (self.balance_as is None) != (not self.balance_by):
            raise ValueError("`balance_by` and `balance_as` belong together: say both or neither")
        if {one.strip().lower() for one in self.debit_is} & {one.strip().lower() for one in self.credit_is}:
            raise ValueError("one word stands for both sides in `debit_is` and `credit_is`")
        return self

    @override
    def words(self) -> str:
        check = (
            f"; work out the balance of each {', '.join(self.balance_by)} ({self.balance_as})"
            if self.balance_by
            else ""
        )
        what = self.amount or f"{self.debit} and {self.credit}"
        return f"Bring {what} into one signed amount ({self.signed_as}), debits over zero{check}."

    @override
    def compile(self, source: Source) -> Cells:
        signed = self._signed()
        read = self.amount or self.debit or ""
        cells = {self.signed_as: sql("cast(:s as decimal(18, 6))", s=signed)}
        if self.debit_as:
            cells[self.debit_as] = sql("cast(case when :s > 0 then :s end as decimal(18, 6))", s=signed)
        if self.credit_as:
            cells[self.credit_as] = sql("cast(case when :s < 0 then -:s end as decimal(18, 6))", s=signed)
        if self.balance_as:
            cells[self.balance_as] = self._balance(signed)
        return Cells(cells, reads={self.signed_as: read}, unreadable=self.unreadable)

    def _signed(self) -> exp.Expr:
        if self.debit and self.credit:
            debit, credit = col(self.debit), col(self.credit)
            text = """case when coalesce(:d, 0) <> 0 and coalesce(:c, 0) <> 0 then null
            when :d is null and :c is null then null else coalesce(:d, 0) - coalesce(:c, 0) end"""
            return sql(text, d=debit, c=credit)
        amount = col(self.amount or "")
        if not self.side:
            return amount
        side = sql("lower(trim(:s))", s=col(self.side))
        return sql(
            "case when :debit then :a when :credit then -:a end",
            a=amount,
            debit=side.isin(*(one.strip().lower() for one in self.debit_is)),
            credit=side.copy().isin(*(one.strip().lower() for one in self.credit_is)),
        )

    def _balance(self, signed: exp.Expr) -> exp.Expr:
        from sqlglot import exp

        total = exp.Window(this=call("sum", signed.copy()), partition_by=[col(one) for one in self.balance_by])
        entry = exp.and_(*(sql(":c is not null", c=col(one)) for one in self.balance_by))
        return sql("case when :e then try_cast(:t as decimal(18, 6)) end", e=entry, t=total)
