"""Airflow: DAGs out of SOWs, operators of a dozen lines, the executor that has imported everything before it forks."""

from backoffice.orchestration.company import certificates_dag, clocks_dag, erasure_dag, escrow_dag, intake_dag
from backoffice.orchestration.project import project_dag

__all__ = ["certificates_dag", "clocks_dag", "erasure_dag", "escrow_dag", "intake_dag", "project_dag"]
