"""Workbooks with a password (XLSX and XLSB in an OLE container, [MS-OFFCRYPTO]): from the container to the workbook.

Another process decrypts it, see ``protected_child``; what comes out is in memory without a name, and read like a workbook that
never had a password.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backoffice.child import Child
from backoffice.errors import DropRejected
from backoffice.password import AskPassword
from backoffice.transform.reading.apart import Said, refuse_if_it_failed
from backoffice.transform.reading.content import kind_of

__all__ = ["readable", "unlock"]

_CODE = "backoffice.transform.reading.protected_child"
_LARGE = "Send it in parts, or without a password: what you send is encrypted."
_DAMAGED = "Save it again with its password in the program that it comes from, and send that."


def unlock(descriptor: int, ask: AskPassword) -> int:
    """Decrypt one; gives a new descriptor in memory, which the caller closes.

    :param descriptor: an open file, seen to hold an encrypted package.
    :raises DropRejected: ``password-missing``, ``password-wrong``, ``protected`` (in a way that is not read), ``format``,
        ``too-large``.
    """
    password = ask()
    if password is None:
        message = "The workbook is protected with a password, and we have none for it."
        raise DropRejected("password-missing", message, hint="Agree on it with us, or send it without one.")
    target = os.memfd_create("workbook", os.MFD_CLOEXEC)
    try:
        order = {
            "descriptor": descriptor,
            "target": target,
            "password": password.text,
            "written": os.fstat(descriptor).st_size,  # what is in it is never larger
        }
        with Child(_CODE, order, descriptors=[descriptor, target]) as child:
            said = Said(child.answers)
            refuse_if_it_failed(child, said, "protected workbook", large=_LARGE, slow=_LARGE, damaged=_DAMAGED)
    except BaseException:
        os.close(target)
        raise
    return target


@contextmanager
def readable(path: Path, ask: AskPassword | None) -> Iterator[Path]:
    """A file of an author's: itself, or what is in it if it is a protected workbook and somebody can be asked.

    :raises DropRejected: as :func:`unlock`.
    """
    with path.open("rb", buffering=0) as file:
        if ask is None or kind_of(file) != "cfb-encrypted":
            yield path
            return
        descriptor = unlock(file.fileno(), ask)
    try:
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
