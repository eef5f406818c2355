"""Names that only the project knows."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.step import AnyColumn, Example, Step
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.function import Function
from backoffice.transform.literals import as_text
from backoffice.transform.sql import call, col, sql

_TRIAL = b"backoffice: the key for trials, which everybody knows"


def _pseudonyms(rows: Sequence[tuple[Any, ...]], *, secret: bytes | None) -> Iterable[str]:
    """HMAC-SHA-256 under a key of the project, 128 bits of it: nobody without the key can try out who it may be."""
    key = hashlib.sha256(b"pseudonyms\0" + (secret or _TRIAL)).digest()
    label = "" if secret else "test-"
    for text, realm in rows:
        found = hmac.digest(key, f"{len(realm)}:{realm}:{text}".encode(), "sha256").hex()[:32]
        yield label + found


PSEUDONYM = Function("pseudonym", [Kind.TEXT, Kind.TEXT], Kind.TEXT, _pseudonyms, keyed=True)


class Pseudonymise(Step):
    """Put a pseudonym in place of each value: 32 hexadecimal digits that nobody without the project's key can trace.

    The same value has the same pseudonym in every column and every file of the project, and in no other project. The key
    is destroyed with the project's. In a trial (`sow run`, `sow test`, …) the key is a known one: pseudonyms begin with
    ``test-``.
    """

    step: Literal["pseudonymise"] = "pseudonymise"
    columns: tuple[AnyColumn, ...] = Field(min_length=1)
    realm: str = Field(default="", max_length=100)
    """Values get other pseudonyms under another realm: for columns that nobody is to connect."""
    ignore_case: bool = False

    example: ClassVar[Example] = Example(
        """- step: pseudonymise
  columns: [customer]
""",
        before="""\
customer,amount
Ann,10
Bo,20
Ann,30
""",
        after="""\
customer,amount
test-2aefc1532564ed575d3e346b20a753d5,10
test-a4c6956eb71fa1428214e570c24da70e,20
test-2aefc1532564ed575d3e346b20a753d5,30
""",
    )

    @override
    def words(self) -> str:
        return f"Replace {', '.join(self.columns)} by pseudonyms that only this project's key connects to a value."

    @override
    def columns_after(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, Kind]:
        return {name: Kind.TEXT if name in self.columns else kind for name, kind in columns.items()}

    @override
    def compile(self, source: Source) -> Cells:
        cells = {}
        for name in self.columns:
            text = as_text(col(name), source.columns[name])
            text = call("lower", text) if self.ignore_case else text
            # Explicitly text: what has another kind is not given to the function as it is.
            cells[name] = PSEUDONYM(sql("cast(:text as varchar)", text=text), self.realm)
        return Cells(cells, loses=False)
