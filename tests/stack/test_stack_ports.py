from __future__ import annotations

import socket
from pathlib import Path

from backoffice.stack.ports import Ports, is_free


def occupy(port: int, address: str = "127.0.0.1") -> socket.socket:
    taken = socket.socket()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    taken.bind((address, port))
    taken.listen(1)
    return taken


def test_ports_are_chosen_once_and_remembered(tmp_path: Path) -> None:
    first = Ports(tmp_path).choose(["a", "b"])
    assert Ports(tmp_path).choose(["b", "a"]) == first == Ports(tmp_path).known()
    assert len(set(first.values())) == 2


def test_a_port_taken_by_another_program_is_chosen_anew(tmp_path: Path) -> None:
    first = Ports(tmp_path).choose(["a", "b"])
    with occupy(first["a"]):
        second = Ports(tmp_path).choose(["a", "b"])
    assert second["a"] != first["a"] and second["b"] == first["b"]
    with occupy(second["a"], "0.0.0.0"):
        assert Ports(tmp_path).choose(["a"])["a"] != second["a"]


def test_a_port_that_our_own_running_part_holds_is_kept(tmp_path: Path) -> None:
    first = Ports(tmp_path).choose(["a"])
    with occupy(first["a"]):
        assert Ports(tmp_path).choose(["a"], running=True) == first


def test_a_second_port_that_a_server_opens_by_itself_is_free_too(tmp_path: Path) -> None:
    port = Ports(tmp_path).choose(["a"], companions={"a": 10_000})["a"]
    assert is_free(port + 10_000)
    with occupy(port + 10_000):
        assert Ports(tmp_path).choose(["a"], companions={"a": 10_000})["a"] != port


def test_ports_are_below_those_of_outgoing_connections(tmp_path: Path) -> None:
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert all(port < lowest for port in Ports(tmp_path).choose(map(str, range(50))).values())


def test_a_damaged_file_is_written_anew(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text("{{")
    assert Ports(tmp_path).choose(["a"]) == Ports(tmp_path).known()


def test_ports_that_stay_are_not_written_again(tmp_path: Path) -> None:
    """So that `stack down` works where nothing can be written any more."""
    first = Ports(tmp_path).choose(["a"])
    file = tmp_path / "ports.json"
    before = file.stat().st_ino
    assert Ports(tmp_path).choose(["a"]) == first
    assert file.stat().st_ino == before
