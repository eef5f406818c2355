"""The proof that a client's values are in the memory of who works on them, and nowhere else.

Every kind of drop at once, also those that fail, while tasks and children are killed; the search goes on all the while, after
it, and after everything was erased. Each time with a control in every kind of place and in every form.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import UUID

import psycopg
import pytest

from backoffice.kit import Dropped
from backoffice.ledger import Job
from tests.canary.conftest import TOLD
from tests.canary.drops import CASES, Case
from tests.canary.places import NAMED
from tests.canary.sealing import labelled
from tests.canary.search import Search, Searched
from tests.canary.watching import Watch, kill_decrypting, kill_tasks
from tests.system.house import TOKENS, House

_PATIENCE = 900.0


@dataclass
class Proof:
    """What happened."""

    jobs: dict[str, UUID]
    ends: dict[str, tuple[str, str | None]]
    watch: Watch
    killed: dict[str, int]


@pytest.fixture(scope="module")
def proof(house: House) -> Iterator[Proof]:
    """All of them processed, with what was searched meanwhile."""
    with Watch(Search(house.ground, TOKENS)) as watch, ThreadPoolExecutor(8) as pool:
        breaking = [
            pool.submit(kill_decrypting, house, within=_PATIENCE),
            pool.submit(kill_tasks, house, "prepare", within=_PATIENCE),
            pool.submit(kill_tasks, house, "deliver", within=_PATIENCE),
        ]
        dropped = dict(pool.map(lambda case: (case.name, case.seal(house, case.project, case.content())), CASES))
        ended = {case.name: _end(house, case, dropped[case.name]) for case in CASES}
        killed = [int(one.result()) for one in breaking]
    proof = Proof(
        jobs={name: job.id for name, (job, _) in ended.items()},
        ends={name: (end, reason) for name, (_, (end, reason)) in ended.items()},
        watch=watch,
        killed=dict(zip(("child that decrypts", "at work in prepare", "at work in deliver"), killed, strict=True)),
    )
    TOLD.append(_jobs(proof))
    TOLD.append(watch.found.table(f"searched while they ran, {watch.looks} times"))
    yield proof


def _end(house: House, case: Case, dropped: Dropped) -> tuple[Job, tuple[str, str | None]]:
    """Wait until a job has come to where it stays."""
    job = house.job(dropped, timeout=_PATIENCE)
    ledger = house.deployment.ledger

    def rests() -> tuple[Job, tuple[str, str | None]] | None:
        now = ledger.job(job.id)
        outcomes = [stage["outcome"] for stage in ledger.of(job.id)["stages"]]
        if case.ends == "fails" and case.reason in outcomes:
            return now, ("fails", case.reason)
        if now.state in ("erased", "certified"):  # it was rejected, and erased at once
            return now, ("rejected", now.reason)
        if now.state in ("delivered", "held", "rejected"):
            return now, (str(now.state), now.reason)
        return None

    return house._wait(rests, _PATIENCE, lambda: f"{case.name}: {ledger.job(job.id)!r}")


def _jobs(proof: Proof) -> str:
    killed = ", ".join(f"{count} {what}" for what, count in proof.killed.items())
    lines = [f"{'what was dropped':<44}{'ended':<26}tokens in"]
    for case in CASES:
        end = ": ".join(filter(None, proof.ends[case.name]))
        places = [
            *case.planted(),
            *(["name of the object *", "label of the object *"] if case.seal is labelled else []),
        ]
        lines.append(f"  {case.name:<42}{end:<26}{', '.join(places)}")
    known = "  * is in the store's own index until the upkeep that follows its erasure, and nowhere else"
    return "\n".join([*lines, known, f"  killed meanwhile: {killed}"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_kind_of_job_ends_as_it_should(proof: Proof, case: Case):
    assert proof.ends[case.name] == (case.ends, case.reason)


def test_a_child_and_tasks_were_killed_while_they_worked(proof: Proof):
    assert all(proof.killed.values()), proof.killed


def test_while_jobs_run_no_value_is_anywhere(proof: Proof):
    assert proof.watch.failure is None, proof.watch.failure
    assert proof.watch.looks >= 3


def test_after_them_no_value_is_anywhere(proof: Proof, house: House):
    _search(house, "searched after all jobs")


def test_after_erasure_no_value_is_anywhere(proof: Proof, house: House):
    """Delivered ones are accepted, held and failing ones given up: everything is deleted, and the store forgets the names."""
    for case in CASES:
        job = proof.jobs[case.name]
        if proof.ends[case.name][0] == "delivered":
            house.kit(case.project).accept(job)
        elif proof.ends[case.name][0] in ("held", "fails"):
            house.backoffice("job", "reject", str(job), "--reason", "It is given up.")
    for job in proof.jobs.values():
        house.until(job, "certified", timeout=_PATIENCE)
    named = _search(house, "searched after everything was erased and certified").known
    assert any(name.startswith(NAMED) for name in named)  # else the next line would say nothing
    house.backoffice("stack", "upkeep")
    assert not _search(house, "searched after the object store's upkeep").known


def test_what_is_on_disk_of_the_databases_can_be_read(house: House):
    """Where the log of changes is compressed, a search of its files says nothing."""
    for address in house.ground.databases().values():
        with psycopg.connect(address) as db:
            assert db.execute("SHOW wal_compression").fetchone() == ("off",)


def _search(house: House, title: str) -> Searched:
    found = Search(house.ground, TOKENS, remember=False).must_find_nothing()
    TOLD.append(found.table(title))
    return found
