"""Steps of our own Python: what may stand in them, what they are given, what of their errors is told."""

from __future__ import annotations

import inspect
import re
import sys
from contextlib import suppress
from datetime import date
from decimal import Decimal
from importlib import import_module
from itertools import chain
from typing import Any

import pytest

from backoffice.contract import ContractFileError, Kind, load_sow
from backoffice.errors import EngineError
from backoffice.transform import Engine
from backoffice.transform.own_code import _IMPORTS, Run, faults_in

SOW = """\
title: t
owner: o
description: d
purpose: p
input:
  format: csv
  columns: {a: required, n: required}
steps:
  - {step: number, columns: [n], decimal: "."}
  - step: python
    module: own
    function: work
    over: OVER
    columns: COLUMNS
output: {format: csv, filename: out.csv}
approval: false
retention: {results: {until: acceptance, at_most_days: 1}}
signers: [acme]
"""


def write(folder, code, *, over="frame", columns="{a: text, n: number}"):
    (folder / "acme").mkdir(exist_ok=True)
    (folder / "acme" / "own.py").write_text(code, encoding="utf-8")
    path = folder / "acme" / "job.yaml"
    path.write_text(SOW.replace("OVER", over).replace("COLUMNS", columns), encoding="utf-8")
    return path


def run(path, rows=(("x", "1.5"), ("y", None))):
    with Engine() as engine:
        engine.connection.execute('CREATE TABLE input (_row BIGINT, "a" VARCHAR, "n" VARCHAR)')
        for number, row in enumerate(rows, start=1):
            engine.connection.execute("INSERT INTO input VALUES (?, ?, ?)", [number, *row])
        engine.run(load_sow(path))
        return engine.connection.execute("SELECT * FROM result").fetchall()


def test_a_frame_loses_nothing(tmp_path):
    code = """\
from datetime import date
from decimal import Decimal

import pandas


def work(frame):
    assert isinstance(frame["n"][0], Decimal)
    frame["n"] = [None if one is None else one * 2 for one in frame["n"]]
    frame["day"] = [date(2026, 1, 2), None]
    frame["yes"] = frame["a"] == "x"
    frame["whole"] = pandas.array([10**17 + 1, None], dtype="Int64")
    return frame.iloc[::-1]
"""
    path = write(tmp_path, code, columns="{n: number, a: text, day: date, yes: boolean, whole: integer}")
    assert run(path) == [
        (None, "y", None, False, None),
        (Decimal(3), "x", date(2026, 1, 2), True, 10**17 + 1),
    ]


def test_batches_are_given_in_order_and_bounded(tmp_path):
    code = """\
def work(batches):
    for batch in batches:
        assert batch.num_rows <= 50_000
        yield batch.select(["a"])
"""
    path = write(tmp_path, code, over="batches", columns="{a: text}")
    rows = [(str(number), None) for number in range(60_000)]
    with Engine() as engine:
        engine.connection.execute(
            "CREATE TABLE input AS SELECT range AS _row, range::VARCHAR AS a, NULL::VARCHAR AS n FROM range(60000)"
        )
        engine.run(load_sow(path))
        assert engine.connection.execute("SELECT a FROM result").fetchall() == [(a,) for a, _ in rows]


def test_no_rows_are_an_answer(tmp_path):
    path = write(tmp_path, "def work(batches):\n    return []\n", over="batches", columns="{a: text}")
    assert run(path) == []
    assert run(path, rows=()) == []
    assert run(write(tmp_path, "def work(frame):\n    return frame\n"), rows=()) == []


@pytest.mark.parametrize(
    ("body", "columns", "told"),
    [
        ("raise ValueError(frame['a'][0])", "{a: text}", "ValueError in own.py, line 2"),
        ("return frame['nothing']", "{a: text}", "KeyError in own.py, line 2"),
        (
            "return inner(frame)\ndef inner(frame):\n    return 1 / 0",
            "{a: text}",
            "ZeroDivisionError in own.py, line 4",
        ),
        ("return None", "{a: text}", "gave NoneType, not a pandas frame"),
        ("return frame[['n']]", "{a: text}", "gave no column `a`"),
        ("return frame", "{a: text}", "gave 2 columns, not 1"),
        ("return frame.assign(n=0.5)", "{a: text, n: number}", "gave `n` as something else than number"),
        ("return frame.assign(a=1)", "{a: text, n: number}", "gave `a` as something else than text"),
        ("return frame.assign(a=[1, 'canary'])", "{a: text, n: number}", "own.py"),
    ],
)
def test_of_an_error_the_type_and_the_line_are_told_and_no_cell(tmp_path, body, columns, told, capfd):
    path = write(tmp_path, f"def work(frame):\n    {body}\n", columns=columns)
    with pytest.raises(EngineError) as failed:
        run(path, rows=(("canary", "1"), ("canary", "2")))
    if told != "own.py":
        assert told in str(failed.value)
    assert "canary" not in str(failed.value)
    assert failed.value.__context__ is None
    assert capfd.readouterr() == ("", "")


def test_an_error_in_a_later_batch_is_told_the_same_way(tmp_path):
    code = "def work(batches):\n    yield next(batches)\n    raise ValueError('canary')\n"
    path = write(tmp_path, code, over="batches")
    with pytest.raises(EngineError, match=r"ValueError in own.py, line 3") as failed:
        run(path)
    assert "canary" not in str(failed.value)
    assert failed.value.__context__ is None


def test_the_module_is_part_of_what_was_agreed(tmp_path):
    before = load_sow(write(tmp_path, "def work(frame):\n    return frame\n")).digest
    after = load_sow(write(tmp_path, "def work(frame):\n    return frame.iloc[:1]\n")).digest
    assert before != after


def test_a_missing_module_or_function_is_a_mistake_at_its_place(tmp_path):
    path = write(tmp_path, "def wrok(frame):\n    return frame\n")
    with pytest.raises(ContractFileError) as wrong:
        load_sow(path)
    assert [(one.place.line, one.message, one.hint) for one in wrong.value.mistakes] == [
        (11, "own.py has no function `work`.", "Did you mean `wrok`?")
    ]
    (tmp_path / "acme" / "own.py").unlink()
    with pytest.raises(ContractFileError, match="cannot be read"):
        load_sow(path)


def test_reading_a_sow_runs_nothing(tmp_path):
    code = "def work(frame):\n    return frame\n\n\nX = [].append(1)\n"
    load_sow(write(tmp_path, code))
    assert list(faults_in(b"open('x')\ndef work(frame): ...", "work", name="own.py"))


@pytest.mark.parametrize(
    "line",
    """\
import os
import socket
import subprocess
import logging
import time
import random
import sys
import importlib
import pickle
from os import environ
from . import other
from pyarrow import csv
from pyarrow import *
from pandas import read_csv
import pyarrow.fs
import pyarrow.parquet as pq
open('x')
eval('1')
exec('1')
print(1)
__import__('os')
globals()
breakpoint()
frame.to_csv('x')
frame.to_pickle('x')
pandas.read_csv('x')
pandas.eval('1')
numpy.random.rand()
numpy.load('x')
frame.to_numpy().dump('x')
frame.style.to_typst('x')
getattr(frame, 'to_' + 'csv')('x')
operator.methodcaller('to_csv', 'x')(frame)
pyarrow.ipc.new_file('x', schema)
pyarrow.lib.os.write(2, b'x')
numpy.lib.format.open_memmap('x')
pandas.io.common.get_handle('x', 'w')
raise BaseExceptionGroup('x', [])
datetime.now()
date.today()
().__class__.__bases__
work.__globals__
global x""".splitlines(),
)
def test_what_is_not_for_a_step_is_named_with_its_line(line):
    code = (
        f"def work(frame):\n    {line}\n"
        if not line.startswith("from pyarrow import *")
        else f"{line}\ndef work(f): ...\n"
    )
    faults = list(faults_in(code.encode(), "work", name="own.py"))
    assert faults
    assert "own.py, line" in faults[0][0]


FILES = re.compile("path|file|fname|filename|pathname|path_or_buf|path_or_buffer|filepath_or_buffer|excel_writer|sink")
"""What libraries call an argument that is a file, by its path too."""
NO_FILES = {"detect": "it tells a compression by the name of a file, and opens none"}
ELSEWHERE = {
    "_io", "builtins", "codecs", "ctypes", "gc", "importlib", "inspect", "io", "logging", "mmap", "os", "pathlib", "pickle",
    "shutil", "signal", "socket", "subprocess", "sys", "tempfile", "threading", "tokenize", "urllib", "warnings", "zipfile",
}  # fmt: skip


def _allowed(name: str) -> bool:
    code = f"def work(frame):\n    frame.{name}\n"
    return not name.startswith("_") and not list(faults_in(code.encode(), "work", name="own.py"))


def test_nothing_in_the_libraries_that_takes_a_file_may_stand_in_a_step():
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    wrong = set()
    for module in (np, pd, pa):
        public = {name: getattr(module, name) for name in dir(module) if _allowed(name)}
        classes = [one for one in public.values() if inspect.isclass(one)]
        within = ((module, name) for name in public), ((one, name) for one in classes for name in dir(one))
        for owner, name in chain(*within):
            if _allowed(name) and name not in NO_FILES and any(map(FILES.fullmatch, _arguments(owner, name))):
                wrong.add(f"{owner.__name__}.{name}")
    assert not wrong


def _arguments(owner: Any, name: str) -> list[str]:
    found = inspect.getattr_static(owner, name)
    with suppress(TypeError, ValueError):
        return list(inspect.signature(found).parameters)
    line = next(iter(str(found.__doc__ or "").splitlines()), "")  # of what is no Python it says how it is called
    return re.findall(r"[(,] *([a-z_]+)", line)


def test_no_module_that_may_be_imported_leads_to_one_that_may_not():
    waiting, found = [import_module(name) for name in _IMPORTS - {"__future__"}], set()
    while waiting:
        module = waiting.pop()
        if module.__name__ not in found:
            found.add(module.__name__)
            inside = [vars(module)[name] for name in vars(module) if _allowed(name)]
            waiting += [one for one in inside if inspect.ismodule(one)]
    assert not found & ELSEWHERE


def test_no_bytes_are_a_traceback():
    for content in (b"\xff\xfe", b"\0", b"def work(:", b"(" * 5000, b""):
        assert list(faults_in(content, "work", name="own.py"))


@pytest.mark.parametrize("kind", ["SystemExit", "KeyboardInterrupt", "BaseException"])
def test_nothing_that_passes_by_the_engine_is_raised(kind):
    code = f"def work(frame):\n    raise {kind}(frame.a[0])\n"
    assert list(faults_in(code.encode(), "work", name="own.py"))


def test_what_it_raises_when_it_is_broken_off_is_not_printed(tmp_path, monkeypatch):
    import pyarrow as pa

    printed = []
    monkeypatch.setattr(sys, "unraisablehook", printed.append)

    code = """\
def work(batches):
    for batch in batches:
        try:
            yield batch
        finally:
            raise ValueError(batch.column(0)[0].as_py())
"""
    module = tmp_path / "own.py"
    module.write_text(code, encoding="utf-8")
    step = Run(module, "work", over="batches", before={"a": Kind.TEXT}, columns={"a": Kind.TEXT}, options={})
    answers: Any = step(iter([pa.record_batch({"a": ["qzxcanary"]})]))
    next(answers)
    answers.close()
    del answers
    assert not printed
