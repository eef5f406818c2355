"""What dies, and what still comes out: once, and all of it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from tests.system.conftest import LOAD_CLIENTS
from tests.system.house import House, people


def test_fifty_drops_at_once_survive_a_killed_scheduler(house: House):
    projects = [f"{client}_contacts" for client in LOAD_CLIENTS]
    with ThreadPoolExecutor(5) as pool:
        wanted = [(projects[i % 5], people(30, start=i * 30)) for i in range(50)]
        dropped = list(pool.map(lambda w: (w[0], house.drop(w[1], project=w[0])), wanted))
    time.sleep(3)
    house.kill("scheduler")
    jobs = [house.settled(drop, "delivered", timeout=300) for _, drop in dropped]
    assert len({job.id for job in jobs}) == 50
    for (project, _), job in zip(dropped, jobs, strict=True):
        versions = list(house.deployment.store_manager.versions(job.bucket, f"out/{job.id}/"))
        assert len(versions) == 2, "the delivery and its report, once each"
        assert job.project == project
    total = [job for project in projects for job in house.deployment.ledger.jobs(project=project)]
    claimed = {job.version_id for job in total}
    assert {drop.version_id for _, drop in dropped} <= claimed
    assert len(claimed) == len(total), "no version was claimed twice"


def test_a_job_whose_worker_is_killed_is_continued_and_delivered_once(house: House):
    dropped = house.drop(people(2000))
    job = house.job(dropped)
    house.until(job.id, "prepared", "checked", "delivered")
    house.kill("scheduler")  # its workers are its children: the task dies with it
    settled = house.until(job.id, "delivered", timeout=180)
    assert (
        len(list(house.deployment.store_manager.versions(settled.bucket, f"out/{settled.id}/"))) == 2
    )  # its report too


def test_drops_made_while_intake_is_away_are_not_lost(house: House):
    house.kill("scheduler")
    dropped = [house.drop(people(5, start=i * 5)) for i in range(5)]
    jobs = {house.settled(drop, "delivered", timeout=180).id for drop in dropped}
    assert len(jobs) == 5


def test_a_minute_without_the_object_store_loses_nothing(house: House):
    before = house.drop(people(5))
    house.settled(before, "delivered")
    waiting = house.drop(people(500))
    house.stack._store.down()
    time.sleep(60)  # stopped on purpose: the keeper leaves it alone
    house.stack._store.up()
    house.settled(waiting, "delivered", timeout=240)


def test_a_minute_without_the_database_loses_nothing(house: House):
    waiting = house.drop(people(500))
    process = house.stack._process("postgres")
    process.stop()
    time.sleep(60)
    process.start()
    house.stack.up()  # as an operator would, to see that all is well; it waits for intake's first look
    house.settled(waiting, "delivered", timeout=300)
    house.settled(house.drop(people(5)), "delivered", timeout=120)
