"""Master keys: 32 bytes each, the newest first, from a file, the environment, or systemd's credentials.

There is one, but for while it is rotated. The file is read again where another process has rotated it since, so nothing has
to be restarted for that.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from backoffice.errors import VaultError
from backoffice.vault import wrapping
from backoffice.vault.key_files import read_private, replace_private, write_private
from backoffice.vault.root_key import Wrapped

__all__ = ["MasterKeys"]

_WHAT = "master key"


class MasterKeys:
    """:class:`~backoffice.vault.root_key.RootKey` over keys that this process holds; never shows them.

    :param read: gives the bytes, as often as asked.
    :raises VaultError: they are not there, not private, or not one or more times 32 bytes.
    """

    __slots__ = ("__keys", "__read")

    def __init__(self, read: Callable[[], bytes]) -> None:
        self.__read = read
        self.__keys = _parsed(read())

    @classmethod
    def from_file(cls, path: Path) -> MasterKeys:
        """Those of a file that only its owner may read."""
        return cls(lambda: read_private(path, what=_WHAT))

    @classmethod
    def from_text(cls, text: str) -> MasterKeys:
        """Those of a secret in the environment: base64."""
        return cls(lambda: _decoded(text))

    @classmethod
    def from_credential(cls, name: str) -> MasterKeys:
        """Those that systemd hands to a service (``LoadCredentialEncrypted=``, systemd-creds(1))."""
        folder = os.environ.get("CREDENTIALS_DIRECTORY")
        if folder is None:
            raise VaultError("systemd has given this process no credentials.", hint=f"LoadCredentialEncrypted={name}:…")
        return cls.from_file(Path(folder, name))

    @classmethod
    def create(cls, path: Path) -> MasterKeys:
        """Make the first one and write it, mode 0600.

        :raises VaultError: there is one already; replacing it would make every wrapped key unreadable.
        """
        write_private(path, wrapping.new_key(), what=_WHAT)
        return cls.from_file(path)

    @property
    def ids(self) -> tuple[str, ...]:
        """Their names, the newest first; a name tells nothing of its key."""
        return tuple(self.__keys)

    def read_again(self) -> None:
        """See what has become of them since."""
        self.__keys = _parsed(self.__read())

    def create_newer(self, path: Path) -> None:
        """Put a new key before those in the file. Nothing is lost whenever this stops."""
        replace_private(path, wrapping.new_key() + self.__read(), what=_WHAT)
        self.read_again()

    def keep_newest(self, path: Path) -> None:
        """Leave only the newest in the file. Only when nothing lies under the others any more."""
        replace_private(path, next(iter(self.__keys.values())), what=_WHAT)
        self.read_again()

    # ------------------------------------------------------------------ RootKey

    def add(self, project: str) -> None:  # noqa: ARG002 (master keys are no project's own)
        """See :meth:`RootKey.add`."""
        self.read_again()

    def wrap(self, project: str, key: bytes, *context: str | int) -> Wrapped:
        """See :meth:`RootKey.wrap`."""
        name, master = next(iter(self.__keys.items()))
        return Wrapped(wrapping.wrap(master, key, project, *context), name)

    def unwrap(self, project: str, wrapped: Wrapped, *context: str | int) -> bytes:
        """See :meth:`RootKey.unwrap`."""
        if wrapped.by not in self.__keys:
            self.read_again()
        master = self.__keys.get(wrapped.by)
        if master is None:
            raise VaultError(
                f"The keys of project {project} are under {wrapped.by}, not under master key {', '.join(self.ids)}.",
                hint="Give this process the master key that belongs to this key store.",
            )
        return wrapping.unwrap(master, wrapped.data, project, *context)

    def holds(self, by: str) -> bool:
        """See :meth:`RootKey.holds`."""
        return by in self.__keys

    def newest(self, project: str) -> str:  # noqa: ARG002 (the same for all)
        """See :meth:`RootKey.newest`."""
        return next(iter(self.__keys))

    def renew(self, project: str) -> None:
        """Nothing: see :meth:`create_newer`."""

    def retire(self, project: str, kept: str) -> None:
        """Nothing: see :meth:`keep_newest`."""

    def destroy(self, project: str) -> None:
        """Nothing: a project's key-encryption key goes from the store."""

    def __repr__(self) -> str:
        return f"MasterKeys({', '.join(self.ids)})"

    def __reduce__(self) -> NoReturn:
        raise VaultError("A master key is not copied into another process or a file.")


def _parsed(data: bytes) -> dict[str, bytes]:
    size = wrapping.KEY_BYTES
    if not data or len(data) % size:
        raise VaultError(
            f"The master key has {len(data)} bytes, not {size}.",
            hint="It is raw bytes, not text; `backoffice stack up` makes one for the embedded stack.",
        )
    keys = [data[at : at + size] for at in range(0, len(data), size)]
    return {hashlib.sha256(b"backoffice/master-key-id/1" + key).hexdigest()[:16]: key for key in keys}


def _decoded(text: str) -> bytes:
    data = b""
    try:
        data = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        data = b""
    if not data:
        raise VaultError("The master key in the environment is not base64.", hint="head -c 32 /dev/urandom | base64")
    return data
