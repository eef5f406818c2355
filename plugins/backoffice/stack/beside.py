"""The upkeep as a service beside the object store's own: ``python -m backoffice.stack.beside DATA MASTER FILER [now]``.

The two share the store's data folder and no more. What is asked of the store is in files there, so that either may be killed
and go on: while ``upkeep/stop`` exists the store stays away, and says in ``upkeep/stopped`` whom it heard
(``infra/compose/seaweedfs/start.sh``). An upkeep that was killed leaves the store away until this service is back, and that
goes on with it first.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from backoffice.errors import StackError
from backoffice.stack.index.rebuild import settle
from backoffice.stack.process import write_private
from backoffice.stack.upkeep import Inside, Upkept, due, upkeep
from backoffice.storage.settings import StoreSettings
from backoffice.tls import trust

__all__ = ["Beside", "main"]

BEAT = Path("/tmp/upkeep-beat")  # noqa: S108 (in the container's own memory)
_PAUSE_SECONDS = 60.0
_PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class Beside:
    """A store next door. :param data: its data folder. :param master: and ``filer``: their URLs. :param secrets: a folder."""

    data: Path
    master: str
    filer: str
    secrets: Path

    def upkeep(self) -> Upkept:
        """Do it now; where another is at it, after that.

        :raises StackError: the store does not stop or does not come back, or :func:`backoffice.stack.upkeep.upkeep`.
        """
        self._folder.mkdir(mode=0o700, exist_ok=True)
        with (self._folder / "turn").open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            return upkeep(self.data, away=self._away, inside=self._inside)

    def due(self) -> bool:
        """Whether it is time, or the store is away because an upkeep was killed."""
        return self._stop.exists() or due(self.data)

    @property
    def _folder(self) -> Path:
        return self.data / "upkeep"

    @property
    def _stop(self) -> Path:
        return self._folder / "stop"

    @contextmanager
    def _away(self) -> Iterator[None]:
        word = secrets.token_hex(8)
        write_private(self._stop, word)
        try:
            _await("stop", lambda: (self._folder / "stopped").read_text(encoding="ascii") == word)
            settle(self.data)
            yield
            settle(self.data)
        finally:
            self._stop.unlink(missing_ok=True)
        _await("come back", self._answers)

    def _answers(self) -> bool:
        """The filer is there, and the master has volumes to compact."""
        found = self._inside().settings
        https = urllib.request.HTTPSHandler(context=trust(found.ca, certificate=found.master_certificate))
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), https)
        with (
            opener.open(f"{self.filer}/healthz", timeout=5),
            opener.open(f"{self.master}/dir/status", timeout=5) as answer,
        ):
            return int(json.load(answer)["Topology"]["Max"]) > 0

    def _inside(self) -> Inside:
        settings = StoreSettings(
            endpoint=self.master,
            region="",
            access_key="",
            secret_key="",
            ca=self.secrets / "ca.pem",
            master_url=self.master,
            master_certificate=self.secrets / "store_master.pem",
        )
        key = (self.secrets / "store_filer_key").read_text(encoding="ascii")
        return Inside(settings=settings, filer=self.filer, filer_key=key)


def _await(what: str, fact: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < end:
        try:
            if fact():
                return
        except (OSError, ValueError, KeyError, TypeError):
            pass  # not yet
        time.sleep(0.2)
    raise StackError(
        f"The object store did not {what} within {_PATIENCE_SECONDS:.0f} seconds.", hint="See its own log."
    )


def main(beside: Beside, *, now: bool) -> None:
    """Look every minute, for ever; or do it once, now."""
    if now:
        _say(beside.upkeep())
        return
    while True:
        BEAT.touch()
        try:
            if beside.due():
                _say(beside.upkeep())
        except StackError as error:
            print(str(error), flush=True)
        time.sleep(_PAUSE_SECONDS)


def _say(done: Upkept) -> None:
    when = datetime.now(UTC).isoformat(timespec="seconds")
    print(
        f"{when} {done.index.live} entries of the index are live, {done.index.dead} were not and are gone; "
        f"away for {done.away:.1f} s, done after {done.took:.1f} s",
        flush=True,
    )


if __name__ == "__main__":
    _data, _master, _filer, *_rest = sys.argv[1:]
    _secrets = Path(os.environ.get("BACKOFFICE_SECRETS", "/run/secrets"))
    main(Beside(data=Path(_data), master=_master, filer=_filer, secrets=_secrets), now=_rest == ["now"])
