"""The company's own: intake. See backoffice.orchestration.company."""

from backoffice.orchestration import intake_dag

dag = intake_dag()
