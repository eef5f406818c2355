"""The client's side: encrypt, sign, drop, fetch, accept. Knows nothing of the ledger, the keys or Airflow."""

from backoffice.kit.client import Dropped, Kit

__all__ = ["Dropped", "Kit"]
