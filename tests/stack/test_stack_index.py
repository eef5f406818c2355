from __future__ import annotations

import io
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backoffice.errors import StackError
from backoffice.stack import upkeep
from backoffice.stack.index import database, records
from backoffice.stack.index import rebuild as rebuilding
from backoffice.stack.index.database import live, rewrite
from backoffice.stack.index.rebuild import INDEX, rebuild, settle, stamp
from backoffice.stack.index.records import Damaged
from backoffice.stack.upkeep import EVERY, due

Changes = list[tuple[bytes, bytes | None]]
CONTENT: Changes = [(f"name {number}".encode(), b"value" * number) for number in range(2000)]
GONE: Changes = [(f"name {number}".encode(), None) for number in range(0, 2000, 2)]


def index(data: Path, *changes: Changes) -> Path:
    """An index of two databases that have all of the changes in their write-ahead logs."""
    for part in ("00", "01"):
        written(data / INDEX / part, *changes)
    return data


def written(folder: Path, *changes: Changes) -> None:
    folder.mkdir(parents=True)
    batches, first = list[bytes](), 1
    for batch in changes:
        puts = [
            (b"\0" if value is None else b"\1")
            + records.numbered(len(key))
            + key
            + (b"" if value is None else records.numbered(len(value)) + value)
            for key, value in batch
        ]
        batches.append(first.to_bytes(8, "little") + len(puts).to_bytes(4, "little") + b"".join(puts))
        first += len(puts)
    database._write(folder / "000002.log", batches)
    edit = b"\1" + records.numbered(len(database._COMPARATOR)) + database._COMPARATOR + b"\2\2\3\3\4\0"
    database._write(folder / "MANIFEST-000001", [edit])
    (folder / "CURRENT").write_text("MANIFEST-000001\n")


def held(data: Path) -> list[dict[bytes, bytes]]:
    return [{key: value for key, value in live(part) if value is not None} for part in sorted((data / INDEX).iterdir())]


def raw(data: Path) -> bytes:
    return b"".join(path.read_bytes() for path in data.rglob("*") if path.is_file())


@given(st.lists(st.binary(max_size=100_000), max_size=8))
@settings(max_examples=60, deadline=None)
def test_records_come_back_as_they_were(wanted: list[bytes]) -> None:
    file = io.BytesIO()
    records.write(file, wanted)
    file.seek(0)
    assert list(records.read(file)) == wanted


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_record_that_was_cut_off_is_left_out_and_a_changed_one_is_damage(data: st.DataObject) -> None:
    wanted = data.draw(st.lists(st.binary(min_size=1, max_size=50_000), min_size=1, max_size=3))
    file = io.BytesIO()
    records.write(file, wanted)
    whole = file.getvalue()
    cut = data.draw(st.integers(0, len(whole) - 1))
    found = list(records.read(io.BytesIO(whole[:cut])))
    assert found == wanted[: len(found)] and len(found) < len(wanted)
    # A byte of the first record's checksum or content, whatever the size says.
    place = data.draw(st.sampled_from([0, 1, 2, 3, 7]))
    with pytest.raises(Damaged):
        list(records.read(io.BytesIO(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])))


@given(
    st.lists(
        st.lists(st.tuples(st.binary(max_size=4), st.none() | st.binary(max_size=300)), min_size=1, max_size=40),
        max_size=8,
    )
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_live_is_what_was_last_said_of_each_key(
    tmp_path_factory: pytest.TempPathFactory, batches: list[Changes]
):
    folder = tmp_path_factory.mktemp("database")
    written(folder / "old", *batches)
    wanted = {key: value for batch in batches for key, value in batch}
    done = rewrite(folder / "old", folder / "new")
    alive = {key: value for key, value in wanted.items() if value is not None}
    assert list(live(folder / "new")) == sorted(alive.items())
    assert (done.live, done.dead) == (len(alive), sum(map(len, batches)) - len(alive))


def test_no_name_that_was_erased_is_in_any_file_of_the_new_index(tmp_path: Path) -> None:
    index(tmp_path, [(b"Kovacs", b"label of Zsuzsanna")], CONTENT, [(b"Kovacs", None)], GONE, [(b"name 1", b"new")])
    assert raw(tmp_path).count(b"Kovacs") == 4
    done = rebuild(tmp_path)
    assert b"Kovacs" not in raw(tmp_path) and b"Zsuzsanna" not in raw(tmp_path)
    assert (done.live, done.dead) == (2 * 1000, 2 * (2 + 2 * 1000 + 1))
    assert held(tmp_path) == 2 * [dict(CONTENT[1::2]) | {b"name 1": b"new"}]
    again = rebuild(tmp_path)
    assert (again.live, again.dead) == (done.live, 0)
    assert not [path.name for path in tmp_path.iterdir() if path.name != INDEX]


@pytest.mark.parametrize("moment", ["rewriting", "written", "old away", "in place"])
def test_killed_at_any_moment_the_index_is_whole(tmp_path: Path, moment: str) -> None:
    index(tmp_path, CONTENT, GONE)
    before = held(tmp_path)
    if (child := os.fork()) == 0:
        _die_at(moment)
        rebuild(tmp_path)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    settle(tmp_path)
    assert held(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == [INDEX]
    assert rebuild(tmp_path).live == 2 * 1000


def _die_at(moment: str) -> None:
    def after(work: Callable, times: int) -> Callable:
        count = 0

        def killed(*arguments):
            nonlocal count
            done, count = work(*arguments), count + 1
            return os._exit(9) if count == times else done

        return killed

    if moment == "rewriting":
        rebuilding.rewrite = after(rebuilding.rewrite, 1)
    elif moment == "written":
        rebuilding.rewrite = after(rebuilding.rewrite, 2)
    else:
        Path.rename = after(Path.rename, 1 if moment == "old away" else 2)


@pytest.mark.parametrize("harm", ["a byte", "no manifest", "an unfinished change", "in use"])
def test_a_damaged_index_is_left_as_it_is(tmp_path: Path, harm: str) -> None:
    index(tmp_path, CONTENT, GONE)
    part = tmp_path / INDEX / "01"
    if harm == "a byte":
        log = bytearray((part / "000002.log").read_bytes())
        log[1000] ^= 1
        (part / "000002.log").write_bytes(log)
    elif harm == "no manifest":
        (part / "MANIFEST-000001").unlink()
    elif harm == "an unfinished change":
        (part / "CURRENT.3").write_text("MANIFEST-000003\n")
    before = {
        path: path.read_bytes() for path in (tmp_path / INDEX).rglob("*") if path.is_file() and path.name != "LOCK"
    }
    if harm == "in use":
        with database.closed(part), pytest.raises(Damaged, match="open"):
            rebuild(tmp_path)
    else:
        with pytest.raises(Damaged):
            rebuild(tmp_path)
    settle(tmp_path)
    assert before == {
        path: path.read_bytes() for path in (tmp_path / INDEX).rglob("*") if path.is_file() and path.name != "LOCK"
    }
    assert [path.name for path in tmp_path.iterdir()] == [INDEX]


def test_an_upkeep_is_due_half_a_day_after_the_last_where_the_index_changed(tmp_path: Path) -> None:
    index(tmp_path, CONTENT)
    now = datetime.now(UTC)
    assert not due(tmp_path, now=now)  # a new store
    assert not due(tmp_path, now=now + EVERY - timedelta(seconds=1))
    assert due(tmp_path, now=now + EVERY)
    last = upkeep._Last(began_at=now, finished=True, clean=stamp(tmp_path))
    upkeep._remember(tmp_path, last)
    assert not due(tmp_path, now=now + 30 * EVERY)
    with (tmp_path / INDEX / "00" / "000002.log").open("ab") as log:
        log.write(b"more")
    assert due(tmp_path, now=now + EVERY)
    assert EVERY + timedelta(hours=2) < timedelta(hours=24)


def test_a_failed_upkeep_is_tried_again_within_the_hour_and_not_all_the_time(tmp_path: Path) -> None:
    index(tmp_path, CONTENT)

    def away():
        raise StackError("it does not stop")

    with pytest.raises(StackError, match="does not stop"):
        upkeep.upkeep(tmp_path, away=away, inside=lambda: pytest.fail("it was not away"))
    now = datetime.now(UTC)
    assert not due(tmp_path, now=now + timedelta(minutes=30))
    assert due(tmp_path, now=now + timedelta(hours=1))


def test_the_log_of_changes_in_the_index_is_no_erased_name(tmp_path: Path) -> None:
    def key(folder: str, name: str) -> bytes:
        return rebuilding._folder(folder) + name.encode()

    log = "/topics/.system/log"
    gone: Changes = [
        (key("/topics/.system", "log"), None),
        (key(log, "2026-11-23"), None),
        (key(f"{log}/2026-11-23", "00-57.639e1699"), None),
    ]
    index(tmp_path / "a", gone, CONTENT)
    assert not rebuilding.erased_in(tmp_path / "a")
    index(tmp_path / "b", gone, CONTENT, [(key("/buckets/acme-contacts/in", "log"), None)])
    assert rebuilding.erased_in(tmp_path / "b")
