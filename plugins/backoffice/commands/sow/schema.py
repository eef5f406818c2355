"""``backoffice sow schema``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["schema"]


def schema(
    dpa: Annotated[bool, typer.Option("--dpa", help="With --print: the DPA's, not the SOW's.")] = False,
    show: Annotated[bool, typer.Option("--print", help="Print one, write nothing.")] = False,
    folder: Annotated[Path | None, typer.Option("--folder", help="Where to write. Left out: sow/.schema here.")] = None,
) -> None:
    """Write the JSON Schemas of SOW and DPA, which make editors complete and explain.

    A SOW names its schema in its first line: `# yaml-language-server: $schema=../.schema/sow.json`.
    """
    from backoffice.authoring.schema import FOLDER, dpa_schema, sow_schema, write_schemas

    if show:
        print(json.dumps(dpa_schema() if dpa else sow_schema(), indent=2))
        return
    place = folder or FOLDER
    if folder is None and not place.parent.is_dir():
        from backoffice.errors import BackofficeError

        raise BackofficeError("There is no folder sow/ here.", hint="Go to the checkout, or give --folder.")
    for path in write_schemas(place):
        print(path)
