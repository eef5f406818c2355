"""TLS 1.3 between all parts (P2): each port that a part of the stack listens on is tried with what is older, and with none."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import psutil

from backoffice.stack.ports import Ports
from tests.system.house import House


def listening(house: House) -> dict[tuple[str, int], str]:
    """Every address that a process of the stack listens on, and which part that is."""
    found: dict[tuple[str, int], str] = {}
    for part in ("seaweedfs", "postgres", "api-server", "scheduler", "dag-processor", "triggerer", "keeper"):
        members = house.stack._store.members() if part == "seaweedfs" else house.stack._process(part).members()
        for pid in members:
            try:
                connections = psutil.Process(pid).net_connections(kind="tcp")
            except psutil.Error:
                continue
            found |= {(one.laddr[0], one.laddr[1]): part for one in connections if one.status == psutil.CONN_LISTEN}
    return found


def answers(address: tuple[str, int], *, ca: Path, newest: ssl.TLSVersion, pair: Path) -> str | None:
    """The version that is spoken where TLS of at most ``newest`` is offered; None: the other side refuses."""
    context = ssl.create_default_context(cafile=str(ca))
    context.maximum_version = newest
    context.load_cert_chain(pair)  # some ask for it, and would refuse for its absence alone
    context.set_alpn_protocols(["h2", "http/1.1"])
    try:
        with (
            socket.create_connection(address, timeout=10) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as wrapped,
        ):
            return wrapped.version()
    except (ssl.SSLError, ConnectionError):
        return None


def in_the_clear(address: tuple[str, int]) -> bytes:
    """What is said to who speaks HTTP without TLS."""
    with socket.create_connection(address, timeout=10) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        try:
            return plain.recv(200)
        except (ConnectionError, TimeoutError):
            return b""


def test_every_port_refuses_what_is_older_and_what_is_in_the_clear(house: House):
    ca, pair = house.var / "tls" / "ca.pem", house.stack._store.master_certificate
    ports, known = listening(house), Ports(house.stack.run).known()
    assert {"seaweedfs", "api-server"} <= set(ports.values())
    assert "postgres" not in ports.values(), "it is on a socket of the file system alone"
    clear = set()
    for address, part in sorted(ports.items()):
        assert address[0] in ("127.0.0.1", "::1"), (part, address)
        assert answers(address, ca=ca, newest=ssl.TLSVersion.TLSv1_2, pair=pair) is None, (part, address)
        version = answers(address, ca=ca, newest=ssl.TLSVersion.TLSv1_3, pair=pair)
        said = in_the_clear(address)
        if version is None and said.startswith(b"HTTP/"):
            clear.add(address[1])
        else:
            assert version == "TLSv1.3", (part, address)
            assert not said.startswith(b"HTTP/") or b" 400 " in said[:20], (
                part,
                address,
            )  # Go's servers refuse in the clear
    # See docs/security.md: the store reads from its own volumes over HTTP, what is encrypted, with a token; its admin part
    # serves nothing but its health.
    assert clear <= {known["seaweedfs-volume"], known["seaweedfs-admin"]}
