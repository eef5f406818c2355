"""The company's own: escrow of the key store. See backoffice.orchestration.company."""

from backoffice.orchestration import escrow_dag

dag = escrow_dag()
