"""What is put everywhere to be found: a search that finds nothing says something only if it finds what is there."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

import psycopg
from psycopg.types.json import Jsonb

from tests.canary.places import (
    DATABASES,
    DELETED,
    DUMPS,
    FILES,
    PROCESSES,
    SHARED,
    SHARED_MEMORY,
    TEMPORARY,
    Ground,
    dumps,
    temporary,
)
from tests.canary.tokens import FORMS, Tokens, encoded

__all__ = ["planted"]

_ROUNDS = count(1)
"""Each time another token: one of before, which has stayed in a log or a deleted row, is not taken for the new one."""


@contextmanager
def planted(ground: Ground, tokens: Tokens) -> Iterator[set[tuple[str, str]]]:
    """A control in each place and each form, for as long as the block runs; gives what has to be found: (place, name)."""
    turn, wanted, kinds = next(_ROUNDS), set[tuple[str, str]](), set[str]()

    def control(place: str, kind: str, form: str = "plain") -> str:
        wanted.add((place, f"control, {kind} {turn} ({form})"))
        kinds.add(f"{kind} {turn}")
        return tokens.control(f"{kind} {turn}")

    here, name = ground.folders[0], f"canary-control-{os.getpid()}-{turn}"
    contents = {here / f"{name}-{i}": encoded(control(FILES, "file", form), form) for i, form in enumerate(FORMS)}
    contents[here / f"{name}-gz"] = gzip.compress(control(FILES, "gzip").encode())
    contents[here / f"{name}-zlib"] = zlib.compress(control(FILES, "zlib").encode())
    contents[here / f"{name}-zip"] = _zip(_zip(control(FILES, "ZIP in a ZIP").encode()))
    contents[here / f"{name}-pdf"] = b"%PDF-1.7\nstream\r\n" + zlib.compress(control(FILES, "PDF").encode())
    contents[here / f"{name}-border"] = bytes((8 << 20) - 9) + control(FILES, "over a border").encode()
    contents |= {folder / name: control(TEMPORARY, "file").encode() for folder in temporary()}
    contents[SHARED_MEMORY / name] = control(SHARED, "file").encode()
    writable = [folder for folder in dumps() if os.access(folder, os.W_OK)]
    contents |= {folder / name: control(DUMPS, "file").encode() for folder in writable}
    with ExitStack() as undo:
        for path, data in contents.items():
            undo.callback(path.unlink, missing_ok=True)
            path.write_bytes(data)
        gone = undo.enter_context((here / f"{name}-gone").open("wb", buffering=0))
        gone.write(control(DELETED, "file").encode())
        Path(gone.name).unlink()
        undo.enter_context(_running(ground, control(PROCESSES, "argument"), control(PROCESSES, "environment")))
        for database, address in ground.databases().items():
            values = {
                kind: control(DATABASES, f"{kind} of {database}") for kind in ("text", "bytes", "JSON", "long text")
            }
            undo.enter_context(_stored(address, values, control(DATABASES, f"large object of {database}")))
        yield wanted
    for kind in kinds:
        tokens.forget(kind)


def _zip(data: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inside", data)
    return packed.getvalue()


@contextmanager
def _running(ground: Ground, argument: str, environment: str) -> Iterator[None]:
    """A process that counts as one of the deployment's."""
    command = [sys.executable, "-c", "import time; time.sleep(3600)", argument]
    process = subprocess.Popen(command, env={"CONTROL": environment, **ground.mark()})
    try:
        yield
    finally:
        process.kill()
        process.wait()


@contextmanager
def _stored(address: str, values: dict[str, str], large: str) -> Iterator[None]:
    """A row and a large object. The long text is compressed, and kept apart from its row."""
    with psycopg.connect(address, autocommit=True) as db:
        db.execute("DROP TABLE IF EXISTS canary_control")
        db.execute("CREATE TABLE canary_control (a text, b bytea, c jsonb, d text)")
        long = values["long text"] + "".join(f" {number}" for number in range(20_000))
        row = [values["text"], values["bytes"].encode(), Jsonb({"a": [values["JSON"]]}), long]
        db.execute("INSERT INTO canary_control VALUES (%s, %s, %s, %s)", row)
        made = db.execute("SELECT lo_from_bytea(0, %s)", [large.encode()]).fetchone()
        try:
            yield
        finally:
            db.execute("DROP TABLE canary_control")
            db.execute("SELECT lo_unlink(%s)", made)
