"""Klarblick: register and file incoming invoices. What is done to them stands in sow/klarblick/invoices.yaml."""

from backoffice.orchestration import project_dag

dag = project_dag("klarblick_invoices")
