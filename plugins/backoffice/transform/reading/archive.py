"""A ZIP: whether it is a workbook, and which of its files is which input. Nothing of it is ever written to a disk."""

from __future__ import annotations

import io
import os
import re
import unicodedata
import zipfile
from collections.abc import Mapping

from backoffice.contract import Incoming
from backoffice.errors import DropRejected

__all__ = ["Archive"]

_MOST_FILES = 10_000
_FOLDER_BYTES = 4 << 20
"""The largest piece that is read at once: the archive's table of contents."""
_PIECE = 1 << 20
_RATIO, _FROM = 250, 64 << 20
"""More bytes for each packed one, once so many are out, is a bomb: CSV packs to a 20th, the emptiest to a 100th."""
_UNPACKED_WORKBOOK = 3 << 30
_LITTER = re.compile(r"(^|/)(__MACOSX/|\.DS_Store$|Thumbs\.db$|desktop\.ini$|\._)", re.IGNORECASE)
_AGAIN = "Pack it again, with the ordinary method (deflate) and without a password."


class Archive:
    """A ZIP that was looked at: its table of contents is small, whole, and leads nowhere else.

    :param descriptor: an open file; it stays open.
    :raises DropRejected: ``format``, ``too-large``.
    """

    def __init__(self, descriptor: int) -> None:
        self._file = _Careful(descriptor, "rb", closefd=False)
        self._zip: zipfile.ZipFile | None = None
        fault = ""
        try:
            self._zip = zipfile.ZipFile(self._file)
        except _TooMuchError:
            fault = "many"
        except Exception:  # noqa: BLE001 - it raises many, and their words may be names of files
            fault = "damaged"
        if fault == "damaged":
            raise DropRejected("format", "The ZIP archive is damaged.", hint="Pack it again and send it again.")
        self._all = self._zip.infolist() if self._zip is not None else []
        if fault or len(self._all) > _MOST_FILES:
            message = f"The ZIP archive has too many files in it; {_MOST_FILES:,} may be."
            raise DropRejected("too-large", message, hint="Send the agreed files alone.")

    @property
    def workbook(self) -> str:
        """``xlsx``, ``xlsb`` or ``ods`` if it is one; ``office`` for another document; else empty.

        :raises DropRejected: ``too-large``: it says itself that it unfolds to gigabytes.
        """
        names = {one.filename for one in self._all}
        kind = ""
        if "[Content_Types].xml" in names:
            kind = "xlsx" if "xl/workbook.xml" in names else "xlsb" if "xl/workbook.bin" in names else "office"
        elif "mimetype" in names and "content.xml" in names:
            kind = "ods" if self._start("mimetype") == b"application/vnd.oasis.opendocument.spreadsheet" else "office"
        if kind and sum(one.file_size for one in self._all) > _UNPACKED_WORKBOOK:
            message = f"The workbook unfolds to more than {_UNPACKED_WORKBOOK >> 30} GB."
            raise DropRejected("too-large", message, hint="Send it in parts, or as CSV.")
        return kind

    def _start(self, name: str) -> bytes:
        assert self._zip is not None  # noqa: S101 - it was opened
        try:
            with self._zip.open(name) as file:
                return file.read(64).strip()
        except Exception:  # noqa: BLE001 - as above
            return b""

    def choose(self, inputs: Mapping[str, Incoming]) -> dict[str, zipfile.ZipInfo]:
        """Which file each input is.

        :raises DropRejected: ``members``: none, or more than one, is it; ``format``: names that lead elsewhere.
        """
        files = self._here()
        return {name: _chosen(files, name, spec) for name, spec in inputs.items()}

    def choose_all(self, spec: Incoming) -> list[zipfile.ZipInfo]:
        """Every file that is one of ``spec``, by name: in the same order, however they were packed.

        :raises DropRejected: ``members``: there is none; ``format``: names that lead elsewhere.
        """
        found = [one for one in self._here() if spec.member is None or _matches(spec.member, one.filename)]
        if not found:
            called = f" called `{spec.member}`" if spec.member else ""
            raise DropRejected("members", f"There is no file{called} in the ZIP archive.", hint="Send what was agreed.")
        return sorted(found, key=lambda one: (_plain(one.filename), one.filename, one.header_offset))

    def _here(self) -> list[zipfile.ZipInfo]:
        """Its files, without what operating systems add.

        :raises DropRejected: ``format``: names that lead elsewhere.
        """
        files = [one for one in self._all if not one.is_dir() and not _LITTER.search(one.filename)]
        if any(_leads_elsewhere(one) for one in files):
            message = "The ZIP archive has names in it that lead out of it."
            raise DropRejected("format", message, hint="Pack the files alone, without the folders above them.")
        return files

    @property
    def files(self) -> int:
        """How many there are, without what operating systems add."""
        return sum(not one.is_dir() and not _LITTER.search(one.filename) for one in self._all)

    def unpack(self, member: zipfile.ZipInfo, *, limit: int) -> int:
        """One file of it, in memory: a new descriptor, which the caller closes.

        :param limit: the most bytes that it may have; what comes out is counted, whatever the archive says.
        :raises DropRejected: ``protected``, ``format``, ``too-large``.
        """
        if member.flag_bits & 0x41:
            raise DropRejected("protected", "The ZIP archive is protected with a password.", hint=_AGAIN)
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DropRejected("format", "The ZIP archive is packed with a method that is not read.", hint=_AGAIN)
        descriptor = os.memfd_create("member", os.MFD_CLOEXEC)
        try:
            fault = self._unpack(member, descriptor, limit)
        except BaseException:
            os.close(descriptor)
            raise
        if not fault:
            return descriptor
        os.close(descriptor)
        if fault == "bomb":
            raise DropRejected("too-large", "A file in the ZIP archive unfolds to far more than it packs.", hint=_AGAIN)
        if fault == "large":
            message = f"A file in the ZIP archive has more than the agreed {limit:,} bytes."
            raise DropRejected("too-large", message, hint="Send it in parts, or agree on more.")
        raise DropRejected("format", "The ZIP archive is damaged.", hint="Pack it again and send it again.")

    def _unpack(self, member: zipfile.ZipInfo, descriptor: int, limit: int) -> str:
        assert self._zip is not None  # noqa: S101 - it was opened
        size = 0
        try:
            with self._zip.open(member) as source, os.fdopen(descriptor, "wb", closefd=False) as target:
                while piece := source.read(_PIECE):
                    size += len(piece)
                    if size > limit:
                        return "large"
                    if size > _FROM and size > _RATIO * member.compress_size:
                        return "bomb"
                    target.write(piece)
        except OSError as error:
            if error.errno is not None:  # ours: no memory
                raise
            return "damaged"
        except Exception:  # noqa: BLE001 - as above
            return "damaged"
        return ""


class _TooMuchError(Exception):
    """A piece was asked for that is larger than any honest archive needs."""


class _Careful(io.FileIO):
    """A file of which no large piece is read at once: the size of the table of contents is what the archive says."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            size = max(0, os.fstat(self.fileno()).st_size - self.tell())
        if size > _FOLDER_BYTES:
            raise _TooMuchError
        return super().read(size) or b""


def _leads_elsewhere(member: zipfile.ZipInfo) -> bool:
    name = member.orig_filename.replace("\\", "/")
    return name.startswith("/") or name[1:2] == ":" or ".." in name.split("/") or len(name) > 1000 or "\0" in name


def _chosen(files: list[zipfile.ZipInfo], name: str, spec: Incoming) -> zipfile.ZipInfo:
    if spec.member is None:
        if len(files) == 1:
            return files[0]
        message = f"The ZIP archive has {len(files):,} files in it; one is agreed."
        raise DropRejected("members", message, hint="Send the agreed file alone.")
    found = [one for one in files if _matches(spec.member, one.filename)]
    if len(found) == 1:
        return found[0]
    many = f"{len(found):,} files" if found else "No file"
    message = f"{many} in the ZIP archive {'are' if found else 'is'} called `{spec.member}` (the input `{name}`)."
    raise DropRejected("members", message, hint="There has to be one of each agreed file.")


def _matches(pattern: str, name: str) -> bool:
    """Whether a name is meant: without a ``/`` in the pattern, folders do not matter."""
    pattern, name = _plain(pattern), _plain(name)
    if "/" not in pattern:
        name = name.rpartition("/")[2]
    return re.fullmatch(".*".join(map(re.escape, re.split(r"\*+", pattern))), name, re.DOTALL) is not None


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name.replace("\\", "/")).casefold()
