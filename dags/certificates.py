"""The company's own: certificates that end. See backoffice.orchestration.company."""

from backoffice.orchestration import certificates_dag

dag = certificates_dag()
