"""The embedded object store: a real SeaweedFS server on loopback, TLS 1.3 only, nothing sent home.

Inside it every RPC, the master and the filer ask for a certificate of the stack's own authority, and the volumes for a
signed token: another user of the machine cannot reach the data past S3's own checks. Three service identities exist from
the start; what each may do, :mod:`backoffice.storage.policies` says.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
import shutil
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backoffice.errors import StackError
from backoffice.stack.ca import Authority
from backoffice.stack.index.rebuild import settle
from backoffice.stack.ports import Ports
from backoffice.stack.process import Part, Process, write_private
from backoffice.stack.upkeep import Inside, Upkept, due, upkeep
from backoffice.storage import policies
from backoffice.storage.policies import LONGEST
from backoffice.storage.settings import StoreSettings
from backoffice.tls import trust

__all__ = ["ENVIRONMENT", "LOG_WITHOUT_KEYS", "PORTS", "SeaweedFS", "ServiceKey", "command", "identities", "sessions"]

PORTS = tuple(
    f"seaweedfs-{name}"
    for name in (
        "master",
        "master-rpc",
        "volume",
        "volume-rpc",
        "filer",
        "filer-rpc",
        "s3",
        "s3-rpc",
        "admin",
    )
)
ENVIRONMENT = {
    # Memory goes back to the system sooner; the store is mostly idle.
    "GOGC": "50",
    "GOMEMLIMIT": "384MiB",
    # S3 allows 1,024 bytes. At the customary 255 a longer key can be stored but not erased.
    "WEED_FILER_OPTIONS_MAX_FILE_NAME_LENGTH": "2048",
}
_COMPANIONS = {"seaweedfs-admin": 10_000}  # the admin part opens this second port by itself

# The server writes object keys, which are the client's, into its log. Only messages of the files named here, which know
# of no object, are kept; of any other warning or error only where it came from. The filter outlives a stop signal, so
# that the server can end in good order, and ends with it.
LOG_WITHOUT_KEYS = r"""
rm -f log.pipe && mkfifo -m 600 log.pipe || exit 1
(
  trap '' TERM INT HUP
  exec sed -u -E \
    -e '/^[IWEF][0-9]{4} [0-9:.]+ (master|mini|raft_[a-z]+|volume|tls|s3|server|file_util|network)\.go:[0-9]+\]? /b' \
    -e '/^I[0-9]{4} /d' \
    -e 's/^([WEF][0-9]{4} [0-9:.]+ [a-zA-Z0-9_]+\.go:[0-9]+\]?) .*/\1 (message left out)/;t' \
    -e '/^ *(Starting|Shutting|Master|Volume|Filer|S3|Admin|panic:|fatal error:|goroutine )/!d' <log.pipe
) &
exec "$@" >log.pipe 2>&1
"""


@dataclass(frozen=True, kw_only=True)
class ServiceKey:
    """One service identity's access key."""

    access_key: str
    secret_key: str = field(repr=False)


class SeaweedFS:
    """The server whose state lies in ``<var>/seaweedfs``, with its log in ``<var>/log``."""

    def __init__(self, var: Path, *, region: str = "eu-central-1") -> None:
        self.folder = var.resolve() / "seaweedfs"
        self.region = region
        self._run = var.resolve() / "run"
        self._away = self._run / "seaweedfs.away"
        self._log = var.resolve() / "log" / "seaweedfs.log"
        self._ports = Ports(self._run)
        self._authority_folder = var.resolve() / "tls"

    def up(self, timeout: float = 60.0) -> float:
        """Start the server unless it runs, and wait until it takes requests; gives the seconds that took.

        Raises ``StackError`` when it dies or does not answer in ``timeout`` seconds.
        """
        with self._alone():
            return self._up(timeout)

    def down(self, grace: float = 10.0) -> None:
        """End the server and all that belongs to it. Data stays."""
        with self._alone():
            self._away.unlink(missing_ok=True)
            self._down(grace)

    def upkeep(self) -> Upkept:
        """Write its index anew and forget its log of changes: :mod:`backoffice.stack.upkeep`."""
        return upkeep(self.folder / "data", away=self._stopped, inside=self._inside)

    def upkeep_due(self) -> bool:
        """Whether it is time for that; see :func:`backoffice.stack.upkeep.due`."""
        return due(self.folder / "data")

    @property
    def wanted(self) -> bool:
        """Whether somebody started it and nobody ended it, be it running, dead, or away for its upkeep."""
        return self._process().state.exists() or self._away.exists()

    def _up(self, timeout: float) -> float:
        running = self._process().running()
        ports = self._ports.choose(PORTS, running=running, companions=_COMPANIONS)
        process = self._process(ports)
        if not running:
            self._prepare()
            process.start()
        waited = process.wait_ready(self.healthy, timeout)
        self._away.unlink(missing_ok=True)
        return waited

    def _down(self, grace: float) -> None:
        self._process().stop(grace)
        known = self._ports.known()
        for part in ("master", "volume", "filer", "s3"):
            if port := known.get(f"seaweedfs-{part}-rpc"):
                Path(f"/tmp/seaweedfs-{part}-grpc-{port}.sock").unlink(missing_ok=True)  # noqa: S108 (its own choice)
        if port := known.get("seaweedfs-admin"):
            Path(f"/tmp/seaweedfs-admin-grpc-{port + 10_000}.sock").unlink(missing_ok=True)  # noqa: S108

    def running(self) -> bool:
        """Whether the server's process lives."""
        return self._process().running()

    @property
    def pid(self) -> int | None:
        """The server's process id, or ``None``."""
        return self._process().pid

    def members(self) -> tuple[int, ...]:
        """The ids of all its processes."""
        return self._process().members()

    def healthy(self) -> bool:
        """Whether S3 answers and the master has a volume server to write to; never raises."""
        known = self._ports.known()
        if not {"seaweedfs-s3", "seaweedfs-master"} <= known.keys():
            return False
        try:
            self._ask(f"https://127.0.0.1:{known['seaweedfs-s3']}/status")
            topology = json.loads(self._ask(f"https://127.0.0.1:{known['seaweedfs-master']}/dir/status"))
            return int(topology["Topology"]["Max"]) > 0
        except (OSError, ValueError, KeyError, TypeError):
            return False

    @property
    def endpoint(self) -> str:
        """The S3 URL. Raises ``StackError`` before the first ``up``."""
        return f"https://127.0.0.1:{self._port('s3')}"

    @property
    def ca(self) -> Path:
        """The bundle that the server's certificate is checked against."""
        return self._authority_folder / "ca.pem"

    @property
    def ports(self) -> dict[str, int]:
        """All ports of the server by name; empty before the first ``up``."""
        known = self._ports.known()
        return {name: known[name] for name in PORTS if name in known}

    def service_key(self, identity: str) -> ServiceKey:
        """The key of ``admin``, ``intake`` or ``eraser``. Raises ``StackError`` before the first ``up``."""
        try:
            found = json.loads((self.folder / "s3.json").read_text())["identities"]
            keys = {entry["name"]: entry["credentials"][0] for entry in found}
            return ServiceKey(access_key=keys[identity]["accessKey"], secret_key=keys[identity]["secretKey"])
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            pass
        raise StackError("The object store has no credentials yet.", hint="Run `backoffice stack up`.")

    def settings(self, identity: str) -> StoreSettings:
        """How to reach this server as ``admin``, ``intake`` or ``eraser``."""
        key = self.service_key(identity)
        return StoreSettings(
            endpoint=self.endpoint,
            region=self.region,
            ca=self.ca,
            access_key=key.access_key,
            secret_key=key.secret_key,
            master_url=f"https://127.0.0.1:{self._port('master')}",
            master_certificate=self.master_certificate,
        )

    @property
    def master_certificate(self) -> Path:
        """Certificate and key (one PEM file, mode 0600) that the master asks of its callers."""
        return self.folder / "inside.pem"

    @contextmanager
    def _stopped(self) -> Iterator[None]:
        """Away while this holds. Who is killed meanwhile leaves a mark, by which the keeper starts it again."""
        with self._alone():
            self._away.touch(mode=0o600)
            self._down(grace=5.0)  # what clients are sending is cut off by its end anyway
            try:
                yield
            finally:
                self._up(timeout=60.0)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._run.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._run / "seaweedfs.turn").open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            yield

    def _inside(self) -> Inside:
        filer = f"https://127.0.0.1:{self._port('filer')}"
        return Inside(settings=self.settings("admin"), filer=filer, filer_key=self._secrets()["filer_write"])

    def _port(self, name: str) -> int:
        port = self._ports.known().get(f"seaweedfs-{name}")
        if port is None:
            raise StackError("The object store has never been started.", hint="Run `backoffice stack up`.")
        return port

    def _ask(self, url: str) -> bytes:
        context = trust(self.ca, certificate=self.master_certificate)
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        with opener.open(url, timeout=2) as answer:
            return answer.read()

    def _prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.folder / "data").mkdir(exist_ok=True, mode=0o700)
        settle(self.folder / "data")
        # The server remembers its flags here and would prefer them to new defaults.
        (self.folder / "data" / "mini.options").unlink(missing_ok=True)
        for socket in ("s3.sock", "filer.sock"):
            (self.folder / socket).unlink(missing_ok=True)
        authority = Authority(self._authority_folder)
        authority.issue("s3")
        inside = authority.issue("inside", client=True)
        write_private(self.master_certificate, inside.certificate.read_text() + inside.key.read_text())
        keys = self._secrets()
        write_private(self.folder / "security.toml", self.security(keys))
        for name, make in (("s3.json", identities), ("sessions.json", sessions)):
            write_private(self.folder / name, json.dumps(make(_known(self.folder / name)), indent=1))

    def _secrets(self) -> dict[str, str]:
        """Keys made once. Losing ``store_key`` makes every stored object unreadable: damage is never papered over."""
        path = self.folder / "secrets.json"
        names = ("volume_write", "volume_read", "filer_write", "filer_read", "store_key", "admin_password")
        if not path.exists():
            write_private(path, json.dumps({name: secrets.token_hex(32) for name in names}, indent=1))
        try:
            found = json.loads(path.read_text())
            return {name: str(found[name]) for name in names}
        except (OSError, ValueError, KeyError, TypeError):
            pass
        raise StackError(
            f"{path} is damaged: without its key the stored objects cannot be read.",
            hint="Put it back from a copy, or run `make clean` to start with an empty store.",
        )

    def security(self, keys: dict[str, str]) -> str:
        """The text of ``security.toml`` with these secrets."""
        pair = f'cert = "{self._authority_folder / "inside.pem"}"\nkey = "{self._authority_folder / "inside.key"}"\n'
        trust = f'ca = "{self.ca}"\n'
        sections = [
            f'[jwt.signing]\nkey = "{keys["volume_write"]}"\nexpires_after_seconds = 60\n',
            f'[jwt.signing.read]\nkey = "{keys["volume_read"]}"\nexpires_after_seconds = 60\n',
            f'[jwt.filer_signing]\nkey = "{keys["filer_write"]}"\nexpires_after_seconds = 60\n',
            f'[jwt.filer_signing.read]\nkey = "{keys["filer_read"]}"\nexpires_after_seconds = 60\n',
            f'[s3.sse]\nkek = "{keys["store_key"]}"\n',
            f'[admin]\nuser = "admin"\npassword = "{keys["admin_password"]}"\n',
            # Both bounds: with the lower one alone its internal calls stay at TLS 1.2 and fail.
            '[tls]\nmin_version = "TLS 1.3"\nmax_version = "TLS 1.3"\n',
            f"[grpc]\n{trust}",
            *(f"[grpc.{part}]\n{pair}" for part in ("master", "volume", "filer", "s3", "admin", "worker", "client")),
            # Not the volumes: S3 reads encrypted objects of several chunks from them over plain HTTP (loopback; it needs
            # a token signed with the keys above). Nor the admin part: it would still speak TLS 1.2, and serves nothing
            # but /health and /metrics.
            *(f"[https.{part}]\n{pair}{trust}" for part in ("master", "filer")),
        ]
        return "\n".join(sections)

    def _process(self, ports: dict[str, int] | None = None) -> Process:
        line = command(self.folder, self._authority_folder, ports) if ports else ("weed",)
        part = Part(
            name="seaweedfs",
            command=line,
            cwd=self.folder,
            log=self._log,
            environment=ENVIRONMENT,
        )
        return Process(part, run=self._run)


def command(folder: Path, authority: Path, ports: dict[str, int]) -> tuple[str, ...]:
    """Its command line, the log filter included.

    :raises StackError: the program is not installed.
    """
    weed = Path(sys.executable).with_name("weed")
    found = str(weed) if weed.exists() else shutil.which("weed")
    if not found or not os.access(found, os.X_OK):
        raise StackError("The object store's program `weed` is not installed.", hint="Run `make install`.")
    flags = {
        "dir": folder / "data",
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        **{_port_flag(name): port for name, port in ports.items()},
        "master.telemetry": "false",
        "master.volumeSizeLimitMB": 1024,
        "volume.max": 4096,  # each bucket has volumes of its own; they take space only as they fill
        "filer.exposeDirectoryData": "false",
        "filer.ui.deleteDir": "false",
        "filer.localSocket": folder / "filer.sock",
        "s3.localSocket": folder / "s3.sock",
        "s3.config": folder / "s3.json",
        "s3.iam.config": folder / "sessions.json",
        "s3.iam.readOnly": "false",
        "s3.autoCreateBucket": "false",
        "s3.allowDeleteBucketNotEmpty": "false",
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "s3.cert.file": authority / "s3.pem",
        "s3.key.file": authority / "s3.key",
        "webdav": "false",
        "admin.ui": "false",
    }
    arguments = (found, "-v=-1", "-logtostderr=true", "mini", *(f"-{name}={value}" for name, value in flags.items()))
    return ("/bin/sh", "-c", LOG_WITHOUT_KEYS, "sh", *arguments)


def _known(path: Path) -> dict[str, Any] | None:
    """What was written before; ``None`` at the first start.

    :raises StackError: it is damaged. New keys in its place would lock out everybody who has one.
    """
    if not path.exists():
        return None
    with suppress(OSError, ValueError):
        found = json.loads(path.read_text())
        if isinstance(found, dict):
            return found
    raise StackError(f"{path} is damaged: it holds keys of the object store.", hint="Put it back from a copy.")


def _port_flag(name: str) -> str:
    server = name.removeprefix("seaweedfs-")
    return server.replace("-rpc", ".port.grpc") if server.endswith("-rpc") else f"{server}.port"


def identities(known: dict[str, Any] | None = None) -> dict[str, Any]:
    """The service identities as the server reads them (``-s3.config``).

    :param known: what an earlier call gave: its keys stay.
    """
    kept = {entry["name"]: entry["credentials"] for entry in (known or {}).get("identities", [])}

    def identity(name: str, **rights: list[str]) -> dict[str, Any]:
        new = {"accessKey": secrets.token_hex(10).upper(), "secretKey": secrets.token_urlsafe(32)}
        return {"name": name, "credentials": kept.get(name) or [new], **rights}

    policed = {"intake": policies.intake_policy(), "eraser": policies.eraser_policy()}
    return {
        "identities": [identity("admin", actions=["Admin"]), *(identity(name, policyNames=[name]) for name in policed)],
        "policies": [{"name": name, "content": json.dumps(policy)} for name, policy in policed.items()],
    }


def sessions(known: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the server needs to open jobs' sessions (``-s3.iam.config``), the key that it signs them with included.

    Without it SeaweedFS signs sessions with a key that its filer uses too, and allows by default.

    :param known: what an earlier call gave: its key stays, and so do the sessions that are open.
    """
    key = known["sts"]["signingKey"] if known else base64.b64encode(secrets.token_bytes(32)).decode()
    lasts = f"{int(LONGEST.total_seconds())}s"
    role = {
        "roleName": "job",
        "roleArn": policies.JOB_ROLE,
        "trustPolicy": policies.role_trust(),
        "attachedPolicies": ["job"],
        "maxSessionDuration": int(LONGEST.total_seconds()),
    }
    return {
        "sts": {"issuer": "backoffice", "signingKey": key, "tokenDuration": lasts, "maxSessionLength": lasts},
        "policy": {"defaultEffect": "Deny", "storeType": "memory"},
        "policies": [{"name": "job", "document": policies.role_policy()}],
        "roles": [role],
    }
