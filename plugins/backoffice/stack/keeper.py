"""Starts again what has died: ``python -m backoffice.stack.keeper ROOT VAR``. It ends with the stack."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from backoffice.errors import StackError
from backoffice.stack.stack import Stack

__all__ = ["main"]

_PAUSE_SECONDS = 2.0


def main(root: Path, var: Path) -> None:
    """Look every two seconds, for ever."""
    stack = Stack(root, var)
    while True:
        time.sleep(_PAUSE_SECONDS)
        try:
            for name in stack.keep():
                print(
                    f"{datetime.now(UTC).isoformat(timespec='seconds')} {name} had died and was started again",
                    flush=True,
                )
        except StackError as error:
            print(f"{datetime.now(UTC).isoformat(timespec='seconds')} {error}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
