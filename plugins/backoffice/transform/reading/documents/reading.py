"""Reading documents into tables. Other processes parse them: see ``documents_child``."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from backoffice.child import Child
from backoffice.contract import DocumentsInput, Kind
from backoffice.contract.documents import CONFIDENCE
from backoffice.errors import DropRejected, EngineError
from backoffice.transform.figures import InputProfile
from backoffice.transform.fragment import ROW
from backoffice.transform.reading.apart import Said, refuse_if_it_failed
from backoffice.transform.reading.content import DOCUMENTS, call_it, kind_of
from backoffice.transform.reading.loading import load_arrow

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

__all__ = ["Documents", "document_kind", "language_packs", "look_through", "read_documents"]

_CODE = "backoffice.transform.reading.documents_child"
_TOGETHER = 8
"""Documents that one child is given: its start is paid once for them."""
_AT_ONCE = 2
_PACKS = "/usr/share/tesseract-ocr/*/tessdata"
_ARROW = {Kind.TEXT: "string", Kind.INTEGER: "int64", Kind.NUMBER: "float64"}


class Documents(Protocol):
    """The documents of a drop, in their order. Only one is asked for at a time."""

    def __len__(self) -> int:
        """How many there are."""
        ...

    def name(self, index: int) -> str | None:
        """The name of one in the ZIP; ``None``: it came by itself."""
        ...

    def open(self, index: int) -> int:
        """One of them, as a new descriptor, which the caller closes.

        :raises DropRejected: it cannot be unpacked.
        """
        ...


@dataclass(frozen=True)
class _Read:
    """What was found in one document."""

    number: int
    kind: str
    name: str | None
    size: int
    found: dict[str, Any]


def read_documents(
    connection: DuckDBPyConnection, spec: DocumentsInput, documents: Documents, *, into: str
) -> InputProfile:
    """Read documents into the table ``into``, one row each, and the tables within them into tables of their names.

    :raises DropRejected: one of them cannot be read; the message has its number, in the order of their names.
    :raises EngineError: a language pack is not installed.
    """
    if len(documents) > spec.max_documents:
        message = f"There are {len(documents):,} documents; {spec.max_documents:,} are agreed."
        raise DropRejected("too-large", message, hint="Send them in parts, or agree on more.")
    order = _order(spec)
    total = pages = recognised = blank = 0
    rows: list[pa.RecordBatch] = []
    inner: dict[str, list[pa.RecordBatch]] = {name: [] for name in spec.tables}
    counted = dict.fromkeys(spec.tables, 0)
    for batch in _read_all(documents, order, limit=spec.max_bytes):
        rows.append(_main_rows(spec, batch))
        for name, kinds in spec.more_kinds.items():
            inner[name].append(_inner_rows(kinds, batch, name, first=counted[name] + 1))
            counted[name] += inner[name][-1].num_rows
        total += sum(one.size for one in batch)
        pages += sum(one.found["pages"] for one in batch)
        recognised += sum(one.found["recognised"] for one in batch)
        blank += sum(one.found["blank"] for one in batch)
    _load(connection, into, spec.kinds, rows)
    for name, kinds in spec.more_kinds.items():
        _load(connection, name, kinds, inner[name])
    return InputProfile(
        format=spec.format,
        rows=len(documents),
        bytes=total,
        columns=len(spec.columns),
        pages=pages,
        recognised_pages=recognised,
        blank_pages=blank,
        table_rows=sum(counted.values()) if counted else None,
    )


def look_through(spec: DocumentsInput, documents: Documents) -> Iterator[dict[str, Any]]:
    """What :func:`looking.look` says of each document, with its ``kind``, ``pages``, ``recognised`` and ``blank`` pages.

    :raises DropRejected: as :func:`read_documents`.
    """
    for batch in _read_all(documents, {**_order(spec), "look": True}, limit=spec.max_bytes):
        for one in batch:
            yield {
                "kind": one.kind,
                **{key: one.found[key] for key in ("pages", "recognised", "blank")},
                **one.found["look"],
            }


def language_packs(languages: Sequence[str]) -> str:
    """The folder where what is known of these languages is installed.

    :raises EngineError: nowhere.
    """
    folders = [os.environ.get("TESSDATA_PREFIX", "")] + [str(one) for one in sorted(Path("/").glob(_PACKS[1:]))]
    for folder in folders:
        if folder and all(Path(folder, f"{one}.traineddata").is_file() for one in languages):
            return folder
    needed = " ".join(f"tesseract-ocr-{one}" for one in languages)
    raise EngineError(
        "Text recognition lacks a language that the SOW names.", hint=f"On Debian: apt-get install {needed}"
    )


def document_kind(descriptor: int) -> str:
    """``pdf``, ``png``, ``jpg`` or ``tif``.

    :raises DropRejected: ``empty``, ``format``.
    """
    with os.fdopen(descriptor, "rb", buffering=0, closefd=False) as file:
        kind = kind_of(file)
        if kind in ("text", "empty"):
            file.seek(0)
            kind = "pdf" if b"%PDF-" in (file.read(1024) or b"") else kind  # programs look for it so far, too
    if kind == "empty":
        raise DropRejected("empty", "It is empty.", hint="Send it again.")
    if kind not in DOCUMENTS:
        hint = "Send PDF, PNG, JPEG or TIFF."
        raise DropRejected("format", f"It is neither a PDF nor a picture: it looks like {call_it(kind)}.", hint=hint)
    return kind


def _order(spec: DocumentsInput) -> dict[str, Any]:
    return {
        "languages": list(spec.languages),
        "packs": language_packs(spec.languages) if spec.languages else "",
        "dpi": spec.dpi,
        "max_pages": spec.max_pages,
        "fields": {name: one.model_dump() for name, one in spec.fields.items()},
        "tables": {name: one.model_dump() for name, one in spec.tables.items()},
        "look": False,
        "text": any(one.take == "text" for one in spec.columns.values()),
    }


# ---------------------------------------------------------------------- a few at a time


@dataclass(frozen=True)
class _Batch:
    """Some documents, open."""

    first: int
    """The number of the first."""
    total: int
    files: list[tuple[int, str]]
    names: list[str | None]


def _read_all(documents: Documents, order: dict[str, Any], *, limit: int) -> Iterator[list[_Read]]:
    """What is in each of them, in their order. Two children work at a time."""
    waiting: deque[tuple[Any, ExitStack]] = deque()
    running: set[Child] = set()
    with ExitStack() as all_open, ThreadPoolExecutor(_AT_ONCE) as workers, _ended(running, waiting):

        def first() -> list[_Read]:
            future, files = waiting.popleft()
            with files:
                return future.result()

        for start in range(0, len(documents), _TOGETHER):
            files = all_open.enter_context(ExitStack())
            batch = files.enter_context(_opened(documents, start, limit=limit))
            limit -= sum(os.fstat(descriptor).st_size for descriptor, _ in batch.files)
            waiting.append((workers.submit(_read_batch, batch, order, running), files))
            if len(waiting) > _AT_ONCE:
                yield first()
        while waiting:
            yield first()


@contextmanager
def _ended(running: set[Child], waiting: deque[tuple[Any, ExitStack]]) -> Iterator[None]:
    """Where one document ends the work, no other is waited for."""
    try:
        yield
    finally:
        for future, _ in waiting:
            future.cancel()
        for child in list(running):
            child.kill()


@contextmanager
def _opened(documents: Documents, start: int, *, limit: int) -> Iterator[_Batch]:
    files: list[tuple[int, str]] = []
    numbers = range(start, min(start + _TOGETHER, len(documents)))
    try:
        for index in numbers:
            with _numbered(index + 1, len(documents)):
                descriptor = documents.open(index)
                files.append((descriptor, ""))
                limit -= os.fstat(descriptor).st_size
                if limit < 0:
                    raise DropRejected("too-large", "The documents have more bytes than are agreed.", hint=_IN_PARTS)
                files[-1] = (descriptor, document_kind(descriptor))
        yield _Batch(start + 1, len(documents), files, [documents.name(index) for index in numbers])
    finally:
        for descriptor, _ in files:
            os.close(descriptor)


_IN_PARTS = "Send them in parts, or agree on more."


@contextmanager
def _numbered(number: int, total: int) -> Iterator[None]:
    """Say which document is meant, where there are several."""
    fault = None
    try:
        yield
    except DropRejected as error:
        fault = error
    if fault is not None:
        which = f"Document {number:,} of {total:,}: " if total > 1 else ""
        raise DropRejected(fault.code, which + fault.message, hint=fault.hint)


def _read_batch(batch: _Batch, order: dict[str, Any], running: set[Child]) -> list[_Read]:
    found: list[_Read] = []
    while len(found) < len(batch.files):
        files = batch.files[len(found) :]
        given = {**order, "documents": files}
        before = len(found)
        with Child(_CODE, given, descriptors=[descriptor for descriptor, _ in files]) as child, _noted(running, child):
            said = Said(child.answers)
            while "pages" in said.next_line() and not said.fault:
                place = len(found)
                descriptor, kind = batch.files[place]
                size = os.fstat(descriptor).st_size
                found.append(_Read(batch.first + place, kind, batch.names[place], size, said.line))
            with _numbered(batch.first + len(found), batch.total):
                refuse_if_it_failed(child, said, "document", large=_LARGE, slow=_LARGE, damaged=_DAMAGED)
        if len(found) == before:
            raise EngineError("The process that reads documents read none.", hint="It was not judged: try again.")
    return found


@contextmanager
def _noted(running: set[Child], child: Child) -> Iterator[None]:
    running.add(child)
    try:
        yield
    finally:
        running.discard(child)


_LARGE = "Send it in parts, or print it to a new PDF and send that."
_DAMAGED = "Open it, print it to a new PDF and send that."


# ---------------------------------------------------------------------- to tables


def _main_rows(spec: DocumentsInput, batch: Sequence[_Read]) -> pa.RecordBatch:
    columns: dict[str, list[Any]] = {
        "document": [one.number for one in batch],
        "file_type": [one.kind for one in batch],
        "pages": [one.found["pages"] for one in batch],
        "read_from": [_read_from(one) for one in batch],
    }
    for name, field in spec.columns.items():
        if field.take == "file_name":
            columns[name] = [one.name for one in batch]
        elif field.take == "text":
            columns[name] = [one.found["text"] or None for one in batch]
        else:
            there = [one.found["fields"].get(name) or [None, None] for one in batch]
            columns[name] = [text or None for text, _ in there]
            columns[name + CONFIDENCE] = [sure if text else None for text, sure in there]
    return _batch(spec.kinds, columns, [one.number for one in batch])


def _read_from(one: _Read) -> str:
    recognised = one.found["recognised"]
    return "ocr" if recognised == one.found["pages"] else "both" if recognised else "text"


def _inner_rows(kinds: dict[str, Kind], batch: Sequence[_Read], table: str, *, first: int) -> pa.RecordBatch:
    columns: dict[str, list[Any]] = {name: [] for name in kinds}
    for one in batch:
        for line, (page, cells, sure) in enumerate(one.found["tables"][table], start=1):
            said = {"document": one.number, "page": page, "line": line, "confidence": sure}
            for name, values in columns.items():
                values.append(said[name] if name in said else cells.get(name) or None)
    count = len(columns["document"])
    return _batch(kinds, columns, list(range(first, first + count)))


def _batch(kinds: dict[str, Kind], columns: dict[str, list[Any]], numbers: list[int]) -> pa.RecordBatch:
    import pyarrow as pa

    arrays = [pa.array(numbers, pa.int64())]
    arrays += [pa.array(columns[name], pa.type_for_alias(_ARROW[kind])) for name, kind in kinds.items()]
    return pa.RecordBatch.from_arrays(arrays, names=[ROW, *kinds])


def _load(connection: DuckDBPyConnection, name: str, kinds: dict[str, Kind], rows: list[pa.RecordBatch]) -> None:
    import pyarrow as pa
    from sqlglot import exp

    from backoffice.transform.sql import cast, col

    cells = [exp.alias_(cast(col(one), kind), one, quoted=True) for one, kind in kinds.items()]
    load_arrow(connection, pa.Table.from_batches(rows), [col(ROW), *cells], name)
