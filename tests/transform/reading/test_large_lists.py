"""A list that is too large for memory: it lies on disk, encrypted, and is read from there as it would be from memory."""

from __future__ import annotations

import pytest

from backoffice.errors import DropRejected
from backoffice.spool import Spool
from backoffice.transform import Engine
from tests.transform.conftest import memory, sow

TEXT = "id,name\n" + "".join(f'{number},"Zoë {number}"\n' for number in range(3000))


def spooled(content: bytes) -> Spool:
    spool = Spool(in_memory=0)
    spool.write(content)
    spool.finish()
    assert spool.path is None
    return spool


def read(source, agreed):
    with Engine() as engine:
        profiles = engine.load(agreed, source)
        return profiles["input"], engine.connection.execute("SELECT * FROM input ORDER BY _row").fetchall()


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        b"\xef\xbb\xbf" + TEXT.encode(),
        TEXT.encode("cp1252"),
        TEXT.encode("utf-16"),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("\n", "\r").encode("cp1252"),
        TEXT.replace("\n", "\r\n", 7).encode(),
    ],
    ids=["utf-8", "bom", "cp1252", "utf-16", "crlf", "cr-cp1252", "mixed"],
)
def test_it_is_read_as_from_memory(content):
    with memory(content) as path, spooled(content) as spool:
        assert read(spool, sow()) == read(path, sow())


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (TEXT.encode() + b"1\n", "ragged"),
        (TEXT.encode() + b'1,"x\n', "format"),
        (b"\0" + TEXT.encode(), "format"),
        (TEXT.encode() + b"\xff\xfe", "encoding"),
        (b"a,b\n" + b"x" * 2_000_000, "line-too-long"),
        (b"PK\x03\x04" + TEXT.encode(), "archive"),
    ],
)
def test_it_is_refused_as_from_memory(content, code):
    codes = []
    with memory(content) as path, spooled(content) as spool:
        for source in (path, spool):
            with pytest.raises(DropRejected) as caught:
                read(source, sow())
            codes.append(caught.value.code)
    assert codes[0] == codes[1]
    assert code in ("archive", codes[0])
