"""What a client does, with the client's own keys and credentials and nothing of ours.

A kit is a folder::

    client.key.pgp         the client's OpenPGP key; in life it never leaves the client
    client.asc             its certificate, which the client gives us
    project.asc            the project's certificate: drops are encrypted to it
    company.asc            our certificate: deliveries are signed by it
    company.pem            our signing key's public half: receipts and certificates of deletion
    kit.json               address, bucket, region
    drop.json              credentials that may put objects under in/, and nothing else
    collect.json           credentials that may read objects under out/, and nothing else
    ca.pem                 whom to trust for TLS
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID

from backoffice.errors import StorageError
from backoffice.ids import new_id
from backoffice.tls import trust

if TYPE_CHECKING:
    from minio import Minio

__all__ = ["Dropped", "Kit"]


@dataclass(frozen=True)
class Dropped:
    """Where a drop went: the version is what receipts name."""

    bucket: str
    key: str
    version_id: str
    size: int


class Kit:
    """A client's kit for one project.

    :param folder: as described above.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._address: dict[str, str] = json.loads((folder / "kit.json").read_text(encoding="utf-8"))
        self.bucket = self._address["bucket"]

    @property
    def secret(self) -> bytes:
        """The client's own OpenPGP key."""
        return (self.folder / "client.key.pgp").read_bytes()

    def drop(self, file: Path, *, key: str | None = None) -> Dropped:
        """Encrypt a file to the project, sign it as the client, upload it.

        :param key: the object's key under ``in/``; an opaque one unless given.
        """
        from backoffice.vault.openpgp import encrypt, memory

        project = (self.folder / "project.asc").read_text(encoding="utf-8")
        with memory("drop") as sealed:
            encrypt(str(file), sealed.path, recipients=[project], signer=self.secret)
            return self.put(key or f"in/{new_id()}.pgp", Path(sealed.path).read_bytes())

    def put(self, key: str, data: bytes) -> Dropped:
        """Upload bytes as they are.

        :raises StorageError: the server refused, or is away.
        """
        failure, version = None, ""
        try:
            made = self._client("drop").put_object(self.bucket, key, BytesIO(data), len(data))
            version = str(made.version_id)
        except Exception as error:  # noqa: BLE001 (the SDK's own errors, urllib3's, the socket's: none names a value)
            failure = getattr(error, "code", None) or type(error).__name__
        if failure is not None:
            raise StorageError(
                f"The upload was refused ({failure}).", hint="Are the address and the credentials right?"
            )
        return Dropped(self.bucket, key, version, len(data))

    def read(self, key: str) -> bytes:
        """An object under ``out/``: a receipt, a delivery still encrypted, a certificate."""
        failure: str | None = None
        data = b""
        try:
            response = self._client("collect").get_object(self.bucket, key)
            try:
                data = response.read()
            finally:
                response.close()
                response.release_conn()
        except Exception as error:  # noqa: BLE001 (as above)
            failure = getattr(error, "code", None) or type(error).__name__
        if failure is not None:
            raise StorageError(f"The object could not be read ({failure}).")
        return data

    def receipts(self, version_id: str) -> list[dict[str, Any]]:
        """Every receipt that speaks of a drop, verified with the company's key."""
        from backoffice.vault.signing import load_public, verify

        company = load_public((self.folder / "company.pem").read_bytes())
        objects = self._client("collect").list_objects(self.bucket, prefix="out/receipts/")
        found = [verify(self.read(str(item.object_name)), [company]) for item in objects]
        return [receipt for receipt in found if receipt["version"] == version_id]

    def fetch(self, key: str, to: Path) -> int:
        """Fetch a delivery, decrypt it, check that the company signed it; gives the size in bytes."""
        from backoffice.vault.openpgp import open_message

        company = (self.folder / "company.asc").read_text(encoding="utf-8")
        source = BytesIO(self.read(key))
        with open_message(source, secret=self.secret, signers=[company], limit_bytes=8 * 1024**3) as plain:
            to.parent.mkdir(parents=True, exist_ok=True)
            with to.open("wb") as file:
                shutil.copyfileobj(plain, file, 1 << 20)
            return plain.size

    def accept(self, job: UUID) -> None:
        """Tell the company, signed, that the delivery is accepted: the result is deleted now."""
        from backoffice.vault.openpgp import sign

        self.put(f"in/.accept/{job}", sign(f"accept {job}".encode(), self.secret))

    def _client(self, credentials: str) -> Minio:
        import urllib3
        from minio import Minio

        have = json.loads((self.folder / f"{credentials}.json").read_text(encoding="utf-8"))
        return Minio(
            urlsplit(self._address["endpoint"]).netloc,
            access_key=have["access_key"],
            secret_key=have["secret_key"],
            region=self._address["region"],
            http_client=urllib3.PoolManager(
                ssl_context=trust(self.folder / "ca.pem"), timeout=urllib3.Timeout(60), retries=3
            ),
        )
