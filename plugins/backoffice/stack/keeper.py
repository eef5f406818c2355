"""Starts what has died, renews certificates, has the store forget names: ``python -m backoffice.stack.keeper ROOT VAR``."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from backoffice.discretion import kind_of
from backoffice.errors import BackofficeError
from backoffice.stack.stack import Stack

__all__ = ["main"]

_PAUSE_SECONDS = 2.0
_RENEWAL_SECONDS = 3600.0
_UPKEEP_SECONDS = 600.0


def main(root: Path, var: Path) -> None:
    """Look every two seconds, for ever; at certificates every hour; whether names were erased, every ten minutes."""
    stack, looked, tended = Stack(root, var), time.monotonic(), time.monotonic()
    while True:
        time.sleep(_PAUSE_SECONDS)
        try:
            for name in stack.keep():
                _say(f"{name} had died and was started again")
            if time.monotonic() - looked >= _RENEWAL_SECONDS:
                looked = time.monotonic()
                for name in stack.renew():
                    _say(f"{name} was started again with a new certificate")
            if time.monotonic() - tended >= _UPKEEP_SECONDS:
                tended = time.monotonic()
                if stack.upkeep_due():
                    _say(
                        f"the object store no longer has the names of what was erased; away for {stack.upkeep().away:.1f} s"
                    )
        except BackofficeError as error:
            _say(str(error))
        except Exception as error:  # noqa: BLE001 (a full disk, say: who keeps the others has nobody to keep it)
            _say(f"could not look: {kind_of(error)}")


def _say(what: str) -> None:
    print(f"{datetime.now(UTC).isoformat(timespec='seconds')} {what}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
