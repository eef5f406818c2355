"""A job's own way into the store: for a few hours, to one version of one drop and to what lies in the job's name.

Two things together, both made without the store having to remember them, so that they outlive its restart and end by
themselves:

* a session (STS AssumeRole), narrowed to the job's names under ``work/`` and ``out/``: see :func:`.policies.job_policy`;
* a link (a presigned request) to read the one version that the job is about. A policy could not say that: SeaweedFS has no
  condition on a version, and clients choose the names.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import urllib3

from backoffice.errors import StorageError
from backoffice.storage.connection import client
from backoffice.storage.failures import asked, refusal
from backoffice.storage.policies import JOB_ROLE, LONGEST, job_policy
from backoffice.storage.settings import StoreSettings
from backoffice.storage.store import Store
from backoffice.storage.streams import ObjectStream
from backoffice.tls import trust

if TYPE_CHECKING:
    from uuid import UUID

    from mypy_boto3_s3 import S3Client

__all__ = ["Issuer", "JobAccess", "JobStore"]

_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_ANSWER = 4096


@dataclass(frozen=True, kw_only=True)
class JobAccess:
    """What opens the store for one job, until ``until``. Nothing of it is shown; it is kept sealed under the job's key."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    session_token: str = field(repr=False)
    drop: str = field(repr=False)
    until: datetime

    def to_bytes(self) -> bytes:
        """To be sealed."""
        return json.dumps(self.__dict__ | {"until": self.until.isoformat()}).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> JobAccess:
        """What :meth:`to_bytes` gave."""
        values = json.loads(data)
        return cls(**values | {"until": datetime.fromisoformat(values["until"])})


class Issuer:
    """Opens jobs' ways into the store; ``settings`` must be those of the store's ``intake`` identity."""

    def __init__(self, settings: StoreSettings) -> None:
        self.settings = settings

    @cached_property
    def _sts(self) -> Any:
        return asked("open a connection", client, self.settings, "sts")

    @cached_property
    def _s3(self) -> S3Client:
        return asked("open a connection", client, self.settings, "s3")

    def issue(self, job: UUID, *, bucket: str, key: str, version_id: str, lifetime: timedelta) -> JobAccess:
        """A way in for one job, about its drop: the version ``version_id`` of ``key``. An earlier one lasts until its own end.

        :raises StorageError: the store is away, or this identity may open no sessions.
        """
        if not _BUCKET.fullmatch(bucket) or not timedelta(minutes=15) <= lifetime <= LONGEST:
            raise StorageError(
                f"Job {job} cannot have access to the store for {lifetime}: bucket or time is not valid."
            )
        seconds = int(lifetime.total_seconds())
        answer: Any = asked(
            "open a job's session",
            self._sts.assume_role,
            RoleArn=JOB_ROLE,
            RoleSessionName=str(job),
            DurationSeconds=seconds,
            Policy=json.dumps(job_policy(str(job), bucket)),
        )
        link = asked(
            "make a link",
            self._s3.generate_presigned_url,
            "get_object",
            Params={"Bucket": bucket, "Key": key, "VersionId": version_id},
            ExpiresIn=seconds,
        )
        made = answer["Credentials"]
        return JobAccess(
            access_key=made["AccessKeyId"],
            secret_key=made["SecretAccessKey"],
            session_token=made["SessionToken"],
            drop=link,
            until=min(made["Expiration"].astimezone(UTC), datetime.now(UTC) + lifetime),
        )


class JobStore(Store):
    """The store as one job sees it.

    :param settings: how to reach the store; its keys are not used.
    """

    def __init__(self, settings: StoreSettings, access: JobAccess) -> None:
        keys = {"access_key": access.access_key, "secret_key": access.secret_key}
        super().__init__(replace(settings, **keys, session_token=access.session_token))
        self._link = access.drop

    @cached_property
    def _pool(self) -> urllib3.PoolManager:
        have = self.settings
        return urllib3.PoolManager(
            ssl_context=trust(have.ca),
            timeout=urllib3.Timeout(connect=have.connect_timeout, read=have.read_timeout),
            retries=urllib3.Retry(have.attempts - 1, redirect=0, backoff_factor=0.2),
        )

    def open_drop(self) -> ObjectStream:
        """The bytes of the job's drop, as a stream to read once: that version, and no other."""
        signed = urlsplit(self._link)
        answer = asked(
            "read the drop",
            self._pool.request,
            "GET",
            # The store may have moved to another port since; the link was signed for the host that is named in it.
            f"{self.settings.endpoint}{signed.path}?{signed.query}",
            headers={"Host": signed.netloc},
            preload_content=False,
            decode_content=False,  # a client may say of its drop whatever it likes
            redirect=False,
        )
        if answer.status != 200:
            code = re.search(rb"<Code>(\w{1,59})</Code>", asked("read the drop", answer.read, _ANSWER))
            answer.close()
            raise refusal("read the drop", code[1].decode() if code else str(answer.status), answer.status)
        return ObjectStream(
            answer, int(answer.headers["Content-Length"]), answer.headers.get("x-amz-version-id", "null")
        )
