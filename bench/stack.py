"""The embedded stack: seconds to start when it has run before, and memory when idle (PSS: shared pages by share)."""

from __future__ import annotations

import time


def measure() -> None:
    from backoffice.places import root_folder, var_folder
    from backoffice.stack.stack import Stack

    stack = Stack(root_folder(), var_folder())
    stack.up()
    stack.down()
    start = time.monotonic()
    stack.up()
    seconds = time.monotonic() - start
    time.sleep(10)
    parts = stack.status()
    print(f"Started in {seconds:.1f} s.\n\n| part | MiB |\n|---|---|")
    for part in parts:
        print(f"| {part.name} | {part.memory / 2**20:,.0f} |")
    print(f"| **all** | **{sum(part.memory for part in parts) / 2**20:,.0f}** |")
