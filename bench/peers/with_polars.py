"""The contact job as someone who knows Polars writes it by hand: lazy, streaming, cleans, takes exact duplicates out, writes
plain CSV. It neither checks nor counts nor encrypts. Run by itself, in the peers' environment: ``with_polars.py IN OUT``.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

import polars as pl

COUNTRIES = {code.lower(): code for code in ("AT", "DE", "FR", "IT", "SI")} | {
    "austria": "AT", "germany": "DE", "france": "FR", "italy": "IT", "slovenia": "SI",
}  # fmt: skip


def trimmed(cell: Any) -> Any:
    clean = cell.str.contains(r"^[!-~]+( [!-~]+)*$")
    text = cell.str.replace_all(r"[\s\p{Z}\x{200B}\x{FEFF}]+", " ").str.strip_chars(" ")
    return pl.when(clean).then(cell).otherwise(pl.when(text != "").then(text))


def matching(cell: Any, pattern: str) -> Any:
    return pl.when(cell.str.contains(f"^(?:{pattern})$")).then(cell)


def named(cell: Any) -> Any:
    plain = (cell == cell.str.to_lowercase()) | (cell == cell.str.to_uppercase())
    return pl.when(plain).then(cell.str.to_titlecase()).otherwise(cell)


def job(source: str, target: str) -> None:
    rows = pl.scan_csv(source, infer_schema=False)
    col = pl.col
    rows = rows.with_columns(trimmed(pl.all()))
    rows = rows.with_columns(
        named(col("given_name")),
        named(col("family_name")),
        matching(col("email").str.to_lowercase(), "[a-z0-9._-]+@[a-z0-9.-]+"),
        matching(col("phone").str.replace_all("[^0-9]", ""), "[0-9]{7,15}"),
        matching(col("postcode"), "[0-9]{4,5}"),
        col("country").str.to_lowercase().replace_strict(COUNTRIES, default=None, return_dtype=pl.String),
        pl.coalesce(col("born").str.to_date(one, strict=False) for one in ("%Y-%m-%d", "%d.%m.%Y", "%Y%m%d")),
        col("since").str.to_date("%Y-%m-%d", strict=False),
    )
    keys = [name for name in rows.collect_schema().names() if name != "id"]
    rows.unique(keys, keep="first", maintain_order=True).sink_csv(target)


if __name__ == "__main__":
    before = time.monotonic()
    job(sys.argv[1], sys.argv[2])
    used = os.times()
    print(json.dumps({"cpu": used.user + used.system, "wall": time.monotonic() - before}))
