"""Who may do what, where: every identity, every action, every place, on the real server. What is not in the tables is refused.

``pytest -s`` prints them as measured. A letter stands for several actions, all of which must be allowed, or none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import urllib3
from botocore.exceptions import ClientError

from backoffice.errors import StorageError
from backoffice.ids import new_id
from backoffice.stack.seaweedfs import SeaweedFS
from backoffice.storage import Credentials, Issuer, JobAccess, JobStore, Store, StoreRefused
from backoffice.storage.failures import code_of
from backoffice.tls import trust
from tests.storage.isolation import (
    Ground,
    Place,
    Refused,
    account_actions,
    bucket_actions,
    everybody,
    lay_out,
    object_actions,
    standing,
)

LETTERS = {
    "read": "r", "version": "v", "put": "w", "copy": "c", "list": "l", "versions": "m", "uploads": "u", "parts": "p",
    "abort": "a", "delete": "d", "erase": "e", "delete many": "D", "rename": "n", "about": "i", "alter": "x",
    "see": "o", "list all": "l", "look at": "i", "settings": "s", "change": "x", "make": "+", "remove": "-",
    "buckets": "b", "iam": "u", "session": "j", "tables": "t", "federate": "f",
}  # fmt: skip

ALL = "rvwapclmudDeix"
"""What there is to be done with an object and where it lies: read it, read a Version, Write, copy, list, list versions (m),
list uploads, list an upload's Parts, abort it, delete, delete many (D), erase a version, look at its attributes (i), change
them (x).

With credentials and buckets: see the names of buckets (b), users and policies (u), open a job's session (j), tables (t), a
session for somebody else (f); see that a bucket is there (o), list all of it, look at it (i), its settings, change it (x),
make (+), remove (-).
"""

IN_A = """
                  A in/     A note     A work/1  A work/2  A out/1   A out/2   A receipt  A top
A's drop          wap       wap        .         .         .         .         .          .
A's collect       .         .          .         .         rl        rl        rl         .
B's drop          .         .          .         .         .         .         .          .
B's collect       .         .          .         .         .         .         .          .
job A1            .         .          rvwapc    .         rvwapcm   .         .          .
job A2            .         .          .         rvwapc    .         rvwapcm   .          .
job B1            .         .          .         .         .         .         .          .
job A1, ended     .         .          .         .         .         .         .          .
job A1, forged    .         .          .         .         .         .         .          .
job A1, widened   .         .          .         .         .         .         .          .
job A1, no token  .         .          .         .         .         .         .          .
A, wrong secret   .         .          .         .         .         .         .          .
nobody            .         .          .         .         .         .         .          .
intake            rvclmu    rvclmudDe  lmu       lmu       lmu       lmu       rvwapclmu  lmu
eraser            aplmudDe  aplmudDe   aplmudDe  aplmudDe  aplmudDe  aplmudDe  aplmudDe   aplmudDe
admin             all       all        all       all       all       all       all        all
"""

# D where there is no bucket: SeaweedFS looks for the bucket of a DeleteObjects before it asks whether one may. So who has any
# credentials can learn that a bucket of some name exists, and nothing of what is in it: see docs/security.md.
ELSEWHERE = """
                  B in/     B work/   B out/    none/     account  bucket A  bucket B  no bucket
A's drop          .         .         .         D         .        .         .         .
A's collect       .         .         .         D         .        .         .         .
B's drop          wap       .         .         D         .        .         .         .
B's collect       .         .         rl        D         .        .         .         .
job A1            .         .         .         D         .        .         .         .
job A2            .         .         .         D         .        .         .         .
job B1            .         rvwapc    rvwapcm   D         .        .         .         .
job A1, ended     .         .         .         .         .        .         .         .
job A1, forged    .         .         .         .         .        .         .         .
job A1, widened   .         .         .         .         .        .         .         .
job A1, no token  .         .         .         .         .        .         .         .
A, wrong secret   .         .         .         .         .        .         .         .
nobody            .         .         .         .         .        .         .         .
intake            rvclmu    lmu       lmu       rvclmuD   bj       lo        lo        lo
eraser            aplmudDe  aplmudDe  aplmudDe  aplmudDe  b        lo        lo        lo
admin             all       all       all       all       butf     loisx+-   loisx+-   loisx+-
"""

DESTRUCTIVE = ("intake", "eraser", "admin")
"""Who may change what is there works on a ground of its own."""
OWN = {
    "A's drop": "A in/", "B's drop": "B in/", "A's collect": "A out/1", "B's collect": "B out/", "job A2": "A work/2",
    "job B1": "B work/", "intake": "A receipt",
}  # fmt: skip


def outcome(action: Callable[[], Any]) -> str:
    """``yes``, also where it was let in and found nothing; ``no``; ``void`` where the server does not do that for anyone."""
    try:
        action()
    except Refused:
        return "no"
    except ClientError as error:
        status = code_of(error)[1]
        return "no" if status in (401, 403) else "yes" if status in (404, 409, 412) else "void"
    return "yes"


def tried(actions: Iterable[tuple[str, Callable[[], Any]]]) -> str:
    """The letters of what was allowed. One that was allowed in part has a question mark: it stands in no table."""
    found: dict[str, set[str]] = {}
    for group, action in actions:
        found.setdefault(group, set()).add(outcome(action))
    letters = ""
    for group, outcomes in found.items():
        if "yes" in outcomes:
            letters += LETTERS[group] + ("?" if "no" in outcomes else "")
    return "all" if letters == ALL else letters or "."


def measured(who: str, make: Callable[[str], Any], ground: Ground) -> list[str]:
    """One identity's row: objects at every place, credentials, buckets."""
    s3, own = make("s3"), ground.places[OWN.get(who, "A work/1")]
    objects = [tried(object_actions(s3, place, own)) for place in ground.places.values()]
    victim = ground.buckets["A" if who.startswith(("B", "job B")) else "B"]
    account = tried(account_actions(make, f"{victim}-drop"))
    return [*objects, account, *(tried(bucket_actions(s3, bucket)) for bucket in ground.buckets.values())]


def table(head: Iterable[str], rows: dict[str, list[str]]) -> str:
    lines = [["", *head], *([who, *cells] for who, cells in rows.items())]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)
    return "\n" + "\n".join(text) + "\n"


@pytest.fixture(scope="module")
def grounds(store_server: SeaweedFS, store: Store) -> Iterator[dict[str, Ground]]:
    """One for those who may change nothing of it but what is theirs, and one each for the others."""
    names = ["clients", *DESTRUCTIVE]
    with ThreadPoolExecutor(4) as pool:
        made = dict(zip(names, pool.map(lambda _: lay_out(store, new_id().hex[-12:]), names), strict=True))
    yield made
    credentials = Credentials(store_server.settings("admin"))
    for ground in made.values():
        for bucket in ground.buckets.values():
            store.erase(bucket, prefix="")
            with suppress(Exception):
                store.delete_bucket(bucket)
        for who in "AB":
            credentials.revoke(ground.buckets[who])
        with suppress(ClientError):
            store.s3.delete_bucket(Bucket=f"{ground.buckets['B']}-drop-tables")
        with suppress(ClientError):
            credentials.iam.delete_user(UserName=f"{ground.buckets['B']}-drop-more")
            credentials.iam.delete_policy(PolicyArn=f"arn:aws:iam:::policy/{ground.buckets['B']}-drop-wide")


def test_every_identity_may_do_what_the_tables_say_and_nothing_else(
    store_server: SeaweedFS, store: Store, grounds: dict[str, Ground]
) -> None:
    identities = everybody(store_server, grounds["clients"])
    before = standing(store, grounds["clients"])
    with ThreadPoolExecutor(4) as pool:
        rows = pool.map(
            lambda who: measured(who, identities[who], grounds[who if who in DESTRUCTIVE else "clients"]), identities
        )
        found = dict(zip(identities, rows, strict=True))
    after = standing(store, grounds["clients"])
    heads = [*grounds["clients"].places, "account", "bucket A", "bucket B", "no bucket"]
    split = heads.index("B in/")
    in_a = table(heads[:split], {who: cells[:split] for who, cells in found.items()})
    elsewhere = table(heads[split:], {who: cells[split:] for who, cells in found.items()})
    print(in_a, elsewhere)
    assert in_a == IN_A
    assert elsewhere == ELSEWHERE
    changed = {name for name in before if after.get(name) != before[name]}
    # Who may put somewhere finishes one upload there, and gives up another.
    assert {name for name in changed if not name.rpartition("/")[2].startswith(("half0?", "half1?"))} == set()


ORACLES = {"delete many"}
"""Actions that tell a missing bucket from another's: see above. None tells a missing object."""


def refusal(action: Callable[[], Any]) -> object:
    """All that whoever is refused gets to see, but for what it sent itself and the times and numbers of the request."""
    try:
        action()
    except Refused:
        return "inside"
    except ClientError as error:
        told: Any = error.response
        own = {"date", "x-amz-request-id", "x-amz-id-2", "content-length"}
        headers = told["ResponseMetadata"]["HTTPHeaders"].items()
        said = told["Error"].get("Code"), told["Error"].get("Message")
        return code_of(error), said, {name: value for name, value in headers if name not in own}
    return "allowed"


def test_a_refusal_does_not_tell_what_is_there_from_what_is_not(
    store_server: SeaweedFS, grounds: dict[str, Ground]
) -> None:
    ground = grounds["clients"]
    all_ = everybody(store_server, ground)
    ours = {
        who: all_[who] for who in ("A's drop", "A's collect", "job A1", "job A1, ended", "A, wrong secret", "nobody")
    }
    missing = Place(ground.buckets["none"], "in/", ground.places["B in/"].versions, ground.places["B in/"].uploads)
    told = []
    for who, make in ours.items():
        s3, own = make("s3"), ground.places["A out/1"]  # nobody writes here but job A1
        for name in ("A work/2", "B in/", "B out/"):
            there = ground.places[name]
            others = [("object", replace(there, there=False))] + ([("bucket", missing)] if name.startswith("B") else [])
            for what, other in others:
                for (group, seen), (_, guessed) in zip(
                    object_actions(s3, there, own), object_actions(s3, other, own), strict=True
                ):
                    answers = refusal(seen), refusal(guessed)
                    if (
                        answers[0] != "allowed"
                        and answers[0] != answers[1]
                        and not (what == "bucket" and group in ORACLES)
                    ):
                        told.append((who, name, what, group, *answers))
        for (group, seen), (_, guessed) in zip(
            bucket_actions(s3, ground.buckets["B"]), bucket_actions(s3, ground.buckets["none"]), strict=True
        ):
            answers = refusal(seen), refusal(guessed)
            if answers[0] != answers[1]:
                told.append((who, "B", "bucket", group, *answers))
    assert told == []


def test_a_link_to_a_drop_opens_that_version_for_reading_and_nothing_else(
    store_server: SeaweedFS, store: Store, bucket: str
) -> None:
    key = "in/ü*?&=+ '\"%41~/a b"
    first, second = (store.put(bucket, key, text).version_id for text in (b"first", b"second"))
    store.s3.put_object(Bucket=bucket, Key=key, Body=b"plain", ContentEncoding="gzip")
    access = Issuer(store_server.settings("intake")).issue(
        uuid4(), bucket=bucket, key=key, version_id=first, lifetime=timedelta(minutes=15)
    )
    have = store_server.settings("admin")

    def drop(link: str) -> bytes:
        with JobStore(have, replace(access, drop=link)).open_drop() as stream:
            return stream.read()

    assert drop(access.drop) == b"first"
    for other in (
        access.drop.replace(first, second),
        access.drop.replace(f"versionId={first}&", ""),
        access.drop.replace("/in/", "/out/"),
        access.drop.replace(bucket, f"{bucket}-other"),
        access.drop.replace("X-Amz-Expires=900", "X-Amz-Expires=9000"),
        f"{access.drop}&acl",
        f"{access.drop}&response-content-type=text/html",
    ):
        assert other != access.drop
        with pytest.raises(StoreRefused, match="SignatureDoesNotMatch"):
            drop(other)
    for method in ("PUT", "DELETE", "POST"):
        answer = urllib3.PoolManager(ssl_context=trust(have.ca)).request(method, access.drop, body=b"x")
        assert answer.status in (403, 405)


def test_what_a_client_says_of_its_drop_changes_nothing_of_it(
    store_server: SeaweedFS, store: Store, bucket: str
) -> None:
    put = store.s3.put_object(Bucket=bucket, Key="in/a", Body=b"plain", ContentEncoding="gzip", ContentType="text/html")
    access = Issuer(store_server.settings("intake")).issue(
        uuid4(), bucket=bucket, key="in/a", version_id=put["VersionId"], lifetime=timedelta(minutes=15)
    )
    with JobStore(store_server.settings("admin"), access).open_drop() as stream:
        assert (stream.read(), stream.version_id) == (b"plain", put["VersionId"])


@pytest.mark.parametrize("name", ["a.versions/b", ".uploads/b", "sub/", "a\nb", "a\x01b"])
def test_a_job_cannot_put_what_no_listing_shows(store_server: SeaweedFS, bucket: str, name: str) -> None:
    job = uuid4()
    access = Issuer(store_server.settings("intake")).issue(
        job, bucket=bucket, key="in/a", version_id="v", lifetime=timedelta(minutes=15)
    )
    s3 = JobStore(store_server.settings("admin"), access).s3
    s3.put_object(Bucket=bucket, Key=f"work/{job}/a", Body=b"x")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket=bucket, Key=f"work/{job}/{name}", Body=b"x")


def test_nothing_of_a_jobs_access_is_shown_and_it_survives_being_kept(store_server: SeaweedFS, bucket: str) -> None:
    access = Issuer(store_server.settings("intake")).issue(
        uuid4(), bucket=bucket, key="in/a", version_id="v", lifetime=timedelta(minutes=15)
    )
    for secret in (access.access_key, access.secret_key, access.session_token, access.drop):
        assert secret not in repr(access)
        assert secret not in repr(JobStore(store_server.settings("admin"), access).settings)
    assert JobAccess.from_bytes(access.to_bytes()) == access


@pytest.mark.parametrize(
    ("bucket_name", "lifetime"),
    [("*", 900), ("a/*", 900), ("test-a", 60), ("test-a", 13 * 3600)],
)
def test_access_that_could_be_wider_or_longer_is_not_given(
    store_server: SeaweedFS, bucket_name: str, lifetime: int
) -> None:
    issuer = Issuer(store_server.settings("intake"))
    with pytest.raises(StorageError, match="not valid"):
        issuer.issue(uuid4(), bucket=bucket_name, key="in/a", version_id="v", lifetime=timedelta(seconds=lifetime))
