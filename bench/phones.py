"""Telephone numbers: ours beside ``phonenumbers`` called for each row, on the same distinct numbers, with the same answers.

Each in a process of its own, started cold; CPU time, the library's import left out. The numbers are valid or nearly so,
written as people write them, of 30 European countries and the US.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time

__all__ = ["measure", "numbers"]

ROWS = 300_000
BATCH = 2048
"""Rows that the engine hands over at once."""
COUNTRIES = [
    "AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GR", "HR", "HU", "IE", "IS", "IT", "LT",
    "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK", "US",
]  # fmt: skip
FEW = ["AT", "CH", "DE"]


def measure() -> None:
    print(f"{ROWS:,} distinct numbers; µs of CPU a number, answers compared one by one.\n")
    print("| numbers of | phonenumbers | phonenumbers, patterns kept | ours | times as fast |\n|---|---|---|---|---|")
    for title, countries in (("30 countries of Europe, US", COUNTRIES), (", ".join(FEW), FEW)):
        theirs, kept, ours = (_once(how, countries) for how in ("theirs", "kept", "ours"))
        if len({theirs[1], kept[1], ours[1]}) > 1:
            raise SystemExit("The answers differ.")
        ratio = f"{theirs[0] / ours[0]:.0f}, {kept[0] / ours[0]:.0f}"
        print(f"| {title} | {theirs[0]:.1f} | {kept[0]:.1f} | {ours[0]:.2f} | {ratio} |")


def numbers(countries: list[str], rows: int, *, seed: int) -> list[tuple[str, str]]:
    """Distinct numbers and their countries. The same seed gives the same."""
    import phonenumbers

    rng = random.Random(seed)
    kinds = [0, 1, 1, 2, 3]
    examples = [phonenumbers.example_number_for_type(country, kind) for country in countries for kind in kinds]
    known = [(str(one.country_code), phonenumbers.national_significant_number(one), country)
             for one, country in zip(examples, [c for c in countries for _ in kinds], strict=True) if one]  # fmt: skip
    trunk = {country: phonenumbers.ndd_prefix_for_region(country, True) or "" for country in countries}
    found: dict[tuple[str, str], None] = {}
    while len(found) < rows:
        code, number, country = rng.choice(known)
        keep = rng.randrange(2, 4)
        number = number[:keep] + "".join(rng.choice("0123456789") for _ in number[keep:])
        start = rng.choice([f"+{code} ", f"+{code} ", f"00{code} ", trunk[country], trunk[country], trunk[country]])
        split = rng.randrange(2, 5)
        sign = rng.choice([" ", " ", "/", "-", ""])
        found[f"{start}{number[:split]}{sign}{number[split:]}", country] = None
    return list(found)


def _once(how: str, countries: list[str]) -> tuple[float, str]:
    """µs a number, and a digest of all answers; the median of three."""
    runs = sorted(_run(how, countries) for _ in range(3))
    return runs[1]


def _run(how: str, countries: list[str]) -> tuple[float, str]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.phones", how, *countries], check=True, capture_output=True, text=True
    )
    cost, digest = done.stdout.split()
    return float(cost), digest


def _work(how: str, countries: list[str]) -> None:
    import hashlib

    import phonenumbers

    rows = numbers(countries, ROWS, seed=1)

    def theirs(text: str, country: str) -> str | None:
        try:
            number = phonenumbers.parse(text, country)
        except phonenumbers.NumberParseException:
            return None
        return phonenumbers.format_number(number, 0) if phonenumbers.is_valid_number(number) else None

    if how == "kept":
        phonenumbers.re_util.enable_pattern_cache()
    if how == "ours":
        from backoffice.transform.values.phones import phones

        start = time.process_time()
        answers = []
        for begin in range(0, len(rows), BATCH):
            answers += phones(rows[begin : begin + BATCH], "e164")
    else:
        start = time.process_time()
        answers = [theirs(text, country) for text, country in rows]
    cost = (time.process_time() - start) / len(rows) * 1e6
    print(cost, hashlib.sha256("\n".join(one or "" for one in answers).encode()).hexdigest())


if __name__ == "__main__":
    _work(sys.argv[1], sys.argv[2:])
