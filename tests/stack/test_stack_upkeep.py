from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from backoffice.stack.index.rebuild import erased_in
from backoffice.stack.seaweedfs import SeaweedFS
from backoffice.storage import Store, StoreSettings
from tests.files import contents

BUCKET = "acme-contacts"
NAME, LABEL = "kunden_meier_Zsuzsanna", "Kovacs-1974"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SeaweedFS]:
    server = SeaweedFS(tmp_path / "var")
    server.up()
    Store(server.settings("admin")).create_bucket(BUCKET)
    yield server
    server.down(grace=3)


def store(server: SeaweedFS) -> Store:
    return _store(server.settings("admin"))


@cache
def _store(settings: StoreSettings) -> Store:
    return Store(settings)


def put(server: SeaweedFS, key: str, body: bytes, label: str) -> str:
    s3 = store(server).s3
    return s3.put_object(Bucket=BUCKET, Key=key, Body=body, Metadata={"label": label}, ContentType=f"text/{label}")[
        "VersionId"
    ]


def files_with(server: SeaweedFS, *words: str) -> list[str]:
    return [path.name for path, content in contents(server.folder.parent) for word in words if word.encode() in content]


def within(seconds: float, fact: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not fact() and time.monotonic() < end:
        time.sleep(0.05)
    return fact()


def test_after_it_no_file_has_an_erased_name_or_label_and_what_lives_is_there(server: SeaweedFS) -> None:
    kept = {f"in/kept {number} é.csv": bytes([number]) * 30_000 for number in range(40)}
    versions = {key: put(server, key, body, f"kept-{key[8:10].strip()}") for key, body in kept.items()}
    for number in range(40):
        put(server, f"in/{NAME} {number}.csv", b"x" * 100, f"{LABEL}-{number}")
    put(server, f"in/{NAME} 1.csv", b"a second version", LABEL)
    half = store(server).s3.create_multipart_upload(Bucket=BUCKET, Key=f"in/{NAME}.half", Metadata={"label": LABEL})
    store(server).s3.upload_part(
        Bucket=BUCKET, Key=f"in/{NAME}.half", UploadId=half["UploadId"], PartNumber=1, Body=b"x" * 100
    )
    server.down()  # a restart turns write-ahead logs into tables: names are in both then
    server.up()
    put(server, f"in/{NAME} last.csv", b"x", LABEL)
    store(server).s3.delete_object(Bucket=BUCKET, Key=f"in/{NAME} 2.csv")  # leaves a marker
    assert store(server).erase(BUCKET, prefix=f"in/{NAME}").versions == 42
    assert files_with(server, NAME) and files_with(server, LABEL)
    assert erased_in(server.folder / "data")

    done = server.upkeep()

    assert files_with(server, NAME, LABEL) == []
    assert done.index.dead > 42
    for key, body in kept.items():
        found = store(server).s3.get_object(Bucket=BUCKET, Key=key, VersionId=versions[key])
        assert found["Body"].read() == body and found["Metadata"] == {"label": f"kept-{key[8:10].strip()}"}
    assert {found.key for found in store(server).versions(BUCKET, "in/")} == kept.keys()
    # The next has nothing to do until something is erased again.
    assert not erased_in(server.folder / "data")
    put(server, f"in/{NAME}", b"x", LABEL)
    store(server).erase(BUCKET, prefix=f"in/{NAME}")
    assert erased_in(server.folder / "data")


def test_an_upload_in_parts_goes_on_after_it(server: SeaweedFS) -> None:
    s3, key, size = store(server).s3, "in/large.bin", 5 << 20
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key=key, Metadata={"label": "kept"})["UploadId"]

    def part(number: int, body: bytes) -> Any:
        sent = store(server).s3.upload_part(Bucket=BUCKET, Key=key, UploadId=upload, PartNumber=number, Body=body)
        return {"PartNumber": number, "ETag": sent["ETag"]}

    sent = [part(1, b"a" * size)]
    server.upkeep()
    sent.append(part(2, b"b" * size))
    s3 = store(server).s3
    s3.complete_multipart_upload(Bucket=BUCKET, Key=key, UploadId=upload, MultipartUpload={"Parts": sent})
    found = s3.get_object(Bucket=BUCKET, Key=key)
    assert found["Body"].read() == b"a" * size + b"b" * size and found["Metadata"] == {"label": "kept"}


def test_clients_that_go_on_dropping_lose_nothing_that_was_answered_for(server: SeaweedFS) -> None:
    """Requests that are under way when the store stops fail or are answered; tools send those that failed again."""
    ended, answered = False, list[str]()

    def client(number: int) -> None:
        s3 = store(server).s3
        for count in range(10_000):
            if ended:
                return
            try:
                s3.put_object(Bucket=BUCKET, Key=f"in/{number}/{count}", Body=b"%d" % count * 1000)
            except Exception:  # noqa: BLE001 - any refusal will do, a lost answer will not
                time.sleep(0.1)
                continue
            answered.append(f"in/{number}/{count}")

    with ThreadPoolExecutor(3) as pool:
        clients = [pool.submit(client, number) for number in range(3)]
        assert within(30, lambda: len(answered) >= 20)
        server.upkeep()
        before = len(answered)
        more = within(30, lambda: len(answered) >= before + 20)
        ended = True
        for one in clients:
            one.result()
    assert more
    assert {found.key for found in store(server).versions(BUCKET, "in/")} >= set(answered)


def test_killed_while_the_store_is_away_the_next_start_brings_it_back_whole(server: SeaweedFS) -> None:
    version = put(server, "in/kept", b"kept", "kept")
    put(server, f"in/{NAME}", b"x", LABEL)
    store(server).erase(BUCKET, prefix=f"in/{NAME}")
    if (child := os.fork()) == 0:
        Path.rename = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # pyright: ignore[reportAttributeAccessIssue]
        SeaweedFS(server.folder.parent).upkeep()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert not server.running() and server.wanted

    server.up()  # as the keeper does with what is wanted and does not run

    assert store(server).open(BUCKET, "in/kept", version).read() == b"kept"
    server.upkeep()
    assert files_with(server, NAME, LABEL) == []


def test_a_store_that_somebody_ended_is_not_wanted(server: SeaweedFS) -> None:
    assert server.wanted
    server.down()
    assert not server.wanted
