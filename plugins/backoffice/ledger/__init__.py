"""The ledger: what was received, done, delivered, erased and certified. The truth that events only wake us to look at."""

from backoffice.ledger.ledger import Job, Ledger, NewDrop
from backoffice.ledger.states import JobState, Stage

__all__ = ["Job", "JobState", "Ledger", "NewDrop", "Stage"]
