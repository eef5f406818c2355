"""The company's own: erasure. See backoffice.orchestration.company."""

from backoffice.orchestration import erasure_dag

dag = erasure_dag()
