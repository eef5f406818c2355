"""The states of a job and the moves between them.

::

    waiting ──► claimed ──► prepared ──► checked ──► delivered ──► accepted ──► erased ──► certified
       ▲           │            │                        │                        ▲
       └───────────┤            └──► held ──► prepared   └────────────────────────┤
                   └──► rejected ─────────────────────────────────────────────────┘

``waiting`` is a drop that no agreement covers yet: recorded, not touched (P12). ``held`` is a result that broke its
checks: nothing is delivered until an operator has decided. ``rejected`` is a file that the client has to mend.

Not drawn: until it is delivered, an operator may reject any job (``job reject``), or clear its run from ``prepare`` to have
it done again from the original.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["STAGES", "UNDER_WAY", "JobState", "Stage", "may_move"]


class JobState(StrEnum):
    """Where a job stands. The values are shown on screen and kept in the ledger."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    PREPARED = "prepared"
    CHECKED = "checked"
    HELD = "held"
    REJECTED = "rejected"
    DELIVERED = "delivered"
    ACCEPTED = "accepted"
    ERASED = "erased"
    CERTIFIED = "certified"


UNDER_WAY = (JobState.CLAIMED, JobState.PREPARED, JobState.CHECKED, JobState.HELD)
"""Jobs that a stage may yet work on with the store. Not one that waits for its agreement: it is not touched (P12)."""


class Stage(StrEnum):
    """A piece of work on one job; each attempt is a row of the ledger with its own start and end."""

    PREPARE = "prepare"
    CHECK = "check"
    REJECT = "reject"
    DELIVER = "deliver"
    ERASE_INPUTS = "erase-inputs"
    ERASE_RESULTS = "erase-results"
    CERTIFY = "certify"


STAGES = tuple(Stage)

_MOVES: dict[JobState, frozenset[JobState]] = {
    JobState.WAITING: frozenset({JobState.CLAIMED, JobState.REJECTED}),
    JobState.CLAIMED: frozenset({JobState.PREPARED, JobState.REJECTED, JobState.WAITING}),
    JobState.PREPARED: frozenset({JobState.CHECKED, JobState.HELD, JobState.REJECTED}),
    JobState.HELD: frozenset({JobState.PREPARED, JobState.CHECKED, JobState.REJECTED}),
    JobState.CHECKED: frozenset({JobState.DELIVERED, JobState.HELD, JobState.PREPARED, JobState.REJECTED}),
    JobState.DELIVERED: frozenset({JobState.ACCEPTED, JobState.ERASED}),
    JobState.ACCEPTED: frozenset({JobState.ERASED}),
    JobState.REJECTED: frozenset({JobState.ERASED}),
    JobState.ERASED: frozenset({JobState.CERTIFIED}),
    JobState.CERTIFIED: frozenset(),
}


def may_move(current: JobState, to: JobState) -> bool:
    """Whether a job in ``current`` may go to ``to``. Staying where it is, is allowed: a repeated stage is no fault."""
    return current == to or to in _MOVES[current]
