"""A drop taken apart: a file, a workbook with several sheets, or a ZIP of files, each part to its reader."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from io import RawIOBase
from pathlib import Path
from typing import TYPE_CHECKING

from backoffice.contract import (
    CsvInput,
    DocumentsInput,
    Incoming,
    Input,
    JsonLinesInput,
    ParquetInput,
    Sow,
    SpreadsheetInput,
)
from backoffice.errors import DropRejected
from backoffice.password import AskPassword
from backoffice.spool import Spool
from backoffice.transform.figures import InputProfile
from backoffice.transform.reading.archive import Archive
from backoffice.transform.reading.content import WORKBOOKS, kind_of, refuse_other_than

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from backoffice.transform.chain import Ahead

__all__ = ["documents_of", "read_drop"]

_WITH_PASSWORD = ("xlsx", "xlsb")
"""Formats whose protected files are decrypted: both are packages in the same container."""


@dataclass(frozen=True)
class _Part:
    """A file that can be read, and the inputs that it is."""

    descriptor: int
    kind: str
    inputs: tuple[str, ...]
    from_zip: bool = False

    @property
    def path(self) -> Path:
        return Path(f"/proc/self/fd/{self.descriptor}")

    @property
    def size(self) -> int:
        return os.fstat(self.descriptor).st_size


def read_drop(
    connection: DuckDBPyConnection,
    sow: Sow,
    source: Path | Spool,
    *,
    ahead: Ahead,
    password: AskPassword | None = None,
) -> dict[str, InputProfile]:
    """Read what was handed in into a table for each input of the SOW; ``input`` is the main one.

    A list in CSV is read from where it is, however large; what has to be looked into from several places (a workbook,
    an archive) is in memory while it is read.

    :param ahead: steps that may be done on the way, of lists in CSV.
    :param password: asked for if a workbook is protected with one; left out: such a workbook is refused.
    :return: what was found, by input.
    :raises DropRejected: the client has to mend the file; neither message nor code holds anything of its content.
    """
    specs: Mapping[str, Incoming] = sow.all_inputs
    if isinstance(source, Path):
        with source.open("rb", buffering=0) as file:
            return _read_file(connection, file, specs, ahead, password)
    main = next(iter(specs.values()))
    if source.on_disk and len(specs) == 1 and isinstance(main, CsvInput) and kind_of(source) == "text":
        from backoffice.transform.reading.csv import read_csv

        return {name: read_csv(connection, main, source, into=name, ahead=ahead) for name in specs}
    with source.named() as path, Path(path).open("rb", buffering=0) as file:
        return _read_file(connection, file, specs, ahead, password)


def _read_file(
    connection: DuckDBPyConnection,
    file: RawIOBase,
    specs: Mapping[str, Incoming],
    ahead: Ahead,
    password: AskPassword | None,
) -> dict[str, InputProfile]:
    found: dict[str, InputProfile] = {}
    tables = {name: spec for name, spec in specs.items() if isinstance(spec, Input)}
    documents = {name: spec for name, spec in specs.items() if isinstance(spec, DocumentsInput)}
    if tables:
        with _parts(file.fileno(), kind_of(file), tables, alone=not documents, password=password) as parts:
            for part in parts:
                found |= _read(connection, part, {name: tables[name] for name in part.inputs}, ahead)
    for name, spec in documents.items():
        from backoffice.transform.reading.documents.reading import read_documents

        handed = documents_of(file.fileno(), spec, alone=len(specs) == 1)
        found[name] = replace(read_documents(connection, spec, handed, into=name), from_zip=handed.from_zip)
    return {name: found[name] for name in specs}


@contextmanager
def _parts(
    descriptor: int, kind: str, specs: Mapping[str, Input], *, alone: bool, password: AskPassword | None
) -> Iterator[list[_Part]]:
    """The files of a drop. What is unpacked or decrypted for it is gone at the end.

    :param alone: nothing else has to come with them.
    """
    archive = Archive(descriptor) if kind == "zip" else None
    if archive is not None:
        kind = archive.workbook or "zip"
    if archive is None or kind != "zip":
        if not alone:
            raise DropRejected("members", "The file is not a ZIP archive.", hint="Pack the agreed files into one ZIP.")
        with ExitStack() as opened:
            yield [_whole(*_unlocked(descriptor, kind, specs, password, opened), specs)]
        return
    parts: list[_Part] = []
    chosen = archive.choose(specs)
    with ExitStack() as opened:
        for member in dict.fromkeys(chosen.values()):
            names = tuple(name for name, one in chosen.items() if one is member)
            limit = min(specs[name].max_bytes for name in names)
            unpacked = archive.unpack(member, limit=limit)
            opened.callback(os.close, unpacked)
            those = {name: specs[name] for name in names}
            parts.append(
                _Part(*_unlocked(unpacked, _kind_inside(unpacked), those, password, opened), names, from_zip=True)
            )
        yield parts


def _unlocked(
    descriptor: int, kind: str, specs: Mapping[str, Input], password: AskPassword | None, opened: ExitStack
) -> tuple[int, str]:
    """A file and what it is: decrypted, if it is a workbook with a password where one that can have it is agreed.

    :param opened: closes what is decrypted.
    """
    may_be = any(isinstance(spec, SpreadsheetInput) and spec.format in _WITH_PASSWORD for spec in specs.values())
    if kind != "cfb-encrypted" or password is None or not may_be:
        return descriptor, kind
    from backoffice.transform.reading.protected import unlock

    _refuse_too_large(os.fstat(descriptor).st_size, specs)
    descriptor = unlock(descriptor, password)
    opened.callback(os.close, descriptor)
    return descriptor, _kind_inside(descriptor)


class _FromZip:
    """The documents of a ZIP."""

    from_zip = True

    def __init__(self, archive: Archive, spec: DocumentsInput) -> None:
        self._archive, self._most = archive, spec.max_bytes
        self._members = archive.choose_all(spec)

    def __len__(self) -> int:
        return len(self._members)

    def name(self, index: int) -> str | None:
        return self._members[index].filename.replace("\\", "/")

    def open(self, index: int) -> int:
        return self._archive.unpack(self._members[index], limit=self._most)


class _Alone:
    """A document that came by itself."""

    from_zip = False

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __len__(self) -> int:
        return 1

    def name(self, index: int) -> str | None:  # noqa: ARG002
        return None

    def open(self, index: int) -> int:  # noqa: ARG002
        return os.dup(self._descriptor)


def documents_of(descriptor: int, spec: DocumentsInput, *, alone: bool) -> _FromZip | _Alone:
    """The documents of a drop: those of a ZIP, in the order of their names, or the file itself.

    :param descriptor: an open file; it stays open, and has to for as long as they are used.
    :param alone: nothing else has to come with them.
    :raises DropRejected: ``members``, ``format``, ``too-large``.
    """
    with os.fdopen(descriptor, "rb", buffering=0, closefd=False) as file:
        kind = kind_of(file)
    if kind == "zip":
        archive = Archive(descriptor)
        if archive.workbook:
            refuse_other_than("documents", archive.workbook)
        return _FromZip(archive, spec)
    if not alone:
        raise DropRejected("members", "The file is not a ZIP archive.", hint="Pack the agreed files into one ZIP.")
    return _Alone(descriptor)


def _whole(descriptor: int, kind: str, specs: Mapping[str, Input]) -> _Part:
    part = _Part(descriptor, kind, tuple(specs))
    if len(specs) > 1 and kind not in WORKBOOKS:
        if all(isinstance(spec, SpreadsheetInput) and spec.member is None for spec in specs.values()):
            refuse_other_than(next(iter(specs.values())).format, kind)  # type: ignore[attr-defined]
        message = f"The file is not a ZIP archive; {len(specs)} inputs are agreed."
        raise DropRejected("members", message, hint="Pack the agreed files into one ZIP.")
    _refuse_too_large(part.size, specs)
    return part


def _refuse_too_large(size: int, specs: Mapping[str, Input]) -> None:
    most = min(spec.max_bytes for spec in specs.values())
    if size > most:
        message = f"The file has {size:,} bytes; {most:,} are agreed."
        raise DropRejected("too-large", message, hint="Send it in parts, or agree on more.")


def _kind_inside(descriptor: int) -> str:
    with os.fdopen(descriptor, "rb", buffering=0, closefd=False) as file:
        kind = kind_of(file)
    if kind == "zip":
        kind = Archive(descriptor).workbook or "zip"
    return kind


def _read(
    connection: DuckDBPyConnection, part: _Part, specs: Mapping[str, Input], ahead: Ahead
) -> dict[str, InputProfile]:
    for spec in specs.values():
        refuse_other_than(_format(spec), part.kind)
    sheets = {name: spec for name, spec in specs.items() if isinstance(spec, SpreadsheetInput)}
    found: dict[str, InputProfile] = {}
    if sheets:
        from backoffice.transform.reading.workbook import read_workbook

        found |= read_workbook(connection, part.descriptor, sheets, size=part.size)
    for name, spec in specs.items():
        if isinstance(spec, CsvInput):
            from backoffice.transform.reading.csv import read_csv

            with part.path.open("rb", buffering=0) as file:
                found[name] = read_csv(connection, spec, file, into=name, ahead=ahead)
        elif isinstance(spec, JsonLinesInput):
            from backoffice.transform.reading.jsonl import read_jsonl

            found[name] = read_jsonl(connection, spec, part.path, into=name)
        elif isinstance(spec, ParquetInput):
            from backoffice.transform.reading.parquet import read_parquet

            found[name] = read_parquet(connection, spec, part.descriptor, into=name)
    return {name: replace(profile, from_zip=part.from_zip) for name, profile in found.items()}


def _format(spec: Input) -> str:
    return str(getattr(spec, "format", ""))
