"""Nordwind: clean the price list, compare it with the last. What is done to the data stands in sow/nordwind/pricelist.yaml."""

from backoffice.orchestration import project_dag

dag = project_dag("nordwind_pricelist")
