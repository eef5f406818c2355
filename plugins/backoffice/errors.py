"""Every error the deployment raises on purpose.

::

    BackofficeError
    ├── ContractError        a SOW, DPA or suite file is wrong (file, line, column, what was meant)
    ├── NotAgreed            the DPA gate is shut: no valid agreement covers this processing (P12)
    ├── DropRejected         the client's file cannot be processed; the client can mend it
    ├── EngineError          the engine could not carry out a step: out of memory, or our fault
    ├── CheckFailed          the result broke the SOW's expectations; nothing was delivered (P4)
    ├── QualityBroken        a check could not be evaluated: our fault, not the data's
    ├── VaultError           a key operation failed
    │   ├── KeyDestroyed     the key is gone, on purpose
    │   ├── KeyMissing       there is no such key in this key store
    │   └── VaultAway        the key store, its root or its tombstones do not answer: it says nothing of a key
    ├── StorageError         the object store refused or is away
    ├── LedgerError          the ledger refused a transition or is away
    ├── ErasureIncomplete    something is still there after deletion
    ├── CertificateInvalid   a certificate does not verify
    └── StackError           a part of the embedded stack did not start or stop

No message holds a value from a client's data. Where a library's exception may hold one, our error is raised after the
``except`` block has closed, so that not even ``__context__`` carries it.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "BackofficeError",
    "CertificateInvalid",
    "CheckFailed",
    "ContractError",
    "DropRejected",
    "EngineError",
    "ErasureIncomplete",
    "KeyDestroyed",
    "KeyMissing",
    "LedgerError",
    "NotAgreed",
    "QualityBroken",
    "StackError",
    "StorageError",
    "VaultAway",
    "VaultError",
]


class BackofficeError(Exception):
    """The root. ``message`` says what is wrong, ``hint`` what to do; ``exit_code`` is what the command exits with."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class ContractError(BackofficeError):
    """A SOW, DPA or suite file is wrong. ``__str__`` lists every problem found, each with file, line and column."""

    exit_code = 3


class NotAgreed(BackofficeError):
    """No valid DPA covers this processing (P12)."""

    exit_code = 4


class DropRejected(BackofficeError):
    """The client's file cannot be processed; ``code`` is stable and safe to show, log and count.

    Codes: ``not-encrypted``, ``wrong-key``, ``not-signed``, ``unknown-signer``, ``damaged``, ``too-large``, ``empty``,
    ``encoding``, ``columns``, ``ragged``, ``line-too-long``, ``format``, ``protected`` (a password, where none may be),
    ``password-missing`` (it may be, but none was kept), ``password-wrong``, ``sheet`` (a workbook lacks it), ``members`` (a
    ZIP has other files than agreed), ``unreadable``.
    """

    exit_code = 5

    def __init__(self, code: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code


class EngineError(BackofficeError):
    """The engine could not carry out a step: out of memory, or a fault of ours. Never the data's."""

    exit_code = 14


class CheckFailed(BackofficeError):
    """The result broke the SOW's expectations (P4); nothing was delivered."""

    exit_code = 6


class QualityBroken(BackofficeError):
    """A check could not be evaluated at all: an engine fault must never read like bad data."""

    exit_code = 7


class VaultError(BackofficeError):
    """A key operation failed."""

    exit_code = 8


class KeyDestroyed(VaultError):
    """The key was destroyed on purpose; what it protected cannot be read again."""


class KeyMissing(VaultError):
    """The key store holds no key of that name: it was never made, or was lost with a part of the store."""


class VaultAway(VaultError):
    """The key store, its root key or its tombstones do not answer. That concerns every key, and passes."""


class StorageError(BackofficeError):
    """The object store refused an operation or cannot be reached."""

    exit_code = 9


class LedgerError(BackofficeError):
    """The ledger refused a transition or cannot be reached."""

    exit_code = 10


class ErasureIncomplete(BackofficeError):
    """Something is still there after deletion; the message counts what is left."""

    exit_code = 11


class CertificateInvalid(BackofficeError):
    """A certificate does not verify: changed, or signed by someone else."""

    exit_code = 12


class StackError(BackofficeError):
    """A part of the embedded stack did not start, answer or stop."""

    exit_code = 13
