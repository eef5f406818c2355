"""No cell of a client's leaves by way of an error: on the terminal, in a log, in what an exception carries along.

Each way that something can go wrong is gone with a planted value, and everything that a person or a log sees is looked through.
"""

from __future__ import annotations

import gc
import io
import json
import logging
import subprocess
import sys
import textwrap
import traceback
import zipfile
from pathlib import Path

import pytest

from backoffice.discretion import bare, kind_of, line_of, without_text
from backoffice.errors import BackofficeError, DropRejected, EngineError, QualityBroken
from backoffice.transform import Engine
from tests.transform.conftest import memory, sow

CANARY = "qzxcanary"
ROOT = Path(__file__).resolve().parents[1]


def tree(error: BaseException) -> str:
    """Everything that hangs on an exception: texts, arguments, notes, what it came from, variables of its frames."""
    parts, waiting, seen = [], [error], set()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        parts += [str(one), repr(one), repr(one.args), repr(getattr(one, "__notes__", "")), repr(vars(one))]
        waiting += [other for other in (one.__context__, one.__cause__) if other is not None]
        trace = one.__traceback__
        while trace is not None:
            path = trace.tb_frame.f_code.co_filename
            if "/tests/" not in path:  # our own variables hold what we planted
                parts.append(trace.tb_frame.f_code.co_qualname if hasattr(trace.tb_frame.f_code, "co_qualname") else "")
            trace = trace.tb_next
    return "\n".join(parts)


@pytest.fixture
def silent(caplog, capfd):
    """Looks through what was logged and printed since."""
    caplog.set_level(logging.DEBUG)

    def look(*errors: BaseException) -> None:
        gc.collect()  # what an abandoned generator has to say
        out, err = capfd.readouterr()
        said = out + err + caplog.text + "".join(map(tree, errors))
        said += "".join("".join(traceback.format_exception(error)) for error in errors)
        assert CANARY not in said

    return look


def broken(agreed, content, silent, *kinds):
    with pytest.raises(kinds) as caught, memory(content) as path, Engine() as engine:
        engine.load(agreed, path)
        engine.run(agreed)
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
    silent(caught.value)
    return caught.value


@pytest.mark.parametrize(
    "text",
    [
        f"id,{CANARY}\n1,a\n",
        f'id,name\n1,"{CANARY}\n',
        f'id,name\n1,"{CANARY}" x\n',
        f"id,name\n1,{CANARY},{CANARY}\n",
        f"id,name\n1,{CANARY}\xff\n".encode("latin-1") + "ü\n".encode(),
        f"{CANARY * 9}",
        f"id,name\n{CANARY}\0\n",
    ],
)
def test_a_bad_csv_file(text, silent):
    broken(sow(), text, silent, DropRejected)


def _workbook(sheet: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("[Content_Types].xml", f"<Types>{CANARY}</Types>")
        archive.writestr("xl/workbook.xml", f"<workbook><sheets><sheet name='{CANARY}'/></sheets></workbook>")
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
    return held.getvalue()


@pytest.mark.parametrize("content", [_workbook(f"<c>{CANARY}"), b"PK\x03\x04" + CANARY.encode(), CANARY.encode()])
def test_a_bad_workbook(content, silent):
    broken(sow(format="xlsx"), content, silent, DropRejected)


@pytest.mark.parametrize("content", [f'{{"id": "{CANARY}"', f'["{CANARY}"]', f'{{"{CANARY}": 1, "id": 1}}'])
def test_bad_json_lines(content, silent):
    broken(sow(format="jsonl"), content, silent, DropRejected)


def test_a_cell_that_stops_the_file(silent):
    step = {"step": "dates", "columns": ["name"], "formats": ["YYYY-MM-DD"], "unreadable": "stop"}
    broken(sow([step]), f"id,name\n1,{CANARY}\n", silent, DropRejected)


def test_an_error_of_the_engine(silent):
    query = "select _row, id, cast(name as bigint)::varchar as name from input"
    step = {"step": "sql", "query": query, "columns": {"id": "text", "name": "text"}}
    found = broken(sow([step]), f"id,name\n1,{CANARY}\n", silent, EngineError)
    assert "ConversionException" in str(found)


RAISES = {
    "text": "raise ValueError(name)",
    "class": "raise type(name, (Exception,), {})(1)",
    "disguised class": "raise type(name, (KeyError,), {'__module__': 'builtins'})(1)",
    "note": "error = RuntimeError('x')\n    error.add_note(name)\n    raise error",
    "cause": "raise RuntimeError('x') from ValueError(name)",
    "context": "try:\n        int(name)\n    except ValueError:\n        raise RuntimeError('x')",
    "warning": "import warnings\n    warnings.warn(name)\n    raise KeyError(name)",
    "group": "raise ExceptionGroup(name, [ValueError(name)])",
    "answer": "return type(name, (), {})()",
    "column": "return frame.rename(columns={'name': name})",
}


@pytest.mark.parametrize("how", RAISES)
def test_own_code_with_the_cell_in_what_it_raises(how, silent, tmp_path):
    (tmp_path / "own.py").write_text(f"def work(frame):\n    name = frame['name'][0]\n    {RAISES[how]}\n")
    step = {"step": "python", "module": "own", "function": "work", "over": "frame"}
    agreed = sow([{**step, "columns": {"id": "text", "name": "text"}}])
    agreed._path = tmp_path / "acme.yaml"
    broken(agreed, f"id,name\n1,{CANARY}\n", silent, EngineError)


def test_a_check_that_cannot_be_evaluated(silent, tmp_path):
    from backoffice.quality import check

    suite = tmp_path / "acme.json"
    rule = {"type": "expect_column_values_to_be_between", "kwargs": {"column": "name", "min_value": 1, "max_value": 2}}
    suite.write_text(f'{{"name": "acme", "expectations": [{json.dumps(rule)}]}}')
    with memory(f"id,name\n1,{CANARY}\n") as path, Engine() as engine:
        engine.load(sow(), path)
        engine.run(sow())
        engine.connection.execute(
            "CREATE OR REPLACE VIEW result AS SELECT id, cast(name AS BIGINT) AS name FROM _result"
        )
        with pytest.raises(QualityBroken) as caught:
            check(engine.connection, "result", suite)
    silent(caught.value)


def test_a_result_that_cannot_be_written(silent, tmp_path, monkeypatch):
    from backoffice.delivery import writing
    from backoffice.delivery.writing import csv

    def fails(*_: object) -> None:
        raise type(CANARY, (ValueError,), {})(CANARY)

    agreed = sow()
    with memory(f"id,name\n1,{CANARY}\n") as path, Engine() as engine:
        engine.load(agreed, path)
        engine.run(agreed)
        monkeypatch.setattr(csv, "write", fails)
        with pytest.raises(BackofficeError) as caught:
            writing.write(engine.connection, agreed.output, tmp_path / "out.csv")
    silent(caught.value)


COMMAND = """
import sys, threading
from backoffice import cli
canary = sys.argv[1]
class Loud:
    def __del__(self):
        raise ValueError(canary)
def thread():
    raise ValueError(canary)
def app():
    Loud()
    one = threading.Thread(target=thread)
    one.start()
    one.join()
    try:
        int(canary)
    except ValueError as error:
        error.add_note(canary)
        raise type(canary, (LookupError,), {})(canary) from error
cli.app = app
cli.main()
"""
LIMITS = """
import ctypes, resource
from backoffice import cli
def app():
    print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
cli.app = app
cli.main()
"""


def command(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, cwd=ROOT / "plugins"
    )


def test_a_command_names_what_nobody_caught_and_does_not_quote_it():
    done = command(COMMAND, CANARY)
    assert done.returncode == 1
    assert CANARY not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("ValueError") == 2  # the thread's, and the one while clearing away
    assert "LookupError" in done.stderr


def test_a_command_leaves_no_picture_of_its_memory():
    assert command(LIMITS).stdout.strip() in ("(1, 1) 0", "(0, 0) 0")  # see backoffice.child.NO_CORE


def test_a_class_is_named_only_where_it_is_known_by_that_name():
    import duckdb

    assert kind_of(duckdb.ConversionException("x")) == "ConversionException"
    assert kind_of(EngineError("x")) == "EngineError"
    assert kind_of(type(CANARY, (EngineError,), {})("x")) == "EngineError"
    assert kind_of(type(CANARY, (KeyError,), {"__module__": "builtins"})("x")) == "KeyError"
    assert kind_of(type(CANARY, (BaseException,), {"__module__": CANARY})("x")) == "BaseException"


def test_what_an_error_came_from_is_taken_off():
    try:
        try:
            raise ValueError(CANARY)
        except ValueError as inner:
            raise EngineError("broken") from inner
    except EngineError as error:
        error.add_note(CANARY)
        found = error
    assert CANARY in tree(found)
    bare(found)
    assert CANARY not in tree(found)
    assert found.__traceback__ is None


def test_a_chain_that_bites_its_own_tail_ends():
    one, other = ValueError("x"), KeyError("y")
    one.__context__, other.__context__ = other, one
    bare(one)
    assert one.__context__ is None


def test_an_error_in_its_place_says_where_it_happened():
    def deep(left: int) -> None:
        if left:
            deep(left - 1)
        else:
            DropRejected(*(None,) * 9)  # type: ignore[misc]

    with pytest.raises(TypeError) as caught:
        deep(300)
    assert line_of(caught.value) == "a library"
    assert str(without_text(caught.value)).startswith("TypeError at a library.")
    code = compile(textwrap.dedent("raise KeyError('x')"), str(ROOT / "plugins/backoffice/transform/stage.py"), "exec")
    with pytest.raises(KeyError) as caught_here:
        exec(code, {})
    assert line_of(caught_here.value) == "transform/stage.py:1"
