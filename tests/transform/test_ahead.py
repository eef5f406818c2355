"""Steps that are done while a file is read give what they give on a table of its text."""

from __future__ import annotations

from typing import Any

import pytest

from backoffice.contract import Sow
from backoffice.errors import BackofficeError, DropRejected
from backoffice.spool import Spool
from backoffice.transform import Engine
from backoffice.transform.compiling import plan
from backoffice.transform.running import first_steps
from tests.transform.conftest import sow

_STEPS = [
    {"step": "trim"},
    {"step": "case", "columns": ["name"], "to": "name"},
    {"step": "rename", "columns": {"name": "town", "town": "name"}},
    {"step": "case", "columns": ["town"], "to": "upper"},
    {"step": "pattern", "columns": {"n": "[0-9]+"}, "unreadable": "keep"},
    {"step": "number", "columns": ["n"]},
    {"step": "filter", "keep": [{"column": "town", "filled": True}]},
    {"step": "drop_duplicates", "ignore": ["id"]},
]
_ROWS = [
    "1, ANN ,Graz,1",
    "2,Bo,  ,x",
    "3,,Ulm,",
    "4,ann,Graz,1",
    "5,Ann,Graz,1",
    '6,"Di ""x"" ","a,b",12.50',
    "7,É,é,007",
]


def _spool(text: str, *, on_disk: bool) -> Spool:
    spool = Spool(in_memory=0 if on_disk else None)
    spool.write(text.encode())
    spool.finish()
    return spool


def _result(agreed: Sow, text: str, *, at_once: bool, on_disk: bool) -> tuple[Any, ...]:
    with _spool(text, on_disk=on_disk) as file, Engine() as engine:
        if at_once:
            profiles, figures = engine.process(agreed, file)
        else:
            profiles, figures = engine.load(agreed, file), engine.run(agreed)
        tables = [engine.connection.execute(f'FROM "{name}"').fetchall() for name in agreed.delivered]
        return tables, figures.to_dict(), profiles


def _agreed(steps: list[dict[str, Any]] | None = None, **spec: Any) -> Sow:
    known = {**dict.fromkeys(("id", "name", "town"), "required"), "n": "optional"}
    return sow(steps or _STEPS, columns=known, **spec)


@pytest.mark.parametrize("on_disk", [False, True])
@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_the_same_comes_out(on_disk: bool, end: str) -> None:
    agreed = _agreed()
    text = (end or "\n").join(["id,name,town,n", *_ROWS]) + end
    assert first_steps(plan(agreed)).keys() == {"input"}
    apart = _result(agreed, text, at_once=False, on_disk=on_disk)
    assert _result(agreed, text, at_once=True, on_disk=on_disk) == apart
    assert apart[1]["rows_in"] == 7


@pytest.mark.parametrize(
    "text",
    ["id,name,town\n1,a\n", 'id,name,town\n1,a,"b\n', "id,name,town\n", "id,name\n1,a\n", 'id,name,town\n1,"a"b,c\n'],
)
@pytest.mark.parametrize("on_disk", [False, True])
def test_a_bad_file_is_refused_in_the_same_words(text: str, on_disk: bool) -> None:
    said = []
    for at_once in (False, True):
        with pytest.raises(DropRejected) as refused:
            _result(_agreed(), text, at_once=at_once, on_disk=on_disk)
        said.append((refused.value.code, str(refused.value), refused.value.hint))
    assert said[0] == said[1]


@pytest.mark.parametrize("on_disk", [False, True])
@pytest.mark.parametrize("unreadable", ["blank", "reject", "stop"])
def test_what_cannot_be_read_is_treated_the_same(unreadable: str, on_disk: bool) -> None:
    agreed = _agreed([{"step": "trim"}, {"step": "number", "columns": ["n"], "unreadable": unreadable}])
    text = "id,name,town,n\n" + "\n".join(_ROWS) + "\n"
    found: list[Any] = []
    for at_once in (False, True):
        try:
            found.append(_result(agreed, text, at_once=at_once, on_disk=on_disk))
        except BackofficeError as error:
            found.append(str(error))
    assert found[0] == found[1]


def test_a_table_that_is_needed_again_is_read_as_it_is() -> None:
    again = [{"step": "trim"}, {"step": "union", "others": ["input"]}]
    assert not first_steps(plan(_agreed(again)))


def test_so_many_counted_cells_that_one_number_does_not_hold_them() -> None:
    columns = [f"c{number}" for number in range(40)]
    agreed = sow(
        [
            {"step": "trim"},
            {"step": "case", "columns": columns, "to": "upper"},
            {"step": "case", "columns": columns, "to": "lower"},
        ],
        columns=columns,
    )
    text = ",".join(columns) + "\n" + ",".join([" ab"] * 40) + "\n" + ",".join(["CD"] * 40) + "\n"
    result, figures, _ = _result(agreed, text, at_once=True, on_disk=True)
    assert result == [[("ab",) * 40, ("cd",) * 40]]
    assert [step["changed"] for step in figures["steps"]] == [
        dict.fromkeys(columns, 1),
        dict.fromkeys(columns, 1),
        dict.fromkeys(columns, 2),
    ]
