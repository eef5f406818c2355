from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from backoffice.errors import StackError
from backoffice.stack.seaweedfs import SeaweedFS, identities, sessions
from backoffice.storage import AccessKey, Credentials, Issuer, JobStore, Store
from tests.files import contents

CANARY = "Zsuzsanna-Kovacs-1974"


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[SeaweedFS]:
    server = SeaweedFS(tmp_path / "var")
    server.up()
    yield server
    server.down(grace=3)
    assert server.members() == ()


def open_by(*pids: int) -> set[str]:
    """What these processes have open, as the kernel names it; what is closed meanwhile is left out."""
    found = set()
    for pid in pids:
        with suppress(OSError):
            for entry in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(OSError):
                    found.add(str(entry.readlink()))
    return found


def listening(pids: tuple[int, ...]) -> set[tuple[str, int]]:
    """Every TCP address that these processes listen on, from the kernel's own tables, IPv6 too."""
    sockets, found = open_by(*pids), set()
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                address, port = fields[1].split(":")
                raw = bytes.fromhex(address)
                words = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
                found.add((socket.inet_ntop(family, words), int(port, 16)))
    return found


def test_every_port_is_on_loopback(store_server: SeaweedFS) -> None:
    expected = {*store_server.ports.values(), store_server.ports["seaweedfs-admin"] + 10_000}
    deadline = time.monotonic() + 10  # the admin part comes up last, after the store takes requests
    while {port for _, port in listening(store_server.members())} != expected and time.monotonic() < deadline:
        time.sleep(0.1)
    addresses = listening(store_server.members())
    assert {address for address, _ in addresses} == {"127.0.0.1"}
    assert {port for _, port in addresses} == expected


def test_no_port_speaks_tls_below_1_3(store_server: SeaweedFS) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.load_cert_chain(store_server.master_certificate)
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2
    for _, port in listening(store_server.members()):
        with socket.create_connection(("127.0.0.1", port), timeout=3) as plain, pytest.raises((ssl.SSLError, OSError)):
            old.wrap_socket(plain)


def test_s3_speaks_tls_1_3_and_not_plain_http(store_server: SeaweedFS) -> None:
    trust = ssl.create_default_context(cafile=str(store_server.ca))
    port = store_server.ports["seaweedfs-s3"]
    with (
        socket.create_connection(("127.0.0.1", port), timeout=3) as plain,
        trust.wrap_socket(plain, server_hostname="localhost") as wrapped,
    ):
        assert wrapped.version() == "TLSv1.3"
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=3)
    assert refusal.value.code == 400


@pytest.mark.parametrize("part", ["master", "filer", "master-rpc", "volume-rpc", "filer-rpc", "s3-rpc"])
def test_a_stranger_on_the_same_machine_is_not_let_in(store_server: SeaweedFS, part: str) -> None:
    stranger = ssl.create_default_context(cafile=str(store_server.ca))
    stranger.set_alpn_protocols(["h2", "http/1.1"])
    port = store_server.ports[f"seaweedfs-{part}"]
    with (
        socket.create_connection(("127.0.0.1", port), timeout=3) as plain,
        pytest.raises((ssl.SSLError, ConnectionError)),
        stranger.wrap_socket(plain, server_hostname="localhost") as wrapped,
    ):
        wrapped.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        if not wrapped.recv(100):
            raise ConnectionError


def test_a_volume_gives_nothing_without_a_token(store_server: SeaweedFS, store: Store, bucket: str) -> None:
    store.put(bucket, "in/a", b"x" * 1000)
    port = store_server.ports["seaweedfs-volume"]
    volume = next((store_server.folder / "data").glob(f"{bucket}_*.dat")).stem.rpartition("_")[2]
    for method in ("GET", "PUT", "DELETE"):
        request = urllib.request.Request(f"http://127.0.0.1:{port}/{volume},01637037d6", b"x", method=method)
        with pytest.raises(urllib.error.HTTPError) as refusal:
            urllib.request.urlopen(request, timeout=3)
        assert refusal.value.code == 401


def test_the_admin_part_shows_no_pages(store_server: SeaweedFS) -> None:
    port = store_server.ports["seaweedfs-admin"]
    for path in ("/", "/login", "/object-store/users", "/api/config"):
        with pytest.raises(urllib.error.HTTPError) as refusal:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=3)
        assert refusal.value.code == 404


def test_nothing_is_sent_home(store_server: SeaweedFS) -> None:
    command = Path(f"/proc/{store_server.pid}/cmdline").read_bytes().split(b"\0")
    assert b"-master.telemetry=false" in command
    # And nothing is connected to anywhere but loopback.
    assert store_server.pid
    sockets = open_by(store_server.pid)
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if f"socket:[{fields[9]}]" in sockets:
            assert fields[2].startswith(("0100007F", "00000000")), "a connection beyond loopback"


def test_no_secret_is_on_the_command_line_and_none_can_be_read_by_others(store_server: SeaweedFS) -> None:
    command = Path(f"/proc/{store_server.pid}/cmdline").read_text()
    secrets = [*json.loads((store_server.folder / "secrets.json").read_text()).values()]
    secrets += [store_server.service_key(name).secret_key for name in ("admin", "intake", "eraser")]
    assert not any(secret in command for secret in secrets)
    for path, content in contents(store_server.folder):
        if any(secret.encode() in content for secret in secrets):
            assert path.stat().st_mode & 0o077 == 0, path.name
    assert store_server.folder.stat().st_mode & 0o077 == 0


def test_the_log_has_no_object_key(store_server: SeaweedFS, store: Store, bucket: str) -> None:
    key = f"in/{CANARY}"
    stored = store.put(bucket, key, b"x")
    store.erase(bucket, prefix="in/")
    store.remaining(bucket, prefix="in/", known=[])
    assert store.head(bucket, key, stored.version_id) is None
    upload = store.s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    for broken in (
        lambda: store.s3.abort_multipart_upload(Bucket=bucket, Key=f"{key}-2", UploadId=upload),
        lambda: store.s3.put_object(Bucket=bucket, Key=f"in/../{CANARY}", Body=b"x"),
        lambda: store.s3.get_object(Bucket=bucket, Key=key),
        lambda: store.s3.delete_object(Bucket=bucket, Key=f"{key}\n", VersionId="nonsense"),
    ):
        with pytest.raises(Exception):  # noqa: B017
            broken()
            raise ValueError
    time.sleep(0.3)
    log = store_server.folder.parent / "log" / "seaweedfs.log"
    assert CANARY not in log.read_text()
    assert "S3" in log.read_text() and "ready" in log.read_text()
    assert log.stat().st_mode & 0o077 == 0


def test_idle_memory_is_small(own_server: SeaweedFS) -> None:
    time.sleep(1)
    kilobytes = sum(
        int(Path(f"/proc/{pid}/smaps_rollup").read_text().partition("Pss:")[2].split()[0])
        for pid in own_server.members()
    )
    assert kilobytes < 180_000


def test_starting_twice_is_one_server(own_server: SeaweedFS) -> None:
    pid = own_server.pid
    own_server.up()
    assert SeaweedFS(own_server.folder.parent).pid == own_server.pid == pid


def test_objects_and_everybodys_rights_survive_a_kill_and_a_restart_on_other_ports(own_server: SeaweedFS) -> None:
    admin = Store(own_server.settings("admin"))
    admin.create_bucket("acme-contacts")
    stored = admin.put("acme-contacts", "out/result", b"result" * 2_000_000)
    keys = Credentials(own_server.settings("admin")).issue("acme_contacts")
    gone = Credentials(own_server.settings("admin")).issue("acme_gone")
    Credentials(own_server.settings("admin")).revoke("acme_gone")
    job = uuid4()
    dropped = admin.put("acme-contacts", "in/drop", b"dropped")
    access = Issuer(own_server.settings("intake")).issue(
        job, bucket="acme-contacts", key="in/drop", version_id=dropped.version_id, lifetime=timedelta(minutes=15)
    )
    before = own_server.endpoint
    assert own_server.pid
    os.kill(own_server.pid, signal.SIGKILL)
    while own_server.running():
        time.sleep(0.02)
    (own_server.folder.parent / "run" / "ports.json").unlink()
    own_server.up()

    assert own_server.endpoint != before
    store = Store(own_server.settings("admin"))
    assert store.open("acme-contacts", "out/result", stored.version_id).read() == b"result" * 2_000_000

    def client(key: AccessKey) -> Store:
        return Store(replace(own_server.settings("admin"), access_key=key.access_key, secret_key=key.secret_key))

    # A job's session is nowhere in the server, and its link was made for the old port.
    of_job = JobStore(own_server.settings("admin"), access)
    of_job.put("acme-contacts", f"work/{job}/table", b"x")
    with of_job.open_drop() as stream:
        assert stream.read() == b"dropped"

    client(keys.drop).s3.put_object(Bucket="acme-contacts", Key="in/a", Body=b"x")
    for refused in (
        lambda: client(keys.drop).open("acme-contacts", "out/result"),
        lambda: client(keys.collect).put("acme-contacts", "in/a", b"x"),
        lambda: client(gone.drop).put("acme-gone", "in/a", b"x"),
    ):
        with pytest.raises(Exception, match=r"AccessDenied|InvalidAccessKeyId"):
            refused()
    assert Credentials(own_server.settings("admin")).issued("acme_contacts")
    assert not Credentials(own_server.settings("admin")).issued("acme_gone")


def test_a_taken_port_is_replaced_at_the_next_start(own_server: SeaweedFS) -> None:
    own_server.down()
    before = own_server.ports
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", before["seaweedfs-s3"]))
        taken.listen(1)
        own_server.up()
    after = own_server.ports
    assert after["seaweedfs-s3"] != before["seaweedfs-s3"] and after["seaweedfs-master"] == before["seaweedfs-master"]


def test_a_damaged_store_key_is_not_papered_over(tmp_path: Path) -> None:
    server = SeaweedFS(tmp_path / "var")
    server.folder.mkdir(parents=True)
    (server.folder / "secrets.json").write_text("{}")
    with pytest.raises(StackError, match="cannot be read"):
        server.up()
    shutil.rmtree(server.folder)
    assert not server.running() and not server.healthy()


def test_before_the_first_start_everything_says_what_to_do(tmp_path: Path) -> None:
    server = SeaweedFS(tmp_path / "var")
    server.down()
    assert not server.running() and not server.healthy() and server.ports == {}
    with pytest.raises(StackError, match="stack up"):
        server.settings("admin")


def test_keys_stay_and_rights_follow_the_code_at_the_next_start(tmp_path: Path) -> None:
    for make in (identities, sessions):
        first = make()
        assert make(json.loads(json.dumps(first))) == first
    older = {
        "identities": [{"name": "admin", "credentials": [{"accessKey": "A", "secretKey": "S"}], "actions": ["Read"]}]
    }
    now = {entry["name"]: entry for entry in identities(older)["identities"]}
    assert now["admin"] == {
        "name": "admin",
        "credentials": [{"accessKey": "A", "secretKey": "S"}],
        "actions": ["Admin"],
    }
    assert now.keys() == {"admin", "intake", "eraser"}


@pytest.mark.parametrize("name", ["s3.json", "sessions.json"])
def test_damaged_keys_are_not_replaced_by_new_ones(tmp_path: Path, name: str) -> None:
    server = SeaweedFS(tmp_path / "var")
    server.folder.mkdir(parents=True)
    (server.folder / name).write_text("{")
    with pytest.raises(StackError, match="damaged"):
        server.up()
    assert (server.folder / name).read_text() == "{"
