"""Each client project's own credentials: one key that may only drop, one that may only collect.

Rights are IAM policies attached to IAM users: made at run time, kept by the store over restarts, and revoked at once.
They were chosen because SeaweedFS then tells PutObject from DeleteObject; its identity file has only "Write" for both.
What they may do, :mod:`.policies` says.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from backoffice.errors import StorageError
from backoffice.storage.connection import client
from backoffice.storage.failures import ObjectMissing, StoreRefused, asked
from backoffice.storage.policies import client_policy
from backoffice.storage.settings import StoreSettings

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

__all__ = ["AccessKey", "ClientCredentials", "Credentials"]

_ROLES = ("drop", "collect")
_PROJECT = re.compile(r"[a-z0-9]+(?:[_-][a-z0-9]+)*")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")


@dataclass(frozen=True, kw_only=True)
class AccessKey:
    """One access key. The secret is known only now: the store does not give it out again."""

    access_key: str
    secret_key: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class ClientCredentials:
    """What a client project needs to hand in and to collect."""

    project: str
    bucket: str
    drop: AccessKey
    collect: AccessKey


class Credentials:
    """Issues and revokes clients' credentials; ``settings`` must be those of the store's ``admin`` identity.

    Methods take the project's id (``acme_contacts``); ``bucket`` defaults to the same with dashes. All raise
    ``StorageError``.
    """

    def __init__(self, settings: StoreSettings) -> None:
        self.settings = settings

    @cached_property
    def iam(self) -> IAMClient:
        """The IAM client behind it; call it through ``failures.asked`` only."""
        return asked("open a connection", client, self.settings, "iam")

    def issue(self, project: str, *, bucket: str | None = None) -> ClientCredentials:
        """New keys for both identities, with the rights that :mod:`.policies` gives them; every older key stops working.

        Doing it again repairs whatever an earlier call left half done. To see whether keys are out, without replacing
        them, ask ``issued``.
        """
        where = _bucket(project, bucket)
        keys = {role: self._issue(project, role, where) for role in _ROLES}
        return ClientCredentials(project=project, bucket=where, drop=keys["drop"], collect=keys["collect"])

    def issued(self, project: str) -> bool:
        """Whether both identities exist, each with its policy and a key."""
        _bucket(project, None)
        return all(
            self._keys(user) and self._attached(user) == {user} for user in (_user(project, role) for role in _ROLES)
        )

    def revoke(self, project: str) -> int:
        """Destroy both identities, their rights and all their keys, also ones a client made for itself.

        Gives the number of keys destroyed; 0 when there were none. Raises ``StorageError`` if, looked at again, an
        identity is still there.
        """
        _bucket(project, None)
        destroyed = 0
        for role in _ROLES:
            user = _user(project, role)
            destroyed += self._drop_keys(user)
            for policy in self._attached(user):
                self._quiet(self.iam.detach_user_policy, UserName=user, PolicyArn=_arn(policy))
            self._quiet(self.iam.delete_user, UserName=user)
            self._quiet(self.iam.delete_policy, PolicyArn=_arn(user))
            if self._exists(user):
                raise StorageError(
                    f"The credentials of {project} could not be revoked.", hint="Try again; the store still knows them."
                )
        return destroyed

    def _issue(self, project: str, role: str, bucket: str) -> AccessKey:
        user = _user(project, role)
        if not self._exists(user):
            self._unless_there(self.iam.create_user, UserName=user)
        wanted = client_policy(role, bucket)
        if self._document(user) != wanted:
            # Rights first go, then come back: in between the identity may do nothing.
            for policy in self._attached(user):
                self._quiet(self.iam.detach_user_policy, UserName=user, PolicyArn=_arn(policy))
            self._quiet(self.iam.delete_policy, PolicyArn=_arn(user))
            self._unless_there(self.iam.create_policy, PolicyName=user, PolicyDocument=json.dumps(wanted))
        for policy in self._attached(user) - {user}:
            self._quiet(self.iam.detach_user_policy, UserName=user, PolicyArn=_arn(policy))
        self._drop_keys(user)
        asked("grant a client's rights", self.iam.attach_user_policy, UserName=user, PolicyArn=_arn(user))
        made: Any = asked("make an access key", self.iam.create_access_key, UserName=user)["AccessKey"]
        return AccessKey(access_key=made["AccessKeyId"], secret_key=made["SecretAccessKey"])

    def _exists(self, user: str) -> bool:
        try:
            asked("look for an identity", self.iam.get_user, UserName=user)
        except ObjectMissing:
            return False
        return True

    def _document(self, user: str) -> dict[str, Any] | None:
        try:
            policy: Any = asked("read a policy", self.iam.get_policy, PolicyArn=_arn(user))["Policy"]
            version: Any = asked(
                "read a policy", self.iam.get_policy_version, PolicyArn=_arn(user), VersionId=policy["DefaultVersionId"]
            )
        except ObjectMissing:
            return None
        found = version["PolicyVersion"]["Document"]
        return json.loads(found) if isinstance(found, str) else found

    def _attached(self, user: str) -> set[str]:
        try:
            found: Any = asked("list an identity's rights", self.iam.list_attached_user_policies, UserName=user)
        except ObjectMissing:
            return set()
        return {policy["PolicyName"] for policy in found["AttachedPolicies"]}

    def _keys(self, user: str) -> list[str]:
        try:
            found: Any = asked("list access keys", self.iam.list_access_keys, UserName=user)
        except ObjectMissing:
            return []
        return [key["AccessKeyId"] for key in found["AccessKeyMetadata"]]

    def _drop_keys(self, user: str) -> int:
        keys = self._keys(user)
        for key in keys:
            self._quiet(self.iam.delete_access_key, UserName=user, AccessKeyId=key)
        return len(keys)

    def _quiet(self, call: Any, **arguments: str) -> None:
        """Call; what is gone already is as it should be."""
        try:
            asked("revoke a client's rights", call, **arguments)
        except ObjectMissing:
            return

    def _unless_there(self, call: Any, **arguments: str) -> None:
        try:
            asked("make a client's identity", call, **arguments)
        except StoreRefused as refusal:
            if refusal.code != "EntityAlreadyExists":
                raise


def _bucket(project: str, bucket: str | None) -> str:
    where = project.replace("_", "-") if bucket is None else bucket
    # A name with a wildcard would widen the policy beyond one bucket.
    if not _PROJECT.fullmatch(project) or not _BUCKET.fullmatch(where):
        raise StorageError(
            f"{project!r} cannot have credentials: project or bucket name is not valid.",
            hint="Use lower-case letters and digits, with single dashes or underscores between them.",
        )
    return where


def _user(project: str, role: str) -> str:
    return f"{project}-{role}"


def _arn(policy: str) -> str:
    return f"arn:aws:iam:::policy/{policy}"
