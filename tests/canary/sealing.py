"""How a drop gets from the client into the bucket: as agreed, and as it should not."""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from backoffice.ids import new_id
from backoffice.kit import Dropped
from backoffice.vault.memory import memory
from backoffice.vault.openpgp import encrypt
from tests.canary.places import NAMED
from tests.system.house import TOKENS, House

__all__ = ["Seal", "changed", "in_the_clear", "labelled", "named_inside", "sealed", "unsigned"]

Seal = Callable[[House, str, bytes], Dropped]


def sealed(house: House, project: str, content: bytes) -> Dropped:
    """Encrypted and signed, under an opaque name."""
    return house.kit(project).put(_opaque(), _message(house, project, content))


def changed(house: House, project: str, content: bytes) -> Dropped:
    """One byte is another."""
    message = bytearray(_message(house, project, content))
    message[-100] ^= 1
    return house.kit(project).put(_opaque(), bytes(message))


def unsigned(house: House, project: str, content: bytes) -> Dropped:
    """Encrypted alone."""
    import pysequoia

    certificate = pysequoia.Cert.from_bytes((house.kit(project).folder / "project.asc").read_bytes())
    return house.kit(project).put(_opaque(), bytes(pysequoia.encrypt(recipients=[certificate], bytes=content)))


def in_the_clear(house: House, project: str, content: bytes) -> Dropped:
    """As it is: under the store's own encryption until it is refused."""
    return house.kit(project).put(_opaque(), content)


def labelled(house: House, project: str, content: bytes) -> Dropped:
    """Under a name of the client's own choice, and with metadata of its own."""
    kit, name = house.kit(project), TOKENS.token(NAMED)
    message = _message(house, project, content)
    made = kit._client("drop").put_object(
        kit.bucket,
        f"in/{name}.pgp",
        io.BytesIO(message),
        len(message),
        metadata={"File": TOKENS.token(f"{NAMED}, label")},
    )
    return Dropped(kit.bucket, f"in/{name}.pgp", str(made.version_id), len(message))


def named_inside(house: House, project: str, content: bytes) -> Dropped:
    """By GnuPG, with the file's name within the message."""
    kit = house.kit(project)
    home = Path(tempfile.mkdtemp(prefix="gpg-", dir="/tmp"))  # short: the paths of its sockets are
    try:

        def gpg(*arguments: str, data: bytes) -> bytes:
            fixed = ["--batch", "--quiet", "--trust-model", "always", "--pinentry-mode", "loopback", "--passphrase", ""]
            command = ["gpg", "--homedir", str(home), *fixed, *arguments]
            return subprocess.run(command, input=data, capture_output=True, check=True).stdout

        gpg("--import", data=kit.secret)
        gpg("--import", data=(kit.folder / "project.asc").read_bytes())
        name = TOKENS.token("contacts by GnuPG: file name in the message")
        message = gpg("--set-filename", f"{name}.csv", "--sign", "--encrypt", "--recipient", project, data=content)
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)
        shutil.rmtree(home, ignore_errors=True)
    return kit.put(_opaque(), message)


def _opaque() -> str:
    return f"in/{new_id()}.pgp"


def _message(house: House, project: str, content: bytes) -> bytes:
    kit = house.kit(project)
    with memory("plain") as plain, memory("sealed") as out:
        plain.write(content)
        plain.flush()
        encrypt(plain, out, recipients=[(kit.folder / "project.asc").read_text()], signer=kit.secret)
        return Path(out.path).read_bytes()
