"""What the commands of this noun take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Json", "SowFile"]

SowFile = Annotated[Path, typer.Argument(metavar="SOW", help="A SOW file, like sow/acme/contacts.yaml.")]
Json = Annotated[bool, typer.Option("--json", help="For scripts.")]
