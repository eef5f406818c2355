"""Two clients' buckets as they look in the middle of a day, everybody who has credentials, and everything one may try.

An action is tried for real, on an object or an upload of its own, so that none spoils the next one's ground.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import boto3.session
from botocore import UNSIGNED
from botocore.config import Config

from backoffice.stack.seaweedfs import SeaweedFS
from backoffice.storage import Credentials, Issuer, JobAccess, Store
from backoffice.storage.policies import JOB_ROLE

NAMES = ("read", "put", "delete", "erase", "moved")
"""Objects at each place: one for each kind of action that changes what it touches."""
SPAN = timedelta(minutes=15)


@dataclass(frozen=True)
class Place:
    """Where something lies: a bucket, and the folder in it."""

    bucket: str
    folder: str
    versions: dict[str, str] = field(default_factory=dict)
    uploads: list[str] = field(default_factory=list)
    there: bool = True

    def key(self, name: str) -> str:
        return f"{self.folder}{name}" if self.there else f"{self.folder}{name[::-1]}-"


@dataclass(frozen=True)
class Ground:
    """What lies there, and who came to see."""

    places: dict[str, Place]
    jobs: dict[str, uuid.UUID]
    buckets: dict[str, str]


def lay_out(store: Store, tag: str) -> Ground:
    """Client A with two jobs, client B with one; and a bucket that does not exist."""
    jobs = {name: uuid.uuid4() for name in ("A1", "A2", "B1")}
    a, b, none = f"test-{tag}-a", f"test-{tag}-b", f"test-{tag}-n"
    for bucket in (a, b):
        store.create_bucket(bucket)
    folders = {
        "A in/": (a, "in/"),
        "A note": (a, "in/.accept/"),
        "A work/1": (a, f"work/{jobs['A1']}/"),
        "A work/2": (a, f"work/{jobs['A2']}/"),
        "A out/1": (a, f"out/{jobs['A1']}/"),
        "A out/2": (a, f"out/{jobs['A2']}/"),
        "A receipt": (a, "out/receipts/"),
        "A top": (a, ""),
        "B in/": (b, "in/"),
        "B work/": (b, f"work/{jobs['B1']}/"),
        "B out/": (b, f"out/{jobs['B1']}/"),
    }
    places = {name: _fill(store, *where) for name, where in folders.items()}
    places["none/"] = Place(none, "in/", dict.fromkeys(NAMES, "0" * 32), ["none"] * 3)
    return Ground(places, jobs, {"A": a, "B": b, "none": none})


def _fill(store: Store, bucket: str, folder: str) -> Place:
    versions = {}
    for name in NAMES:
        made = store.s3.put_object(Bucket=bucket, Key=f"{folder}{name}", Body=f"{bucket} {folder}".encode())
        versions[name] = made["VersionId"]
    uploads = [store.s3.create_multipart_upload(Bucket=bucket, Key=f"{folder}half{n}")["UploadId"] for n in range(3)]
    return Place(bucket, folder, versions, uploads)


def standing(store: Store, ground: Ground) -> dict[str, Any]:
    """Everything that was laid out, as it is now: what nobody may have changed."""
    found: dict[str, Any] = {}
    for bucket in (ground.buckets["A"], ground.buckets["B"]):
        found |= {f"{bucket}/{one.key}?{one.version_id}": one.etag for one in store.versions(bucket)}
        found |= {f"{bucket}/{one.key}?{one.upload_id}": "upload" for one in store.uploads(bucket)}
        found[f"{bucket} versioning"] = store.s3.get_bucket_versioning(Bucket=bucket)["Status"]
    return found


# ---------------------------------------------------------------------- who


def everybody(server: SeaweedFS, ground: Ground) -> dict[str, Callable[[str], Any]]:
    """Makes clients of a service (``s3``, ``iam``, ``sts``), by who it is."""
    issuer, credentials = Issuer(server.settings("intake")), Credentials(server.settings("admin"))
    a, b = (credentials.issue(ground.buckets[who], bucket=ground.buckets[who]) for who in "AB")
    base = replace(server.settings("admin"), attempts=1)

    session = boto3.session.Session(region_name=base.region)  # one: it reads the descriptions of the services once
    reach: dict[str, Any] = {"endpoint_url": base.endpoint, "verify": str(base.ca)}
    how = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, max_pool_connections=4)

    def keyed(access: str, secret: str, token: str | None = None) -> Callable[[str], Any]:
        keys = {"aws_access_key_id": access, "aws_secret_access_key": secret, "aws_session_token": token}
        return lambda service: session.client(service, config=how, **reach, **keys)  # type: ignore[call-overload]

    def nobody(service: str) -> Any:
        unsigned = how.merge(Config(signature_version=UNSIGNED))
        return session.client(service, config=unsigned, **reach)  # type: ignore[call-overload]

    def job(name: str, changed: Callable[[JobAccess], JobAccess] = lambda access: access) -> Callable[[str], Any]:
        place = ground.places[f"{name[0]} in/"]
        got = issuer.issue(
            ground.jobs[name],
            bucket=place.bucket,
            key=place.key("read"),
            version_id=place.versions["read"],
            lifetime=SPAN,
        )
        access = changed(got)
        return keyed(access.access_key, access.secret_key, access.session_token)

    def service(name: str) -> Callable[[str], Any]:
        have = server.settings(name)
        return keyed(have.access_key, have.secret_key)

    signing = base64.b64decode(json.loads((server.folder / "sessions.json").read_text())["sts"]["signingKey"])
    return {
        "A's drop": keyed(a.drop.access_key, a.drop.secret_key),
        "A's collect": keyed(a.collect.access_key, a.collect.secret_key),
        "B's drop": keyed(b.drop.access_key, b.drop.secret_key),
        "B's collect": keyed(b.collect.access_key, b.collect.secret_key),
        "job A1": job("A1"),
        "job A2": job("A2"),
        "job B1": job("B1"),
        "job A1, ended": job("A1", lambda access: signed_anew(access, signing, exp=int(time.time()) - 5)),
        "job A1, forged": job("A1", lambda access: signed_anew(access, b"k" * 32)),
        "job A1, widened": job("A1", lambda access: signed_anew(access, b"", spol="")),
        "job A1, no token": job("A1", lambda access: replace(access, session_token="")),
        "A, wrong secret": keyed(a.collect.access_key, "wrong"),
        "nobody": nobody,
        "intake": service("intake"),
        "eraser": service("eraser"),
        "admin": service("admin"),
    }


def signed_anew(access: JobAccess, key: bytes, **claims: Any) -> JobAccess:
    """A session's token with other claims: signed with ``key``, or with its old signature where that is empty."""
    head, body, signature = access.session_token.split(".")
    values = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))) | claims
    text = f"{head}.{_plain(json.dumps(values).encode())}"
    seal = _plain(hmac.digest(key, text.encode(), hashlib.sha256)) if key else signature
    return replace(access, session_token=f"{text}.{seal}")


def _plain(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


# ---------------------------------------------------------------------- what

Action = Callable[[], Any]


def object_actions(s3: Any, at: Place, own: Place) -> Iterator[tuple[str, Action]]:
    """(group, action) at one place; ``own`` is where the identity may write, if anywhere: what it copies, it copies there."""
    where = {"Bucket": at.bucket}
    read = where | {"Key": at.key("read")}
    of_version = read | {"VersionId": at.versions["read"]}
    put = where | {"Key": at.key("put")}
    source = {"Bucket": at.bucket, "Key": at.key("read")}
    copied = {"Bucket": own.bucket, "Key": own.key("copied")}
    part = {"PartNumber": 1, "Body": b"x" * 100}
    tags = {"Tagging": {"TagSet": [{"Key": "a", "Value": "b"}]}}
    half = [where | {"Key": at.key(f"half{n}"), "UploadId": upload} for n, upload in enumerate(at.uploads)]
    gone = {"Objects": [{"Key": at.key("delete")}]}
    yield "read", lambda: s3.get_object(**read)["Body"].read()
    yield "read", lambda: s3.head_object(**read)
    yield "read", lambda: s3.get_object(**where, Key=at.key("missing"))
    yield "version", lambda: s3.get_object(**of_version)["Body"].read()
    yield "version", lambda: s3.head_object(**of_version)
    yield "put", lambda: s3.put_object(**put, Body=b"x")
    yield "put", lambda: s3.put_object(**where, Key=at.key("new"), Body=b"x")
    yield "put", lambda: s3.create_multipart_upload(**put)
    yield "put", lambda: s3.upload_part(**half[0], **part)
    yield "put", lambda: s3.complete_multipart_upload(**half[0], MultipartUpload={"Parts": [PART]})
    yield "abort", lambda: s3.abort_multipart_upload(**half[1])
    yield "parts", lambda: s3.list_parts(**half[2])
    yield "copy", lambda: s3.copy_object(**copied, CopySource=source)
    yield "copy", lambda: s3.copy_object(**copied, CopySource=source | {"VersionId": at.versions["read"]})
    yield "copy", lambda: part_copy(s3, copied, source)
    yield "rename", lambda: s3.rename_object(**copied, RenameSource=f"{at.bucket}/{at.key('moved')}")
    yield "list", lambda: s3.list_objects_v2(**where, Prefix=at.folder)
    yield "list", lambda: s3.list_objects(**where, Prefix=at.folder)
    yield "versions", lambda: s3.list_object_versions(**where, Prefix=at.folder)
    yield "uploads", lambda: s3.list_multipart_uploads(**where, Prefix=at.folder)
    yield "delete", lambda: s3.delete_object(**where, Key=at.key("delete"))
    yield "delete many", lambda: inside(s3.delete_objects(**where, Delete=gone))
    yield "erase", lambda: s3.delete_object(**where, Key=at.key("erase"), VersionId=at.versions["erase"])
    yield "about", lambda: s3.get_object_tagging(**read)
    yield "about", lambda: s3.get_object_acl(**read)
    yield "alter", lambda: s3.put_object_tagging(**put, **tags)
    yield "alter", lambda: s3.delete_object_tagging(**put)
    yield "alter", lambda: s3.put_object_acl(**put, ACL="public-read")


PART = {"ETag": f'"{hashlib.md5(b"x" * 100, usedforsecurity=False).hexdigest()}"', "PartNumber": 1}


def bucket_actions(s3: Any, bucket: str) -> Iterator[tuple[str, Action]]:
    """(group, action) on a bucket as a whole; the last one ends it."""
    where = {"Bucket": bucket}
    public = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}]}
    public["Statement"][0] |= {"Resource": f"arn:aws:s3:::{bucket}/*"}  # type: ignore[index]
    rule = {"ID": "x", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
    cors = {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]}
    yield "list all", lambda: s3.list_objects_v2(**where)
    yield "list all", lambda: s3.list_object_versions(**where)
    yield "list all", lambda: s3.list_multipart_uploads(**where)
    yield "see", lambda: s3.head_bucket(**where)
    for name in ("location", "policy", "cors", "lifecycle_configuration", "acl", "tagging"):
        yield "look at", lambda call=f"get_bucket_{name}": getattr(s3, call)(**where)
    yield "look at", lambda: s3.get_object_lock_configuration(**where)
    yield "settings", lambda: s3.get_bucket_versioning(**where)
    yield "settings", lambda: s3.get_bucket_encryption(**where)
    yield "change", lambda: s3.put_bucket_policy(**where, Policy=json.dumps(public))
    yield "change", lambda: s3.delete_bucket_policy(**where)
    yield "change", lambda: s3.put_bucket_versioning(**where, VersioningConfiguration={"Status": "Suspended"})
    yield "change", lambda: s3.delete_bucket_encryption(**where)
    yield "change", lambda: s3.put_bucket_cors(**where, CORSConfiguration=cors)
    yield "change", lambda: s3.put_bucket_lifecycle_configuration(**where, LifecycleConfiguration={"Rules": [rule]})
    yield "change", lambda: s3.put_bucket_acl(**where, ACL="public-read")
    yield "change", lambda: s3.put_bucket_tagging(**where, Tagging={"TagSet": []})
    yield "make", lambda: s3.create_bucket(**where, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    yield "remove", lambda: s3.delete_bucket(**where)


def account_actions(make: Callable[[str], Any], victim: str) -> Iterator[tuple[str, Action]]:
    """(group, action) on other people's credentials; ``victim`` is an identity that is not one's own."""
    iam, sts, s3, tables = make("iam"), make("sts"), make("s3"), make("s3tables")
    every = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})
    role = {"RoleArn": JOB_ROLE, "RoleSessionName": "other"}
    yield "buckets", lambda: named(s3.list_buckets())
    yield "iam", lambda: iam.list_users()
    yield "iam", lambda: iam.get_user(UserName=victim)
    yield "iam", lambda: iam.create_user(UserName=f"{victim}-more")
    yield "iam", lambda: iam.create_access_key(UserName=victim)
    yield "iam", lambda: iam.list_access_keys(UserName=victim)
    yield "iam", lambda: iam.create_policy(PolicyName=f"{victim}-wide", PolicyDocument=every)
    yield "iam", lambda: iam.attach_user_policy(UserName=victim, PolicyArn="arn:aws:iam:::policy/eraser")
    yield "iam", lambda: iam.put_user_policy(UserName=victim, PolicyName="wide", PolicyDocument=every)
    yield "session", lambda: sts.assume_role(**role)
    yield "session", lambda: sts.assume_role(**role, Policy=every)
    yield "tables", lambda: tables.create_table_bucket(name=f"{victim}-tables")
    yield "tables", lambda: named(tables.list_table_buckets(), "tableBuckets")
    yield "federate", lambda: sts.get_federation_token(Name="other", Policy=every)


class Refused(Exception):
    """The answer came with 200 and says no, or shows nothing."""


def inside(answer: Any) -> None:
    if answer.get("Errors"):
        raise Refused


def named(answer: Any, what: str = "Buckets") -> None:
    if not answer.get(what):
        raise Refused


def part_copy(s3: Any, to: dict[str, str], source: dict[str, str]) -> None:
    upload = s3.create_multipart_upload(**to)["UploadId"]
    s3.upload_part_copy(**to, UploadId=upload, PartNumber=1, CopySource=source)
