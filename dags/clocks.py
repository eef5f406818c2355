"""The company's own: clocks. See backoffice.orchestration.company."""

from backoffice.orchestration import clocks_dag

dag = clocks_dag()
