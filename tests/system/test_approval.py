"""A SOW that asks for approval: nothing is delivered until a person has released it in Airflow (DESIGN: Approve)."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from uuid import UUID

from backoffice.tls import trust
from tests.system.conftest import APPROVED_CLIENT
from tests.system.house import House, people


class Airflow:
    """Airflow's public API, as the administrator that a person logs in as."""

    def __init__(self, house: House) -> None:
        self.url = house.stack.airflow_url
        self.trust = trust(house.var / "tls" / "ca.pem")
        password = house.stack.admin_password_file.read_text()
        self.token = self.call("POST", "/auth/token", {"username": "admin", "password": password})["access_token"]

    def call(self, method: str, path: str, body: dict | None = None) -> dict:
        headers = {"Content-Type": "application/json"}
        if hasattr(self, "token"):
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30, context=self.trust) as answer:
            return json.load(answer)

    def waits(self, dag: str, run: UUID) -> dict | None:
        """The question that a run waits with, if it does."""
        try:
            return self.call("GET", self._question(dag, run))
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def answer(self, dag: str, run: UUID, choice: str) -> None:
        self.call("PATCH", self._question(dag, run), {"chosen_options": [choice], "params_input": {}})

    @staticmethod
    def _question(dag: str, run: UUID) -> str:
        return f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances/release.approve/-1/hitlDetails"


def test_a_result_waits_for_a_person_and_is_delivered_once_released(house: House):
    dag, airflow = f"{APPROVED_CLIENT}_contacts", Airflow(house)
    job = house.settled(house.drop(people(5), project=dag), "checked")
    question = house._wait(lambda: airflow.waits(dag, job.id), 60)
    assert "5 rows in, 5 out" in question["body"]
    assert question["subject"] == "Release this result to the client?"
    time.sleep(3)
    assert house.deployment.ledger.job(job.id).state == "checked"
    airflow.answer(dag, job.id, "Approve")
    house.until(job.id, "delivered")


def test_a_result_that_a_person_refuses_is_held_and_can_be_given_up(house: House, backoffice):
    dag, airflow = f"{APPROVED_CLIENT}_contacts", Airflow(house)
    job = house.settled(house.drop(people(5, start=50), project=dag), "checked")
    house._wait(lambda: airflow.waits(dag, job.id), 60)
    # No person answers sooner: Airflow would take the first half of the task for a lost one, and ask again.
    time.sleep(3)
    airflow.answer(dag, job.id, "Reject")
    held = house.until(job.id, "held")
    assert held.reason == "not-released"
    assert house.deployment.store_manager.head(job.bucket, f"out/{job.id}/contacts.csv.pgp") is None
    backoffice("job", "reject", str(job.id), "--reason", "The list is of another year.")
    house.until(job.id, "rejected", "erased", "certified")
