"""``python -m backoffice.commands.sow``: this noun alone, without what the whole command imports."""

from __future__ import annotations

import sys

from backoffice.child import undumpable
from backoffice.commands.sow import app
from backoffice.discretion import quiet_hooks
from backoffice.errors import BackofficeError

if __name__ == "__main__":
    undumpable()
    quiet_hooks()
    try:
        app()
    except BackofficeError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
