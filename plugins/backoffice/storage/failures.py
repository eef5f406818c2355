"""What went wrong in the store, said without a single name of the client's.

An object's key may be a person's name, and every S3 error carries it. So no error of the S3 library leaves this room:
:func:`asked` calls the library, lets go of its exception, and only then raises ours.
"""

from __future__ import annotations

import http.client
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    ParamValidationError,
    SSLError,
)
from botocore.exceptions import ConnectionError as BotoConnectionError
from urllib3.exceptions import HTTPError

from backoffice.errors import StorageError

__all__ = ["LIBRARY_ERRORS", "ObjectMissing", "StoreAway", "StoreRefused", "asked", "code_of", "explain", "refusal"]

_P = ParamSpec("_P")
_R = TypeVar("_R")

LIBRARY_ERRORS = (ClientError, BotoCoreError, HTTPError, http.client.HTTPException, OSError, ValueError)


class StoreRefused(StorageError):
    """The store answered with an error. ``code`` is S3's own, for example ``AccessDenied``; ``status`` is HTTP's."""

    def __init__(self, message: str, *, code: str, status: int = 0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code
        self.status = status


class ObjectMissing(StoreRefused):
    """The bucket, object, version or upload is not there."""


class StoreAway(StorageError):
    """The store did not answer, or the answer broke off. Trying again later may help."""


_MISSING = frozenset({"NoSuchKey", "NoSuchVersion", "NoSuchBucket", "NoSuchUpload", "404", "NotFound", "NoSuchEntity"})
_HINTS = {
    "AccessDenied": "Check that these credentials were issued for this bucket.",
    "403": "Check that these credentials were issued for this bucket.",
    "InvalidAccessKeyId": "The access key is unknown: it was revoked, has ended, or belongs to another store.",
    "SignatureDoesNotMatch": "The secret key does not belong to the access key.",
    "NoSuchBucket": "Create the project's bucket first.",
    "RequestTimeTooSkewed": "Set this machine's clock.",
}


def asked(what: str, call: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
    """Call the S3 library. ``what`` names the operation in our words ("list object versions"), never an object.

    Raises ``ObjectMissing``, ``StoreRefused`` or ``StoreAway``, none of which holds the library's exception.
    """
    try:
        return call(*args, **kwargs)
    except LIBRARY_ERRORS as error:
        failure = explain(what, error)
    raise failure


def code_of(error: BaseException) -> tuple[str, int]:
    """S3's error code and the HTTP status of a library exception; ``("", 0)`` when the store gave no answer."""
    response: dict[str, Any] = getattr(error, "response", None) or {}
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    code = str(response.get("Error", {}).get("Code") or "")
    return (code if code.isalnum() and len(code) < 60 else str(status or ""), status)


def refusal(what: str, code: str, status: int) -> StorageError:
    """Our error for an answer of the store: what was asked, S3's code and the HTTP status."""
    if code in _MISSING or status == 404:
        message = f"The store could not {what}: it is not there ({code})."
        return ObjectMissing(message, code=code, status=status, hint=_HINTS.get(code, ""))
    if status >= 500 and status != 501:
        return StoreAway(f"The store could not {what}: {code or status}.", hint="Try again in a minute.")
    message = f"The store refused to {what}: {code or status}."
    return StoreRefused(message, code=code, status=status, hint=_HINTS.get(code, ""))


def explain(what: str, error: BaseException) -> StorageError:
    """Our error for a library exception: what was asked and S3's code, nothing of the request."""
    if isinstance(error, ClientError):
        return refusal(what, *code_of(error))
    if isinstance(error, ParamValidationError):
        return StoreRefused(f"The store cannot {what}: a name or value is not valid for S3.", code="InvalidRequest")
    if isinstance(error, SSLError):
        return StoreAway(
            f"The store could not {what}: its certificate was not accepted.",
            hint="Check the CA bundle in the store's settings.",
        )
    if isinstance(error, BotoConnectionError | HTTPClientError | HTTPError | http.client.HTTPException | OSError):
        return StoreAway(
            f"The store did not answer while asked to {what} ({type(error).__name__}).",
            hint="Check that it runs and can be reached: `backoffice stack status`.",
        )
    return StorageError(f"The store could not {what} ({type(error).__name__}).")
