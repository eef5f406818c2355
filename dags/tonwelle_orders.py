"""Tonwelle: hold orders against the bank's bookings. What is done to the data stands in sow/tonwelle/orders.yaml."""

from backoffice.orchestration import project_dag

dag = project_dag("tonwelle_orders")
