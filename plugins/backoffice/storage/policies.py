"""Who may do what in the object store: every policy of ours, and nothing else. Pure.

What no policy here names is refused. ``tests/storage/test_store_isolation.py`` asks the real server for every identity.

====================  =================================================================================================
identity              may do nothing but
====================  =================================================================================================
a client's drop       put under ``in/`` of its project's bucket
a client's collect    read and list what is under ``out/`` of its project's bucket
a job's               read and put under ``work/<job>/`` and ``out/<job>/`` of its bucket; see what of ``out/<job>/`` is there
``intake``            list; read under ``in/``; delete notes of acceptance; put receipts and certificates; open jobs' sessions
``eraser``            list and delete; it reads nothing
``admin``             everything: buckets and clients' credentials are made with it, by a person's command
====================  =================================================================================================
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

__all__ = [
    "JOB_ROLE",
    "LONGEST",
    "client_policy",
    "eraser_policy",
    "intake_policy",
    "job_policy",
    "role_policy",
    "role_trust",
]

JOB_ROLE = "arn:aws:iam::000000000000:role/job"
"""What intake takes on, narrowed to one job, to open that job's session. The account is the store's own, it has one."""

LONGEST = timedelta(hours=12)
"""The longest session that SeaweedFS opens; the shortest is 15 minutes."""

_EVERY = "arn:aws:s3:::*"
_READ = ["s3:GetObject", "s3:GetObjectVersion"]
_LIST = ["s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"]
# Names under which SeaweedFS would keep an object that no listing shows, or not by its true name, or that has no versions:
# what cannot be found cannot be erased.
_NOT_LISTED = "".join(map(chr, [*range(1, 32), 127, 0xFFFE, 0xFFFF]))
_UNFINDABLE = ("in/", "*/", "*.versions/*", "*/.uploads/*", *(f"*{character}*" for character in _NOT_LISTED))


def client_policy(role: str, bucket: str) -> dict[str, Any]:
    """What a client's ``drop`` or ``collect`` may do in its bucket."""
    place = f"arn:aws:s3:::{bucket}"
    if role == "drop":
        return _policy(_allow(["s3:PutObject"], f"{place}/in/*"), _unfindable(place))
    listing = _allow(["s3:ListBucket"], place) | {"Condition": {"StringLike": {"s3:prefix": ["out/*"]}}}
    return _policy(_allow(["s3:GetObject"], f"{place}/out/*"), listing)


def job_policy(job: str, bucket: str) -> dict[str, Any]:
    """To what one job's session is narrowed. S3 allows 2,048 bytes; these are about 450.

    The drop itself is not in it: SeaweedFS knows no condition on a version, and a client may call an object ``in/*``. See
    :mod:`.access`.
    """
    place = f"arn:aws:s3:::{bucket}"
    listing = _allow(["s3:ListBucketVersions"], place) | {"Condition": {"StringEquals": {"s3:prefix": f"out/{job}/"}}}
    return _policy(_allow([*_READ, "s3:PutObject"], f"{place}/work/{job}/*", f"{place}/out/{job}/*"), listing)


def role_policy() -> dict[str, Any]:
    """What no job's session goes beyond, whatever was asked for it."""
    own = _allow([*_READ, "s3:PutObject"], f"{_EVERY}/work/*", f"{_EVERY}/out/*")
    return _policy(own, _allow(["s3:ListBucketVersions"], _EVERY), _unfindable(_EVERY))


def role_trust() -> dict[str, Any]:
    """Who may open a job's session: intake alone."""
    principal = {"AWS": ["arn:aws:iam::000000000000:user/intake"]}
    return _policy({"Effect": "Allow", "Principal": principal, "Action": ["sts:AssumeRole"]})


def intake_policy() -> dict[str, Any]:
    """What ``intake`` may do itself: also look again before a certificate, which is signed where it works."""
    told = [f"{_EVERY}/out/receipts/*", f"{_EVERY}/out/certificates/*"]
    return _policy(
        _allow(_LIST, _EVERY),
        _allow(_READ, f"{_EVERY}/in/*", *told),
        _allow(["s3:PutObject"], *told),
        _allow(["s3:DeleteObject", "s3:DeleteObjectVersion"], f"{_EVERY}/in/.accept/*"),
    )


def eraser_policy() -> dict[str, Any]:
    """What ``eraser`` may do."""
    delete = ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    return _policy(_allow([*_LIST, *delete], _EVERY))


def _policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _allow(actions: list[str], *resources: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources)}


def _unfindable(place: str) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": ["s3:*"], "Resource": [f"{place}/{name}" for name in _UNFINDABLE]}
