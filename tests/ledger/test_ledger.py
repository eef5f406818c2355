"""The ledger on a real PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.errors import DropRejected, LedgerError
from backoffice.ids import new_id
from backoffice.ledger import JobState, Ledger, NewDrop, Stage
from backoffice.ledger.migrate import migrate
from backoffice.ledger.states import may_move


@pytest.fixture(scope="module")
def ledger(postgres_server: str):
    opened = Ledger(postgres_server.format("ledger"))
    migrate(opened.engine)
    yield opened
    opened.close()


def a_drop(version: str = "", **values) -> NewDrop:
    job = new_id()
    given_values = {"key_digest": b"digest", "version_id": version or str(job), "key_sealed": b"sealed", "size": 1}
    return NewDrop(job=job, received_at=datetime.now(UTC), **(given_values | values))


def claimed(ledger: Ledger) -> UUID:
    drop = a_drop()
    assert ledger.claim("acme_contacts", "acme-contacts", drop)
    return drop.job


def test_a_version_is_claimed_once_however_many_try(ledger: Ledger):
    drops = [a_drop("the-same-version") for _ in range(16)]
    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(lambda drop: ledger.claim("acme_contacts", "acme-contacts", drop), drops))
    assert won.count(True) == 1


def test_the_same_key_in_two_versions_is_two_claims(ledger: Ledger):
    assert ledger.claim("p", "b", a_drop("v1", key_digest=b"k"))
    assert ledger.claim("p", "b", a_drop("v2", key_digest=b"k"))
    assert ledger.known("b", [(b"k", "v1"), (b"k", "v3")]) == {(b"k", "v1")}


def test_a_move_that_the_states_do_not_know_is_refused(ledger: Ledger):
    job = claimed(ledger)
    with pytest.raises(LedgerError, match="cannot become"):
        ledger.move(job, JobState.DELIVERED)
    assert ledger.job(job).state is JobState.CLAIMED


@given(st.sampled_from(JobState), st.sampled_from(JobState))
def test_no_move_leads_out_of_certified_and_every_state_may_stay(one: JobState, other: JobState):
    assert may_move(one, one)
    assert not may_move(JobState.CERTIFIED, other) or other is JobState.CERTIFIED


def test_a_stage_records_its_seconds_and_what_came_of_it(ledger: Ledger):
    job = claimed(ledger)
    with ledger.stage(job, Stage.PREPARE) as found:
        assert found.id == job
    with pytest.raises(DropRejected), ledger.stage(job, Stage.PREPARE):
        raise DropRejected("damaged", "It is damaged.")
    with pytest.raises(ValueError, match="secret"), ledger.stage(job, Stage.CHECK):
        raise type("maria@example.org", (ValueError,), {})("secret")  # as code of a SOW may call a class
    rows = ledger.of(job)["stages"]
    assert [row["outcome"] for row in rows] == ["done", "damaged", "ValueError"]
    assert all(row["seconds"] >= 0 and row["ended_at"] for row in rows)


def test_two_never_work_on_one_job_side_by_side(ledger: Ledger):
    job, inside, most = claimed(ledger), 0, 0
    guard = threading.Lock()

    def work(_: int) -> None:
        nonlocal inside, most
        with ledger.stage(job, Stage.CHECK):
            with guard:
                inside += 1
                most = max(most, inside)
            threading.Event().wait(0.05)
            with guard:
                inside -= 1

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert most == 1


def test_a_killed_worker_does_not_block_its_retry(ledger: Ledger, postgres_server: str):
    job = claimed(ledger)
    code = (
        "import sys, time\nfrom uuid import UUID\nfrom backoffice.ledger import Ledger, Stage\n"
        f"with Ledger({postgres_server.format('ledger')!r}).stage(UUID('{job}'), Stage.PREPARE):\n"
        "    print('in', flush=True)\n    time.sleep(60)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, env={"PYTHONPATH": ":".join(sys.path)}
    )
    assert child.stdout and child.stdout.readline()
    child.kill()
    child.wait()
    with ledger.stage(job, Stage.PREPARE):
        pass
    assert [row["outcome"] for row in ledger.of(job)["stages"]] == [None, "done"]


def test_a_delivery_and_a_certificate_are_recorded_once(ledger: Ledger):
    job = claimed(ledger)
    for version in ("first", "second"):
        ledger.record_delivery(job, bucket="b", key="k", version_id=version, sha256="0" * 64, size=1)
    assert [row["version_id"] for row in ledger.of(job)["deliveries"]] == ["first"]
    assert ledger.record_certificate(job, new_id(), b"one") == b"one"
    assert ledger.record_certificate(job, new_id(), b"other") == b"one"


def test_a_client_is_told_once_of_each_state(ledger: Ledger):
    job = claimed(ledger)
    assert job in {found.id for found in ledger.unanswered()}
    ledger.note(job, answered="received")
    ledger.move(job, JobState.PREPARED)
    assert job not in {found.id for found in ledger.unanswered()}
    ledger.move(job, JobState.HELD)
    ledger.move(job, JobState.REJECTED, reason="x", message="y", results_due_at=datetime.now(UTC))
    assert job in {found.id for found in ledger.unanswered()}


def test_due_jobs_are_found_by_their_clock(ledger: Ledger):
    job, now = claimed(ledger), datetime.now(UTC)
    ledger.move(job, JobState.REJECTED, results_due_at=now)
    assert job in {found.id for found in ledger.jobs(states=[JobState.REJECTED], due_before=now)}
    assert job not in {f.id for f in ledger.jobs(states=[JobState.REJECTED], due_before=now - timedelta(seconds=1))}


def test_migrating_twice_and_at_once_is_harmless(ledger: Ledger):
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: migrate(ledger.engine), range(2)))


def test_the_migrations_make_exactly_the_tables_of_the_code(ledger: Ledger):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from backoffice.ledger.tables import metadata

    with ledger.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_client_is_told_of_a_rejection_that_was_erased_while_intake_was_away(ledger: Ledger):
    job, now = claimed(ledger), datetime.now(UTC)
    ledger.move(job, JobState.REJECTED, reason="damaged", message="It is damaged.", results_due_at=now)
    ledger.move(job, JobState.ERASED, erased_at=now)
    ledger.move(job, JobState.CERTIFIED, certified_at=now)
    assert job in {found.id for found in ledger.unanswered()}
    ledger.note(job, answered="rejected")
    assert job not in {found.id for found in ledger.unanswered()}


@pytest.mark.parametrize("path", [(), (JobState.PREPARED,), (JobState.PREPARED, JobState.CHECKED)], ids=len)
def test_an_operator_can_give_up_any_job_that_is_not_delivered(ledger: Ledger, path: tuple[JobState, ...]):
    job = claimed(ledger)
    for state in path:
        ledger.move(job, state)
    ledger.move(job, JobState.REJECTED, results_due_at=datetime.now(UTC))


def test_an_operator_can_give_up_a_drop_that_waits_for_an_agreement(ledger: Ledger):
    drop = a_drop(state=JobState.WAITING)
    assert ledger.claim("acme_contacts", "acme-contacts", drop)
    ledger.move(drop.job, JobState.REJECTED, results_due_at=datetime.now(UTC))


def test_a_job_whose_run_ended_without_its_work_is_found(ledger: Ledger):
    now = datetime.now(UTC)
    job, other, done = claimed(ledger), claimed(ledger), claimed(ledger)
    ledger.note(job, run_started_at=now - timedelta(hours=1))
    ledger.note(other, run_started_at=now)
    ledger.note(done, run_started_at=now - timedelta(hours=1))
    for state in (JobState.PREPARED, JobState.CHECKED, JobState.DELIVERED):
        ledger.move(done, state)
    before = now - timedelta(minutes=15)
    found = {one.id for one in ledger.stranded(before)}
    assert job in found and done in found, "its inputs are not erased"
    assert other not in found
    ledger.note(done, inputs_erased_at=now)
    assert done not in {one.id for one in ledger.stranded(before)}
