"""The loop around intake: how it ends."""

from __future__ import annotations

import time
from dataclasses import replace

from backoffice.deployment import Deployment
from backoffice.intake.watch import watch
from tests.conftest_deployment import drop


def test_it_looks_until_it_is_told_to_end(deployment: Deployment):
    started: list[str] = []
    drop(deployment, "acme_contacts")
    begun = time.monotonic()
    watch(deployment, lambda dag, run: started.append(dag) or True, seconds=3600, ended=lambda: bool(started))
    assert started == ["acme_contacts"]
    assert time.monotonic() - begun < 60, "not an hour"


def test_it_ends_in_the_middle_of_a_long_pause(deployment: Deployment):
    slow = deployment.settings.model_copy(update={"intake_seconds": 600.0})
    until = time.monotonic() + 2
    watch(replace(deployment, settings=slow), lambda *_: True, seconds=3600, ended=lambda: time.monotonic() > until)
    assert time.monotonic() < until + 5
