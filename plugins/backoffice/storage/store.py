"""One S3 store: buckets, object versions, reading and writing. Works with any S3 server.

Keys come from clients and may be anything S3 allows. They are passed on untouched, listed URL-encoded, and never put
into a message.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from backoffice.errors import StorageError
from backoffice.storage import erasing, reclaiming
from backoffice.storage.connection import client
from backoffice.storage.failures import ObjectMissing, StoreRefused, asked
from backoffice.storage.objects import Erased, ObjectVersion, Reclaimed, Remaining, Stored, Upload
from backoffice.storage.settings import StoreSettings
from backoffice.storage.streams import CHUNK, ObjectStream, measure, opened

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["Store"]

_PAGE = 1000
# SeaweedFS keeps versions and parts in folders of these names: an object put there is in no listing.
_HIDDEN = re.compile(r"\.versions/|(^|/)\.uploads/")
_LOST_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_MANGLED = "\N{REPLACEMENT CHARACTER}"
_SINGLE_PUT_LIMIT = 5 * 1024**3  # S3's own limit for one PutObject


class Store:
    """A store seen with one identity's rights. Nothing is opened before the first call; use it from one process.

    Every method raises ``StorageError``: ``ObjectMissing`` (not there), ``StoreRefused`` (with S3's ``code``) or
    ``StoreAway`` (no answer; worth another try).
    """

    def __init__(self, settings: StoreSettings) -> None:
        self.settings = settings

    @cached_property
    def s3(self) -> S3Client:
        """The S3 client behind it. Its errors name objects: call it through ``failures.asked`` only."""
        return asked("open a connection", client, self.settings, "s3")

    # Buckets ---------------------------------------------------------------------------------------------------

    def create_bucket(self, bucket: str) -> bool:
        """Make the bucket with versioning and AES-256 at rest, readable by its owner only. False when it was there.

        Calling it again repairs versioning and encryption. Raises ``StorageError`` when, looked at again, the bucket
        does not have both, or belongs to someone else.
        """
        created = True
        try:
            asked("create the bucket", self.s3.create_bucket, Bucket=bucket, **self._location())
        except StoreRefused as refusal:
            if refusal.code not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
                raise
            created = False
        asked(
            "turn on versioning",
            self.s3.put_bucket_versioning,
            Bucket=bucket,
            VersioningConfiguration={"Status": "Enabled"},
        )
        asked(
            "turn on encryption",
            self.s3.put_bucket_encryption,
            Bucket=bucket,
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
        )
        self._block_public_access(bucket)
        self._check_bucket(bucket)
        return created

    def buckets(self) -> tuple[str, ...]:
        """The buckets this identity sees, by name."""
        answer = asked("list buckets", self.s3.list_buckets)
        return tuple(sorted(entry.get("Name", "") for entry in answer.get("Buckets", [])))

    def has_bucket(self, bucket: str) -> bool:
        """Whether the bucket exists and this identity may see it."""
        try:
            asked("look for the bucket", self.s3.head_bucket, Bucket=bucket)
        except ObjectMissing:
            return False
        return True

    def delete_bucket(self, bucket: str) -> bool:
        """Delete the empty bucket; false when it was not there. A bucket with anything in it is refused.

        We look ourselves first: SeaweedFS deletes a versioned bucket with all that is in it, whatever its flags say.
        """
        try:
            if next(self.versions(bucket), None) or next(self.uploads(bucket), None):
                raise StoreRefused(
                    f"The bucket {bucket} is not empty.", code="BucketNotEmpty", status=409, hint="Erase it first."
                )
            asked("delete the bucket", self.s3.delete_bucket, Bucket=bucket)
        except ObjectMissing:
            return False
        return True

    # Listing ---------------------------------------------------------------------------------------------------

    def versions(self, bucket: str, prefix: str = "") -> Iterator[ObjectVersion]:
        """Every version and delete marker under ``prefix``, older ones too, page by page as they are asked for."""
        marks: dict[str, str] = {}
        while True:
            page: Any = asked(
                "list object versions",
                self.s3.list_object_versions,
                Bucket=bucket,
                Prefix=prefix,
                MaxKeys=_PAGE,
                EncodingType="url",
                **marks,  # pyright: ignore[reportArgumentType]
            )
            for name, is_marker in (("Versions", False), ("DeleteMarkers", True)):
                for entry in page.get(name, []):
                    version = _version(entry, _plain(page, entry["Key"]), is_marker=is_marker)
                    yield self._unmangled(bucket, version) if _MANGLED in version.key else version
            if not page.get("IsTruncated"):
                return
            further = {"KeyMarker": _plain(page, page.get("NextKeyMarker", ""))}
            if page.get("NextVersionIdMarker"):
                further["VersionIdMarker"] = page["NextVersionIdMarker"]
            if further == marks or not further["KeyMarker"]:
                raise StorageError("The store's listing of versions does not end.", hint="Report this to its maker.")
            marks = further

    def uploads(self, bucket: str, prefix: str = "") -> Iterator[Upload]:
        """Every unfinished multipart upload under ``prefix``.

        Listed as the server writes them: SeaweedFS says that it encodes these names, but does not.
        """
        marks: dict[str, str] = {}
        while True:
            page: Any = asked(
                "list unfinished uploads",
                self.s3.list_multipart_uploads,
                Bucket=bucket,
                Prefix=prefix,
                MaxUploads=_PAGE,
                **marks,  # pyright: ignore[reportArgumentType]
            )
            for entry in page.get("Uploads", []):
                started = _utc(entry.get("Initiated"))
                yield Upload(key=entry["Key"], upload_id=entry["UploadId"], started=started)
            if not page.get("IsTruncated"):
                return
            further = {
                "KeyMarker": page.get("NextKeyMarker", ""),
                "UploadIdMarker": page.get("NextUploadIdMarker", ""),
            }
            if further == marks or not further["KeyMarker"]:
                raise StorageError("The store's listing of uploads does not end.", hint="Report this to its maker.")
            marks = further

    def head(self, bucket: str, key: str, version_id: str | None = None) -> ObjectVersion | None:
        """What one version (the latest when ``None``) is; ``None`` when it is not there or is a delete marker."""
        try:
            answer = asked("look at an object", self.s3.head_object, Bucket=bucket, Key=key, **_chosen(version_id))
        except ObjectMissing:
            return None
        except StoreRefused as refusal:
            if refusal.status == 405:  # the version asked for is a delete marker
                return None
            raise
        return ObjectVersion(
            key=key,
            version_id=answer.get("VersionId", "null"),
            size=answer["ContentLength"],
            etag=answer["ETag"].strip('"'),
            modified=_utc(answer["LastModified"]),
            is_latest=version_id is None,
        )

    # Reading and writing ---------------------------------------------------------------------------------------

    def open(self, bucket: str, key: str, version_id: str | None = None) -> ObjectStream:
        """The bytes of one version, as a stream to read once. Use it as a context manager."""
        answer = asked("read an object", self.s3.get_object, Bucket=bucket, Key=key, **_chosen(version_id))
        return ObjectStream(answer["Body"], answer["ContentLength"], answer.get("VersionId", "null"))

    def put(
        self,
        bucket: str,
        key: str,
        source: bytes | IO[bytes] | int,
        *,
        sha256: str | None = None,
        if_absent: bool = False,
        content_type: str = "application/octet-stream",
    ) -> Stored:
        """Store all of ``source`` (bytes, a seekable binary file, or a file descriptor, read from its start).

        The server checks the SHA-256 on arrival, and the stored object is looked at again before this returns.
        ``sha256`` (hexadecimal) is what the bytes must hash to. With ``if_absent`` an object that is there already is
        left alone: the same bytes count as stored (``created`` is false), other bytes are refused. So a step that was
        broken off can simply be done again.

        Raises ``StorageError`` when the source does not hash to ``sha256``, exceeds 5 GiB, or was stored wrongly.
        """
        if _HIDDEN.search(key):
            raise StoreRefused(
                "An object cannot be stored under this key: no listing would show it.", code="InvalidKey"
            )
        with opened(source) as body:
            digest, size = measure(body)
            if sha256 is not None and digest.hex() != sha256.lower():
                raise StorageError("The bytes to store do not have the SHA-256 that was promised for them.")
            if size > _SINGLE_PUT_LIMIT:
                raise StorageError("The object is larger than 5 GiB, the most that S3 takes in one piece.")
            body.seek(0)
            checksum = base64.b64encode(digest).decode()
            condition: Any = {"IfNoneMatch": "*"} if if_absent else {}
            try:
                answer = asked(
                    "store an object",
                    self.s3.put_object,
                    Bucket=bucket,
                    Key=key,
                    Body=body,
                    ContentLength=size,
                    ContentType=content_type,
                    ChecksumSHA256=checksum,
                    **condition,
                )
            except StoreRefused as refusal:
                if not if_absent or refusal.status not in {409, 412}:
                    raise
                answer = None
        found = asked(
            "look at what was stored",
            self.s3.head_object,
            Bucket=bucket,
            Key=key,
            ChecksumMode="ENABLED",
            **_chosen(answer.get("VersionId") if answer else None),
        )
        same = found["ContentLength"] == size and found.get("ChecksumSHA256", checksum) == checksum
        if same and "ChecksumSHA256" not in found:
            same = self._hash(bucket, key, found.get("VersionId")) == digest
        if not same:
            if answer is None:
                raise StoreRefused(
                    "Another object is already stored under this key.", code="PreconditionFailed", status=412
                )
            raise StorageError("The store did not keep the object as it was sent.", hint="Check the store's disks.")
        return Stored(
            version_id=found.get("VersionId", "null"),
            etag=found["ETag"].strip('"'),
            size=size,
            sha256=digest.hex(),
            created=answer is not None,
        )

    # Erasing ---------------------------------------------------------------------------------------------------

    def erase(
        self,
        bucket: str,
        *,
        prefix: str | None = None,
        key: str | None = None,
        version_id: str | None = None,
        on_erased: Callable[[ObjectVersion], None] | None = None,
    ) -> Erased:
        """Delete for good: everything under ``prefix`` (``""`` is the whole bucket), all of ``key``, or one version.

        Takes every version, delete marker and unfinished upload. Doing it again finds nothing and is no error.
        ``on_erased`` is called for each version and marker that the store reports deleted. What could not be deleted
        is counted in ``failures``, not raised; a store that is away is. Space comes free with ``reclaim``.
        """
        target = erasing.Target.of(prefix=prefix, key=key, version_id=version_id)
        return erasing.erase(self, bucket, target, on_erased)

    def remaining(self, bucket: str, *, prefix: str, known: Iterable[ObjectVersion] = ()) -> Remaining:
        """Look again after an erasure: list versions, markers, uploads and plain objects, and ask for each version in
        ``known`` by its id. A bucket that is gone holds nothing."""
        return erasing.remaining(self, bucket, prefix, known)

    def reclaim(self, timeout: float = 60.0) -> Reclaimed:
        """Free the space of deleted objects in SeaweedFS's volumes, and say what is left; see ``Reclaimed``.

        Until then a deleted object's (encrypted) bytes stay in the volume file. ``timeout`` is in seconds.
        """
        return reclaiming.reclaim(self.settings, timeout)

    def healthy(self) -> bool:
        """Whether the store answers this identity; never raises."""
        try:
            self.buckets()
        except StorageError:
            return False
        return True

    # Inside ----------------------------------------------------------------------------------------------------

    def _location(self) -> dict[str, Any]:
        # S3's oldest region must not be named; every other one must (AWS). SeaweedFS takes either.
        if self.settings.region == "us-east-1":
            return {}
        return {"CreateBucketConfiguration": {"LocationConstraint": self.settings.region}}

    def _block_public_access(self, bucket: str) -> None:
        try:
            asked(
                "block public access",
                self.s3.put_public_access_block,
                Bucket=bucket,
                PublicAccessBlockConfiguration={
                    "BlockPublicAcls": True,
                    "IgnorePublicAcls": True,
                    "BlockPublicPolicy": True,
                    "RestrictPublicBuckets": True,
                },
            )
        except StoreRefused as refusal:
            # SeaweedFS has no such switch (501): there nothing is public unless a policy says so, and we set none.
            if refusal.status != 501:
                raise

    def _check_bucket(self, bucket: str) -> None:
        versioning = asked("look at versioning", self.s3.get_bucket_versioning, Bucket=bucket)
        encryption = asked("look at encryption", self.s3.get_bucket_encryption, Bucket=bucket)
        rules = encryption["ServerSideEncryptionConfiguration"]["Rules"]
        algorithms = {rule.get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm") for rule in rules}
        if versioning.get("Status") != "Enabled" or not algorithms & {"AES256", "aws:kms"}:
            raise StorageError(
                "The bucket has no versioning or no encryption at rest, although both were asked for.",
                hint="This store cannot keep client data: use another, or turn both on.",
            )

    def _unmangled(self, bucket: str, version: ObjectVersion) -> ObjectVersion:
        """The version under its true key. Listed unencoded, characters that XML cannot carry were all replaced by one;
        the plain listing is encoded and has the true key. Nothing is read: who erases may not."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=version.key.partition(_MANGLED)[0]
        )
        names = asked(
            "list objects", lambda: [entry.get("Key", "") for page in pages for entry in page.get("Contents", [])]
        )
        alike = [name for name in names if _LOST_IN_XML.sub(_MANGLED, name) == version.key]
        return replace(version, key=next((name for name in alike if self._has(bucket, name, version)), version.key))

    def _has(self, bucket: str, name: str, version: ObjectVersion) -> bool:
        """Whether an object of that true name has a version of that id."""
        pages: Any = self.s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=name)
        return asked(
            "list object versions",
            lambda: any(
                entry["VersionId"] == version.version_id and _plain(page, entry["Key"]) == version.key
                for page in pages
                for entry in page.get("Versions", []) + page.get("DeleteMarkers", [])
            ),
        )

    def _hash(self, bucket: str, key: str, version_id: str | None) -> bytes:
        digest = hashlib.sha256()
        with self.open(bucket, key, version_id) as stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
        return digest.digest()


def _chosen(version_id: str | None) -> Any:
    return {} if version_id is None else {"VersionId": version_id}


def _plain(page: Any, name: str) -> str:
    """A listed name as it is. SeaweedFS lists versions unencoded although asked to encode: it says so by silence."""
    return unquote_plus(name) if page.get("EncodingType") == "url" else name


def _utc(moment: datetime.datetime | None) -> datetime.datetime:
    return moment.astimezone(datetime.UTC) if moment else datetime.datetime.fromtimestamp(0, datetime.UTC)


def _version(entry: Any, key: str, *, is_marker: bool) -> ObjectVersion:
    return ObjectVersion(
        key=key,
        version_id=entry.get("VersionId") or "null",
        size=0 if is_marker else int(entry.get("Size", 0)),
        etag="" if is_marker else str(entry.get("ETag", "")).strip('"'),
        modified=_utc(entry.get("LastModified")),
        is_marker=is_marker,
        is_latest=bool(entry.get("IsLatest")),
    )
