"""The old binary workbooks, just enough of them: XLS ([MS-XLS] in [MS-CFB]) and XLSB ([MS-XLSB])."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

from tests.transform.reading.files import pack

_END, _FREE, _FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
DAY = 1
"""The look of a date: use ``(number, DAY)`` as a cell of XLS."""


def xls(rows: Sequence[Sequence[Any]], *, merged: Sequence[tuple[int, int, int, int]] = ()) -> bytes:
    """A workbook of one sheet; ``merged`` are first and last row, first and last column."""
    head = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 1997, 0, 0x0600))
    head += b"".join(_record(0x00E0, struct.pack("<HHH14x", 0, look, 0)) for look in (0, 14))
    name = b"Data"
    place = len(head) + 4 + 8 + len(name) + 4
    head += _record(0x0085, struct.pack("<IBBBB", place, 0, 0, len(name), 0) + name) + _record(0x000A)
    sheet = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 1997, 0, 0x0600))
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            sheet += _xls_cell(number, column, cell)
    if merged:
        sheet += _record(0x00E5, struct.pack("<H", len(merged)) + b"".join(struct.pack("<4H", *one) for one in merged))
    return _compound("Workbook", head + sheet + _record(0x000A))


def _xls_cell(row: int, column: int, cell: Any) -> bytes:
    if cell is None:
        return b""
    if isinstance(cell, bool):
        return _record(0x0205, struct.pack("<HHHBB", row, column, 0, cell, 0))
    if isinstance(cell, str):
        text = cell.encode("utf-16-le")
        return _record(0x0204, struct.pack("<HHHHB", row, column, 0, len(text) // 2, 1) + text)
    value, look = cell if isinstance(cell, tuple) else (cell, 0)
    return _record(0x0203, struct.pack("<HHHd", row, column, look, value))


def _record(kind: int, data: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def _compound(name: str, stream: bytes) -> bytes:
    """One stream in an OLE container."""
    stream = stream.ljust(max(4096, -(-len(stream) // 512) * 512), b"\0")
    sectors = len(stream) // 512
    assert sectors <= 126
    chain = [_FAT, _END, *range(3, 2 + sectors), _END]
    fat = struct.pack("<128I", *chain, *[_FREE] * (128 - len(chain)))
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH6xIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1,
        0, 4096, _END, 0, _END, 0) + struct.pack("<109I", 0, *[_FREE] * 108)  # fmt: skip
    folder = _entry("Root Entry", 5, child=1, start=_END, size=0) + _entry(
        name, 2, child=_FREE, start=2, size=len(stream)
    )
    return head + fat + folder.ljust(512, b"\0") + stream


def _entry(name: str, kind: int, *, child: int, start: int, size: int) -> bytes:
    text = (name + "\0").encode("utf-16-le")
    tail = struct.pack("<HBBIII16xI16xIQ", len(text), kind, 1, _FREE, _FREE, child, 0, start, size)
    return text.ljust(64, b"\0") + tail


# ---------------------------------------------------------------------- XLSB

_TYPES = b"""<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="bin" ContentType="application/vnd.ms-excel.sheet.binary.macroEnabled.main"/></Types>"""
_RELATIONS = b"""<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="rId1" Target="worksheets/sheet1.bin"
 Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"/></Relationships>"""


def xlsb(rows: Sequence[Sequence[Any]]) -> bytes:
    """A workbook of one sheet."""
    sheet_name = struct.pack("<II", 0, 1) + _wide("rId1") + _wide("Data")
    book = _part(0x83) + _part(0x8F) + _part(0x9C, sheet_name) + _part(0x90) + _part(0x84)
    width = max(map(len, rows))
    sheet = _part(0x81) + _part(0x94, struct.pack("<IIII", 0, len(rows) - 1, 0, width - 1)) + _part(0x91)
    for number, row in enumerate(rows):
        sheet += _part(0x00, struct.pack("<IIHHBI", number, 0, 300, 0, 0, 0))
        sheet += b"".join(_xlsb_cell(column, cell) for column, cell in enumerate(row))
    sheet += _part(0x92) + _part(0x82)
    return pack({"[Content_Types].xml": _TYPES, "xl/workbook.bin": book, "xl/_rels/workbook.bin.rels": _RELATIONS,
                 "xl/worksheets/sheet1.bin": sheet})  # fmt: skip


def _xlsb_cell(column: int, cell: Any) -> bytes:
    place = struct.pack("<II", column, 0)
    if cell is None:
        return b""
    if isinstance(cell, bool):
        return _part(0x04, place + bytes([cell]))
    if isinstance(cell, str):
        return _part(0x06, place + _wide(cell))
    return _part(0x05, place + struct.pack("<d", cell))


def _wide(text: str) -> bytes:
    data = text.encode("utf-16-le")
    return struct.pack("<I", len(data) // 2) + data


def _part(kind: int, data: bytes = b"") -> bytes:
    head = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
    size, rest = b"", len(data)
    while rest >= 0x80:
        size, rest = size + bytes([rest & 0x7F | 0x80]), rest >> 7
    return head + size + bytes([rest]) + data
