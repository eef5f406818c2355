from __future__ import annotations

import hashlib
import io
import os
import socket
import threading
from dataclasses import replace

import pytest

from backoffice.errors import StorageError
from backoffice.stack.seaweedfs import SeaweedFS
from backoffice.storage import ObjectMissing, Store, StoreAway, StoreRefused

CANARY = "Zsuzsanna.Kovacs@example.hu"


def test_a_bucket_can_be_made_again_and_stays_versioned_and_encrypted(admin_store: Store, bucket: str) -> None:
    assert admin_store.create_bucket(bucket) is False
    assert admin_store.has_bucket(bucket)
    versioning = admin_store.s3.get_bucket_versioning(Bucket=bucket)
    assert versioning.get("Status") == "Enabled"


def test_making_a_bucket_again_turns_versioning_back_on(admin_store: Store, bucket: str) -> None:
    admin_store.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    admin_store.create_bucket(bucket)
    assert admin_store.s3.get_bucket_versioning(Bucket=bucket).get("Status") == "Enabled"


def test_every_way_of_handing_over_bytes_stores_the_same(store: Store, bucket: str) -> None:
    data = os.urandom(300_000)
    memfd = os.memfd_create("test")
    os.write(memfd, data)
    file = os.fdopen(os.dup(memfd), "rb")
    stored = [
        store.put(bucket, f"out/{name}", source, sha256=hashlib.sha256(data).hexdigest())
        for name, source in (("bytes", data), ("fd", memfd), ("file", file), ("stream", io.BytesIO(data)))
    ]
    assert len({(one.sha256, one.size) for one in stored}) == 1
    for name, one in zip(("bytes", "fd", "file", "stream"), stored, strict=True):
        with store.open(bucket, f"out/{name}", one.version_id) as stream:
            assert stream.read() == data
    assert not file.closed
    os.close(memfd)


def test_each_version_can_be_read_by_its_id(store: Store, bucket: str) -> None:
    first = store.put(bucket, "in/a", b"one")
    second = store.put(bucket, "in/a", b"two!")
    found = list(store.versions(bucket))
    assert [(v.version_id, v.size, v.is_latest) for v in found] == [
        (second.version_id, 4, True),
        (first.version_id, 3, False),
    ]
    assert [store.open(bucket, "in/a", v.version_id).read() for v in found] == [b"two!", b"one"]
    assert [v.etag for v in found] == [second.etag, first.etag]


def test_a_large_object_comes_back_whole_and_in_pieces(store: Store, bucket: str) -> None:
    data = os.urandom(9_000_001)
    stored = store.put(bucket, "out/large", data)
    digest = hashlib.sha256()
    with store.open(bucket, "out/large", stored.version_id) as stream:
        assert stream.size == len(data)
        while chunk := stream.read(70_000):
            digest.update(chunk)
    assert digest.hexdigest() == stored.sha256


def test_an_upload_in_parts_comes_back_whole(store: Store, bucket: str) -> None:
    data = os.urandom(14_000_000)
    upload = store.s3.create_multipart_upload(Bucket=bucket, Key="in/parts")["UploadId"]
    parts = []
    for number, at in enumerate(range(0, len(data), 6_000_000), 1):
        part = store.s3.upload_part(
            Bucket=bucket, Key="in/parts", UploadId=upload, PartNumber=number, Body=data[at : at + 6_000_000]
        )
        parts.append({"ETag": part["ETag"], "PartNumber": number})
    store.s3.complete_multipart_upload(
        Bucket=bucket,
        Key="in/parts",
        UploadId=upload,
        MultipartUpload={"Parts": parts},  # pyright: ignore
    )
    [version] = store.versions(bucket)
    assert store.open(bucket, "in/parts", version.version_id).read() == data


def test_bytes_that_do_not_match_their_promised_hash_are_not_stored(store: Store, bucket: str) -> None:
    with pytest.raises(StorageError, match="SHA-256"):
        store.put(bucket, "out/a", b"x", sha256="0" * 64)
    assert not list(store.versions(bucket))


def test_the_server_itself_refuses_bytes_that_do_not_match_their_checksum(store: Store, bucket: str) -> None:
    with pytest.raises(Exception, match=r"Digest|Checksum"):
        store.s3.put_object(Bucket=bucket, Key="out/a", Body=b"x", ChecksumSHA256="A" * 43 + "=")
    assert not list(store.versions(bucket))


def test_storing_again_if_absent_is_the_same_object(store: Store, bucket: str) -> None:
    first = store.put(bucket, "out/result", b"result", if_absent=True)
    again = store.put(bucket, "out/result", b"result", if_absent=True)
    assert (first.created, again.created, again.version_id) == (True, False, first.version_id)
    assert len(list(store.versions(bucket))) == 1


def test_other_bytes_never_replace_an_object_stored_if_absent(store: Store, bucket: str) -> None:
    store.put(bucket, "out/result", b"result", if_absent=True)
    with pytest.raises(StoreRefused) as refusal:
        store.put(bucket, "out/result", b"RESULT", if_absent=True)
    assert refusal.value.code == "PreconditionFailed"
    assert [v.size for v in store.versions(bucket)] == [6]


def test_many_writers_at_once_store_one_object(store: Store, bucket: str) -> None:
    results: list[bool] = []
    store.s3  # noqa: B018 (made once, before the threads)

    def write() -> None:
        results.append(store.put(bucket, "out/once", b"once" * 1000, if_absent=True).created)

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False] * 7 + [True]
    assert len(list(store.versions(bucket))) == 1


def test_what_is_not_there_is_told_apart(store: Store, bucket: str) -> None:
    assert store.head(bucket, "in/none") is None
    with pytest.raises(ObjectMissing):
        store.open(bucket, "in/none")
    with pytest.raises(ObjectMissing):
        list(store.versions("test-no-such-bucket"))
    store.put(bucket, "in/gone", b"x")
    store.s3.delete_object(Bucket=bucket, Key="in/gone")
    assert store.head(bucket, "in/gone") is None


def test_more_than_a_page_of_versions_is_listed_once_each(store: Store, eraser: Store, bucket: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: store.s3.put_object(Bucket=bucket, Key=f"in/{n // 3}", Body=b""), range(1203)))
    found = [(v.key, v.version_id) for v in store.versions(bucket, "in/")]
    assert len(found) == len(set(found)) == 1203
    erased = eraser.erase(bucket, prefix="in/")
    assert (erased.versions, erased.failures) == (1203, ())
    assert eraser.remaining(bucket, prefix="").nothing


@pytest.mark.parametrize("identity", ["admin", "eraser"])
def test_no_error_carries_a_key_or_the_librarys_exception(store_server: SeaweedFS, bucket: str, identity: str) -> None:
    settings = store_server.settings(identity)
    key = f"in/{CANARY}"
    wrong = Store(replace(settings, secret_key="wrong"))
    nowhere = Store(replace(settings, endpoint="https://127.0.0.1:9", attempts=1))
    strange = Store(replace(settings, ca=None, attempts=1))
    calls = [
        lambda: Store(settings).open(bucket, key),
        lambda: Store(settings).open("test-no-such-bucket", key),
        lambda: Store(settings).put("test-no-such-bucket", key, b"x"),
        lambda: Store(settings).open(bucket, key, "not-a-version"),
        lambda: Store(settings).put("NOT A BUCKET", key, b"x"),
        lambda: wrong.put(bucket, key, b"x"),
        lambda: list(wrong.versions(bucket, key)),
        lambda: nowhere.put(bucket, key, b"x"),
        lambda: strange.open(bucket, key),
    ]
    for call in calls:
        with pytest.raises(StorageError) as caught:
            call()
        error = caught.value
        assert CANARY not in f"{error} {error!r} {vars(error)}"
        assert error.__context__ is None and error.__cause__ is None
        assert settings.secret_key not in str(error)


def test_a_store_that_is_away_is_said_to_be_away_soon(store_server: SeaweedFS) -> None:
    import time

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)
        endpoint = f"https://127.0.0.1:{silent.getsockname()[1]}"
        settings = replace(
            store_server.settings("admin"), endpoint=endpoint, attempts=2, connect_timeout=0.3, read_timeout=0.3
        )
        begun = time.monotonic()
        with pytest.raises(StoreAway):
            Store(settings).buckets()
        assert Store(settings).healthy() is False
        assert time.monotonic() - begun < 30


def test_settings_and_credentials_do_not_show_secrets(store_server: SeaweedFS) -> None:
    settings = store_server.settings("admin")
    key = store_server.service_key("admin")
    assert settings.secret_key not in repr(settings) and key.secret_key not in repr(key)


def test_an_objects_repr_does_not_show_its_key(store: Store, bucket: str) -> None:
    store.put(bucket, f"in/{CANARY}", b"x")
    store.s3.create_multipart_upload(Bucket=bucket, Key=f"in/{CANARY}")
    assert CANARY not in repr([*store.versions(bucket), *store.uploads(bucket)])


def test_importing_the_room_does_not_import_the_s3_library() -> None:
    import subprocess
    import sys

    code = "import sys, backoffice.storage, backoffice.stack.seaweedfs as _; assert 'botocore' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": ":".join(sys.path)})
