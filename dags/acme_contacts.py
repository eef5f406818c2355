"""Acme: clean and deduplicate the contact list. What is done to the data stands in sow/acme/contacts.yaml."""

from backoffice.orchestration import project_dag

dag = project_dag("acme_contacts")
