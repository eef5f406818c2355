"""From drop to delivered: 1 MB, warm stack, median of ten, and where the seconds go.

The clock starts when the client's upload returns and stops when the delivery is recorded; both are read here, on one clock.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.people import contacts

RUNS = 10
BYTES = 1_000_000
STAGES = ("prepare", "check", "deliver", "erase-inputs")


def measure() -> None:
    from backoffice.deployment import deployment
    from backoffice.kit import Kit
    from backoffice.ledger.summary import summary
    from backoffice.onboarding import kit_folder, onboard, sample_client
    from backoffice.places import root_folder, var_folder
    from backoffice.stack.stack import Stack

    stack = Stack(root_folder(), var_folder())
    stack.up()
    walls: list[float] = []
    parts: dict[str, list[float]] = {name: [] for name in ("claimed", *STAGES)}
    with deployment() as opened, TemporaryDirectory() as folder:
        sample_client(opened, "acme", [onboard(opened, "acme_contacts")])
        kit = Kit(kit_folder(opened, "acme_contacts"))
        data = Path(folder, "contacts.csv")
        for run in range(RUNS + 1):  # the first warms up and does not count
            data.write_bytes(contacts(size=BYTES, seed=run))
            dropped = kit.drop(data)
            start = time.monotonic()
            while (job := opened.ledger.job_of_drop(dropped.bucket, dropped.version_id)) is None:
                time.sleep(0.02)
            claimed = time.monotonic() - start
            while opened.ledger.job(job.id).delivered_at is None:
                time.sleep(0.02)
            wall = time.monotonic() - start
            while opened.ledger.job(job.id).inputs_erased_at is None:
                time.sleep(0.02)
            if run == 0:
                continue
            walls.append(wall)
            parts["claimed"].append(claimed)
            found = summary(opened.ledger, opened.ledger.job(job.id))
            for name in STAGES:
                parts[name].append(found["seconds"][name])
    median = statistics.median
    waiting = median(walls) - sum(median(parts[name]) for name in ("claimed", "prepare", "check", "deliver"))
    print("| what | median s | least | most |\n|---|---|---|---|")
    print(f"| **drop to delivered**, 1 MB | **{median(walls):.2f}** | {min(walls):.2f} | {max(walls):.2f} |")
    for name, values in parts.items():
        print(f"| {name} | {median(values):.2f} | {min(values):.2f} | {max(values):.2f} |")
    print(f"| between the stages (Airflow's scheduler, process start) | {waiting:.2f} | | |")
