from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from backoffice.errors import StorageError
from backoffice.stack.seaweedfs import SeaweedFS
from backoffice.storage import Erased, Store
from tests.files import contents

PLAIN = b"Erika Mustermann;erika@example.de;+49 30 1234567\n"


def begin_upload(store: Store, bucket: str, key: str, size: int) -> None:
    upload = store.s3.create_multipart_upload(Bucket=bucket, Key=key)
    store.s3.upload_part(Bucket=bucket, Key=key, UploadId=upload["UploadId"], PartNumber=1, Body=os.urandom(size))


def test_erasing_takes_versions_markers_and_unfinished_uploads(store: Store, eraser: Store, bucket: str) -> None:
    for size in (1, 20, 300):
        store.put(bucket, "in/a", b"x" * size)
    store.s3.delete_object(Bucket=bucket, Key="in/a")
    store.put(bucket, "in/sub/b", b"y" * 4000)
    begin_upload(store, bucket, "in/c", 50_000)
    store.put(bucket, "inside", b"stays")
    store.put(bucket, "out/a", b"stays")
    known = list(store.versions(bucket, "in/"))

    erased = eraser.erase(bucket, prefix="in/")

    assert erased == Erased(versions=4, markers=1, uploads=1, bytes=4321 + 50_000)
    assert store.remaining(bucket, prefix="in/", known=known).nothing
    assert {v.key for v in store.versions(bucket)} == {"inside", "out/a"}


def test_erasing_again_finds_nothing_and_is_no_error(store: Store, eraser: Store, bucket: str) -> None:
    store.put(bucket, "in/a", b"x")
    eraser.erase(bucket, prefix="in/")
    assert eraser.erase(bucket, prefix="in/") == Erased()
    assert eraser.erase("test-no-such-bucket", prefix="") == Erased()
    assert eraser.remaining("test-no-such-bucket", prefix="").nothing


def test_one_version_is_erased_and_the_others_stay(store: Store, eraser: Store, bucket: str) -> None:
    first, second = store.put(bucket, "in/a", b"one"), store.put(bucket, "in/a", b"two")
    assert eraser.erase(bucket, key="in/a", version_id=first.version_id).versions == 1
    assert [v.version_id for v in store.versions(bucket)] == [second.version_id]
    assert store.open(bucket, "in/a").read() == b"two"


def test_one_key_is_erased_and_its_longer_namesakes_stay(store: Store, eraser: Store, bucket: str) -> None:
    for key in ("in/a", "in/a", "in/ab", "in/a.csv"):
        store.put(bucket, key, b"x")
    begin_upload(store, bucket, "in/a", 10)
    begin_upload(store, bucket, "in/ab", 10)
    erased = eraser.erase(bucket, key="in/a")
    assert (erased.versions, erased.uploads) == (2, 1)
    assert {v.key for v in store.versions(bucket)} == {"in/ab", "in/a.csv"}
    assert [u.key for u in store.uploads(bucket)] == ["in/ab"]


@pytest.mark.parametrize(
    "arguments",
    [{}, {"prefix": "in/", "key": "in/a"}, {"key": ""}, {"version_id": "abc"}, {"prefix": "", "version_id": "abc"}],
)
def test_an_unclear_erasure_is_refused_before_anything_is_deleted(
    store: Store, eraser: Store, bucket: str, arguments: dict[str, str]
) -> None:
    store.put(bucket, "in/a", b"x")
    with pytest.raises(ValueError, match="prefix"):
        eraser.erase(bucket, **arguments)  # pyright: ignore[reportArgumentType]
    assert len(list(store.versions(bucket))) == 1


def test_what_cannot_be_deleted_is_counted_and_named_by_code_and_id_only(
    store: Store, store_server: SeaweedFS, bucket: str
) -> None:
    from backoffice.storage import Credentials

    stored = store.put(bucket, "out/result", b"x")
    keys = Credentials(store_server.settings("admin")).issue(bucket, bucket=bucket).collect
    collector = Store(replace(store_server.settings("admin"), access_key=keys.access_key, secret_key=keys.secret_key))
    with pytest.raises(StorageError):
        collector.erase(bucket, prefix="out/")  # it may not even list versions
    assert store.head(bucket, "out/result", stored.version_id) is not None


def test_each_erased_version_is_told(store: Store, eraser: Store, bucket: str) -> None:
    stored = [store.put(bucket, f"in/{n}", b"x") for n in range(5)]
    told: list[str] = []
    eraser.erase(bucket, prefix="in/", on_erased=lambda version: told.append(version.version_id))
    assert sorted(told) == sorted(one.version_id for one in stored)


def test_a_second_look_sees_what_is_left(store: Store, eraser: Store, bucket: str) -> None:
    store.put(bucket, "in/a", b"x")
    begin_upload(store, bucket, "in/b", 10)
    left = store.remaining(bucket, prefix="in/", known=list(store.versions(bucket)))
    assert (left.versions, left.uploads, left.listed, left.readable, left.asked) == (1, 1, 1, 1, 1)
    assert not left.nothing


def test_erased_bytes_are_gone_from_the_disk_only_after_reclaiming(
    store: Store, eraser: Store, store_server: SeaweedFS, bucket: str
) -> None:
    kept = store.put(bucket, "out/kept", PLAIN * 50)
    store.put(bucket, "in/drop", PLAIN * 20_000)
    store.put(bucket, "in/small", PLAIN)
    begin_upload(store, bucket, "in/half", 30_000)
    data = store_server.folder / "data"
    volumes = list(data.glob(f"{bucket}_*.dat"))
    ciphertext = b"".join(volume.read_bytes() for volume in volumes)
    assert len(ciphertext) > len(PLAIN) * 20_000
    # Pieces of what is on disk, from all over it; few enough of them belong to the object that stays.
    pieces = [ciphertext[at : at + 48] for at in range(8192, len(ciphertext) - 64, 20_011)]
    assert all(found_in(data, piece) for piece in pieces)
    assert not found_in(data, PLAIN[:24]), "client data lies on disk in the clear"

    eraser.erase(bucket, prefix="in/")
    assert all(found_in(data, piece) for piece in pieces), "this test would prove nothing"
    reclaimed = eraser.reclaim()

    assert reclaimed.complete and reclaimed.garbage_before >= 3
    assert reclaimed.bytes_after < reclaimed.bytes_before - len(PLAIN) * 20_000
    assert [piece for piece in pieces if found_in(data, piece)] == []
    assert store.open(bucket, "out/kept", kept.version_id).read() == PLAIN * 50
    assert eraser.reclaim().garbage_before == 0


def test_a_tiny_object_is_reclaimed_from_a_volume_of_many_megabytes(store: Store, eraser: Store, bucket: str) -> None:
    store.put(bucket, "out/large", os.urandom(24_000_000))
    store.put(bucket, "in/tiny", b"x" * 100)
    eraser.erase(bucket, prefix="in/")
    reclaimed = eraser.reclaim()
    assert (reclaimed.garbage_before, reclaimed.garbage_after) == (1, 0)


def test_deleting_a_bucket_removes_its_volumes_at_once(
    store: Store, eraser: Store, admin_store: Store, store_server: SeaweedFS, bucket: str
) -> None:
    store.put(bucket, "in/a", PLAIN * 100)
    with pytest.raises(StorageError):
        admin_store.delete_bucket(bucket)
    eraser.erase(bucket, prefix="")
    assert admin_store.delete_bucket(bucket) is True
    assert admin_store.delete_bucket(bucket) is False
    assert wait_until(lambda: not list((store_server.folder / "data").glob(f"{bucket}_*.dat")))


def test_a_store_that_cannot_be_asked_about_its_disks_makes_no_claim(store_server: SeaweedFS) -> None:
    elsewhere = Store(replace(store_server.settings("admin"), master_url=None, master_certificate=None))
    reclaimed = elsewhere.reclaim()
    assert (reclaimed.applicable, reclaimed.complete) == (False, False)
    assert "no way" in reclaimed.reason or "by its own rules" in reclaimed.reason


def test_a_master_that_does_not_let_us_in_is_an_error_and_no_claim(store_server: SeaweedFS) -> None:
    stranger = Store(replace(store_server.settings("admin"), master_certificate=None))
    with pytest.raises(StorageError, match="did not free"):
        stranger.reclaim()


def found_in(folder: Path, piece: bytes) -> bool:
    return any(piece in content for _, content in contents(folder))


def wait_until(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    import time

    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
