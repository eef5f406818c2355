"""A new project: its SOW, its DPA if the client has none, its suite, its DAG and a first test case.

Whatever is not known is marked FILL IN. The result has no mistakes; it is not signed, so nothing is processed by it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backoffice.authoring.meaning import Meaning, by_names
from backoffice.authoring.paper_profile import PaperProfile
from backoffice.authoring.papers import output_of_documents, plan_for_documents, plan_of_papers
from backoffice.authoring.profile import Profile
from backoffice.authoring.samples import write_input
from backoffice.authoring.schema import FOLDER, header, write_schemas
from backoffice.authoring.suggesting import Planned, as_json, as_yaml, plan_for, plan_of_profile
from backoffice.contract import Dpa, load_dpa, load_sow, suite_of
from backoffice.contract.mistakes import did_you_mean, one_of
from backoffice.errors import BackofficeError, ContractError

__all__ = ["FILL_IN", "KINDS", "Wanted", "make_project"]

FILL_IN = "FILL IN"
"""Stands wherever a person has to say something."""

KINDS: dict[str, dict[str, Meaning]] = {
    "contacts": {
        "customer_id": Meaning.ID,
        "given_name": Meaning.GIVEN_NAME,
        "surname": Meaning.SURNAME,
        "email": Meaning.EMAIL,
        "phone": Meaning.PHONE,
        "street": Meaning.STREET,
        "postcode": Meaning.POSTCODE,
        "town": Meaning.TOWN,
        "country": Meaning.COUNTRY,
    },
    "products": {
        "sku": Meaning.SKU,
        "ean": Meaning.GTIN,
        "name": Meaning.TEXT,
        "category": Meaning.CATEGORY,
        "price": Meaning.AMOUNT,
        "stock": Meaning.QUANTITY,
    },
    "transactions": {
        "order_id": Meaning.ID,
        "order_date": Meaning.DATE,
        "customer_id": Meaning.TEXT,
        "sku": Meaning.TEXT,
        "quantity": Meaning.QUANTITY,
        "amount": Meaning.AMOUNT,
    },
    "documents": {
        "number": Meaning.ID,
        "document_date": Meaning.DATE,
        "total": Meaning.AMOUNT,
    },
}
"""The columns to begin with, by kind of data. Only what the purpose needs (P11): take out what yours does not."""

_CATEGORIES = {
    "contacts": (["names", "e-mail addresses", "telephone numbers", "postal addresses"], "the controller's customers"),
    "products": (["articles and prices"], "none: no data of people"),
    "transactions": (["orders and amounts"], "the controller's customers"),
    "documents": (["documents and the fields read from them"], "people named in the documents"),
}

_COLUMNS = {
    "": "Each column that comes in, `required` or `optional`.",
    "documents": "Each field that is read, and where it stands. Scans: add `languages: [deu]`.",
}


@dataclass(frozen=True)
class Wanted:
    """What is known of the new project."""

    client: str
    name: str
    kind: str
    title: str = ""
    owner: str = ""
    controller: str = ""
    country: str = ""
    """Of the client, and of phone numbers and postcodes that name none."""
    purpose: str = ""
    days: int = 14
    profile: Profile | PaperProfile | None = None
    """Of a file that is like what will come in."""


@dataclass
class _Files:
    root: Path
    written: list[Path] = field(default_factory=list)

    def write(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        self.written.append(path.relative_to(self.root))


def make_project(root: Path, wanted: Wanted) -> tuple[list[Path], list[str]]:
    """Write the files of a new project below ``root``; gives what was written, and what a person has to decide.

    :raises BackofficeError: one of its files is there already, or a name is none.
    """
    client = root / "sow" / wanted.client
    sow = client / f"{wanted.name}.yaml"
    suite = suite_of(sow)
    dag = root / "dags" / f"{wanted.client}_{wanted.name}.py"
    there = [path for path in (sow, suite, dag) if path.exists()]
    if there:
        listed = ", ".join(str(path.relative_to(root)) for path in there)
        raise BackofficeError(f"It is there already: {listed}.", hint="Choose another name, or move it away.")
    files = _Files(root)
    dpa_path = client / "dpa.yaml"
    dpa = load_dpa(dpa_path) if dpa_path.exists() else None
    planned, notes = _planned(wanted, dpa)
    purpose = _purpose(wanted, dpa)
    if dpa is None:
        files.write(dpa_path, _dpa_text(root, wanted, list(planned.input["columns"]), purpose))
    files.write(sow, _sow_text(wanted, planned, purpose))
    files.write(suite, as_json(planned.expectations, f"{wanted.client}_{wanted.name}"))
    files.write(dag, _dag_text(wanted))
    files.written += _case(root, sow)
    if not (root / FOLDER / "sow.json").exists():
        files.written += [one.relative_to(root) for one in write_schemas(root / FOLDER)]
    return files.written, [*notes, *planned.notes]


def _planned(wanted: Wanted, dpa: Dpa | None) -> tuple[Planned, list[str]]:
    notes: list[str] = []
    like = wanted.profile
    if isinstance(like, PaperProfile) and not like.fields:  # as without it: there has to be something to begin with
        notes, like = plan_of_papers(like).notes, None
    if like is not None:
        papers = isinstance(like, PaperProfile)
        planned = plan_of_papers(like) if papers else plan_of_profile(like, country=wanted.country)
        outside = [name for name in planned.input["columns"] if dpa is not None and name not in dpa.data.columns]
        if outside:
            notes.append(
                f"The DPA does not allow: {', '.join(outside)}. Agree them, or take them out of the SOW (P11)."
            )
        return planned, notes
    columns = KINDS[wanted.kind]
    if dpa is not None:
        allowed = {name: meaning for name, meaning in columns.items() if name in dpa.data.columns}
        columns = allowed or {name: one or Meaning.TEXT for name, one in by_names(dpa.data.columns).items()}
        notes.append("The columns are those that the client's DPA allows.")
    if wanted.kind == "documents":
        return plan_for_documents(columns), notes
    section = {"format": "csv", "columns": dict.fromkeys(columns, "required")}
    return plan_for(section, columns, {}, country=wanted.country), notes


def _purpose(wanted: Wanted, dpa: Dpa | None) -> str:
    if dpa is None:
        return wanted.purpose or f"{wanted.kind}-maintenance"
    if not wanted.purpose and len(dpa.purposes) == 1:
        return next(iter(dpa.purposes))
    if wanted.purpose not in dpa.purposes:
        hint = did_you_mean(wanted.purpose, dpa.purposes) or one_of(dpa.purposes)
        raise ContractError("The client's DPA names several purposes: say which, as --purpose." if not wanted.purpose
                            else f"The DPA does not name the purpose `{wanted.purpose}` (P11).", hint=hint)  # fmt: skip
    return wanted.purpose


def _sow_text(wanted: Wanted, planned: Planned, purpose: str) -> str:
    head = {
        "title": wanted.title or f"{wanted.client.capitalize()}: {wanted.name.replace('_', ' ')}",
        "owner": wanted.owner or f"{wanted.kind}-data",
        "description": f"{FILL_IN}: what {wanted.client} hands in, and what it gets back.",
        "purpose": purpose,
    }
    file = wanted.name.replace("_", "-")
    tail = {
        "output": output_of_documents(file)
        if planned.input["format"] == "documents"
        else {"format": "csv", "filename": f"{file}.csv"},
        "approval": True,
        "retention": {"results": {"until": "acceptance", "at_most_days": wanted.days}},
        "signers": [wanted.client],
    }
    parts = [
        header("sow"),
        "# A Statement of Work. `backoffice sow check` finds mistakes; docs/write-a-sow.md explains the rest.\n\n",
        as_yaml(head),
        f"\n# {_COLUMNS.get(planned.input['format'], _COLUMNS[''])} Take out what the purpose does not need (P11).\n",
        as_yaml({"input": planned.input}),
        "\n# From top to bottom, each on what the one before it left: `backoffice sow steps` shows all that there are.\n",
        as_yaml({"steps": planned.steps}),
        "\n",
        as_yaml({"output": tail["output"]}),
        "\napproval: true                     # one of us looks at each result before it is delivered\n\n",
        as_yaml({"retention": tail["retention"]}),
        "\n# Whose signature a file has to carry: the name under which the client's certificate is enrolled.\n",
        as_yaml({"signers": tail["signers"]}),
    ]
    return "".join(parts)


def _dpa_text(root: Path, wanted: Wanted, columns: list[str], purpose: str) -> str:
    today = datetime.now(UTC).date()
    company = _company(root)
    categories, people = _CATEGORIES[wanted.kind]
    sections: dict[str, Any] = {
        "client": wanted.client,
        "controller": {
            "name": wanted.controller or f"{FILL_IN}: the client's company",
            "contact_role": "Data Protection Officer",
            "country": wanted.country or (company.region if company else "DE"),
        },
        "processor": company.processor.model_dump() if company else {
            "name": f"{FILL_IN}: our company", "signatory": "Managing Director",
        },
    }  # fmt: skip
    dates = (
        "signed_on:                         # the day of the signature; until then nothing is processed\n"
        f"valid_from: {today}\n"
        f"valid_until: {today.replace(year=today.year + 2, day=min(today.day, 28))}"
        "            # the last day on which anything is processed\n\n"
    )
    terms = _terms(company)
    rest = {
        "purposes": {purpose: f"{FILL_IN}: the sentence that was agreed on."},
        "region": company.region if company else "DE",
        "data": {"categories": categories, "people": [people], "columns": columns},
        "terms": terms,
    }
    return "".join(
        [
            header("dpa"),
            "# The Data Processing Agreement, as far as software has to know it. The signed paper is the agreement.\n\n",
            as_yaml(sections), dates, as_yaml(rest),
        ]
    )  # fmt: skip


def _company(root: Path) -> Dpa | None:
    """Another client's DPA: what it says of us is the same in this one."""
    for path in sorted((root / "sow").glob("*/dpa.yaml")):
        try:
            return load_dpa(path)
        except ContractError:
            continue
    return None


def _terms(company: Dpa | None) -> dict[str, Any]:
    if company is None:
        named = ("scope_and_instructions", "technical_measures", "data_subject_rights", "breach_notification")
        terms: dict[str, Any] = dict.fromkeys((*named, "deletion_or_return"), f"{FILL_IN}: as the signed paper says.")
        return {**terms, "sub_processors": []}
    return company.terms.model_dump(mode="json")


def _dag_text(wanted: Wanted) -> str:
    return (
        f'"""{wanted.client.capitalize()}: {wanted.name.replace("_", " ")}. '
        f'What is done to the data stands in sow/{wanted.client}/{wanted.name}.yaml."""\n\n'
        "from backoffice.orchestration import project_dag\n\n"
        f'dag = project_dag("{wanted.client}_{wanted.name}")\n'
    )


def _case(root: Path, sow: Path) -> Iterable[Path]:
    """A first test case: a few made-up rows, and what comes of them."""
    from backoffice.authoring.cases import Case, update_case

    agreed = load_sow(sow)
    folder = sow.parent / "tests" / sow.stem / "first"
    folder.mkdir(parents=True, exist_ok=True)
    path = write_input(agreed.input, folder)
    if path is None:
        return []
    return [one.relative_to(root) for one in (path, *update_case(agreed, Case(folder)))]
