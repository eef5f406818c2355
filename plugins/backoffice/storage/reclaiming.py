"""Freeing what deletion leaves behind: SeaweedFS keeps a deleted object's bytes until its volume is compacted."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from backoffice.storage.failures import StoreAway
from backoffice.storage.objects import Reclaimed
from backoffice.storage.settings import StoreSettings
from backoffice.tls import trust

__all__ = ["reclaim"]

# SeaweedFS's filer passes deletions on to the volumes every 1.1 seconds: before that there is no garbage to be seen.
_DELETIONS_ARRIVE = 1.3
# Any garbage at all. A volume is skipped when its share of garbage is below this: at the customary 0.0001 a deleted
# object of 10 kB would stay in a volume of 100 MB.
_THRESHOLD = "1e-12"


@dataclass(frozen=True)
class _Look:
    volumes: int
    garbage: int
    size: int


def reclaim(settings: StoreSettings, timeout: float) -> Reclaimed:
    """Compact every volume that holds deleted bytes until none does; see ``Store.reclaim``."""
    if settings.master_url is None:
        return Reclaimed(
            applicable=False,
            reason="No SeaweedFS master is configured: this store frees deleted objects' space by its own rules, "
            "and offers no way to check that it has.",
        )
    master = _Master(settings, timeout)
    deadline = time.monotonic() + timeout
    before = after = _settled(master, deadline)
    while after.garbage and time.monotonic() < deadline:
        master.vacuum()
        after = _settled(master, deadline) if master.look().garbage else master.look()
    return Reclaimed(
        applicable=True,
        volumes=after.volumes,
        garbage_before=before.garbage,
        garbage_after=after.garbage,
        bytes_before=before.size,
        bytes_after=after.size,
    )


def _settled(master: _Master, deadline: float) -> _Look:
    """The volumes once no more deletions arrive: two looks in a row that agree."""
    found = master.look()
    agreed = 0
    while agreed < 2 and time.monotonic() < deadline:
        time.sleep(_DELETIONS_ARRIVE)
        again = master.look()
        agreed = agreed + 1 if again.garbage == found.garbage else 0
        found = again
    return found


class _Master:
    def __init__(self, settings: StoreSettings, timeout: float) -> None:
        self._url = str(settings.master_url).rstrip("/")
        self._timeout = timeout
        self._volume_scheme = self._url.partition(":")[0]
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if self._url.startswith("https:"):
            context = trust(settings.ca, certificate=settings.master_certificate)
            handlers.append(urllib.request.HTTPSHandler(context=context))
        self._opener = urllib.request.build_opener(*handlers)

    def vacuum(self) -> None:
        self._get(f"/vol/vacuum?garbageThreshold={_THRESHOLD}")

    def look(self) -> _Look:
        """What the volume servers say themselves: what the master knows of them can be five seconds old."""
        servers = sorted(set(_servers(self._get("/dir/status").get("Topology"))))
        volumes = [volume for server in servers for volume in self._volumes(server)]
        return _Look(
            volumes=len(volumes),
            garbage=sum(int(volume.get("DeleteCount", 0)) for volume in volumes),
            size=sum(int(volume.get("Size", 0)) for volume in volumes),
        )

    def _volumes(self, server: str) -> list[dict[str, Any]]:
        """A volume server may speak TLS or not, whatever the master does; what it says here names buckets at most."""
        try:
            found = self._get("/status", at=f"{self._volume_scheme}://{server}")
        except StoreAway:
            if self._volume_scheme == "http":
                raise
            found = self._get("/status", at=f"http://{server}")
            self._volume_scheme = "http"
        return found.get("Volumes") or []

    def _get(self, path: str, *, at: str | None = None) -> dict[str, Any]:
        reason = ""
        try:
            with self._opener.open((at or self._url) + path, timeout=self._timeout) as answer:
                found = json.load(answer)
            if isinstance(found, dict):
                return found
            reason = "its answer is not what SeaweedFS gives"
        except urllib.error.HTTPError as error:
            reason = f"HTTP {error.code}"
        except (OSError, ValueError) as error:
            reason = type(error).__name__
        raise StoreAway(
            f"The store's master did not free the space of deleted objects: {reason}.",
            hint="Check the master's URL and certificate in the store's settings.",
        )


def _servers(topology: Any) -> Iterator[str]:
    """The address of every volume server in the master's nested answer (data centre, rack, server)."""
    if isinstance(topology, dict):
        if "Volumes" in topology and "Url" in topology:
            yield str(topology["Url"])
        for inner in topology.values():
            yield from _servers(inner)
    elif isinstance(topology, list):
        for inner in topology:
            yield from _servers(inner)
