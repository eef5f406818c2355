"""What the store holds and gives back, as small values. Keys are the client's: they stay out of every ``repr``."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field

__all__ = ["EraseFailure", "Erased", "ObjectVersion", "Reclaimed", "Remaining", "Stored", "Upload"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectVersion:
    """One version of one object, or a delete marker (``is_marker``; its size is 0 and it has no etag).

    ``size`` is in bytes, ``modified`` in UTC. ``version_id`` is ``"null"`` for a version from before versioning.
    """

    key: str = field(repr=False)
    version_id: str
    size: int
    etag: str
    modified: datetime.datetime
    is_marker: bool = False
    is_latest: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """A multipart upload that was begun and neither finished nor given up. ``started`` is in UTC."""

    key: str = field(repr=False)
    upload_id: str
    started: datetime.datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """What was stored. ``created`` is false when the same bytes were there already (``put(..., if_absent=True)``).

    ``sha256`` is in hexadecimal; ``size`` in bytes.
    """

    version_id: str
    etag: str
    size: int
    sha256: str
    created: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class EraseFailure:
    """One version or upload that the store did not delete: S3's code and the opaque id, never the key."""

    code: str
    id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Erased:
    """Counts of one erasure. ``bytes`` is what the versions and the parts of unfinished uploads held."""

    versions: int = 0
    markers: int = 0
    uploads: int = 0
    bytes: int = 0
    failures: tuple[EraseFailure, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether the store reported no failure. What is really left, ``Store.remaining`` says."""
        return not self.failures

    def __add__(self, other: Erased) -> Erased:
        """Both counts together."""
        return Erased(
            versions=self.versions + other.versions,
            markers=self.markers + other.markers,
            uploads=self.uploads + other.uploads,
            bytes=self.bytes + other.bytes,
            failures=self.failures + other.failures,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Remaining:
    """What a second look found. ``listed`` is what the plain listing shows, ``readable`` counts known versions that
    still answer when asked for one by one; ``asked`` is how many were asked for."""

    versions: int
    markers: int
    uploads: int
    listed: int
    readable: int = 0
    asked: int = 0

    @property
    def nothing(self) -> bool:
        """Whether nothing at all is left."""
        return not (self.versions or self.markers or self.uploads or self.listed or self.readable)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reclaimed:
    """What freeing deleted objects' space did.

    ``applicable`` is false for a store that gives us no way to do or to see it; ``reason`` then says so, and no claim
    about its disks can be made. Otherwise: the volumes looked at, deleted objects whose bytes were still there before,
    and after (0 when done); bytes on disk before and after.
    """

    applicable: bool
    reason: str = ""
    volumes: int = 0
    garbage_before: int = 0
    garbage_after: int = 0
    bytes_before: int = 0
    bytes_after: int = 0

    @property
    def complete(self) -> bool:
        """Whether every deleted object's bytes are gone from the volumes; false where that cannot be known."""
        return self.applicable and self.garbage_after == 0
