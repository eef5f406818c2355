"""Modules of ours beside a SOW, for its steps of Python: what may stand in them, and running them.

They are written by us, reviewed like all code here, and part of what is agreed: their digest is the SOW's too. They are
trusted not to be hostile; the rules keep them from doing by mistake what no step may: opening files or connections,
printing or logging cells, depending on the clock or on chance. It is no sandbox.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.mistakes import did_you_mean, one_of
from backoffice.discretion import kind_of, name_of

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Run", "faults_in"]

_IMPORTS = frozenset(
    """__future__ bisect collections collections.abc dataclasses datetime decimal difflib enum fractions functools
    hashlib heapq hmac itertools json math numpy operator pandas pyarrow pyarrow.compute re statistics string
    textwrap typing unicodedata""".split()  # noqa: SIM905
)
_CALLS = frozenset(
    """__import__ BaseException BaseExceptionGroup GeneratorExit KeyboardInterrupt SystemExit breakpoint compile delattr eval
    exec exit getattr globals help input locals memoryview open print quit setattr vars""".split()  # noqa: SIM905
)
_ATTRIBUTES = frozenset(
    """BufferedInputStream BufferedOutputStream CompressedInputStream CompressedOutputStream ExcelFile ExcelWriter HDFStore
    MemoryMappedFile NativeFile OSFile PythonFile RecordBatchFileReader RecordBatchFileWriter RecordBatchStreamReader
    RecordBatchStreamWriter attrgetter clipboard create_memory_map csv dataset dump eval feather flight from_file fromfile
    fromregex fs ftplib genfromtxt input_stream load loadtxt memmap memory_map methodcaller now orc output_stream parquet
    plot query random save savetxt savez savez_compressed serialize_to set_option set_timezone_db_path show_config show_info
    show_runtime show_versions style system to_clipboard to_csv to_excel to_feather to_gbq to_hdf to_html to_iceberg to_json
    to_latex to_markdown to_orc to_parquet to_pickle to_sql to_stata to_string to_typst to_xml today tofile urandom utcnow
    write_tensor""".split()  # noqa: SIM905
) | frozenset(
    """bltns builtins codecs compat core ctypes ctypeslib docscrape f2py gc inspect io ipc lib os pickle plotting socket
    subprocess sys testing threading vendored warnings""".split()  # noqa: SIM905
)
"""What opens, writes, prints, asks the clock or goes around this list; then modules within the allowed ones that lead there."""

Fault = tuple[str, str]
_END = object()


def faults_in(content: bytes, function: str, *, name: str) -> Iterator[Fault]:
    """What may not stand in a module, or is missing. It is not run."""
    try:
        tree = ast.parse(content, filename=name)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        where = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        yield f"{name} is no Python that can be read{where}.", "Mend it."
        return
    made = {one.name: one for one in tree.body if isinstance(one, ast.FunctionDef)}
    if function not in made:
        yield (
            f"{name} has no function `{function}`.",
            did_you_mean(function, made) or (one_of(made) if made else "Write it."),
        )
    for one in tree.body:
        allowed = (ast.FunctionDef, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.ClassDef, ast.If)
        if not isinstance(one, allowed) and not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)):
            yield f"{name}, line {one.lineno}: code that runs at import.", "Put it into a function."
    for node in ast.walk(tree):
        fault = _fault(node)
        if fault:
            yield (
                f"{name}, line {getattr(node, 'lineno', '?')}: {fault}.",
                "A step works on the cells it is given only.",
            )


def _fault(node: ast.AST) -> str:
    if isinstance(node, ast.Import):
        wrong = [one.name for one in node.names if one.name not in _IMPORTS]
        return f"`import {wrong[0]}` is not allowed" if wrong else ""
    if isinstance(node, ast.ImportFrom):
        module = node.module or ""
        if node.level or module not in _IMPORTS:
            return f"`from {'.' * node.level}{module} import` is not allowed"
        wrong = [
            one.name for one in node.names if one.name == "*" or one.name in _ATTRIBUTES or one.name.startswith("read_")
        ]
        return f"`from {module} import {wrong[0]}` is not allowed" if wrong else ""
    if isinstance(node, ast.Name) and (node.id in _CALLS or _dunder(node.id)):
        return f"`{node.id}` is not allowed"
    if isinstance(node, ast.Attribute) and (
        node.attr in _ATTRIBUTES or node.attr.startswith("read_") or _dunder(node.attr)
    ):
        return f"`.{node.attr}` is not allowed"
    if isinstance(node, ast.Global | ast.Nonlocal):
        return "`global` and `nonlocal` are not allowed: a step keeps nothing"
    if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith):
        return "`async` is not allowed"
    return ""


def _dunder(name: str) -> bool:
    return name.startswith("__") and name not in ("__name__", "__doc__", "__all__", "__init__", "__post_init__")


class Run:
    """One function of a module, as a step.

    :param over: ``batches``: called once with an iterator of Arrow record batches, gives an iterable of such;
        ``frame``: called with one pandas frame of the whole table, gives one.
    :param columns: what it is to leave.
    """

    def __init__(
        self, path: Path, function: str, *, over: str, before: Columns, columns: Columns, options: Mapping[str, str]
    ) -> None:
        self._path, self._function, self._over = path, function, over
        self._before, self._columns, self._options = before, columns, dict(options)
        self._fault = ""

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The step's answer, checked; after an error :meth:`fault` says what may be said of it."""
        import pyarrow as pa

        self._fault = ""
        schema = _schema(self._columns)
        answers = iter(self._quietly(lambda: iter(self._answers(batches))) or ())
        some = False
        try:
            while (answer := self._quietly(lambda: next(answers, _END))) is not _END:
                some = True
                yield self._checked(answer, schema)
        finally:  # what it says when it is broken off would be printed, were it left to be collected
            self._quietly(lambda: _ended(answers))
        if not some:
            yield pa.RecordBatch.from_pylist([], schema=schema)

    def fault(self) -> str:
        """What went wrong: the type of the error and the line of our file; no value."""
        return self._fault

    def _quietly(self, work: Callable[[], Any]) -> Any:
        """Do it without a word to the log; of an error only its type and our line are kept."""
        import contextlib
        import io
        import warnings

        found, self_made = None, ""
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            try:
                found = work()
            except Exception as error:  # noqa: BLE001 - whatever it raised may show cells
                self_made = self._where(error)
        if self_made:
            self._refuse(self_made)
        return found

    def _where(self, error: BaseException) -> str:
        line, trace = 0, error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == str(self._path):
                line = trace.tb_lineno
            trace = trace.tb_next
        return f"{kind_of(error)} in {self._path.name}" + (f", line {line}" if line else "")

    def _refuse(self, fault: str) -> None:
        from backoffice.errors import EngineError

        self._fault = self._fault or fault
        raise EngineError(self._fault)

    def _answers(self, batches: Iterable[pa.RecordBatch]) -> Iterable[Any]:
        function = self._loaded()
        if self._over == "batches":
            return function(iter(batches), **self._options)
        import pyarrow as pa

        whole = pa.Table.from_batches(list(batches), schema=_schema(self._before))
        return [function(_frame(whole), **self._options)]

    def _loaded(self) -> Callable[..., Any]:
        """The function. The module is its file's text as of now, under a name of its own; nothing is kept for later."""
        module = {"__name__": f"sow_{self._path.parent.name}_{self._path.stem}", "__file__": str(self._path)}
        exec(compile(self._path.read_bytes(), str(self._path), "exec", dont_inherit=True), module)  # noqa: S102
        return module[self._function]  # pyright: ignore[reportReturnType]

    def _checked(self, answer: Any, schema: pa.Schema) -> pa.RecordBatch:
        import pandas as pd
        import pyarrow as pa

        wanted = "a pandas frame" if self._over == "frame" else "record batches"
        if not isinstance(answer, pd.DataFrame if self._over == "frame" else pa.RecordBatch):
            self._refuse(f"{self._function} gave {name_of(type(answer))}, not {wanted}")
        names = list(answer.columns) if self._over == "frame" else answer.schema.names
        for one in schema.names:
            if one not in names:
                self._refuse(f"{self._function} gave no column `{one}`")
        if len(names) > len(schema.names):
            self._refuse(f"{self._function} gave {len(names)} columns, not {len(schema.names)}")
        arrays = []
        for field, (name, kind) in zip(schema, self._columns.items(), strict=True):
            array = self._quietly(lambda name=name, field=field: _array(answer, name, field.type))
            if array is None:
                self._refuse(f"{self._function} gave `{name}` as something else than {kind}")
            arrays.append(array)
        return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _ended(answers: Iterator[Any]) -> None:
    """End a generator, whatever it says to that."""
    with suppress(Exception):
        getattr(answers, "close", bool)()


def _array(answer: Any, name: str, wanted: pa.DataType) -> Any:
    """The column as that type, or ``None``: a binary fraction is no exact number, a number no text."""
    import pandas as pd
    import pyarrow as pa

    found = answer[name] if isinstance(answer, pd.DataFrame) else answer.column(answer.schema.get_field_index(name))
    array = pa.array(found, from_pandas=True) if isinstance(answer, pd.DataFrame) else found
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    kind = array.type
    text, whole = pa.types.is_string(wanted), pa.types.is_int64(wanted)
    fits = (
        pa.types.is_null(kind)
        or (text and (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)))
        or (whole and pa.types.is_integer(kind))
        or (pa.types.is_decimal(wanted) and (pa.types.is_decimal(kind) or pa.types.is_integer(kind)))
        or (pa.types.is_date32(wanted) and pa.types.is_date32(kind))
        or (pa.types.is_timestamp(wanted) and pa.types.is_timestamp(kind) and kind.tz is None)
        or (pa.types.is_boolean(wanted) and pa.types.is_boolean(kind))
    )
    return array.cast(wanted) if fits else None


def _frame(whole: pa.Table) -> Any:
    """A frame in which nothing is lost: exact decimals, dates as dates, whole numbers with blanks as whole numbers."""
    import pandas as pd
    import pyarrow as pa

    kinds = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    return whole.to_pandas(types_mapper=kinds.get, date_as_object=True)


def _schema(columns: Columns) -> pa.Schema:
    import pyarrow as pa

    types = {
        Kind.TEXT: pa.string(), Kind.INTEGER: pa.int64(), Kind.NUMBER: pa.decimal128(18, 6), Kind.DATE: pa.date32(),
        Kind.TIMESTAMP: pa.timestamp("us"), Kind.BOOLEAN: pa.bool_(),
    }  # fmt: skip
    return pa.schema([(name, types[kind]) for name, kind in columns.items()])
