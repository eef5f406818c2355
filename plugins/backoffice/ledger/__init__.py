"""The ledger: what was received, done, delivered, erased and certified. The truth that events only wake us to look at."""

from backoffice.ledger.ledger import Job, Ledger, NewDrop
from backoffice.ledger.states import UNDER_WAY, JobState, Stage

__all__ = ["UNDER_WAY", "Job", "JobState", "Ledger", "NewDrop", "Stage"]
