"""``backoffice sow check``."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import typer

from backoffice.commands.sow.arguments import Json, SowFile

__all__ = ["check"]


def check(sow: SowFile, as_json: Json = False) -> None:
    """Find every mistake in a SOW and in the DPA beside it; say whether it may be processed today.

    Exit code 0: all is well. 3: mistakes. 4: no mistake, but the agreement does not cover it today.
    """
    from backoffice.contract import ContractFileError, gate
    from backoffice.contract import check as check_files
    from backoffice.errors import NotAgreed

    mistakes: list[Any] = []
    try:
        found, dpa = check_files(sow)
    except ContractFileError as error:
        if not as_json:
            raise
        mistakes = [one.to_dict() for one in error.mistakes]
        print(json.dumps({"sow": str(sow), "mistakes": mistakes, "refusals": []}, indent=2))
        raise typer.Exit(error.exit_code) from None
    refusals = gate(dpa, found, on=datetime.now(UTC).date())
    if as_json:
        shown = [{"code": one.code, "message": one.message, "hint": one.hint} for one in refusals]
        print(json.dumps({"sow": str(sow), "mistakes": mistakes, "refusals": shown}, indent=2))
        raise typer.Exit(NotAgreed.exit_code if refusals else 0)
    if refusals:
        message = " ".join(one.message for one in refusals)
        raise NotAgreed(f"No mistakes, but it may not be processed today. {message}", hint=refusals[0].hint)
    print(f"{sow}: no mistakes. {len(found.steps)} steps, {len(found.columns)} columns in the result.")
    print(f"Agreed with {dpa.controller.name} until {dpa.valid_until}: it may be processed.")
