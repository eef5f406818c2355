"""A large list that several threads read at once: as if one had."""

from __future__ import annotations

import pytest

from backoffice.contract import CsvInput
from backoffice.errors import DropRejected, EngineError
from backoffice.spool import Spool
from backoffice.transform import Engine
from backoffice.transform.reading import csv
from backoffice.transform.reading.lanes import fill
from backoffice.transform.reading.survey import survey
from tests.transform.conftest import sow
from tests.transform.reading.test_large_lists import spooled

LINES = [f"{number},Zoë {number % 100} van der {'Nord-West-' * 30}" for number in range(8_000)]
STEPS = [
    {"step": "trim"},
    {"step": "split_name", "column": "name", "given_as": "given", "family_as": "family"},
    {"step": "drop_duplicates", "ignore": ["id"]},
]


def text(*, end: str = "\n", header: str = "id,name", lines: list[str] = LINES, mark: bytes = b"") -> bytes:
    return mark + "".join(line + end for line in [header, *lines]).encode()


def done(source: Spool, *, threads: int, **spec):
    with Engine(threads=threads) as engine:
        profiles, figures = engine.process(sow(steps=STEPS, **spec), source)
        rows = engine.connection.execute("SELECT * FROM result").fetchall()
        return profiles["input"], figures.to_dict(), rows


@pytest.fixture
def parted(monkeypatch):
    """Whether the last list was read in parts, and to the end."""
    seen: list[bool] = []
    real = csv._make_in_parts

    def noted(*given):
        seen.append(False)
        made = real(*given)
        seen[-1] = True
        return made

    monkeypatch.setattr(csv, "_make_in_parts", noted)
    return seen


@pytest.mark.parametrize(
    ("content", "threads"),
    [
        (text(), 3),
        (text(end="\r\n"), 2),
        (text(mark=b"\xef\xbb\xbf"), 2),
        (text().rstrip(b"\n"), 2),
        (text() + b"\n\n", 2),
    ],
    ids=["lf", "crlf", "bom", "no-last-end", "blank-lines-at-the-end"],
)
def test_the_result_is_that_of_one_thread(content, threads, parted):
    with spooled(content) as source:
        assert done(source, threads=threads) == done(source, threads=1)
    assert parted == [True]


def test_a_list_without_a_header_has_the_same_row_numbers(parted):
    found = []
    with spooled(text().partition(b"\n")[2]) as source:
        for threads in (1, 2):
            with Engine(threads=threads) as engine:
                engine.process(sow(steps=STEPS[:1], header=False), source)
                found.append(engine.connection.execute("SELECT * FROM _result").fetchall())
    assert found[0] == found[1]
    assert [row[0] for row in found[1]] == list(range(1, 8_001))
    assert parted == [True]


@pytest.mark.parametrize("at", [100, 6_000])
@pytest.mark.parametrize("line", ["1,2,3", "1"])
def test_a_row_that_is_not_complete_is_told_with_its_line(at, line, parted):
    told = []
    with spooled(text(lines=[*LINES[:at], line, *LINES[at:]])) as source:
        for threads in (1, 2):
            with pytest.raises(DropRejected) as caught:
                done(source, threads=threads)
            told.append(str(caught.value))
    assert told[0] == told[1]
    assert f"line {at + 2}" in told[0]
    assert parted == [False]


def test_empty_lines_within_it_do_not_change_the_numbers(parted):
    with spooled(text(lines=[*LINES[:10], "", *LINES[10:]])) as source:
        assert done(source, threads=2) == done(source, threads=1)
    assert parted == [False]


@pytest.mark.parametrize(
    "content",
    [
        text(lines=['1,"a\nb"', *LINES]),
        text(end="\r"),
        text() + b"1,a\r\n",
        text().decode().encode("utf-16"),
        text().decode().encode("cp1252"),
        text(lines=LINES[:100]),
    ],
    ids=["quotes", "cr", "mixed", "utf-16", "cp1252", "short"],
)
def test_what_cannot_be_split_safely_is_read_by_one(content, parted):
    with spooled(content) as source:
        assert done(source, threads=2) == done(source, threads=1)
    assert parted == []


def test_parts_are_whole_lines_and_together_the_file():
    content = text()
    with spooled(content) as source:
        found = survey(source, CsvInput.model_validate({"format": "csv", "columns": {"id": "required"}}))
        parts = found.parts(3)
        pieces = [b"".join(source.pieces(part.start, part.stop)) for part in parts]
    assert b"".join(pieces) == content
    assert all(piece.endswith(b"\n") for piece in pieces)
    assert [part.lines for part in parts] == [b"".join(pieces[:n]).count(b"\n") for n in range(3)]


def test_what_one_thread_cannot_do_leaves_nothing_of_the_others():
    with Engine() as engine:
        connection = engine.connection
        connection.execute("CREATE TEMP TABLE none AS SELECT 1")
        connection.execute("CREATE TABLE made (n INTEGER)")
        with pytest.raises(EngineError) as caught:
            fill(connection, "made", ["SELECT 1", "SELECT 'canary'::INTEGER"])
        assert "canary" not in repr(caught.value)
        assert connection.execute("SELECT count(*) FROM made").fetchall() == [(0,)]
