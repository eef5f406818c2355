"""Encrypted Parquet: everything comes back, and nothing without the job's key."""

from __future__ import annotations

import datetime as dt
import json
import os
import resource
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backoffice.errors import DropRejected, VaultError
from backoffice.ids import new_id
from backoffice.vault.memory import memory
from backoffice.vault.parquet import Sealed, read_batches, read_encrypted, write_batches, write_encrypted

KEY = bytes(range(32))
CANARY = "canary-5d1e77"


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    found = duckdb.connect(config={"memory_limit": "600MB", "threads": 2, "max_temp_directory_size": "0KiB"})
    found.execute(
        f"""create table result as select
          i as id, '{CANARY} ' || i as name, date '2020-01-01' + (i % 900)::int as day, (i % 1000)::decimal(18,2) price,
          if(i % 3 = 0, null, '+49' || i) as phone, i % 2 = 0 as yes, i / 7 as ratio, [i, i + 1] as list,
          timestamp '2024-01-01' + interval (i) second as "at" from range(300000) r(i)"""
    )
    yield found
    found.close()


QUERY = """select count(*), sum(hash(id)), min(name), max(day), sum(price), count(phone), max(ratio), max(list),
    max("at") from """


def test_a_table_comes_back_as_it_was(connection: duckdb.DuckDBPyConnection):
    with write_encrypted(connection, "result", KEY) as sealed:
        assert sealed.rows == 300_000
        assert sealed.sealed
        with read_encrypted(connection, sealed, KEY, "back", sha256=sealed.sha256) as view:
            assert view.rows == 300_000
            assert connection.execute(QUERY + "back").fetchall() == connection.execute(QUERY + "result").fetchall()
            different = connection.execute("select count(*) from (from result except all from back)").fetchone()
            assert different == (0,)
            described = [connection.execute(f"describe {name}").fetchall() for name in ("result", "back")]
            assert described[0] == described[1]


def test_the_file_shows_neither_values_nor_column_names(connection: duckdb.DuckDBPyConnection):
    with write_encrypted(connection, "result", KEY) as sealed:
        data = sealed.read()
    assert data[:4] == data[-4:] == b"PARE"
    for word in (CANARY.encode(), b"name", b"phone", b"price", KEY):
        assert word not in data


def test_the_same_table_twice_is_not_the_same_file(connection: duckdb.DuckDBPyConnection):
    with write_encrypted(connection, "result", KEY) as one, write_encrypted(connection, "result", KEY) as two:
        assert one.sha256 != two.sha256


def test_a_view_a_relation_and_an_empty_table_can_be_written(connection: duckdb.DuckDBPyConnection):
    connection.execute('create view "odd ""name" as from result where id < 10')
    connection.execute("create table none (a integer, b varchar)")
    for table, rows in (('odd "name', 10), (connection.sql("from result limit 5"), 5), ("none", 0)):
        with write_encrypted(connection, table, KEY) as sealed, read_encrypted(connection, sealed, KEY, "v"):
            assert connection.execute("select count(*) from v").fetchone() == (rows,)


def test_it_opens_from_a_path_and_a_descriptor_on_another_connection(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
):
    path = tmp_path / "result.parquet"
    with write_encrypted(connection, "result", KEY) as sealed:
        path.write_bytes(sealed.read())
    with duckdb.connect() as other, path.open("rb") as file:
        for source in (path, str(path), file.fileno()):
            read_encrypted(other, source, KEY, "result")
            assert other.execute("select count(*) from result where name is not null").fetchone() == (300_000,)


def test_it_reads_where_duckdb_may_touch_no_file(connection: duckdb.DuckDBPyConnection):
    with write_encrypted(connection, "result", KEY) as sealed, duckdb.connect() as closed:
        closed.execute("set enable_external_access = false; set lock_configuration = true")
        with read_encrypted(closed, sealed, KEY, "result"):
            assert closed.execute("select count(*) from result where yes").fetchone() == (150_000,)
            with write_encrypted(closed, "result", KEY) as again:
                assert again.rows == 300_000


def test_after_closing_neither_view_nor_key_is_left_in_duckdb(connection: duckdb.DuckDBPyConnection):
    with write_encrypted(connection, "result", KEY) as sealed:
        with read_encrypted(connection, sealed, KEY, "back"):
            settled = connection.execute("select * from duckdb_views() where view_name = 'back'").fetchall()
            assert KEY.hex() not in str(settled)
        with pytest.raises(duckdb.Error):
            connection.execute("from back")
        with pytest.raises(duckdb.Error):
            connection.execute(f"from read_parquet('{sealed.path}')")


# ---------------------------------------------------------------------- how much is held

HELD = """
import io, json, sys
from pathlib import Path
from backoffice.contract import CsvOutput
from backoffice.delivery.writing import write_into
from backoffice.duck import session
from backoffice.vault.parquet import read_encrypted

class Away(io.RawIOBase):
    size = 0

    def tell(self):
        return self.size

    def write(self, data):
        self.size += len(data)

key, output = bytes(range(32)), CsvOutput(format="csv", filename="out.csv")
with session(memory_limit="100MB", threads=2) as connection, read_encrypted(connection, sys.argv[1], key, "result"):
    written = write_into(connection, output, Away()).rows
    counted = connection.execute("select count(*) from result where regexp_matches(text, '^[0-9a-f]+$')").fetchone()[0]
    [peak] = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line]
print(json.dumps([written, counted, int(peak) // 1024]))
"""


def test_what_a_delivery_and_a_check_hold_does_not_grow_with_the_rows(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
):
    """A row is 256 bytes: the longer table is 400 MB, were it held. The peak is that of the process, in MiB."""
    peaks = []
    for rows in (300_000, 1_500_000):
        path = tmp_path / f"{rows}.parquet"
        made = connection.sql(f"select i as id, repeat(md5(i::varchar), 8) as text from range({rows}) r(i)")
        with write_encrypted(connection, made, KEY) as sealed:
            path.write_bytes(sealed.read())
        ran = subprocess.run([sys.executable, "-c", HELD, str(path)], capture_output=True, text=True, check=True)
        written, counted, peak = json.loads(ran.stdout)
        assert (written, counted) == (rows, rows)
        peaks.append(peak)
    assert peaks[1] < peaks[0] + 100, f"{peaks} MiB"


def test_nothing_waits_in_memory_for_a_reader_who_takes_his_time(connection: duckdb.DuckDBPyConnection):
    """All of it is 256 MB; a batch that was read is 8 MB."""
    made = connection.sql("select i as id, repeat(md5(i::varchar), 8) as text from range(1_000_000) r(i)")
    with write_encrypted(connection, made, KEY) as sealed, read_encrypted(connection, sealed, KEY, "v"):
        before, held = pa.total_allocated_bytes(), [0]
        slow = connection.sql("from v").to_arrow_reader(2048)
        rows = slow.read_next_batch().num_rows
        for _ in range(20):
            time.sleep(0.1)
            held.append(pa.total_allocated_bytes() - before)
        assert rows + sum(batch.num_rows for batch in slow) == 1_000_000
    assert max(held) < 80 << 20, f"{max(held) >> 20} MiB"


# ---------------------------------------------------------------------- what is refused


def test_a_wrong_key_another_job_and_a_plain_file_are_refused(connection: duckdb.DuckDBPyConnection, tmp_path: Path):
    here, there = new_id(), new_id()
    plain = tmp_path / "plain.parquet"
    connection.execute(f"copy (from result limit 3) to '{plain}' (format parquet)")
    with write_encrypted(connection, "result", KEY, binding=here) as sealed:
        with read_encrypted(connection, sealed, KEY, "v", binding=str(here)):
            assert connection.execute("select count(*) from v").fetchone() == (300_000,)
        for source, key, binding in (
            (sealed, secrets.token_bytes(32), here),
            (sealed, KEY, there),
            (sealed, KEY, ""),
            (plain, KEY, here),
            (tmp_path / "none", KEY, here),
        ):
            _refused(connection, source, key, binding=binding)


def test_a_file_cut_off_is_refused(connection: duckdb.DuckDBPyConnection, tmp_path: Path):
    path = tmp_path / "f"
    with write_encrypted(connection, "result", KEY) as sealed:
        data = sealed.read()
    for left in (0, 3, 100, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:left])
        _refused(connection, path, KEY)


# ---------------------------------------------------------------------- batch by batch


SCHEMA = pa.schema([("data", pa.binary())])


def batches(count: int) -> Iterator[pa.RecordBatch]:
    for number in range(count):
        yield pa.record_batch([pa.array([f"{CANARY} {number}".encode()])], schema=SCHEMA)


def test_batches_come_back_one_by_one_in_their_order():
    with write_batches(SCHEMA, batches(3), KEY, binding="j") as sealed:
        found = list(read_batches(sealed, KEY, binding="j", sha256=sealed.sha256))
        data = Path(sealed.path).read_bytes()
    assert [one.column("data").to_pylist() for one in found] == [[f"{CANARY} {number}".encode()] for number in range(3)]
    assert CANARY.encode() not in data
    with write_batches(SCHEMA, iter(()), KEY) as none:
        assert list(read_batches(none, KEY)) == []


def test_a_batch_is_written_before_the_next_is_asked_for(monkeypatch: pytest.MonkeyPatch):
    written: list[int] = []
    seen: list[int] = []
    write = Sealed.write
    monkeypatch.setattr(Sealed, "write", lambda self, data: written.append(len(data)) or write(self, data))

    def made() -> Iterator[pa.RecordBatch]:
        for number in range(4):
            seen.append(sum(written))
            yield pa.record_batch([pa.array([bytes([number]) * (1 << 20)])], schema=SCHEMA)

    write_batches(SCHEMA, made(), KEY).close()
    assert [size >> 20 for size in seen] == [0, 1, 2, 3]


def test_batches_of_another_job_cut_off_or_changed_are_refused():
    with write_batches(SCHEMA, batches(3), KEY, binding="j") as sealed, memory("changed") as changed:
        for key, binding, sha256 in ((bytes(32), "j", None), (KEY, "k", None), (KEY, "j", "0" * 64)):
            with pytest.raises(VaultError, match="does not open"):
                read_batches(sealed, key, binding=binding, sha256=sha256)
        data = bytearray(Path(sealed.path).read_bytes())
        data[len(data) // 4] ^= 1
        changed.write(data)
        with pytest.raises(VaultError, match="does not open"):
            list(read_batches(changed, KEY, binding="j"))


def test_what_ends_the_batches_is_told_where_it_is_ours_and_by_its_kind_elsewhere():
    def broken(error: Exception) -> Iterator[pa.RecordBatch]:
        yield from batches(1)
        raise error

    with pytest.raises(DropRejected, match="damaged"):
        write_batches(SCHEMA, broken(DropRejected("format", "It is damaged.")), KEY)
    with pytest.raises(VaultError) as caught:
        write_batches(SCHEMA, broken(ValueError(CANARY)), KEY)
    assert CANARY not in repr((caught.value, caught.value.__context__, caught.value.__cause__))


# ---------------------------------------------------------------------- any bit


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_changed_bit_is_refused_at_once_or_never_gives_a_value(
    connection: duckdb.DuckDBPyConnection, where: float, bit: int
):
    """With the digest, opening refuses. Without it, opening or the first query that meets the place does."""
    with write_encrypted(connection, connection.sql("from result limit 2000"), KEY) as sealed:
        data = bytearray(sealed.read())
        digest = sealed.sha256
    data[int(where * len(data))] ^= 1 << bit
    with memory("changed") as changed:
        changed.write(data)
        _refused(connection, changed, KEY, sha256=digest)
        try:
            with read_encrypted(connection, changed, KEY, "v"):
                found = connection.execute("select sum(hash(v)) from v").fetchone()
        except (VaultError, duckdb.Error) as error:
            assert CANARY not in str(error)
        else:
            assert found == connection.execute("select sum(hash(r)) from (from result limit 2000) r").fetchone()


@pytest.mark.parametrize("key", [b"", bytes(16), bytes(31), bytes(33)])
def test_a_key_that_is_not_256_bits_is_refused(connection: duckdb.DuckDBPyConnection, key: bytes):
    with pytest.raises(VaultError, match="32 bytes"):
        write_encrypted(connection, "result", key)
    with pytest.raises(VaultError, match="32 bytes"):
        read_encrypted(connection, "/dev/null", key, "v")


def test_a_failing_write_says_nothing_of_the_data_and_leaves_no_descriptor(connection: duckdb.DuckDBPyConnection):
    before = set(Path("/proc/self/fd").iterdir())
    for table in ("missing", connection.sql("select name::integer as n from result")):
        with pytest.raises(VaultError) as raised:
            write_encrypted(connection, table, KEY)
        assert raised.value.__context__ is None
        assert CANARY not in str(raised.value)
    assert set(Path("/proc/self/fd").iterdir()) <= before


def test_a_disk_without_room_is_said_plainly_and_nothing_is_left(connection: duckdb.DuckDBPyConnection):
    before, limits = set(Path("/proc/self/fd").iterdir()), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
    try:
        with pytest.raises(VaultError, match="no room on disk"):
            write_encrypted(connection, "result", KEY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert set(Path("/proc/self/fd").iterdir()) <= before


def test_usual_and_unusual_types_come_back(connection: duckdb.DuckDBPyConnection):
    connection.execute(
        """create or replace table kinds as select 1::tinyint a, 2::hugeint b, 3::ubigint c, 1.5::float d, 'x'::blob e,
        uuid '0198d2a0-0000-7000-8000-000000000000' f, timestamptz '2024-01-01 00:00:00+00' g, time '12:00' h,
        'b'::enum('a','b') i, {'k': 1, 'v': 'w'} j, map {'k': 1} k, null::varchar l,
        12345678901234567890.12::decimal(38,2) m"""
    )
    with write_encrypted(connection, "kinds", KEY) as sealed, read_encrypted(connection, sealed, KEY, "v"):
        [row] = connection.execute(
            "select a, b::bigint, c, d, e, f::varchar, h, i::varchar, j, k, l, m from v"
        ).fetchall()
    assert row[:4] == (1, 2, 3, 1.5)
    assert row[4:8] == (b"x", "0198d2a0-0000-7000-8000-000000000000", dt.time(12), "b")
    assert row[8:] == ({"k": 1, "v": "w"}, {"k": 1}, None, Decimal("12345678901234567890.12"))


def _refused(connection: duckdb.DuckDBPyConnection, source, key: bytes, **named) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    with pytest.raises(VaultError, match="does not open") as raised:
        read_encrypted(connection, source, key, "refused", **named)
    assert raised.value.__context__ is None
    assert CANARY not in str(raised.value)
    assert len(os.listdir("/proc/self/fd")) <= before  # noqa: PTH208
