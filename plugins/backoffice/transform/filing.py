"""The documents that go back: which of them, and under which path.

The path is what a column of the result says; what it says is looked at before anything is written, for it was made of
what clients' documents hold.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import normalize

from backoffice.contract import DocumentsInput, FiledDocuments, Sow
from backoffice.contract.documents import DOCUMENT
from backoffice.errors import EngineError
from backoffice.originals import Original
from backoffice.spool import PIECE, Spool

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from backoffice.transform.reading.documents.reading import Documents

__all__ = ["Filed", "filed"]

_FORBIDDEN = re.compile(r'[\\:*?"<>|]')
_LONGEST_PART, _LONGEST = 255, 1000
_RULE = "Make the paths with the step `file_documents`."


@dataclass(frozen=True)
class Filed:
    """The documents that go back."""

    originals: Iterator[Original]
    """In the order of their numbers; to be read once, while the drop is open."""
    counts: dict[str, int]
    """``filed``; ``others``, which no row names and which go back all the same; ``left_out``, which do not."""


@contextmanager
def filed(connection: DuckDBPyConnection, sow: Sow, source: Path | Spool) -> Iterator[Filed | None]:
    """What ``sow`` says of the documents of a drop, once it was carried out; ``None`` where it says nothing.

    :param connection: the engine's, with the tables that are delivered.
    :param source: the drop.
    :raises EngineError: a path that leads elsewhere, or is there twice; or a row of a document that is not in the drop.
    """
    from backoffice.transform.reading.drop import documents_of

    agreed = sow.filed
    if agreed is None:
        yield None
        return
    spec = sow.all_inputs.get(agreed.of)
    if not isinstance(spec, DocumentsInput):
        raise EngineError("What goes back as it came in has to be documents.", hint="`backoffice sow check` says more.")
    paths = _paths(connection, agreed)
    with _opened(source) as descriptor:
        documents = documents_of(descriptor, spec, alone=len(sow.all_inputs) == 1)
        if unknown := sum(not 1 <= number <= len(documents) for number in paths):
            raise EngineError(
                f"{unknown:,} rows name a document that is not in the drop.", hint="Leave `document` as it is."
            )
        without = len(documents) - len(paths)
        counts = {"filed": len(paths), "others": without, "left_out": 0}
        if agreed.others is None:
            counts |= {"others": 0, "left_out": without}
        yield Filed(_originals(documents, paths, agreed), counts)


def _paths(connection: DuckDBPyConnection, agreed: FiledDocuments) -> dict[int, str]:
    """The path of each document that has one, by its number.

    :raises EngineError: one leads elsewhere, or two are the same.
    """
    from backoffice.transform.faults import rows_of
    from backoffice.transform.sql import col, table

    number, path, name = (one.sql(dialect="duckdb") for one in (col(DOCUMENT), col(agreed.path), table(agreed.table)))
    query = (
        f"SELECT number, arg_min(path, place) FROM (SELECT {number} AS number, {path} AS path, row_number() OVER () "  # noqa: S608
        f"AS place FROM {name}) WHERE path IS NOT NULL AND number IS NOT NULL GROUP BY number"
    )
    found: dict[int, str] = dict(rows_of(connection, query))
    if bad := sum(not _safe(one) for one in found.values()):
        raise EngineError(f"{bad:,} paths of `{agreed.path}` cannot be the name of a file.", hint=_RULE)
    if twice := _in_each_others_way(found.values()):
        raise EngineError(f"{twice:,} paths of `{agreed.path}` are taken by other documents.", hint=_RULE)
    return found


def _safe(path: str) -> bool:
    """Whether it stays in its folder on every system, and can be written there."""
    parts = path.split("/")
    return (
        path.isprintable()
        and not _FORBIDDEN.search(path)
        and len(path.encode(errors="replace")) <= _LONGEST
        and all(part.strip(" .") and len(part.encode(errors="replace")) <= _LONGEST_PART for part in parts)
    )


def _in_each_others_way(paths: Iterable[str]) -> int:
    """How many are the same as another, as any system sees it, or are a folder of another."""
    plain = ["/".join(part.strip(" .") for part in normalize("NFKC", path).casefold().split("/")) for path in paths]
    folders = {path[: found.start()] for path in plain for found in re.finditer("/", path)}
    return len(plain) - len(set(plain) - folders)


def _originals(documents: Documents, paths: Mapping[int, str], agreed: FiledDocuments) -> Iterator[Original]:
    from backoffice.transform.reading.documents.reading import document_kind

    for index in range(len(documents)):
        number = index + 1
        if number not in paths and agreed.others is None:
            continue
        descriptor = documents.open(index)
        try:
            path = f"{agreed.folder}/{paths[number]}" if number in paths else ""
            path = path or f"{agreed.others}/{number}.{document_kind(descriptor)}"
            size = os.fstat(descriptor).st_size
            yield Original(path, size, _pieces(descriptor, size))
        finally:
            os.close(descriptor)


def _pieces(descriptor: int, size: int) -> Iterator[bytes]:
    for place in range(0, max(size, 1), PIECE):
        yield os.pread(descriptor, PIECE, place)


@contextmanager
def _opened(source: Path | Spool) -> Iterator[int]:
    if isinstance(source, Path):
        with source.open("rb", buffering=0) as file:
            yield file.fileno()
        return
    with source.named() as path, Path(path).open("rb", buffering=0) as file:
        yield file.fileno()
