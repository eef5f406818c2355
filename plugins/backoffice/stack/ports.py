"""Loopback ports of the embedded stack: chosen once, remembered, and chosen anew when another program took one.

IPv4 only. Ports come from below the kernel's range for outgoing connections (32768 and up on Linux), so that no
connection can sit on one by chance.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import random
import socket
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from backoffice.errors import StackError
from backoffice.stack.process import write_private

__all__ = ["Ports", "is_free"]

_LOWEST, _HIGHEST = 11_000, 21_999


def is_free(port: int) -> bool:
    """Whether this program could listen on the port, on 127.0.0.1 and on all addresses."""
    for address in ("127.0.0.1", "0.0.0.0"):  # noqa: S104 (asked for a moment, never served)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
                probe.listen(1)
            except OSError:
                return False
    return True


class Ports:
    """The ports of one stack, remembered in ``<run>/ports.json``."""

    def __init__(self, run: Path) -> None:
        self._file = run / "ports.json"

    def choose(
        self, names: Iterable[str], *, running: bool = False, companions: Mapping[str, int] | None = None
    ) -> dict[str, int]:
        """A port for each name: the remembered one, or a new one where that is taken by another program.

        ``running`` says that our own part holds these ports now: then they are kept as they are. ``companions`` gives,
        for a name, the distance of a second port that the server opens by itself and that must be free too.
        Raises ``StackError`` when no free port is found.
        """
        beside = companions or {}
        with self._locked():
            known = self.known()
            before = dict(known)
            given: dict[str, int] = {}
            for name in names:
                port = known.get(name)
                if port is None or not (running or _all_free(port, beside.get(name))):
                    avoid = {*known.values(), *given.values()}
                    avoid |= {known[other] + gap for other, gap in beside.items() if other in known}
                    port = _new_port(name, avoid, beside.get(name))
                known[name] = given[name] = port
            if known != before:  # `stack down` must work on a full disk, too
                write_private(self._file, json.dumps(known, indent=1, sort_keys=True))
            return given

    def known(self) -> dict[str, int]:
        """All remembered ports by name; empty when there are none or the file is damaged."""
        try:
            found = json.loads(self._file.read_text())
            return {str(name): int(port) for name, port in found.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            return {}

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _all_free(port: int, gap: int | None) -> bool:
    return is_free(port) and (gap is None or is_free(port + gap))


def _new_port(name: str, avoid: set[int], gap: int | None) -> int:
    for port in random.sample(range(_LOWEST, _HIGHEST + 1), 500):
        if port not in avoid and (gap is None or port + gap not in avoid) and _all_free(port, gap):
            return port
    raise StackError(f"No free loopback port for {name}.", hint=f"Free a port between {_LOWEST} and {_HIGHEST}.")
