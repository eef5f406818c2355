"""The object store's upkeep: after it, no file of the store holds the name or a label of an object that is no longer there.

SeaweedFS keeps both after a deletion: in its index, whose databases let go of what is deleted when they come to it; and in
the log of the index's changes, for good. So the store is stopped for a moment and its index written anew
(:mod:`backoffice.stack.index`); then it runs again, its log of changes is deleted, and the volumes compacted in which that was.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from backoffice.errors import StackError
from backoffice.stack.index.rebuild import LOG, Rebuilt, erased_in, rebuild, stamp
from backoffice.stack.process import write_private
from backoffice.storage.settings import StoreSettings
from backoffice.tls import trust

__all__ = ["EVERY", "Inside", "Upkept", "due", "upkeep"]

EVERY = timedelta(hours=12)
"""How often at most. With the longest that an upkeep may take it is well below a day (P15)."""
_AGAIN = timedelta(hours=1)
_LAST = Path("upkeep", "last.json")
_FREED_WITHIN = 300.0


@dataclass(frozen=True, kw_only=True)
class Inside:
    """How to reach the store's inner parts.

    :param settings: of its master; no access key is used.
    :param filer: its URL. :param filer_key: the secret (``jwt.filer_signing``) that writing to it takes.
    """

    settings: StoreSettings
    filer: str
    filer_key: str


@dataclass(frozen=True)
class Upkept:
    """What was done. Times in seconds; ``away``: how long the store did not answer."""

    began_at: datetime
    away: float
    took: float
    index: Rebuilt
    freed: int
    """Deleted pieces that no longer lie in volumes."""


def due(data: Path, *, now: datetime | None = None) -> bool:
    """Whether the last upkeep was long enough ago, and names were erased since, or it did not come to its end.

    :param data: the store's data folder. A store that is new has its first look here, and its first upkeep later.
    """
    now, last = now or datetime.now(UTC), _last(data)
    if last is None:
        _remember(data, _Last(began_at=now, finished=True, clean=None))
        return False
    if not last.finished:
        return now - last.began_at >= _AGAIN
    return now - last.began_at >= EVERY and (last.clean is None or last.clean != stamp(data))


def upkeep(data: Path, *, away: Callable[[], AbstractContextManager[None]], inside: Callable[[], Inside]) -> Upkept:
    """Do it now. What is killed or fails half-way is done again by the next; nothing that is live is ever at risk.

    :param away: the store is stopped while this holds, and answers again after it. :param inside: asked after that.
    :raises StackError: the index is damaged, and was left as it was; or the store did not do its part.
    """
    from backoffice.storage.reclaiming import reclaim  # with it comes the S3 library

    begun = time.monotonic()
    last = _Last(began_at=datetime.now(UTC), finished=False, clean=None)
    _remember(data, last)
    with away():
        rebuilt = rebuild(data)
    gone = time.monotonic() - begun
    found = inside()
    _forget_changes(found)
    freed = reclaim(found.settings, _FREED_WITHIN)
    if freed.garbage_after:
        raise StackError(
            f"The object store has {freed.garbage_after} deleted pieces in its volumes, and names may be in them.",
            hint="The next upkeep tries again.",
        )
    _remember(data, replace(last, finished=True, clean=_clean(data)))
    return Upkept(last.began_at, gone, time.monotonic() - begun, rebuilt, freed.garbage_before)


def _forget_changes(inside: Inside) -> None:
    """Delete the log of changes: what the filer had in memory it wrote there when it stopped."""
    import jwt

    token = jwt.encode({"exp": int(time.time()) + 60}, inside.filer_key, algorithm="HS256")
    request = urllib.request.Request(  # noqa: S310 (the deployment's own address)
        f"{inside.filer}{LOG}?recursive=true", method="DELETE", headers={"Authorization": f"Bearer {token}"}
    )
    context = trust(inside.settings.ca, certificate=inside.settings.master_certificate)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    reason = ""
    try:
        with opener.open(request, timeout=60):
            return
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return
        reason = f"HTTP {error.code}"
    except OSError as error:
        reason = type(error).__name__
    raise StackError(
        f"The object store did not delete its log of changes: {reason}.", hint="The next upkeep tries again."
    )


@dataclass(frozen=True)
class _Last:
    """The last upkeep, and how the index looked after it, if no name had been erased again by then."""

    began_at: datetime
    finished: bool
    clean: str | None


def _clean(data: Path) -> str | None:
    looked = stamp(data)
    with suppress(StackError, OSError):  # it is in use, and may change while it is read
        return None if erased_in(data) else looked
    return None


def _remember(data: Path, last: _Last) -> None:
    path = data / _LAST
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(path, json.dumps({**asdict(last), "began_at": last.began_at.isoformat()}))


def _last(data: Path) -> _Last | None:
    with suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads((data / _LAST).read_text(encoding="utf-8"))
        return _Last(datetime.fromisoformat(found["began_at"]), bool(found["finished"]), found["clean"])
    return None
