"""Test cases of a SOW: a small input and what is to come of it, beside the SOW in files that anybody can read.

::

    sow/<client>/tests/<sow>/<case>/input.<ext>            the file that a client would hand in
                                    input.<name>.<ext>     further inputs of the SOW, by their names
                                    expected.csv           the main table that is delivered
                                    expected.<table>.csv   each further one
                                    expected.json          figures, if they matter: any of `sow run --json`'s
                                    refused.txt            instead: the code that such a file is refused with

The data is ours, made up for the test: never a client's.
"""

from __future__ import annotations

import csv
import io
import json
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backoffice.authoring.differences import Difference, compare
from backoffice.authoring.sheets import Sheet, read_sheet
from backoffice.contract import Sow
from backoffice.discretion import kind_of
from backoffice.errors import BackofficeError, DropRejected
from backoffice.password import AskPassword

__all__ = ["Case", "Outcome", "cases_of", "run_case", "update_case"]


@dataclass(frozen=True)
class Case:
    """One case: a folder."""

    folder: Path

    @property
    def name(self) -> str:
        """The folder's."""
        return self.folder.name

    @property
    def inputs(self) -> dict[str, Path]:
        """The files of the drop, by the name of the input; the main one by ``""``."""
        found = {}
        for path in sorted(self.folder.glob("input*")):
            middle = path.name.removeprefix("input").rpartition(".")[0]
            found[middle.lstrip(".")] = path
        return found


@dataclass(frozen=True)
class Outcome:
    """What became of a case."""

    case: Case
    tables: dict[str, Difference]
    """Every table that differs from what was expected."""
    faults: tuple[str, ...] = ()
    """Whatever else is not as expected, in words."""

    @property
    def passed(self) -> bool:
        """Whether all is as expected."""
        return not self.tables and not self.faults


def cases_of(sow: Path) -> list[Case]:
    """The cases of the SOW in the file ``sow``, by name."""
    folder = sow.absolute().parent / "tests" / sow.stem
    return [Case(one) for one in sorted(folder.iterdir()) if one.is_dir()] if folder.is_dir() else []


def run_case(sow: Sow, case: Case, *, password: AskPassword | None = None) -> Outcome:
    """Run one case and compare.

    :raises BackofficeError: the case lacks a file or has one that cannot be read; or the engine failed.
    """
    tables, figures, refused = _carry_out(sow, case, password)
    expected_refusal = _text(case.folder / "refused.txt")
    if refused or expected_refusal:
        fault = f"The file is refused ({refused}), and was not to be." if refused else "The file is not refused."
        return Outcome(case, {}, () if expected_refusal == refused.partition(":")[0] else (fault,))
    main = sow.output.table
    differing: dict[str, Difference] = {}
    faults: list[str] = []
    for name, found in tables.items():
        path = _expected(case, name, main)
        if not path.exists():
            faults += [f"There is no {path.name}: `--update` writes it."] if name == main else []
        elif different := compare(_read(path), found):
            differing[name] = different
    known = {_expected(case, name, main) for name in tables}
    for path in sorted(set(case.folder.glob("expected*.csv")) - known):
        faults.append(f"{path.name} is of no table that is delivered: {', '.join(tables)}.")
    if (wanted := _text(case.folder / "expected.json")) is not None:
        faults += _figures(wanted, figures)
    return Outcome(case, differing, tuple(faults))


def update_case(sow: Sow, case: Case, *, password: AskPassword | None = None) -> list[Path]:
    """Write what comes of a case as what is expected from now on. Look at it before it is committed."""
    tables, figures, refused = _carry_out(sow, case, password)
    if refused:
        _write(case.folder / "refused.txt", refused.partition(":")[0] + "\n")
        return [case.folder / "refused.txt"]
    (case.folder / "refused.txt").unlink(missing_ok=True)
    written = []
    for name, sheet in tables.items():
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([sheet.columns, *sheet.rows])
        written.append(_expected(case, name, sow.output.table))
        _write(written[-1], text.getvalue())
    path = case.folder / "expected.json"
    if path.exists():
        _write(path, json.dumps(figures, indent=1) + "\n")
        written.append(path)
    return written


def _carry_out(sow: Sow, case: Case, password: AskPassword | None) -> tuple[dict[str, Sheet], dict[str, Any], str]:
    """The delivered tables and the figures; or the code and the words with which the file is refused."""
    from backoffice.transform import Engine

    refused, figures = "", {}
    with _drop(sow, case) as path, Engine(password=password) as engine:
        try:
            figures = engine.process(sow, path)[1].to_dict()
        except DropRejected as error:
            refused = f"{error.code}: {error.message}"
        if refused:
            return {}, {}, refused
        tables = {name: read_sheet(engine.connection, name, columns) for name, columns in sow.delivered.items()}
    return tables, figures, ""


@contextmanager
def _drop(sow: Sow, case: Case) -> Iterator[Path]:
    """The case's file; several as the ZIP that a client would send."""
    inputs = case.inputs
    if "" not in inputs:
        raise BackofficeError(f"{case.folder} has no input.", hint="A case needs an `input.csv`, or of another format.")
    unknown = [name for name in inputs if name and name not in sow.inputs]
    if unknown:
        known = ", ".join(sow.inputs) or "none"
        raise BackofficeError(f"{inputs[unknown[0]]} is of no input of the SOW.", hint=f"Further inputs: {known}.")
    if len(inputs) == 1:
        yield inputs[""]
        return
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, path in inputs.items():
            member = sow.all_inputs[name or "input"].member or path.name
            archive.writestr(member.replace("*", name or "input"), path.read_bytes())
    fd = os.memfd_create("drop", os.MFD_CLOEXEC)
    try:
        os.write(fd, packed.getbuffer())
        yield Path(f"/proc/self/fd/{fd}")
    finally:
        os.close(fd)


def _expected(case: Case, table: str, main: str) -> Path:
    return case.folder / ("expected.csv" if table == main else f"expected.{table}.csv")


def _read(path: Path) -> Sheet:
    fault = ""
    rows: list[list[str]] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file, strict=True))
    except (OSError, ValueError, csv.Error) as error:
        fault = kind_of(error)
    if fault or not rows:
        raise BackofficeError(f"{path} cannot be read{f' ({fault})' if fault else ': it is empty'}.", hint=_AS_CSV)
    width = len(rows[0])
    ragged = next((number for number, row in enumerate(rows, start=1) if len(row) != width and row), None)
    if ragged is not None:
        raise BackofficeError(f"{path} has more or fewer cells in row {ragged} than in its header.", hint=_AS_CSV)
    return Sheet(tuple(rows[0]), tuple(tuple(row or [""] * width) for row in rows[1:]))


_AS_CSV = "It is a CSV file in UTF-8 with commas and a header; `--update` writes one."


def _figures(text: str, figures: dict[str, Any]) -> list[str]:
    """Every figure that is expected and is another. Only those that are named are compared."""
    fault, wanted = "", None
    try:
        wanted = json.loads(text)
    except ValueError as error:
        fault = f"expected.json is no JSON: {error}."
    if fault or not isinstance(wanted, dict):
        return [fault or "expected.json is an object: {...}."]
    return list(_other_figures("", wanted, figures))


def _other_figures(way: str, wanted: Any, found: Any) -> Iterator[str]:
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key, one in wanted.items():
            yield from _other_figures(f"{way}.{key}".lstrip("."), one, found.get(key))
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for index, (one, other) in enumerate(zip(wanted, found, strict=True), start=1):
            yield from _other_figures(f"{way}[{index}]", one, other)
    elif wanted != found:
        yield f"{way}: {json.dumps(wanted)} expected, {json.dumps(found)} found."


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8").strip() if path.exists() else None


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
