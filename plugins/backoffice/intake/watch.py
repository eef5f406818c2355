"""The loop around :class:`Intake`: looks, sleeps, looks again; rides out a store or a database that is away."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from backoffice.errors import BackofficeError
from backoffice.intake.reconcile import Intake, StartRun

if TYPE_CHECKING:
    from backoffice.deployment import Deployment

__all__ = ["watch"]

log = logging.getLogger(__name__)

_GIVE_UP_SECONDS = 120.0
_MOST_PAUSE = 5.0
_BEAT_SECONDS = 5.0
_LONGEST_SLEEP = 0.5


def watch(
    deployment: Deployment, start_run: StartRun, *, seconds: float, ended: Callable[[], bool] = lambda: False
) -> None:
    """Look at every bucket until ``seconds`` have passed, or ``ended`` says so, which is asked twice a second or more.

    A look that fails is logged once per kind and repeated, slower each time. After two minutes without a good look the last
    error is raised, so that an operator sees a failed task rather than a quiet one.
    """
    intake = Intake(deployment, start_run)
    until = time.monotonic() + seconds
    good, pause, said, beaten = time.monotonic(), deployment.settings.intake_seconds, "", 0.0
    while time.monotonic() < until and not ended():
        failure, began = None, time.monotonic()
        try:
            intake.look()
            if began - beaten > _BEAT_SECONDS:
                deployment.ledger.beat("intake")
                beaten = began
        except BackofficeError as error:
            failure = f"{type(error).__name__}: {error}"
        except SQLAlchemyError as error:
            failure = f"the database is away ({type(error).__name__})"
        if failure is None:
            # With many projects a look takes long: never spend more than half of the time on looking.
            good, said = time.monotonic(), ""
            pause = max(deployment.settings.intake_seconds, good - began)
        else:
            if failure != said:
                log.warning("intake could not look: %s", failure)
            said, pause = failure, min(pause * 2, _MOST_PAUSE)
            if time.monotonic() - good > _GIVE_UP_SECONDS:
                raise BackofficeError(f"Intake has not had a good look for {_GIVE_UP_SECONDS:.0f} s. {failure}")
        _sleep(pause, ended)


def _sleep(seconds: float, ended: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0 and not ended():
        time.sleep(min(left, _LONGEST_SLEEP))
