"""Steps for documents: what a person has to look at, and where each document is filed."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from backoffice.transform import Engine
from backoffice.transform.steps.file_documents import FileDocuments
from backoffice.transform.steps.needs_review import NeedsReview
from backoffice.transform.values.filing import part_of
from tests.transform.conftest import memory, sow

NUMBERS = {"step": "number", "columns": ["net", "tax", "gross", "number_confidence"]}
HEADER = "number,net,tax,gross,number_confidence\n"


def run(text: str, *steps: dict[str, Any], columns: str = HEADER) -> tuple[Any, Engine]:
    agreed = sow(list(steps), columns=tuple(columns.strip().split(",")))
    agreed = agreed.model_copy(update={"tables": {}})
    with memory(columns + text) as path, Engine() as engine:
        engine.load(agreed, path)
        engine.run(agreed)
        return engine.connection.execute("SELECT * FROM result").fetchall(), engine


def reviewed(text: str, **rule: Any) -> dict[str, str]:
    """The reason by number, of those that need a look."""
    step = {"step": "needs_review", "to": "review", **rule}
    agreed = sow([NUMBERS, step], columns=tuple(HEADER.strip().split(",")))
    output = agreed.output.model_copy(update={"table": "review"})
    agreed = agreed.model_copy(update={"output": output})
    with memory(HEADER + text) as path, Engine() as engine:
        engine.load(agreed, path)
        engine.run(agreed)
        return dict(engine.connection.execute("SELECT number, reason FROM review").fetchall())


def test_what_is_missing_unsure_or_does_not_add_up_needs_a_look():
    found = reviewed(
        "a,10,2,12,1\nb,10,2,12.02,1\nc,10,,12,1\nd,10,2,12,0.79\ne,10,2,99,0.1\nf,10,2,12.01,0.8\n",
        required=["tax"],
        confidence=0.8,
        sums=[{"sum_of": ["net", "tax"], "equals": "gross"}],
    )
    assert found == {
        "b": "net + tax is not gross",
        "c": "tax is missing",
        "d": "number was not read surely",
        "e": "number was not read surely; net + tax is not gross",
    }


def test_large_sums_do_not_overflow():
    found = reviewed(
        "a,999999999999,999999999999,1,1\n", sums=[{"sum_of": ["net", "tax"], "equals": "gross", "within": 0}]
    )
    assert found == {"a": "net + tax is not gross"}


def test_conditions_are_named_in_the_reason():
    assert reviewed("a,1,1,2,1\nb,0,1,1,1\n", rows_meet=[{"column": "net", "more_than": 0}]) == {
        "b": "not as agreed: net is more than 0"
    }


def test_a_rule_has_to_say_what_needs_a_look():
    with pytest.raises(ValidationError, match="say what needs a look"):
        NeedsReview.model_validate({"step": "needs_review", "to": "review"})


def test_a_confidence_that_is_not_there_is_a_mistake():
    step = NeedsReview.model_validate({"step": "needs_review", "to": "review", "confidence": 0.5})
    assert [fault for _, fault, _ in step.faults({})] == ["No column here says how surely another was read."]


# ---------------------------------------------------------------------- filing


def filed(text: str, rule: str, **more: Any) -> list[str]:
    step = {"step": "file_documents", "name": rule, "path_as": "path", **more}
    days = {"step": "dates", "columns": ["day"], "formats": ["YYYY-MM-DD"]}
    rows, _ = run(text, days, step, columns="file_type,name,day\n")
    return [row[-1] for row in rows]


def test_no_two_documents_have_the_same_name_whatever_its_case():
    assert filed("pdf,A b,\npdf,a B,\ntif,A-B,\npdf,,\npdf,,\n", "{name}") == [
        "A-b.pdf",
        "a-B--2.pdf",
        "A-B--3.tif",
        "unknown.pdf",
        "unknown--2.pdf",
    ]


def test_a_field_leads_into_no_other_folder():
    text = 'pdf,../../etc/passwd,\npdf,/root,\npdf,"C:\\x",\npdf,..,\npdf,CON,\npdf,\u202e/\u0000x,\n'.replace("\0", "")
    assert filed(text, "in/{name}") == [
        "in/etc-passwd.pdf",
        "in/root.pdf",
        "in/C-x.pdf",
        "in/unknown.pdf",
        "in/CON_.pdf",
        "in/x.pdf",
    ]


def test_days_are_written_as_the_rule_says():
    assert filed("pdf,a,2026-03-05\npdf,a,\n", "{day:YYYY}/{day:DD.MM.YYYY} {day}") == [
        "2026/05.03.2026 2026-03-05.pdf",
        "unknown/unknown unknown.pdf",
    ]


def test_many_names_with_signs_beyond_the_first_plane_are_filed():
    names = [f"{chr(0x1F600 + number % 50)}{chr(0x20000 + number)} {number}" for number in range(3000)]
    made = filed("".join(f"pdf,{name},\n" for name in names), "{name}")
    assert len(set(made)) == 3000


@pytest.mark.parametrize("rule", ["a//b", "../{name}", "ä", "{day:YY}", "a:b", " "])
def test_a_rule_that_makes_bad_names_is_a_mistake(rule: str):
    with pytest.raises(ValidationError):
        FileDocuments.model_validate({"step": "file_documents", "name": rule, "path_as": "path"})


def test_a_long_field_is_cut():
    assert len(part_of("x" * 500)) == 80
