"""Encrypting a stream while it is written, in a child: what is written goes in, an encrypted file on disk comes out.

The plaintext is never there as a whole. The library reads its source while it holds Python's lock, so a thread of the same
process could not feed it. The child (:func:`main`) can do nothing else, and dies with its pipe.
"""

from __future__ import annotations

import base64
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backoffice.errors import VaultError

if TYPE_CHECKING:
    from backoffice.vault.memory import Unnamed

__all__ = ["Sealer"]

_NO_ROOM = 28
_FAILED = 29


class Sealer(io.RawIOBase):
    """A binary file that can only be written, from start to end; :meth:`sealed` gives what came of it. Use it in a ``with``.

    :param recipients: certificates, ASCII armour.
    :param signer: a secret key without a passphrase.
    :raises VaultError: a certificate cannot be encrypted to.
    """

    def __init__(self, *, recipients: Sequence[str], signer: bytes) -> None:
        super().__init__()
        from backoffice.vault.memory import Unnamed
        from backoffice.vault.openpgp import valid_recipients

        certificates = [str(one) for one in valid_recipients(recipients)]
        self._size = 0
        self._target: Unnamed | None = Unnamed("sealed")
        try:
            self._child = _started(self._target.fileno(), certificates, signer)
        except BaseException:
            self._target.close()
            raise

    def writable(self) -> bool:
        """Until it is closed."""
        return True

    def tell(self) -> int:
        """Bytes that were written."""
        return self._size

    def write(self, data: Any, /) -> int:
        """Append all of it.

        :raises VaultError: it cannot be encrypted, or the disk is full.
        """
        view = memoryview(data).cast("B")
        broken = False
        try:
            while view:
                written = os.write(self._pipe.fileno(), view)
                self._size += written
                view = view[written:]
        except BrokenPipeError:
            broken = True
        if broken:
            raise self._failure(self._child.wait())
        return len(memoryview(data).cast("B"))

    def sealed(self) -> Unnamed:
        """End it; the encrypted file, at its start. Close what it gives.

        :raises VaultError: it could not be encrypted, or the disk is full.
        """
        self._pipe.close()
        code = self._child.wait()
        if code != 0 or self._target is None:
            raise self._failure(code)
        target, self._target = self._target, None
        target.seal()
        return target

    def close(self) -> None:
        """End the child, whatever it is doing; what it made is gone unless it was taken."""
        if self.closed:
            return
        if self._child.poll() is None:
            self._child.kill()
        self._pipe.close()
        self._child.wait()
        if self._target is not None:
            self._target.close()
        super().close()

    @property
    def _pipe(self) -> Any:
        return self._child.stdin

    @staticmethod
    def _failure(code: int) -> VaultError:
        from backoffice.vault.memory import no_room

        if code == _NO_ROOM:
            return no_room()
        ended = "" if code == _FAILED else f" (signal {-code})" if code < 0 else f" (exit code {code})"
        hint = "Has a certificate expired, been revoked, or no encryption key?"
        return VaultError(f"Encrypting the result failed{ended}.", hint=hint)


_START = "import sys; sys.path[:0] = sys.argv[1:3]; from backoffice.vault.sealer import main; main()"


def _started(target: int, certificates: list[str], signer: bytes) -> subprocess.Popen[bytes]:
    import pysequoia

    paths = (str(Path(__file__).parents[2]), str(Path(pysequoia.__file__).parents[1]))
    order = {"recipients": certificates, "signer": base64.b64encode(signer).decode(), "target": target}
    reading, writing = os.pipe2(os.O_CLOEXEC)
    try:
        child = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _START, *paths, str(reading)],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(reading, target),
            env={"LC_ALL": "C"},
            cwd="/",
        )
    except BaseException:
        os.close(writing)
        raise
    finally:
        os.close(reading)
    try:
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(json.dumps(order).encode())
    except BrokenPipeError:
        pass  # its end is told when it is written to
    return child


def main() -> None:
    """The child: encrypt descriptor 0 as the order says; never returns. Its exit code is its answer."""
    import pysequoia

    from backoffice.child import confine

    confine()
    with os.fdopen(int(sys.argv[-1]), "rb") as pipe:
        said = pipe.read()
    code = _FAILED
    try:
        order = json.loads(said)
        recipients = [pysequoia.Cert.from_bytes(one.encode()) for one in order["recipients"]]
        key = pysequoia.Tsk.from_bytes(base64.b64decode(order["signer"]))
        target = f"/proc/self/fd/{order['target']}"
        pysequoia.encrypt_file("/proc/self/fd/0", target, recipients=recipients, signer=key.signer(), armor=False)
        code = 0
    except Exception as error:  # noqa: BLE001 - the library raises many; none is shown
        if re.search(r"os error (27|28|122)\b", str(error)):  # EFBIG, ENOSPC, EDQUOT
            code = _NO_ROOM
    os._exit(code)
