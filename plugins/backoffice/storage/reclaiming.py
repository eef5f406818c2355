"""Freeing what deletion leaves behind: SeaweedFS keeps a deleted object's bytes until its volume is compacted."""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from backoffice.storage.failures import StoreAway
from backoffice.storage.objects import Reclaimed
from backoffice.storage.settings import StoreSettings

__all__ = ["reclaim"]

# SeaweedFS's filer passes deletions on to the volumes every 1.1 seconds; a vacuum before that finds no garbage.
_DELETIONS_ARRIVE = 2.5
_THRESHOLD = 0.0001


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
    time.sleep(_DELETIONS_ARRIVE)
    deadline = time.monotonic() + timeout
    before = after = master.look()
    while True:
        master.vacuum()
        after = master.look()
        if after.garbage == 0 or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    return Reclaimed(
        applicable=True,
        volumes=after.volumes,
        garbage_before=before.garbage,
        garbage_after=after.garbage,
        bytes_before=before.size,
        bytes_after=after.size,
    )


class _Master:
    def __init__(self, settings: StoreSettings, timeout: float) -> None:
        self._url = str(settings.master_url).rstrip("/")
        self._timeout = timeout
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if self._url.startswith("https:"):
            trust = ssl.create_default_context(cafile=str(settings.ca) if settings.ca else None)
            trust.minimum_version = ssl.TLSVersion.TLSv1_3
            if settings.master_certificate:
                trust.load_cert_chain(str(settings.master_certificate))
            handlers.append(urllib.request.HTTPSHandler(context=trust))
        self._opener = urllib.request.build_opener(*handlers)

    def vacuum(self) -> None:
        self._get(f"/vol/vacuum?garbageThreshold={_THRESHOLD}")

    def look(self) -> _Look:
        volumes = [volume for volume in _volumes(self._get("/vol/status").get("Volumes"))]
        return _Look(
            volumes=len(volumes),
            garbage=sum(int(volume.get("DeleteCount", 0)) for volume in volumes),
            size=sum(int(volume.get("Size", 0)) for volume in volumes),
        )

    def _get(self, path: str) -> dict[str, Any]:
        reason = ""
        try:
            with self._opener.open(self._url + path, timeout=self._timeout) as answer:
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


def _volumes(found: Any) -> list[dict[str, Any]]:
    """Every volume in the master's nested answer (data centre, rack, server)."""
    if isinstance(found, dict):
        if "DeleteCount" in found and "Id" in found:
            return [found]
        return [volume for inner in found.values() for volume in _volumes(inner)]
    if isinstance(found, list):
        return [volume for inner in found for volume in _volumes(inner)]
    return []


