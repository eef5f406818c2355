"""Deleting for good, and looking again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from backoffice.storage.failures import ObjectMissing, StoreRefused, asked
from backoffice.storage.objects import Erased, EraseFailure, ObjectVersion, Remaining, Upload

if TYPE_CHECKING:
    from backoffice.storage.store import Store

__all__ = ["NOT_IN_XML", "Target", "erase", "remaining"]

_BATCH = 1000  # S3's own limit for one DeleteObjects
_WORKERS = 4
_PASSES = 3
# XML 1.0 cannot carry these, and turns a carriage return into a newline: such keys are deleted one by one, by URL.
NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0d\x0e-\x1f\ufffe\uffff]")


@dataclass(frozen=True, kw_only=True)
class Target:
    """What to erase: a prefix, a key with all its versions, or one version of it."""

    prefix: str
    key: str | None
    version_id: str | None

    @classmethod
    def of(cls, *, prefix: str | None, key: str | None, version_id: str | None) -> Target:
        """Exactly one of ``prefix`` and ``key`` must be given: a slip must never mean "the whole bucket"."""
        if (prefix is None) == (key is None) or key == "" or (version_id is not None and key is None):
            raise ValueError("erase needs either a prefix, or a key with or without a version")
        return cls(prefix=prefix if prefix is not None else key or "", key=key, version_id=version_id)

    def takes(self, found: ObjectVersion | Upload) -> bool:
        """Whether a listed version or upload is meant."""
        if self.key is not None and found.key != self.key:
            return False
        return self.version_id is None or (isinstance(found, ObjectVersion) and found.version_id == self.version_id)


def erase(store: Store, bucket: str, target: Target, on_erased: Callable[[ObjectVersion], None] | None) -> Erased:
    """Delete until a listing finds nothing more that was not already refused; see ``Store.erase``."""
    total = Erased()
    failures: dict[tuple[str, str], EraseFailure] = {}
    for _ in range(_PASSES):
        failures.clear()
        done = Erased()
        try:
            done += _erase_versions(store, bucket, target, failures, on_erased)
            if target.version_id is None:
                done += _abort_uploads(store, bucket, target, failures)
        except ObjectMissing as missing:
            if missing.code != "NoSuchBucket":
                raise
        total += done
        if not (done.versions or done.markers or done.uploads or failures):
            break
    return total + Erased(failures=tuple(failures.values()))


def remaining(store: Store, bucket: str, prefix: str, known: Iterable[ObjectVersion]) -> Remaining:
    """Count what is left, by two listings and by asking for each known version; see ``Store.remaining``."""
    versions = markers = uploads = listed = 0
    try:
        for found in store.versions(bucket, prefix):
            versions, markers = versions + (not found.is_marker), markers + found.is_marker
        uploads = sum(1 for _ in store.uploads(bucket, prefix))
        listed = _listed(store, bucket, prefix)
    except ObjectMissing as missing:
        if missing.code != "NoSuchBucket":
            raise
    wanted = [found for found in known if not found.is_marker]
    with ThreadPoolExecutor(_WORKERS) as pool:
        answers = pool.map(lambda found: store.head(bucket, found.key, found.version_id) is not None, wanted)
        readable = sum(answers)
    return Remaining(
        versions=versions, markers=markers, uploads=uploads, listed=listed, readable=readable, asked=len(wanted)
    )


def _erase_versions(
    store: Store,
    bucket: str,
    target: Target,
    failures: dict[tuple[str, str], EraseFailure],
    on_erased: Callable[[ObjectVersion], None] | None,
) -> Erased:
    found = (version for version in store.versions(bucket, target.prefix) if target.takes(version))
    total = Erased()
    with ThreadPoolExecutor(_WORKERS) as pool:
        # Two rounds of batches in flight at most: a bucket of any size needs little memory.
        for batches in _chunks(_chunks(found, _BATCH), _WORKERS):
            for batch, refused in zip(batches, pool.map(lambda b: _delete(store, bucket, b), batches), strict=True):
                failures.update(refused)
                gone = [version for version in batch if (version.key, version.version_id) not in refused]
                total += Erased(
                    versions=sum(not version.is_marker for version in gone),
                    markers=sum(version.is_marker for version in gone),
                    bytes=sum(version.size for version in gone),
                )
                for version in gone if on_erased else ():
                    on_erased(version)  # pyright: ignore[reportOptionalCall]
    return total


def _delete(store: Store, bucket: str, batch: list[ObjectVersion]) -> dict[tuple[str, str], EraseFailure]:
    failures: dict[tuple[str, str], EraseFailure] = {}
    together: list[ObjectVersion] = []
    for version in batch:
        if NOT_IN_XML.search(version.key):
            _delete_alone(store, bucket, version, failures)
        else:
            together.append(version)
    if not together:
        return failures
    answer: Any = asked(
        "delete object versions",
        store.s3.delete_objects,
        Bucket=bucket,
        Delete={"Objects": [{"Key": found.key, "VersionId": found.version_id} for found in together], "Quiet": True},
    )
    for error in answer.get("Errors", []):
        code, version_id = str(error.get("Code", "")), str(error.get("VersionId") or "null")
        if code not in {"NoSuchKey", "NoSuchVersion"}:
            failures[error.get("Key", ""), version_id] = EraseFailure(code=code, id=version_id)
    return failures


def _delete_alone(
    store: Store, bucket: str, version: ObjectVersion, failures: dict[tuple[str, str], EraseFailure]
) -> None:
    try:
        asked(
            "delete an object version",
            store.s3.delete_object,
            Bucket=bucket,
            Key=version.key,
            VersionId=version.version_id,
        )
    except ObjectMissing:
        return
    except StoreRefused as refusal:
        failures[version.key, version.version_id] = EraseFailure(code=refusal.code, id=version.version_id)


def _abort_uploads(store: Store, bucket: str, target: Target, failures: dict[tuple[str, str], EraseFailure]) -> Erased:
    total = Erased()
    for upload in [upload for upload in store.uploads(bucket, target.prefix) if target.takes(upload)]:
        try:
            size = _parts_size(store, bucket, upload)
            asked(
                "give up an unfinished upload",
                store.s3.abort_multipart_upload,
                Bucket=bucket,
                Key=upload.key,
                UploadId=upload.upload_id,
            )
        except ObjectMissing as missing:
            if missing.code == "NoSuchBucket":
                raise
            continue
        except StoreRefused as refusal:
            failures[upload.key, upload.upload_id] = EraseFailure(code=refusal.code, id=upload.upload_id)
            continue
        total += Erased(uploads=1, bytes=size)
    return total


def _parts_size(store: Store, bucket: str, upload: Upload) -> int:
    pages = store.s3.get_paginator("list_parts").paginate(Bucket=bucket, Key=upload.key, UploadId=upload.upload_id)
    return asked(
        "list the parts of an upload",
        lambda: sum(int(part.get("Size", 0)) for page in pages for part in page.get("Parts", [])),
    )


def _listed(store: Store, bucket: str, prefix: str) -> int:
    pages = store.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return asked("list objects", lambda: sum(len(page.get("Contents", [])) for page in pages))


def _chunks(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    source = iter(items)
    while chunk := list(islice(source, size)):
        yield chunk
