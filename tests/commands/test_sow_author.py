"""``backoffice sow`` for an author: begin, look, compare, test; and how each ends when something is in the way."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backoffice.commands.sow import app
from backoffice.errors import BackofficeError
from tests.commands.test_sow import HEADER, ROOT, ROWS, SAMPLE
from tests.transform.reading.files import xlsx

KINDS = ("contacts", "products", "transactions", "documents")


@dataclass(frozen=True)
class Said:
    """What a command said; of an error, what `main` shows of it."""

    stdout: str
    stderr: str


def sow(*arguments: object, code: int = 0) -> Said:
    """Run a command in this process, for speed."""
    done = CliRunner().invoke(app, list(map(str, arguments)), env={"NO_COLOR": "1", "COLUMNS": "200"})
    error = done.exception
    if isinstance(error, BackofficeError):
        assert error.exit_code == code, error
        return Said(done.stdout, str(error))
    assert done.exit_code == code, (error, done.output)
    return Said(done.stdout, done.stderr)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for folder in ("sow", "expectations"):
        shutil.copytree(ROOT / folder / "acme", tmp_path / folder / "acme")
    return tmp_path


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    (tmp_path / "new" / "sow").mkdir(parents=True)
    return tmp_path / "new"


@pytest.fixture
def people(tmp_path: Path) -> Path:
    file = tmp_path / "people.csv"
    file.write_text(HEADER + ROWS)
    return file


def new(root: Path, *arguments: object, code: int = 0) -> str:
    done = sow("new", *arguments, "--root", root, code=code)
    return done.stdout + done.stderr


# begin


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_project_lacks_nothing_but_a_signature(empty: Path, kind: str):
    assert "dags/example_list.py" in new(empty, "example/list", "--kind", kind, "--country", "at")
    file = empty / "sow" / "example" / "list.yaml"
    done = sow("check", file, "--json", code=4)
    found = json.loads(done.stdout)
    assert (found["mistakes"], [one["code"] for one in found["refusals"]]) == ([], ["dpa-not-signed"])
    assert [hint for hint in found["hints"] if "FILL IN" not in hint] == []
    sow("test", file)
    text = file.read_text()
    assert text.startswith("# yaml-language-server: $schema=../.schema/sow.json\n")
    assert (empty / "sow" / ".schema" / "sow.json").exists()


def test_a_new_project_of_documents_files_one_and_puts_the_other_before_a_person(empty: Path, tmp_path: Path):
    new(empty, "example/papers", "--kind", "documents")
    file = empty / "sow" / "example" / "papers.yaml"
    case = file.parent / "tests" / "papers" / "first"
    assert (case / "expected.csv").read_text().splitlines()[1].endswith(",2026/1001.pdf")
    assert (case / "expected.review.csv").read_text().splitlines()[1].endswith(",total is missing")
    sow("run", file, case / "input.zip", "--out", tmp_path / "out")
    with zipfile.ZipFile(tmp_path / "out" / "papers.zip") as packed, zipfile.ZipFile(case / "input.zip") as came:
        assert packed.namelist() == ["papers.xlsx", "documents/2026/1001.pdf", "to_look_at/2.pdf"]
        assert packed.read("documents/2026/1001.pdf") == came.read("1.pdf")


def test_a_new_project_of_documents_keeps_to_the_columns_of_a_known_client(checkout: Path):
    new(checkout, "acme/papers", "--kind", "documents")
    assert "it may be processed" in sow("check", checkout / "sow" / "acme" / "papers.yaml").stdout
    sow("test", checkout / "sow" / "acme" / "papers.yaml")


def test_a_new_project_of_a_known_client_keeps_its_dpa(checkout: Path):
    before = (checkout / "sow" / "acme" / "dpa.yaml").read_text()
    said = new(checkout, "acme/again", "--kind", "contacts")
    assert "The columns are those that the client's DPA allows." in said
    assert (checkout / "sow" / "acme" / "dpa.yaml").read_text() == before
    assert "it may be processed" in sow("check", checkout / "sow" / "acme" / "again.yaml").stdout


def test_a_new_client_of_ours_gets_what_is_known_of_us(checkout: Path):
    new(checkout, "other/list", "--kind", "products")
    assert "Backoffice Data Services GmbH" in (checkout / "sow" / "other" / "dpa.yaml").read_text()


def all_of(folder: Path) -> str:
    """The text of every file in a folder."""
    return "".join(path.read_text() for path in folder.rglob("*") if path.is_file())


def test_a_new_project_like_a_file_keeps_no_cell_of_it(empty: Path, tmp_path: Path):
    file = tmp_path / "real.csv"
    file.write_text("Kunden-Nr;Vorname;E-Mail\n77123;Xaverius;xaverius@example.org\n77124;Yolanthe;y@example.org\n")
    new(empty, "example/list", "--kind", "contacts", "--from", file)
    written = all_of(empty)
    assert "kunden_nr: {header: Kunden-Nr, need: required}" in written
    assert "Xaverius" not in written
    assert "77123" not in written
    sow("test", empty / "sow" / "example" / "list.yaml")


def test_a_list_without_a_header_gives_no_names(empty: Path, tmp_path: Path):
    file = tmp_path / "real.csv"
    file.write_text("Xaverius Muster;Graz;Ring\nYolanthe Huber;Graz;Gasse\n")
    new(empty, "example/list", "--kind", "contacts", "--from", file)
    written = all_of(empty)
    assert "header: false" in written
    assert "xaverius" not in written.lower()


def test_a_sheet_without_a_header_gives_no_project(empty: Path, tmp_path: Path):
    file = tmp_path / "real.xlsx"
    file.write_bytes(xlsx([["Xaverius", "x@example.org"], ["Yolanthe", "y@example.org"]]))
    said = new(empty, "example/list", "--kind", "contacts", "--from", file, code=5)
    assert "Row 1 of the sheet holds cells, not names." in said
    assert "aver" not in said
    file.write_bytes(xlsx([["Article", 2023, 2024], ["Chair", 1, 2], ["Table", 3, 4]]))
    new(empty, "example/list", "--kind", "products", "--from", file)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("acme/contacts", "--kind", "contacts"), "It is there already: sow/acme/contacts.yaml"),
        (("acme", "--kind", "contacts"), "is not CLIENT/NAME"),
        (("Acme/x", "--kind", "contacts"), "is no client's name"),
        (("acme/dpa", "--kind", "contacts"), "is no name of a SOW"),
        (("acme/../x", "--kind", "contacts"), "is no name of a SOW"),
        (("acme/x",), "Say which kind of data it is."),
        (("acme/x", "--kind", "contacts", "--country", "Austria"), "is no country"),
        (("acme/x", "--kind", "contacts", "--purpose", "advertising"), "does not name the purpose"),
        (("acme/x", "--kind", "contacts", "--from", "/nowhere"), "cannot be read: No such file"),
    ],
)
def test_what_cannot_begin_says_why(checkout: Path, arguments: tuple[str, ...], said: str):
    code = 3 if "advertising" in arguments else 1
    assert said in new(checkout, *arguments, code=code)
    assert not (checkout / "sow" / "acme" / "x.yaml").exists()


# look


def test_steps_lists_and_shows():
    assert "near_duplicates" in sow("steps").stdout
    shown = sow("steps", "filter").stdout
    assert "keep.column" in shown
    assert "has to be said" in shown
    assert "Did you mean `filter`?" in sow("steps", "filtr", code=3).stderr
    assert json.loads(sow("steps", "trim", "--json").stdout)[0]["name"] == "trim"


def test_preview_shows_cells_before_and_after(people: Path):
    shown = sow("preview", SAMPLE, people).stdout
    assert "o'brien → O'Brien" in shown
    assert "19990230 → ∅" in shown
    one = sow("preview", SAMPLE, people, "--step", 4).stdout
    assert "4. dates" in one
    assert "1. trim" not in one
    assert "has 8" in sow("preview", SAMPLE, people, "--step", 9, code=3).stderr
    assert "No steps lead to a table `x`" in sow("preview", SAMPLE, people, "--table", "x", code=3).stderr


def test_explain_in_words_is_what_the_client_signs():
    text = sow("explain", "--words", SAMPLE).stdout
    assert text.startswith("# Acme's customers")
    for part in (
        "## What comes in",
        "## What is done",
        "## What goes back",
        "at the latest 14 days",
        "For the controller",
    ):
        assert part in text
    assert "1. Take superfluous white space out of every column." in text


def test_profile_shows_shapes_and_no_values(people: Path):
    shown = sow("profile", people).stdout
    assert "9999-99-99" in shown or "99999999" in shown
    assert "Likely personal data: given_name, surname" in shown
    assert "brien" not in shown.lower()
    assert "brien" in sow("profile", people, "--values").stdout.lower()
    found = json.loads(sow("profile", people, "--json").stdout)
    assert found["rows"] == 3
    assert found["columns"][0]["name"] == "rec_id"


def test_the_shape_of_a_sign_of_any_script_is_not_the_sign(tmp_path: Path):
    file = tmp_path / "real.csv"
    file.write_text("id,mark\n1,٠١٢٣ Ⅷ² ⠟⠭ « €\n", encoding="utf-8")
    shown = sow("profile", file).stdout
    assert "9999 99 ** « €" in shown
    assert not set("٠١Ⅷ²⠟") & set(shown)


def test_what_profile_suggests_can_be_pasted(people: Path, tmp_path: Path):
    import yaml

    from backoffice.contract import Sow

    pasted = yaml.safe_load(sow("profile", people, "--yaml").stdout)
    whole = yaml.safe_load(SAMPLE.read_text())
    Sow.model_validate({**whole, **pasted, "input": pasted["input"], "output": {"format": "csv", "filename": "x.csv"}})


# compare


def test_diff_counts_rows_and_cells(checkout: Path, people: Path):
    file = checkout / "sow" / "acme" / "contacts.yaml"
    file.write_text(file.read_text().replace("to: title", "to: upper"))
    found = json.loads(sow("diff", SAMPLE, file, people, "--json").stdout)
    assert (found["same"], found["changed"], found["gone"], found["new"]) == (0, 2, 0, 0)
    assert found["cells"] == {"address_1": 2, "suburb": 2}
    assert "High Street → HIGH STREET" in sow("diff", SAMPLE, file, people).stdout
    assert json.loads(sow("diff", SAMPLE, file, people, "--key", "rec_id", "--json").stdout)["changed"] == 2
    assert "Did you mean `rec_id`?" in sow("diff", SAMPLE, file, people, "--key", "rec", code=3).stderr
    assert "Nothing differs." in sow("diff", SAMPLE, SAMPLE, people).stdout


def test_diff_of_rows_and_columns_that_come_and_go(checkout: Path, people: Path):
    file = checkout / "sow" / "acme" / "contacts.yaml"
    text = file.read_text()
    dropped = text.replace(
        "output:\n",
        "  - step: filter\n    keep: [{column: state, one_of: [WA]}]\noutput:\n  columns: [rec_id, state]\n",
    )
    file.write_text(dropped)
    found = json.loads(sow("diff", SAMPLE, file, people, "--json").stdout)
    assert (found["gone"], found["new"], found["columns_new"]) == (1, 0, [])
    assert "surname" in found["columns_gone"]
    found = json.loads(sow("diff", file, SAMPLE, people, "--json").stdout)
    assert (found["gone"], found["new"]) == (0, 1)


def test_diff_with_a_revision_of_git(checkout: Path, people: Path, monkeypatch: pytest.MonkeyPatch):
    def git(*arguments: str) -> None:
        who = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
        subprocess.run(["git", *who, *arguments], cwd=checkout, check=True, capture_output=True)

    git("init", "-q")
    git("add", "sow")
    git("commit", "-q", "-m", "one")
    file = checkout / "sow" / "acme" / "contacts.yaml"
    file.write_text(file.read_text().replace("to: title", "to: upper"))
    monkeypatch.chdir(checkout)
    for old, code in (("HEAD:sow/acme/contacts.yaml", 0), ("HEAD:", 0), ("NOPE:", 3)):
        done = sow("diff", old, "sow/acme/contacts.yaml", people, "--json", code=code)
        assert code or json.loads(done.stdout)["changed"] == 2


# test


def test_a_case_that_differs_is_shown_cell_by_cell(checkout: Path):
    file = checkout / "sow" / "acme" / "contacts.yaml"
    expected = checkout / "sow" / "acme" / "tests" / "contacts" / "shops" / "expected.csv"
    good = expected.read_text()
    expected.write_text(
        good.replace("Ballina", "Balina").replace("r6,,Smith-Jones", "r7,Z,Y-X") + "r9" + "," * 11 + "\n"
    )
    done = sow("test", file, code=6)
    assert "suburb: Balina → Ballina" in done.stdout
    assert "- row 5: r9" in done.stdout
    found = json.loads(sow("test", file, "--json", code=6).stdout)
    assert [one["case"] for one in found["cases"] if not one["passed"]] == ["shops"]
    sow("test", file, "--update")
    assert expected.read_text() == good
    sow("test", file, "--case", "shops")
    assert "Did you mean `shops`?" in sow("test", file, "--case", "shop", code=1).stderr


def test_figures_and_refusals_can_be_expected(checkout: Path):
    folder = checkout / "sow" / "acme" / "tests" / "contacts"
    (folder / "shops" / "expected.json").write_text('{"rows_in": 6, "rows_out": 5, "steps": 7}')
    done = sow("test", checkout / "sow" / "acme" / "contacts.yaml", "--case", "shops", code=6)
    assert "rows_out: 5 expected, 4 found." in done.stdout
    (folder / "other_columns" / "refused.txt").write_text("empty")
    done = sow("test", checkout / "sow" / "acme" / "contacts.yaml", "--case", "other_columns", code=6)
    assert "The file is refused (columns:" in done.stdout


@pytest.mark.parametrize(
    ("name", "content", "said", "code"),
    [
        ("expected.csv", b"", "cannot be read", 1),
        ("expected.csv", b"\xff\xfe\x00", "cannot be read", 1),
        ("expected.csv", b"a,b\n1\n", "in row 2", 1),
        ("expected.json", b"{", "no JSON", 6),
        ("expected.json", b"[]", "is an object", 6),
        ("expected.rejects.csv", b"a\n1\n", "is of no table that is delivered", 6),
        ("input.prices.csv", b"a\n1\n", "is of no input of the SOW", 1),
    ],
)
def test_a_case_that_is_none_says_why(checkout: Path, name: str, content: bytes, said: str, code: int):
    (checkout / "sow" / "acme" / "tests" / "contacts" / "shops" / name).write_bytes(content)
    done = sow("test", checkout / "sow" / "acme" / "contacts.yaml", "--case", "shops", code=code)
    assert said in done.stdout + done.stderr


# in the way


def commands(file: object, other: object) -> list[tuple[object, ...]]:
    return [
        ("check", file),
        ("test", file),
        ("explain", file),
        ("explain", "--words", file),
        ("run", file, other, "--out", "/tmp/none"),
        ("preview", file, other),
        ("diff", file, file, other),
    ]


@pytest.fixture(params=["missing", "folder", "binary", "empty", "device", "unreadable"])
def in_the_way(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    file = tmp_path / "in_the_way"
    match request.param:
        case "folder":
            file.mkdir()
        case "binary":
            file.write_bytes(bytes(range(256)) * 10)
        case "empty":
            file.touch()
        case "device":
            return Path("/dev/null")
        case "unreadable":
            return Path("/proc/self/mem")
    return file


def run_plainly(*arguments: object, **more: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "backoffice.commands.sow", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "plugins"), "NO_COLOR": "1", "COLUMNS": "120"}
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        command, env=environment, text=True, check=False, timeout=60, **{"capture_output": True, "cwd": ROOT, **more}
    )


def ends(command: tuple[object, ...], codes: tuple[int, ...]) -> None:
    """In this process, for speed: the error is ours, has a code of those, and says something in a line or two."""
    done = CliRunner().invoke(app, list(map(str, command)))
    error = done.exception
    assert isinstance(error, BackofficeError | SystemExit), (command, error)
    code = error.exit_code if isinstance(error, BackofficeError) else error.code
    assert code in codes, (command, error)
    if isinstance(error, BackofficeError):
        assert "fault of ours" not in str(error), (command, error)
        assert 0 < len(str(error).splitlines()) <= 5
        assert error.__context__ is None


def test_a_path_that_is_no_sow_ends_in_one_clear_line(in_the_way: Path, people: Path):
    for command in commands(in_the_way, people):
        ends(command, (1, 2, 3))


def test_a_path_that_is_no_input_ends_in_one_clear_line(in_the_way: Path):
    for command in [*commands(SAMPLE, in_the_way)[4:], ("profile", in_the_way)]:
        ends(command, (1, 2, 5))


@pytest.mark.parametrize("arguments", [("steps",), ("explain", SAMPLE), ("schema", "--print"), ("check", SAMPLE)])
def test_a_full_disk_at_the_other_end_is_said(arguments: tuple[object, ...]):
    with Path("/dev/full").open("w") as full:
        done = run_plainly(*arguments, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_goes_away_is_no_error():
    script = f"{sys.executable} -m backoffice.commands.sow schema --print | head -1; exit ${{PIPESTATUS[0]}}"
    environment = os.environ | {"PYTHONPATH": str(ROOT / "plugins")}
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "arguments",
    [
        ("steps", "--write", "{}/steps.md"),
        ("schema", "--folder", "{}"),
        ("new", "a/b", "--kind", "contacts", "--root", "{}"),
    ],
)
def test_a_file_that_cannot_grow_is_said(empty: Path, arguments: tuple[str, ...]):
    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    done = run_plainly(*(one.format(empty) for one in arguments), preexec_fn=small)
    assert done.returncode == 1
    assert "larger than the system allows" in done.stderr
    assert "Traceback" not in done.stderr


def test_schema_needs_a_checkout(tmp_path: Path):
    assert "There is no folder sow/ here." in run_plainly("schema", cwd=tmp_path).stderr
