"""The object store: buckets, object versions, hard deletion, and who gets which credentials.

The S3 library is imported when the store is first used, not here: DAG files and light commands may import this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backoffice.storage.objects import Erased, EraseFailure, ObjectVersion, Reclaimed, Remaining, Stored, Upload
from backoffice.storage.settings import StoreSettings

if TYPE_CHECKING:
    from backoffice.storage.access import Issuer, JobAccess, JobStore
    from backoffice.storage.credentials import AccessKey, ClientCredentials, Credentials
    from backoffice.storage.failures import ObjectMissing, StoreAway, StoreRefused
    from backoffice.storage.store import Store
    from backoffice.storage.streams import ObjectStream

__all__ = [
    "AccessKey",
    "ClientCredentials",
    "Credentials",
    "EraseFailure",
    "Erased",
    "Issuer",
    "JobAccess",
    "JobStore",
    "ObjectMissing",
    "ObjectStream",
    "ObjectVersion",
    "Reclaimed",
    "Remaining",
    "Store",
    "StoreAway",
    "StoreRefused",
    "StoreSettings",
    "Stored",
    "Upload",
]

_HEAVY = {
    "AccessKey": "credentials",
    "ClientCredentials": "credentials",
    "Credentials": "credentials",
    "Issuer": "access",
    "JobAccess": "access",
    "JobStore": "access",
    "ObjectMissing": "failures",
    "StoreAway": "failures",
    "StoreRefused": "failures",
    "ObjectStream": "streams",
    "Store": "store",
}


def __getattr__(name: str) -> Any:
    if name in _HEAVY:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_HEAVY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
