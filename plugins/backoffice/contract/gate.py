"""The gate: no processing without an agreement that covers it (P12)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from backoffice.contract.dpa import Dpa
from backoffice.contract.sow import Sow

__all__ = ["Refusal", "RefusalCode", "gate", "password_refusal"]


RefusalCode = Literal[
    "dpa-not-signed", "not-yet-valid", "expired", "other-client", "purpose", "columns", "signers", "protected"
]
"""Why the gate is shut. Stable: safe to log and count."""


@dataclass(frozen=True)
class Refusal:
    """One reason not to process, and what to do about it."""

    code: RefusalCode
    message: str
    hint: str


def gate(dpa: Dpa, sow: Sow, *, on: date) -> tuple[Refusal, ...]:
    """Every reason why ``dpa`` does not cover ``sow`` on the day ``on``. Empty: it may be processed."""
    return tuple(_reasons(dpa, sow, on))


def password_refusal(dpa: Dpa) -> Refusal | None:
    """Why no workbook with a password may be opened under ``dpa``. None: it may. It shuts the gate for such files alone."""
    if dpa.protected_workbooks:
        return None
    message = f"The DPA with {dpa.client} does not allow workbooks with a password."
    return Refusal("protected", message, "Agree it with the client, then set `protected_workbooks: true`.")


def _reasons(dpa: Dpa, sow: Sow, on: date) -> Iterator[Refusal]:
    whose = f"The DPA with {dpa.client}"
    if dpa.signed_on is None:
        yield Refusal("dpa-not-signed", f"{whose} is not signed.", "Have it signed, then set `signed_on`.")
    elif dpa.signed_on > on:
        hint = f"Wait until {dpa.signed_on}, or mend `signed_on`."
        yield Refusal("dpa-not-signed", f"{whose} is dated to be signed on {dpa.signed_on}.", hint)
    if on < dpa.valid_from:
        hint = f"Wait until {dpa.valid_from}."
        yield Refusal("not-yet-valid", f"{whose} is valid only from {dpa.valid_from}.", hint)
    if on > dpa.valid_until:
        hint = "Agree an extension with the client, then set `valid_until`."
        yield Refusal("expired", f"{whose} expired on {dpa.valid_until}.", hint)
    if sow.client and sow.client != dpa.client:
        message = f"{whose} cannot cover a SOW of {sow.client}."
        yield Refusal("other-client", message, "Each client has a DPA of its own, in its own folder.")
    if sow.client and sow.client not in sow.signers:
        message = f"The SOW lets others than {sow.client} sign its drops, but not {sow.client}."
        yield Refusal("signers", message, f"Add {sow.client} to `signers`; a copied SOW still names the other client.")
    if sow.purpose not in dpa.purposes:
        message = f"{whose} does not name the purpose `{sow.purpose}`."
        yield Refusal("purpose", message, f"It names: {', '.join(dpa.purposes)}.")
    wanted = dict.fromkeys(column for one in sow.all_inputs.values() for column in one.agreed)
    outside = [column for column in wanted if column not in dpa.data.columns]
    if outside:
        message = f"{whose} does not allow: {', '.join(outside)}."
        yield Refusal("columns", message, "Take these columns out of the SOW, or agree them with the client.")
