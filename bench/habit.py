"""The contact job as it is done out of habit: gpg, pandas column by column, Great Expectations on the frame, gpg again.

Run by itself, with the product's environment, which has both: ``python -m bench.habit DROP OUT GPG_HOME``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SUITE = Path(__file__).parent / "expectations" / "shop" / "contacts.json"
COUNTRIES = {code.lower(): code for code in ("AT", "DE", "FR", "IT", "SI")} | {
    "austria": "AT", "germany": "DE", "france": "FR", "italy": "IT", "slovenia": "SI",
}  # fmt: skip


def gpg(home: str, *arguments: str) -> None:
    """GnuPG, as an office has it."""
    fixed = [
        "--batch",
        "--yes",
        "--quiet",
        "--trust-model",
        "always",
        "--pinentry-mode",
        "loopback",
        "--passphrase",
        "",
    ]
    subprocess.run(["gpg", "--homedir", home, *fixed, *arguments], check=True, stderr=subprocess.DEVNULL)


def clean(frame: Any) -> Any:
    """The SOW's steps."""
    import pandas as pd

    for name in frame.columns:
        text = frame[name].str.replace(r"[\s\u00a0\u200b\ufeff]+", " ", regex=True).str.strip()
        frame[name] = text.mask(text == "")
    for name in ("given_name", "family_name"):
        cell = frame[name]
        plain = (cell == cell.str.lower()) | (cell == cell.str.upper())
        frame[name] = cell.where(~plain, cell.str.title())
    frame["email"] = frame["email"].str.lower()
    frame["phone"] = frame["phone"].str.replace("[^0-9]", "", regex=True)
    for name, form in {"email": "[a-z0-9._-]+@[a-z0-9.-]+", "phone": "[0-9]{7,15}", "postcode": "[0-9]{4,5}"}.items():
        frame[name] = frame[name].where(frame[name].str.fullmatch(form).fillna(False))
    frame["country"] = frame["country"].str.lower().map(COUNTRIES)
    born = pd.to_datetime(frame["born"], format="%Y-%m-%d", errors="coerce")
    for form in ("%d.%m.%Y", "%Y%m%d"):
        born = born.fillna(pd.to_datetime(frame["born"], format=form, errors="coerce"))
    frame["born"] = born.dt.strftime("%Y-%m-%d")
    since = pd.to_datetime(frame["since"], format="%Y-%m-%d", errors="coerce")
    frame["since"] = since.dt.strftime("%Y-%m-%d")
    return frame.drop_duplicates([name for name in frame.columns if name != "id"])


def checked(frame: Any) -> bool:
    """The suite, on the frame."""
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    batch = context.data_sources.add_pandas("p").add_dataframe_asset("a").add_batch_definition_whole_dataframe("b")
    suite = gx.ExpectationSuite(**json.loads(SUITE.read_text(encoding="utf-8")))
    context.suites.add(suite)
    definition = gx.ValidationDefinition(data=batch, suite=suite, name="v")
    context.validation_definitions.add(definition)
    return bool(definition.run(batch_parameters={"dataframe": frame}).success)


def main(drop: str, out: str, home: str) -> None:
    """The whole job; prints its figures as JSON."""
    import pandas as pd

    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    before = time.monotonic()
    gpg(home, "--output", f"{out}.in", "--decrypt", drop)
    frame = clean(pd.read_csv(f"{out}.in", dtype="str"))
    passed = checked(frame)
    frame.to_csv(f"{out}.csv", index=False)
    gpg(home, "--output", f"{out}.pgp", "--sign", "--encrypt", "--recipient", "shop@example.com", f"{out}.csv")
    used = os.times()
    cpu = used.user + used.system + used.children_user + used.children_system
    print(json.dumps({"cpu": cpu, "wall": time.monotonic() - before, "passed": passed}))


if __name__ == "__main__":
    main(*sys.argv[1:4])
