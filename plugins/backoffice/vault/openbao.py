"""OpenBao's transit engine as the root: it wraps the projects' key-encryption keys and never gives its own away.

Each project has a key of its own there (AES-256-GCM), so destroying a project destroys that key too, with every version of it,
and nothing that was ever wrapped under it opens, wherever a copy of the key store may lie. This process identifies itself
with a role (AppRole: a role's id, and a secret in a file), whose policy says what it may do: see ``policies``.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backoffice.discretion import kind_of
from backoffice.errors import VaultAway, VaultError
from backoffice.tls import trust
from backoffice.vault import wrapping
from backoffice.vault.key_files import read_private
from backoffice.vault.root_key import IN_OPENBAO, Wrapped

if TYPE_CHECKING:
    import hvac

__all__ = ["OpenBao", "TransitKeys", "policies"]

_SECONDS = 10
_WORDS = {
    "Forbidden": "it does not let this process do that",
    "InvalidPath": "it has no such key",
    "InvalidRequest": "it refuses",
    "VaultDown": "it is sealed or not yet up",
}
_OF_ONE_KEY = ("InvalidPath", "InvalidRequest")
"""What it answers about one key; anything else concerns them all."""


@dataclass(frozen=True, kw_only=True)
class OpenBao:
    """Where the server is, and who this process is to it.

    :param secret_file: the role's secret id, in a file of its owner alone.
    """

    url: str
    ca: Path | None
    role: str
    secret_file: Path
    mount: str = "transit"


def policies(mount: str = "transit") -> dict[str, str]:
    """What each role may do, as OpenBao's policies (HCL), by name: who opens cannot destroy, and who destroys cannot open."""
    key = f"{mount}/keys/+"
    return {
        "backoffice-owner": _policy(
            {
                key: ("create", "read", "update"),
                f"{key}/rotate": ("update",),
                f"{key}/config": ("update",),
                f"{key}/trim": ("update",),
                f"{mount}/encrypt/+": ("update",),
                f"{mount}/decrypt/+": ("update",),
            }
        ),
        "backoffice-worker": _policy({f"{mount}/decrypt/+": ("update",)}),
        "backoffice-eraser": _policy({key: ("read", "delete"), f"{key}/config": ("update",)}),
    }


def _policy(paths: dict[str, tuple[str, ...]]) -> str:
    return "".join(f'path "{path}" {{ capabilities = {json.dumps(may)} }}\n' for path, may in paths.items())


class TransitKeys:
    """:class:`~backoffice.vault.root_key.RootKey` over OpenBao. It logs in at first use, and again when its token ends."""

    def __init__(self, server: OpenBao) -> None:
        self._server = server
        self._client: hvac.Client | None = None

    def add(self, project: str) -> None:
        """See :meth:`RootKey.add`."""
        self._ask(lambda transit: transit.create_key(project, key_type="aes256-gcm96", exportable=False))

    def wrap(self, project: str, key: bytes, *context: str | int) -> Wrapped:
        """See :meth:`RootKey.wrap`."""
        bound = _text(wrapping.bound(project, *context))
        answer = self._ask(lambda t: t.encrypt_data(project, plaintext=_text(key), associated_data=bound))
        ciphertext: str = answer["data"]["ciphertext"]
        return Wrapped(ciphertext.encode(), self._named(project, ciphertext.split(":")[1]))

    def unwrap(self, project: str, wrapped: Wrapped, *context: str | int) -> bytes:
        """See :meth:`RootKey.unwrap`."""
        if not self.holds(wrapped.by):
            raise VaultError(
                f"The keys of project {project} are under {wrapped.by}, not in OpenBao.",
                hint="Give this process the master key that belongs to this key store.",
            )
        bound = _text(wrapping.bound(project, *context))
        ciphertext = wrapped.data.decode("ascii", "replace")
        answer = self._ask(lambda t: t.decrypt_data(project, ciphertext=ciphertext, associated_data=bound))
        return base64.b64decode(answer["data"]["plaintext"])

    def holds(self, by: str) -> bool:
        """See :meth:`RootKey.holds`."""
        return by.startswith(IN_OPENBAO)

    def newest(self, project: str) -> str:
        """See :meth:`RootKey.newest`."""
        return self._named(project, f"v{self._newest(project)}")

    def renew(self, project: str) -> None:
        """See :meth:`RootKey.renew`."""
        self._ask(lambda transit: transit.rotate_key(project))

    def retire(self, project: str, kept: str) -> None:
        """See :meth:`RootKey.retire`."""
        oldest = int(kept.rpartition(":v")[2])
        # Both at once hvac refuses; and OpenBao one under which would be encrypted what is not decrypted.
        for least in ("min_encryption_version", "min_decryption_version"):
            self._ask(lambda transit, least=least: transit.update_key_configuration(project, **{least: oldest}))
        self._ask(lambda transit: transit.trim_key(project, min_version=oldest))

    def destroy(self, project: str) -> None:
        """See :meth:`RootKey.destroy`."""
        if self._tried(lambda transit: transit.read_key(project))[1] == "InvalidPath":
            return
        self._ask(lambda transit: transit.update_key_configuration(project, deletion_allowed=True))
        self._ask(lambda transit: transit.delete_key(project))

    def __repr__(self) -> str:
        return f"TransitKeys({self._server.url}, {self._server.mount})"

    # ------------------------------------------------------------------ parts

    def _newest(self, project: str) -> int:
        return int(self._ask(lambda transit: transit.read_key(project))["data"]["latest_version"])

    def _named(self, project: str, version: str) -> str:
        return f"{IN_OPENBAO}{self._server.mount}/{project}:{version}"

    def _ask(self, question: Callable[[_Transit], Any]) -> Any:
        answer, failure = self._tried(question)
        if failure:
            raise (VaultError if failure in _OF_ONE_KEY else VaultAway)(
                f"OpenBao did not do what was asked: {_WORDS.get(failure, failure)}.",
                hint=f"Is {self._server.url} up and unsealed, and has the role {self._server.role} its policy?",
            )
        return answer

    def _tried(self, question: Callable[[_Transit], Any]) -> tuple[Any, str]:
        """What the transit engine answers, and the class of what it raised; a token that has ended is replaced once.

        The texts of errors stay here: they can quote what was asked.
        """
        failure = ""
        for _ in range(2):
            try:
                self._client = self._client or self._log_in()
                return question(_Transit(self._client, self._server.mount)), ""
            except VaultError:
                raise
            except Exception as error:  # noqa: BLE001 (hvac's, and those of what it is built on)
                failure = kind_of(error)
            if failure != "Forbidden":
                break
            self._client = None
        return None, failure

    def _log_in(self) -> hvac.Client:
        import hvac
        from requests import Session

        have = self._server
        session = Session()
        session.trust_env = False  # no proxy, and no netrc
        session.mount("https://", _adapter(have.ca))
        verify = True if have.ca is None else str(have.ca)  # requests would add the machine's own authorities
        client = hvac.Client(url=have.url, session=session, verify=verify, timeout=_SECONDS)
        secret = read_private(have.secret_file, what="OpenBao secret").decode("ascii", "replace").strip()
        client.auth.approle.login(role_id=have.role, secret_id=secret)
        return client


class _Transit:
    """The transit engine of one client, under the mount that it has."""

    def __init__(self, client: hvac.Client, mount: str) -> None:
        self._engine, self._mount = client.secrets.transit, mount

    def __getattr__(self, name: str) -> Any:
        return partial(getattr(self._engine, name), mount_point=self._mount)


def _adapter(ca: Path | None) -> Any:
    """For ``requests``: TLS 1.3 only, and the authority of the deployment."""
    from requests.adapters import HTTPAdapter

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
            super().init_poolmanager(*arguments, **named, ssl_context=trust(ca))

    return Adapter()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
