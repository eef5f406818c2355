"""What the key store's own keys lie under: one protocol, a master key of ours or OpenBao behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

__all__ = ["IN_OPENBAO", "RootKey", "Wrapped"]

IN_OPENBAO = "openbao:"
"""How the ids of keys begin that each project has for itself, outside the key store."""


@dataclass(frozen=True)
class Wrapped:
    """A key as the store may hold it, and the id of the key that opens it."""

    data: bytes
    by: str


class RootKey(Protocol):
    """Wraps the projects' key-encryption keys. What it gives opens with the same project and context only.

    Every method raises :class:`~backoffice.errors.VaultError` where the key is away or refuses this process.
    """

    def add(self, project: str) -> None:
        """Make what a new project needs, once, and see what the root is now."""
        ...

    def wrap(self, project: str, key: bytes, *context: str | int) -> Wrapped:
        """Encrypt a key under the newest root key."""
        ...

    def unwrap(self, project: str, wrapped: Wrapped, *context: str | int) -> bytes:
        """Give back what :meth:`wrap` took, under whichever root key it lies."""
        ...

    def holds(self, by: str) -> bool:
        """Whether the key of that id is one of this root's: :attr:`Wrapped.by`."""
        ...

    def newest(self, project: str) -> str:
        """The id of the key that :meth:`wrap` uses now."""
        ...

    def renew(self, project: str) -> None:
        """Make a newer key for :meth:`wrap`, where this root has one for each project; what was wrapped still opens."""
        ...

    def retire(self, project: str, kept: str) -> None:
        """Destroy what is older than the key of the id ``kept``, where this root has one for each project: nothing lies under
        it.
        """
        ...

    def destroy(self, project: str) -> None:
        """Destroy what the project alone has here, once. A repeat finishes a crash."""
        ...
