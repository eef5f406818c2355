"""Run every measurement, or those named: ``python -m bench [latency] [engine] …``."""

from __future__ import annotations

import os
import sys

from bench import author, documents, duplicates, encryption, engine, latency, phones, reading, spark, stack

MEASUREMENTS = {
    "latency": latency.measure,
    "author": author.measure,
    "engine": engine.measure,
    "encryption": encryption.measure,
    "duplicates": duplicates.measure,
    "phones": phones.measure,
    "reading": reading.measure,
    "documents": documents.measure,
    "spark": spark.measure,
    "stack": stack.measure,
}


def main(names: list[str]) -> int:
    load = os.getloadavg()[0]
    print(
        f"{os.cpu_count()} cores, load {load:.1f} before the start. These machines are noisy: medians and ratios count.\n"
    )
    for name in names or MEASUREMENTS:
        print(f"## {name}\n")
        MEASUREMENTS[name]()
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
