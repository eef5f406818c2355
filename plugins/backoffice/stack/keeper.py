"""Starts what has died again, and renews certificates: ``python -m backoffice.stack.keeper ROOT VAR``. Ends with the stack."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from backoffice.errors import StackError
from backoffice.stack.stack import Stack

__all__ = ["main"]

_PAUSE_SECONDS = 2.0
_RENEWAL_SECONDS = 3600.0


def main(root: Path, var: Path) -> None:
    """Look every two seconds, for ever; at certificates every hour."""
    stack, looked = Stack(root, var), time.monotonic()
    while True:
        time.sleep(_PAUSE_SECONDS)
        try:
            for name in stack.keep():
                _say(f"{name} had died and was started again")
            if time.monotonic() - looked >= _RENEWAL_SECONDS:
                looked = time.monotonic()
                for name in stack.renew():
                    _say(f"{name} was started again with a new certificate")
        except StackError as error:
            _say(str(error))


def _say(what: str) -> None:
    print(f"{datetime.now(UTC).isoformat(timespec='seconds')} {what}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
