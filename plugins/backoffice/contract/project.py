"""Loading: a SOW, a DPA, and the project that the two make."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from backoffice.contract.document import Document, read
from backoffice.contract.documents import DocumentsInput, columns_of, rows_of
from backoffice.contract.dpa import Dpa
from backoffice.contract.flow import Flow, flow_of
from backoffice.contract.inputs import Lookup
from backoffice.contract.kind import Kind
from backoffice.contract.mistakes import ContractFileError, Mistake, did_you_mean, one_of, refuse
from backoffice.contract.outputs import RESULT, Part
from backoffice.contract.sow import INPUT, Sow, Work
from backoffice.contract.step import Step, step_model, step_names
from backoffice.contract.validating import validate
from backoffice.errors import ContractError

__all__ = ["Project", "check", "load_dpa", "load_project", "load_sow", "project_ids"]

_CLIENT = r"[a-z][a-z0-9]{0,19}"
_SOW = r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*"


@dataclass(frozen=True)
class Project:
    """One SOW under one DPA."""

    id: str
    """``<client>_<sow>``. A client's name has no underscore, so this reads one way only."""
    client: str
    sow: Sow
    dpa: Dpa
    bucket: str
    """The id with hyphens: a valid S3 bucket name, and as unambiguous."""


def load_sow(path: Path) -> Sow:
    """Read a SOW.

    :raises ContractError: with every mistake in it. Whether a DPA covers it is for :func:`check` and :func:`gate`.
    """
    sow, _, mistakes = _read_sow(Path(path), thorough=True)
    if sow is None or mistakes:
        refuse(mistakes)
    return sow


def load_dpa(path: Path) -> Dpa:
    """Read a DPA.

    :raises ContractError: there is none (P12), or with every mistake in it.
    """
    dpa, _, mistakes = _read_dpa(Path(path))
    if dpa is None or mistakes:
        refuse(mistakes)
    return dpa


def check(path: Path) -> tuple[Sow, Dpa]:
    """Read a SOW and the DPA beside it, and hold the one against the other.

    :raises ContractError: there is no DPA (P12), or with every mistake in both files; among them each column and
        purpose outside the DPA.
    """
    path = Path(path)
    read_sow, read_dpa = _both(path, thorough=True)
    sow, document, mistakes = read_sow
    dpa, _, more = read_dpa
    if dpa is not None and document is not None:
        mistakes = [*mistakes, *_outside(document, dpa)]
    if sow is None or dpa is None or mistakes or more:
        refuse([*mistakes, *more])
    return sow, dpa


def load_project(project_id: str, *, root: Path) -> Project:
    """Read the project ``project_id`` of the checkout ``root``.

    What the DPA does not cover is not a mistake here but a refusal of :func:`gate`, when there is something to process.

    :raises ContractError: no such project, no DPA (P12), or mistakes in its files.
    """
    found = re.fullmatch(rf"({_CLIENT})_({_SOW})", project_id)
    path = root / "sow" / found[1] / f"{found[2]}.yaml" if found and len(project_id) <= 63 else None
    if found is None or path is None or found[2] == "dpa" or not path.is_file():
        known = project_ids(root)
        hint = did_you_mean(project_id, known) or (one_of(known) if known else "There is none yet under sow/.")
        raise ContractError(f"There is no project `{project_id[:80]}`.", hint=hint)
    (sow, _, mistakes), (dpa, _, more) = _both(path)
    if sow is None or dpa is None or mistakes or more:
        refuse([*mistakes, *more])
    return Project(project_id, found[1], sow, dpa, project_id.replace("_", "-"))


def project_ids(root: Path) -> list[str]:
    """The ids of every project of the checkout ``root``, sorted. Files are not read."""
    found = []
    for path in (root / "sow").glob("*/*.yaml"):
        named = re.fullmatch(_CLIENT, path.parent.name) and re.fullmatch(_SOW, path.stem)
        if named and path.stem != "dpa":
            found.append(f"{path.parent.name}_{path.stem}")
    return sorted(found)


_ReadSow = tuple[Sow | None, Document | None, list[Mistake]]
_ReadDpa = tuple[Dpa | None, Document | None, list[Mistake]]


def _both(path: Path, *, thorough: bool = False) -> tuple[_ReadSow, _ReadDpa]:
    """Both files, each with its own mistakes: one that is no YAML does not hide what is wrong in the other."""
    sow = _mistakes_of(lambda: _read_sow(path, thorough=thorough))
    dpa = _mistakes_of(lambda: _read_dpa(path.with_name("dpa.yaml")))
    return sow, dpa


def _mistakes_of(reading: Callable[[], Any]) -> Any:
    try:
        return reading()
    except ContractFileError as error:
        return None, None, list(error.mistakes)


def _read_dpa(path: Path) -> _ReadDpa:
    if not path.exists():
        message = f"There is no {path}: nothing is processed before a Data Processing Agreement (P12)."
        raise ContractError(message, hint="Write it down there once it is signed; sow/acme/dpa.yaml shows how.")
    document = read(path)
    dpa, mistakes = validate(document, Dpa)
    if dpa is not None and dpa.client != path.absolute().parent.name:
        fault = f"This DPA is with `{dpa.client}`, but lies in the folder of `{path.absolute().parent.name}`."
        mistakes.append(document.mistake(("client",), fault, hint="Each client has a folder of its own."))
    if dpa is not None:
        _origin(dpa, document)
    return dpa, document, mistakes


def _read_sow(path: Path, *, thorough: bool = False) -> _ReadSow:
    """:param thorough: find also what takes heavy libraries to tell; not where DAGs are parsed."""
    document = read(path)
    sow, mistakes = validate(document, Sow)
    flow = flow_of(sow) if sow is not None else _flow_as_far_as_known(document)
    for loc, fault, hint in flow.faults(thorough=thorough) if flow is not None else ():
        mistakes.append(document.mistake(loc, fault, hint=hint, key=_stands_as_key(loc)))
    if sow is not None:
        mistakes += _lookup_mistakes(sow, document)
        mistakes += _filing_mistakes(sow, document)
        mistakes += _beside_mistakes(sow, document, thorough=thorough)
        files = {path.parent / name for work in sow.works() for step in work.steps for _, name in step.beside()}
        _origin(sow, document, *(_lookup_path(path, one) for one in sow.lookups.values()), *sorted(files))
    return sow, document, mistakes


def _stands_as_key(loc: tuple[str | int, ...]) -> bool:
    """Columns and tables stand as keys in some mappings (``points:``, ``input.columns``), as values elsewhere."""
    return len(loc) > 1 and loc[-2] in ("columns", "points", "tables") and isinstance(loc[-1], str)


def _flow_as_far_as_known(document: Document) -> Flow | None:
    """Of a file with other mistakes, the columns, steps and output that can be read."""
    bases: dict[str, dict[str, Kind]] = {}
    for name, keys in _base_places(document):
        columns = _part(document, *keys, "columns", kind=dict) or _part(document, *keys, "columns", kind=list)
        if columns is None:
            return None
        bases[name] = dict.fromkeys(map(str, columns), Kind.TEXT)
        if _part(document, *keys, "format", kind=str) == "documents":
            bases[name] = columns_of(bases[name])
            for table, raw in (_part(document, *keys, "tables", kind=dict) or {}).items():
                bases[str(table)] = rows_of(_part_of(raw, "columns") or ())
    works = [Work(RESULT, INPUT, _steps(_part(document, "steps", kind=list)), ("steps",))]
    for name, raw in (_part(document, "tables", kind=dict) or {}).items():
        of = raw.get("of", INPUT) if isinstance(raw, dict) else INPUT
        steps = _steps(raw.get("steps") if isinstance(raw, dict) else None)
        works.append(Work(name, str(of), steps, ("tables", name, "steps")))
    output = _part(document, "output", "columns", kind=list)
    parts = [] if output is None else [((), Part.model_construct(columns=tuple(map(str, output))))]
    return Flow(bases, works, parts)


def _base_places(document: Document) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield INPUT, ("input",)
    for group in ("inputs", "lookups"):
        for name in _part(document, group, kind=dict) or ():
            yield str(name), (group, str(name))


def _steps(raw: Any) -> tuple[Any, ...]:
    return tuple(map(_step, raw)) if isinstance(raw, list) and raw else (None,)


def _lookup_path(sow: Path, lookup: Lookup) -> Path:
    return sow.parent / "lookups" / lookup.file


def _lookup_mistakes(sow: Sow, document: Document) -> Iterator[Mistake]:
    """Each look-up has to be there, with the columns that the SOW says."""
    for name, lookup in sow.lookups.items():
        path, fault, hint = _lookup_path(document.path, lookup), "", ""
        header: list[str] = []
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                header = next(csv.reader(file), [])
        except (OSError, ValueError, csv.Error) as error:
            fault = f"The look-up {path} cannot be read ({type(error).__name__})."
            hint = "It is a CSV file in UTF-8 with a header, in `lookups/` beside the SOW."
        if not fault and sorted(header) != sorted(lookup.columns):
            fault, hint = f"{path} has other columns.", f"Its header has: {', '.join(header)}."
        if fault:
            yield document.mistake(("lookups", name, "file"), fault, hint=hint)


def _filing_mistakes(sow: Sow, document: Document) -> Iterator[Mistake]:
    """What goes back as it came in has to be documents."""
    if sow.filed is not None and not isinstance(sow.all_inputs.get(sow.filed.of), DocumentsInput):
        known = [name for name, one in sow.all_inputs.items() if isinstance(one, DocumentsInput)]
        fault = f"`{sow.filed.of}` is no input of documents."
        hint = one_of(known) if known else "Its `format` has to be `documents`."
        yield document.mistake(("output", "documents", "of"), fault, hint=hint)


def _beside_mistakes(sow: Sow, document: Document, *, thorough: bool) -> Iterator[Mistake]:
    """Files beside the SOW that its steps are made of have to be there, and to be right."""
    for work in sow.works():
        for index, step in enumerate(work.steps):
            for loc, name in step.beside():
                path, place = document.path.parent / name, (*work.loc, index)
                try:
                    content = path.read_bytes()
                except OSError as error:
                    fault = f"{path} cannot be read ({type(error).__name__})."
                    yield document.mistake((*place, *loc), fault, hint="It lies beside the SOW.")
                    continue
                for where, fault, hint in step.beside_faults(name, content) if thorough else ():
                    yield document.mistake((*place, *where), fault, hint=hint)


def _part(document: Document, *keys: str, kind: type) -> Any:
    found: Any = document.data
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, kind) else None


def _step(raw: Any) -> Step | None:
    name = raw.get("step") if isinstance(raw, dict) else None
    if not isinstance(name, str) or name not in step_names():
        return None
    model = step_model(name)
    # An unknown key beside them does not make the step's columns unreadable.
    known = {key: value for key, value in raw.items() if key in model.model_fields}
    try:
        return TypeAdapter(model).validate_python(known)
    except ValidationError:
        return None


def _outside(document: Document, dpa: Dpa) -> list[Mistake]:
    mistakes = []
    for place in _columns_named(document):
        column = place[-1]
        if column not in dpa.data.columns:
            hint = did_you_mean(column, dpa.data.columns) or "Take it out, or agree it with the client."
            fault = f"The DPA does not allow the column `{column}` (P11)."
            mistakes.append(document.mistake(place, fault, hint=hint, key=True))
    purpose = _part(document, "purpose", kind=str)
    if purpose is not None and purpose not in dpa.purposes:
        hint = did_you_mean(purpose, dpa.purposes) or one_of(dpa.purposes)
        mistakes.append(document.mistake(("purpose",), "The DPA does not name this purpose (P11).", hint=hint))
    return mistakes


def _columns_named(document: Document) -> Iterator[tuple[str, ...]]:
    """Where each column that comes in is named."""
    for _, keys in _base_places(document):
        for column in _part(document, *keys, "columns", kind=dict) or ():
            yield (*keys, "columns", column)
        if keys[0] != "lookups":
            for table, raw in (_part(document, *keys, "tables", kind=dict) or {}).items():
                for column in _part_of(raw, "columns") or ():
                    yield (*keys, "tables", table, "columns", column)


def _part_of(raw: Any, key: str) -> dict[str, Any] | None:
    found = raw.get(key) if isinstance(raw, dict) else None
    return found if isinstance(found, dict) else None


def _origin(model: Any, document: Document, *also: Path) -> None:
    model._path = document.path.absolute()
    digest = hashlib.sha256(document.content)
    for path in also:
        with suppress(OSError):  # told as a mistake already
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    model._digest = digest.hexdigest()
