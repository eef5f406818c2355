"""What a file is: its content decides, never its name."""

from __future__ import annotations

import mmap
from io import RawIOBase
from typing import IO

from backoffice.errors import DropRejected

__all__ = ["DOCUMENTS", "WORKBOOKS", "call_it", "kind_of", "refuse_other_than"]

WORKBOOKS = frozenset({"xlsx", "xls", "xlsb", "ods"})
DOCUMENTS = frozenset({"pdf", "png", "jpg", "tif"})

_MAGIC = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "cfb",
    b"%PDF": "pdf",
    b"PAR1": "parquet",
    b"PARE": "parquet-encrypted",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "zstandard",
    b"\xfd7zXZ": "xz",
    b"7z\xbc\xaf": "7z",
    b"Rar!": "rar",
    b"\x89PNG\r\n": "png",
    b"\xff\xd8\xff": "jpg",
    b"II*\x00": "tif",
    b"MM\x00*": "tif",
    b"II+\x00": "tif",
    b"MM\x00+": "tif",
    b"{\\rtf": "rtf",
    b"-----BEGIN PGP": "pgp",
}
_CALLED = {
    "zip": "a ZIP archive",
    "cfb": "an old Office file",
    "cfb-encrypted": "an Office file with a password",
    "office": "a document of an Office program, but no workbook",
    "xlsx": "an XLSX spreadsheet",
    "xlsb": "an XLSB spreadsheet",
    "xls": "an old Excel spreadsheet (XLS)",
    "ods": "an ODS spreadsheet",
    "pdf": "a PDF",
    "parquet": "a Parquet file",
    "parquet-encrypted": "an encrypted Parquet file",
    "gzip": "a gzip archive",
    "bzip2": "a bzip2 archive",
    "zstandard": "a Zstandard archive",
    "xz": "an XZ archive",
    "7z": "a 7z archive",
    "rar": "a RAR archive",
    "png": "a picture",
    "jpg": "a picture",
    "tif": "a picture",
    "rtf": "an RTF document",
    "pgp": "still encrypted",
    "text": "a text file",
    "empty": "empty",
}
_AGREED = {"csv": "CSV", "jsonl": "JSON lines", "parquet": "Parquet", "documents": "a PDF or a picture"}


def kind_of(file: IO[bytes] | RawIOBase) -> str:
    """What an open file is, by its first bytes: a format, an archive, ``text`` or ``empty``.

    A ZIP may be a workbook yet: that takes a look inside (``archive``).
    """
    file.seek(0)
    head = file.read(64) or b""
    found = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), "")
    if found == "cfb":
        return _compound(file)
    if found:
        return found
    return "text" if head.strip(b"\xef\xbb\xbf \t\r\n") or len(head) == 64 else "empty"


def _compound(file: IO[bytes] | RawIOBase) -> str:
    """What is in an OLE container: its folder holds the names of its streams ([MS-CFB] 2.6.1)."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for name, kind in {"EncryptedPackage": "cfb-encrypted", "Workbook": "xls", "Book": "xls"}.items():
            if _has_stream(content, name):
                return kind
    return "cfb"


def _has_stream(content: mmap.mmap, name: str) -> bool:
    """Whether there is an entry of a folder for it: 128 bytes, the name first, then its length and what it is. The name
    alone may stand in a cell.
    """
    wanted = name.encode("utf-16-le") + b"\0\0"
    place = content.find(wanted)
    while place >= 0:
        length, kind = content[place + 64 : place + 66], content[place + 66 : place + 67]
        if place % 128 == 0 and length == len(wanted).to_bytes(2, "little") and kind == b"\x02":
            return True
        place = content.find(wanted, place + 1)
    return False


def call_it(kind: str) -> str:
    """What a client would call it."""
    return _CALLED[kind]


def refuse_other_than(agreed: str, kind: str) -> None:
    """Refuse a file that is not of the agreed format.

    :raises DropRejected: ``empty``, ``protected``, ``format``.
    """
    expected = "text" if agreed in ("csv", "jsonl") else agreed
    if kind == expected:
        return
    if kind == "empty":
        raise DropRejected("empty", "The file is empty.", hint="Send one with a header and rows.")
    called = _AGREED.get(agreed, agreed.upper())
    if kind in ("cfb-encrypted", "parquet-encrypted"):
        message = f"The file is {_CALLED[kind]}: it cannot be read."
        raise DropRejected("protected", message, hint=f"Save it without one, as {called}; what you send is encrypted.")
    looks = "is" if kind == "pgp" else "looks like"
    what = f"it {looks} {_CALLED[kind]}" if kind != "pgp" else "it is still encrypted"
    raise DropRejected("format", f"The file is not {called}: {what}.", hint=f"Export it as {called}.")
