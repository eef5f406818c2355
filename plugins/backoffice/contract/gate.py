"""The gate: no processing without an agreement that covers it (P12)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from backoffice.contract.dpa import Dpa
from backoffice.contract.sow import Sow

__all__ = ["Refusal", "RefusalCode", "gate"]


class RefusalCode(StrEnum):
    """Why the gate is shut. Stable: safe to log and count."""

    NOT_SIGNED = "not-signed"
    NOT_YET_VALID = "not-yet-valid"
    EXPIRED = "expired"
    OTHER_CLIENT = "other-client"
    PURPOSE = "purpose"
    COLUMNS = "columns"


@dataclass(frozen=True)
class Refusal:
    """One reason not to process, and what to do about it."""

    code: RefusalCode
    message: str
    hint: str


def gate(dpa: Dpa, sow: Sow, *, on: date) -> tuple[Refusal, ...]:
    """Every reason why ``dpa`` does not cover ``sow`` on the day ``on``. Empty: it may be processed."""
    return tuple(_reasons(dpa, sow, on))


def _reasons(dpa: Dpa, sow: Sow, on: date) -> Iterator[Refusal]:
    whose = f"The DPA with {dpa.client}"
    if dpa.signed_on is None:
        yield Refusal(RefusalCode.NOT_SIGNED, f"{whose} is not signed.", "Have it signed, then set `signed_on`.")
    elif dpa.signed_on > on:
        hint = f"Wait until {dpa.signed_on}, or mend `signed_on`."
        yield Refusal(RefusalCode.NOT_SIGNED, f"{whose} is dated to be signed on {dpa.signed_on}.", hint)
    if on < dpa.valid_from:
        hint = f"Wait until {dpa.valid_from}."
        yield Refusal(RefusalCode.NOT_YET_VALID, f"{whose} is valid only from {dpa.valid_from}.", hint)
    if on > dpa.valid_until:
        hint = "Agree an extension with the client, then set `valid_until`."
        yield Refusal(RefusalCode.EXPIRED, f"{whose} expired on {dpa.valid_until}.", hint)
    if sow.client and sow.client != dpa.client:
        message = f"{whose} cannot cover a SOW of {sow.client}."
        yield Refusal(RefusalCode.OTHER_CLIENT, message, "Each client has a DPA of its own, in its own folder.")
    if sow.purpose not in dpa.purposes:
        message = f"{whose} does not name the purpose `{sow.purpose}`."
        yield Refusal(RefusalCode.PURPOSE, message, f"It names: {', '.join(dpa.purposes)}.")
    outside = [column for column in sow.input.columns if column not in dpa.data.columns]
    if outside:
        message = f"{whose} does not allow: {', '.join(outside)}."
        yield Refusal(RefusalCode.COLUMNS, message, "Take these columns out of the SOW, or agree them with the client.")
