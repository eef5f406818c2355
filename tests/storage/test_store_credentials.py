"""What clients' credentials are, and how they end. What each identity may do where: ``test_store_isolation.py``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from backoffice.errors import StorageError
from backoffice.stack.seaweedfs import SeaweedFS
from backoffice.storage import AccessKey, Credentials, Store
from backoffice.storage.connection import client
from backoffice.storage.failures import LIBRARY_ERRORS, code_of

OPEN_POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*"}]}


@dataclass(frozen=True)
class Ground:
    """A client's bucket with a drop, an intermediate and a delivery in it, and another client's bucket."""

    bucket: str
    other: str
    dropped: str
    upload: str
    store: Store


@pytest.fixture
def credentials(store_server: SeaweedFS) -> Credentials:
    return Credentials(store_server.settings("admin"))


@pytest.fixture
def ground(store: Store, admin_store: Store, bucket: str) -> Ground:
    other = f"{bucket}-other"
    admin_store.create_bucket(other)
    for key in ("out/secret", "in/secret"):
        store.put(other, key, b"another client's")
    dropped = store.put(bucket, "in/a", b"dropped").version_id
    store.put(bucket, "work/j/table", b"intermediate")
    store.put(bucket, "out/j/result", b"delivered")
    upload = store.s3.create_multipart_upload(Bucket=bucket, Key="out/half")["UploadId"]
    return Ground(bucket, other, dropped, upload, store)


@pytest.fixture
def issued(credentials: Credentials, ground: Ground) -> Iterator[Any]:
    yield credentials.issue(ground.bucket, bucket=ground.bucket)
    credentials.revoke(ground.bucket)


def as_client(server: SeaweedFS, key: AccessKey) -> Store:
    return Store(replace(server.settings("admin"), access_key=key.access_key, secret_key=key.secret_key, attempts=1))


def actions(s3: Any, g: Ground) -> dict[str, Callable[[], Any]]:
    """Every action worth refusing, by name."""
    b, o = g.bucket, g.other
    everyone = json.dumps(
        {**OPEN_POLICY, "Statement": [{**OPEN_POLICY["Statement"][0], "Resource": f"arn:aws:s3:::{b}/*"}]}
    )  # type: ignore[dict-item]
    return {
        "put in": lambda: s3.put_object(Bucket=b, Key="in/new", Body=b"x"),
        "put in again": lambda: s3.put_object(Bucket=b, Key="in/a", Body=b"overwritten"),
        "multipart in": lambda: multipart(s3, b, "in/large"),
        "get out": lambda: s3.get_object(Bucket=b, Key="out/j/result")["Body"].read(),
        "head out": lambda: s3.head_object(Bucket=b, Key="out/j/result"),
        "list out": lambda: s3.list_objects_v2(Bucket=b, Prefix="out/"),
        "put folder": lambda: s3.put_object(Bucket=b, Key="in/", Body=b""),
        "put deeper folder": lambda: s3.put_object(Bucket=b, Key="in/sub/", Body=b""),
        "put among versions": lambda: s3.put_object(Bucket=b, Key="in/a.versions/hidden", Body=b"x"),
        "put among parts": lambda: s3.put_object(Bucket=b, Key="in/.uploads/hidden", Body=b"x"),
        "put control character": lambda: s3.put_object(Bucket=b, Key="in/a\x01b", Body=b"x"),
        "put line break": lambda: s3.put_object(Bucket=b, Key="in/a\nb", Body=b"x"),
        "upload not a character": lambda: s3.create_multipart_upload(Bucket=b, Key="in/a\ufffeb"),
        "put out": lambda: s3.put_object(Bucket=b, Key="out/x", Body=b"x"),
        "put work": lambda: s3.put_object(Bucket=b, Key="work/x", Body=b"x"),
        "put beside in": lambda: s3.put_object(Bucket=b, Key="in2/x", Body=b"x"),
        "put top": lambda: s3.put_object(Bucket=b, Key="x", Body=b"x"),
        "put up": lambda: s3.put_object(Bucket=b, Key="in/../out/x", Body=b"x"),
        "put up, backslash": lambda: s3.put_object(Bucket=b, Key="in/..\\..\\out\\x", Body=b"x"),
        "put other bucket": lambda: s3.put_object(Bucket=o, Key="in/x", Body=b"x"),
        "multipart out": lambda: s3.create_multipart_upload(Bucket=b, Key="out/x"),
        "part of another's upload": lambda: s3.upload_part(
            Bucket=b, Key="out/half", UploadId=g.upload, PartNumber=1, Body=b"x"
        ),
        "get in": lambda: s3.get_object(Bucket=b, Key="in/a")["Body"].read(),
        "head in": lambda: s3.head_object(Bucket=b, Key="in/a"),
        "get version in": lambda: s3.get_object(Bucket=b, Key="in/a", VersionId=g.dropped)["Body"].read(),
        "get work": lambda: s3.get_object(Bucket=b, Key="work/j/table")["Body"].read(),
        "get up": lambda: s3.get_object(Bucket=b, Key="out/../in/a")["Body"].read(),
        "get other bucket": lambda: s3.get_object(Bucket=o, Key="out/secret")["Body"].read(),
        "list all": lambda: s3.list_objects_v2(Bucket=b),
        "list in": lambda: s3.list_objects_v2(Bucket=b, Prefix="in/"),
        "list other bucket": lambda: s3.list_objects_v2(Bucket=o, Prefix="out/"),
        "list versions": lambda: s3.list_object_versions(Bucket=b),
        "list versions out": lambda: s3.list_object_versions(Bucket=b, Prefix="out/"),
        "list uploads": lambda: s3.list_multipart_uploads(Bucket=b),
        "list parts": lambda: s3.list_parts(Bucket=b, Key="out/half", UploadId=g.upload),
        "abort another's upload": lambda: s3.abort_multipart_upload(Bucket=b, Key="out/half", UploadId=g.upload),
        "delete in": lambda: s3.delete_object(Bucket=b, Key="in/a"),
        "delete version in": lambda: s3.delete_object(Bucket=b, Key="in/a", VersionId=g.dropped),
        "delete many": lambda: refused_inside(
            s3.delete_objects(Bucket=b, Delete={"Objects": [{"Key": "in/a", "VersionId": g.dropped}]})
        ),
        "delete out": lambda: s3.delete_object(Bucket=b, Key="out/j/result"),
        "copy other bucket": lambda: s3.copy_object(
            Bucket=b, Key="in/c", CopySource={"Bucket": o, "Key": "out/secret"}
        ),
        "copy out to in": lambda: s3.copy_object(Bucket=b, Key="in/c", CopySource={"Bucket": b, "Key": "out/j/result"}),
        "copy in to in": lambda: s3.copy_object(Bucket=b, Key="in/c", CopySource={"Bucket": b, "Key": "in/a"}),
        "part copy": lambda: part_copy(s3, b, o),
        "read acl": lambda: s3.get_object_acl(Bucket=b, Key="in/a"),
        "write acl": lambda: s3.put_object_acl(Bucket=b, Key="in/a", ACL="public-read"),
        "read tags": lambda: s3.get_object_tagging(Bucket=b, Key="in/a"),
        "write tags": lambda: s3.put_object_tagging(
            Bucket=b, Key="in/a", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]}
        ),
        "attributes": lambda: s3.get_object_attributes(Bucket=b, Key="in/a", ObjectAttributes=["ETag"]),
        "read policy": lambda: s3.get_bucket_policy(Bucket=b),
        "write policy": lambda: s3.put_bucket_policy(Bucket=b, Policy=everyone),
        "versioning off": lambda: s3.put_bucket_versioning(Bucket=b, VersioningConfiguration={"Status": "Suspended"}),
        "encryption off": lambda: s3.delete_bucket_encryption(Bucket=b),
        "write cors": lambda: s3.put_bucket_cors(
            Bucket=b, CORSConfiguration={"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]}
        ),
        "write lifecycle": lambda: s3.put_bucket_lifecycle_configuration(
            Bucket=b,
            LifecycleConfiguration={
                "Rules": [{"ID": "x", "Status": "Enabled", "Prefix": "", "Expiration": {"Days": 1}}]
            },
        ),
        "bucket acl": lambda: s3.put_bucket_acl(Bucket=b, ACL="public-read"),
        "create bucket": lambda: s3.create_bucket(Bucket=f"{b}-mine"),
        "delete bucket": lambda: s3.delete_bucket(Bucket=o),
    }


OF_DROP = {"put in", "put in again", "multipart in"}
OF_COLLECT = {"get out", "head out", "list out"}


def test_drop_may_only_put_under_in(store_server: SeaweedFS, ground: Ground, issued: Any) -> None:
    assert allowed(actions(as_client(store_server, issued.drop).s3, ground)) == OF_DROP
    unharmed(ground)


def test_collect_may_only_read_under_out(store_server: SeaweedFS, ground: Ground, issued: Any) -> None:
    assert allowed(actions(as_client(store_server, issued.collect).s3, ground)) == OF_COLLECT
    unharmed(ground)


def test_a_presigned_link_gives_no_more_than_the_key_behind_it(
    store_server: SeaweedFS, ground: Ground, issued: Any
) -> None:
    drop, collect = as_client(store_server, issued.drop).s3, as_client(store_server, issued.collect).s3
    b = ground.bucket
    assert (
        fetch(store_server, collect.generate_presigned_url("get_object", Params={"Bucket": b, "Key": "out/j/result"}))
        == 200
    )
    assert fetch(store_server, collect.generate_presigned_url("get_object", Params={"Bucket": b, "Key": "in/a"})) == 403
    assert fetch(store_server, drop.generate_presigned_url("get_object", Params={"Bucket": b, "Key": "in/a"})) == 403
    put_in = drop.generate_presigned_url("put_object", Params={"Bucket": b, "Key": "in/signed"})
    put_out = drop.generate_presigned_url("put_object", Params={"Bucket": b, "Key": "out/signed"})
    assert fetch(store_server, put_in, b"x") == 200
    assert fetch(store_server, put_out, b"x") == 403


def test_an_object_dropped_as_public_is_not_public(store_server: SeaweedFS, ground: Ground, issued: Any) -> None:
    drop = as_client(store_server, issued.drop).s3
    drop.put_object(Bucket=ground.bucket, Key="in/public", Body=b"x", ACL="public-read")
    assert fetch(store_server, f"{store_server.endpoint}/{ground.bucket}/in/public") == 403


def test_one_clients_keys_do_not_open_anothers_bucket_of_a_longer_name(
    store_server: SeaweedFS, credentials: Credentials, admin_store: Store, bucket: str
) -> None:
    longer = f"{bucket}-two"
    admin_store.create_bucket(longer)
    keys = credentials.issue(bucket, bucket=bucket)
    with pytest.raises(StorageError):
        as_client(store_server, keys.drop).put(longer, "in/x", b"x")
    credentials.revoke(bucket)


def test_issuing_again_replaces_the_keys_at_once(
    store_server: SeaweedFS, credentials: Credentials, bucket: str
) -> None:
    assert credentials.issued(bucket) is False
    old = credentials.issue(bucket, bucket=bucket)
    new = credentials.issue(bucket, bucket=bucket)
    assert credentials.issued(bucket) is True
    assert not works(store_server, old.drop, bucket)
    assert works(store_server, new.drop, bucket)
    credentials.revoke(bucket)


def test_issuing_takes_back_rights_that_were_widened(
    store_server: SeaweedFS, credentials: Credentials, ground: Ground
) -> None:
    user = f"{ground.bucket}-drop"
    credentials.issue(ground.bucket, bucket=ground.bucket)
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*"], "Resource": ["*"]}]}
    credentials.iam.create_policy(PolicyName=f"{user}-wide", PolicyDocument=json.dumps(everything))
    credentials.iam.attach_user_policy(UserName=user, PolicyArn=f"arn:aws:iam:::policy/{user}-wide")
    keys = credentials.issue(ground.bucket, bucket=ground.bucket)
    assert allowed(actions(as_client(store_server, keys.drop).s3, ground)) == OF_DROP
    credentials.revoke(ground.bucket)


def test_revoking_destroys_every_key_also_one_the_client_made_itself(
    store_server: SeaweedFS, credentials: Credentials, bucket: str
) -> None:
    keys = credentials.issue(bucket, bucket=bucket)
    # SeaweedFS, like AWS, lets an identity make keys for itself; no policy can take that away.
    own = client(as_client(store_server, keys.drop).settings, "iam").create_access_key()["AccessKey"]
    own_key = AccessKey(access_key=own["AccessKeyId"], secret_key=own["SecretAccessKey"])
    assert works(store_server, own_key, bucket)
    assert credentials.revoke(bucket) == 3
    assert not any(works(store_server, key, bucket) for key in (keys.drop, keys.collect, own_key))
    assert credentials.issued(bucket) is False
    assert credentials.revoke(bucket) == 0


@pytest.mark.parametrize("project", ["*", "a*", "", "acme/../beta", "acme_contacts-drop?", "Acme", "a" * 80])
def test_a_name_that_could_widen_a_policy_is_refused(credentials: Credentials, project: str) -> None:
    with pytest.raises(StorageError, match="cannot have credentials"):
        credentials.issue(project)


def test_secrets_are_not_shown(credentials: Credentials, bucket: str) -> None:
    keys = credentials.issue(bucket, bucket=bucket)
    assert keys.drop.secret_key not in repr(keys) and keys.collect.secret_key not in repr(keys)
    credentials.revoke(bucket)


def allowed(tried: dict[str, Callable[[], Any]]) -> set[str]:
    found = set()
    for name, action in tried.items():
        try:
            action()
        except LIBRARY_ERRORS as error:
            status = code_of(error)[1]
            assert status in {400, 403, 404, 501}, name
            if status == 404:  # let in, and found nothing
                found.add(name)
        else:
            found.add(name)
    return found


def unharmed(g: Ground) -> None:
    """Nothing that was there before has changed."""
    assert g.store.open(g.bucket, "in/a", g.dropped).read() == b"dropped"
    assert g.store.open(g.bucket, "out/j/result").read() == b"delivered"
    assert [v.key for v in g.store.versions(g.bucket, "out/")] == ["out/j/result"]
    assert [u.upload_id for u in g.store.uploads(g.bucket, "out/")] == [g.upload]


def multipart(s3: Any, bucket: str, key: str) -> None:
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=1, Body=b"x" * 1000)
    parts = {"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}
    s3.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload, MultipartUpload=parts)


def part_copy(s3: Any, bucket: str, other: str) -> None:
    upload = s3.create_multipart_upload(Bucket=bucket, Key="in/copied")["UploadId"]
    source = {"Bucket": other, "Key": "out/secret"}
    s3.upload_part_copy(Bucket=bucket, Key="in/copied", UploadId=upload, PartNumber=1, CopySource=source)


def refused_inside(answer: Any) -> None:
    from botocore.exceptions import ClientError

    for error in answer.get("Errors", []):
        raise ClientError({"Error": error, "ResponseMetadata": {"HTTPStatusCode": 403}}, "DeleteObjects")  # type: ignore[typeddict-item]


def works(server: SeaweedFS, key: AccessKey, bucket: str) -> bool:
    try:
        as_client(server, key).s3.put_object(Bucket=bucket, Key="in/probe", Body=b"x")
    except LIBRARY_ERRORS:
        return False
    return True


def fetch(server: SeaweedFS, url: str, body: bytes | None = None) -> int:
    import ssl
    import urllib.error
    import urllib.request

    trust = ssl.create_default_context(cafile=str(server.ca))
    request = urllib.request.Request(url, body, method="PUT" if body else "GET")
    if body:
        request.add_header("Content-Type", "")
    try:
        with urllib.request.urlopen(request, context=trust) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
