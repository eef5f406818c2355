"""Contact lists as shops type them: made, seeded, any size; about a tenth are exact and a twentieth near duplicates."""

from __future__ import annotations

import csv
import io
import random

__all__ = ["contacts"]

_COLUMNS = [
    "rec_id", "given_name", "surname", "street_number", "address_1", "address_2", "suburb", "postcode", "state",
    "date_of_birth", "soc_sec_id",
]  # fmt: skip
_STATES = ["nsw", "vic", "qld", "wa", "sa", "tas", "act", "nt"]


def contacts(*, size: int, seed: int) -> bytes:
    """A CSV file of about ``size`` bytes. The same seed gives the same bytes."""
    rng = random.Random(seed)
    names = [_word(rng) for _ in range(3000)]
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    rows: list[list[str]] = []
    number = 0
    while out.tell() < size:
        luck = rng.random()
        if rows and luck < 0.15:
            row = list(rng.choice(rows))
            row[0] = f"rec-{number}-dup-0"
            if luck < 0.05:
                cell = rng.randrange(1, 7)
                row[cell] = row[cell][:-1] + "x"
        else:
            born = f"{rng.randrange(1930, 2005)}{rng.randrange(1, 13):02}{rng.randrange(1, 29):02}"
            row = [
                f"rec-{number}-org", rng.choice(names), rng.choice(names), str(rng.randrange(1, 400)),
                f"{rng.choice(names)} street", rng.choice(["", "", rng.choice(names)]), rng.choice(names),
                str(rng.randrange(1000, 9999)), rng.choice(_STATES), born, str(rng.randrange(1_000_000, 9_999_999)),
            ]  # fmt: skip
            if len(rows) < 5000:
                rows.append(row)
        number += 1
        writer.writerow(row)
    return out.getvalue().encode()


def _word(rng: random.Random) -> str:
    return "".join(rng.choice("aeiou" if i % 2 else "bcdfghjklmnprstvwz") for i in range(rng.randrange(4, 10)))
