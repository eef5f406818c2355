"""Documents that go back as they came in: which of them, where to, and never anywhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from backoffice.contract import Sow
from backoffice.errors import EngineError
from backoffice.spool import PIECE, Spool
from backoffice.transform import Engine
from backoffice.transform.filing import filed
from tests.transform.conftest import memory
from tests.transform.documents.papers import agreed, invoice, packed

FIRST, SECOND = b"%PDF-1.7 one", b"%PDF-1.7 two"
BOTH = packed({"b.pdf": SECOND, "a.pdf": FIRST})


def asked(**documents: Any) -> Sow:
    output = {
        "format": "zip",
        "filename": "out.zip",
        "files": [{"format": "csv", "filename": "list.csv"}],
        "documents": {"path": "filed_as", **documents},
    }
    step = {"step": "file_documents", "name": "{number}", "path_as": "filed_as"}
    return agreed(steps=[step], output=output)


def back(content: bytes, *rows: tuple[int | None, str | None], **documents: Any):
    """What goes back where the result has these rows: the content by path, and the counts."""
    with memory(content) as path, duckdb.connect() as connection:
        connection.execute("CREATE TABLE result (document BIGINT, filed_as VARCHAR)")
        connection.executemany("INSERT INTO result VALUES (?, ?)", rows)
        with filed(connection, asked(**documents), Path(path)) as found:
            assert found is not None
            return {one.path: b"".join(one.pieces) for one in found.originals}, found.counts


def test_a_sow_carried_out_says_which_go_back():
    one, two = invoice("A-1"), invoice("A-2")
    spool = Spool(in_memory=0)  # as in a job: it is on disk, encrypted
    spool.write(packed({"b.pdf": two, "a.pdf": one}))
    spool.finish()
    with spool, Engine() as engine:
        engine.process(asked(), spool)
        with filed(engine.connection, asked(), spool) as found:
            assert found is not None
            content = {one.path: b"".join(one.pieces) for one in found.originals}
    assert content == {"documents/A-1.pdf": one, "documents/A-2.pdf": two}


def test_each_goes_back_to_the_byte_in_the_order_of_their_numbers():
    found, counts = back(BOTH, (2, "x/2.pdf"), (1, "y/1.pdf"))
    assert found == {"documents/y/1.pdf": FIRST, "documents/x/2.pdf": SECOND}
    assert list(found) == ["documents/y/1.pdf", "documents/x/2.pdf"]
    assert counts == {"filed": 2, "others": 0, "left_out": 0}


def test_one_that_came_by_itself_too():
    assert back(FIRST, (1, "a.pdf"), folder="invoices")[0] == {"invoices/a.pdf": FIRST}


def test_one_that_no_row_names_is_left_out_unless_it_has_a_folder():
    assert back(BOTH, (1, "a.pdf")) == ({"documents/a.pdf": FIRST}, {"filed": 1, "others": 0, "left_out": 1})
    found, counts = back(BOTH, (1, "a.pdf"), (2, None), others="to_look_at")
    assert found == {"documents/a.pdf": FIRST, "to_look_at/2.pdf": SECOND}
    assert counts == {"filed": 1, "others": 1, "left_out": 0}


def test_a_sow_that_does_not_ask_for_them_gets_none():
    with duckdb.connect() as connection, filed(connection, agreed(), Path("/nowhere")) as found:
        assert found is None


def test_pieces_are_small_however_large_the_document_is():
    large = FIRST + b"x" * (2 * PIECE)
    with memory(large) as path, duckdb.connect() as connection:
        connection.execute("CREATE TABLE result AS SELECT 1::BIGINT AS document, 'a.pdf' AS filed_as")
        with filed(connection, asked(), Path(path)) as found:
            assert found is not None
            ((size, pieces),) = [(one.size, [len(piece) for piece in one.pieces]) for one in found.originals]
    assert size == sum(pieces) == len(large)
    assert pieces == [PIECE, PIECE, len(FIRST)]


@pytest.mark.parametrize(
    "path",
    ["../x.pdf", "a/../../x.pdf", "/etc/x.pdf", "a//x.pdf", "a/./x.pdf", "C:x.pdf", "a\\x.pdf", "a\tx.pdf", " ", "", "a" * 256],
    ids=lambda path: ascii(path)[:12],
)  # fmt: skip
def test_a_path_that_leads_elsewhere_is_refused(path: str):
    with pytest.raises(EngineError, match=r"^1 paths of `filed_as` cannot be the name of a file") as caught:
        back(BOTH, (1, "a.pdf"), (2, path))
    assert "x.pdf" not in str(caught.value)


@pytest.mark.parametrize(
    ("first", "second"), [("x.pdf", "X.PDF"), ("x", "x/y.pdf"), ("x.pdf", "x.pdf."), ("\ufb01.pdf", "fi.pdf")]
)
def test_two_in_each_others_way_are_refused(first: str, second: str):
    with pytest.raises(EngineError, match="taken by other documents"):
        back(BOTH, (1, first), (2, second))


def test_of_several_rows_of_one_document_the_first_counts():
    assert list(back(FIRST, *[(1, f"{number}.pdf") for number in (7, 3, 9)])[0]) == ["documents/7.pdf"]


def test_a_row_of_a_document_that_is_not_there_is_a_fault():
    with pytest.raises(EngineError, match="1 rows name a document that is not in the drop"):
        back(BOTH, (1, "a.pdf"), (3, "b.pdf"))
