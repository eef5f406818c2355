"""Queries that stand in a SOW: what they may say, and what they leave. Allow-lists throughout: what is new is refused.

A query is parsed, looked at node by node, and written anew from what was parsed: nothing of its text reaches the engine
by another way. DuckDB then says which columns it leaves, on empty tables, before anything is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.mistakes import did_you_mean, one_of
from backoffice.errors import EngineError
from backoffice.transform.fragment import ROW
from backoffice.transform.sql import SQL_TYPES, col, table

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["faults_of", "placed", "same_kind", "types_of"]

Fault = tuple[str, str]

_SHAPE = frozenset(
    """Add Alias And Between Boolean Bracket CTE Case Cast Column DPipe DataType DataTypeParam Distinct Div EQ Escape
    Except Exists Filter From GT GTE Group Having ILike Identifier If In IntDiv Intersect Interval Is Join LT LTE
    Like Limit Literal Mod Mul NEQ Neg Not Null NullSafeEQ NullSafeNEQ Offset Or Order Ordered Paren Qualify Select
    Slice Star Sub Subquery Table TableAlias TryCast Tuple Union Values Var Where Window WindowSpec With""".split()  # noqa: SIM905
)
"""What a query is built of."""

_FUNCTIONS = frozenset(
    """Abs ArgMax ArgMin Avg Ceil Chr Coalesce Concat ConcatWs Contains Count CountIf CumeDist DateAdd DateDiff DateSub
    DateTrunc Day DayOfMonth DayOfWeek DayOfWeekIso DayOfYear DenseRank EndsWith Exp Extract Floor Greatest
    GroupConcat Hour Initcap Lag LastDay LastValue Lead Least Left Length Levenshtein Ln LogicalAnd LogicalOr Lower
    Max Median Min Minute Mod Month NthValue Ntile Nullif Pad PercentRank PercentileDisc Pow Quarter Rank
    RegexpExtract RegexpFullMatch RegexpILike RegexpLike RegexpReplace Replace Reverse Right Round RowNumber Second
    Sign Split SplitPart Sqrt StartsWith StrPosition Stuff Substring Sum TimeToStr TimestampTrunc Translate Trim
    Unicode Upper Week Year FirstValue TsOrDsAdd JarowinklerSimilarity ToChar""".split()  # noqa: SIM905
)
_NAMED = frozenset(
    """regexp_full_match strip_accents jaro_similarity jaro_winkler_similarity damerau_levenshtein hamming jaccard
    isodow isoyear weekday week weekofyear yearweek dayname monthname make_date datepart date_part ltrim rtrim trunc
    bool_and bool_or contains prefix suffix instr strpos translate md5 sha256 levenshtein try_strptime datesub
    date_sub""".split()  # noqa: SIM905
)
"""Functions that the parser knows by their name only. None that reads files, settings or clocks, none with chance in it,
and none that makes much of little (``repeat``, ``range``)."""

_TYPES = frozenset(
    """TEXT VARCHAR CHAR INT BIGINT SMALLINT TINYINT HUGEINT INT128 DECIMAL NUMERIC BIGDECIMAL DATE TIMESTAMP
    TIMESTAMPNTZ BOOLEAN DOUBLE FLOAT INTERVAL TIME""".split()  # noqa: SIM905
)
_CLOCKS = frozenset(
    """current_catalog current_database current_date current_role current_schema current_time current_timestamp
    current_user localtime localtimestamp session_user system_user today user rowid""".split()  # noqa: SIM905
)
"""Names that DuckDB takes for a function where no column has them, in quotes too."""

_LONGEST = 1000
_ORDERED = ("RowNumber", "Lag", "Lead", "FirstValue", "LastValue", "NthValue", "Ntile")


def faults_of(text: str, tables: Mapping[str, Columns]) -> Iterator[Fault]:
    """What the query may not say, each with what to do.

    :param tables: those that it may read, with their columns.
    """
    parsed = _parsed(text)
    if isinstance(parsed, tuple):
        yield parsed
        return
    seen: set[Fault] = set()
    for fault in _faults(parsed, tables):
        if fault not in seen:
            seen.add(fault)
            yield fault


def _parsed(text: str) -> exp.Query | Fault:
    from sqlglot import ErrorLevel, errors, exp, parse

    try:
        found = parse(text, dialect="duckdb", error_level=ErrorLevel.RAISE)
    except errors.ParseError as error:
        first = error.errors[0] if error.errors else {}
        where = f" in line {first['line']} of the query" if first.get("line") else ""
        return f"This is no SQL that can be read{where}: {first.get('description', 'it breaks off')}.", "Mend it."
    except (errors.SqlglotError, RecursionError, ValueError, TypeError, AttributeError, KeyError, IndexError):
        return "This is no SQL that can be read.", "Write one SELECT."
    only = [one for one in found if one is not None]
    if len(only) != 1 or not isinstance(only[0], exp.Select | exp.SetOperation):
        return "Only one SELECT may stand here.", "Write one SELECT, with WITH before it if need be."
    return only[0]


def _faults(parsed: exp.Query, tables: Mapping[str, Columns]) -> Iterator[Fault]:
    from sqlglot import exp

    own = _own(parsed)
    for one in parsed.find_all(exp.CTE):
        # Elsewhere its name would be that of a file, or of nothing.
        if one.alias.casefold() not in own or not re.fullmatch("[A-Za-z][A-Za-z0-9_]*", one.alias):
            hint = "Its name has letters, digits and underscores."
            yield f"WITH may stand at the very beginning only, with plain names (`{one.alias[:60]}`).", hint
        elif one.alias.casefold() in {name.casefold() for name in tables}:
            yield f"`{one.alias}` is a table of the SOW; in WITH it would be another.", "Choose another name."
    for number, node in enumerate(parsed.walk()):
        if number > 5000:
            yield "The query is too long to be read by anyone.", "Make several steps of it."
            return
        kind = type(node).__name__
        if isinstance(node, exp.Table):
            yield from _table(node, tables, own)
        elif isinstance(node, exp.Anonymous):
            if node.name.casefold() not in _NAMED:
                yield f"The function `{node.name}` is not allowed.", "Only those that work on cells are (docs: `sql`)."
        elif isinstance(node, exp.Func) and kind not in _SHAPE:
            if kind not in _FUNCTIONS:
                yield (
                    f"The function `{_sql_name(node)}` is not allowed.",
                    "Only those that work on cells are (docs: `sql`).",
                )
        elif kind not in _SHAPE and kind != "IgnoreNulls":
            yield f"`{_shown(node)}` is not allowed in a query.", "Say it in plain SQL."
        yield from _uncertain(node)
        if isinstance(node, exp.Pad) and not (node.expression.is_int and int(node.expression.name) <= _LONGEST):
            yield "The length of lpad and rpad is a number up to 1000.", "Write it as a number."
        if isinstance(node, exp.Column) and not node.table and node.name.casefold() in _CLOCKS:
            hint = f"If it is a column, write it with its table: `input.{node.name}`."
            yield f"`{node.name}` alone can mean the clock or the user.", hint
        elif isinstance(node, exp.Column) and (node.args.get("db") or node.args.get("catalog")):
            yield f"`{_shown(node)}` names more than a table and a column.", "Write `table.column`."
        elif isinstance(node, exp.DataType) and node.this.name not in _TYPES:
            yield (
                f"The type `{_shown(node)}` is not allowed.",
                "Use varchar, bigint, decimal, date, timestamp or boolean.",
            )
        elif isinstance(node, exp.With) and node.args.get("recursive"):
            yield "WITH RECURSIVE is not allowed: it may never end.", "Write it without."


def _own(parsed: exp.Query) -> set[str]:
    """The tables of its WITH."""
    return {one.alias.casefold() for one in parsed.ctes}


def _table(node: exp.Table, tables: Mapping[str, Columns], own: set[str]) -> Iterator[Fault]:
    from sqlglot import exp

    if not isinstance(node.this, exp.Identifier) or node.args.get("db") or node.args.get("catalog"):
        yield f"`{_shown(node)}` is no table of the SOW.", "Read tables by their name only, no functions or files."
    elif node.name.casefold() not in own and node.name not in tables:
        hint = did_you_mean(node.name, tables) or one_of(tables)
        yield f"No table is called `{node.name[:60]}` here.", f"{hint} Others are named in `tables` first."
    left = {key for key, value in node.args.items() if value} - {"this", "alias", "joins", "db", "catalog"}
    if left:
        yield f"`{_shown(node)}` is more than a table's name.", "Say it in plain SQL."


def _uncertain(node: exp.Expr) -> Iterator[Fault]:
    """What may come out otherwise the next time."""
    from sqlglot import exp

    if isinstance(node, exp.Select | exp.SetOperation):
        if (node.args.get("limit") or node.args.get("offset")) and not node.args.get("order"):
            yield (
                "LIMIT without ORDER BY takes any rows.",
                "Say in which order; end it with `_row`, so that none are equal.",
            )
        distinct = node.args.get("distinct")
        if isinstance(distinct, exp.Distinct) and distinct.args.get("on") and not node.args.get("order"):
            yield "DISTINCT ON without ORDER BY takes any rows.", "Say in which order; end it with `_row`."
    if isinstance(node, exp.Window):
        inner = node.this.this if isinstance(node.this, exp.IgnoreNulls) else node.this
        if type(inner).__name__ in _ORDERED and not node.args.get("order"):
            yield (
                f"`{_sql_name(inner)}` over rows in no order may differ.",
                "Say ORDER BY within OVER; end it with `_row`.",
            )
    if isinstance(node, exp.FirstValue | exp.LastValue | exp.NthValue) and not node.find_ancestor(exp.Window):
        yield f"`{_sql_name(node)}` without OVER takes any row.", "Use arg_min(…, _row)."
    if isinstance(node, exp.GroupConcat) and not isinstance(node.this, exp.Order) and not node.find(exp.Order):
        yield "`string_agg` without ORDER BY may differ.", "Write `string_agg(x, ', ' ORDER BY _row)`."


def _sql_name(node: exp.Expr) -> str:
    name = getattr(node, "sql_name", None)
    try:
        return str(name()).lower() if name else type(node).__name__.lower()
    except (IndexError, AttributeError):
        return type(node).__name__.lower()


def _shown(node: exp.Expr) -> str:
    return " ".join(node.sql(dialect="duckdb").split())[:60]


def placed(text: str, tables: Mapping[str, Columns], called: Mapping[str, str]) -> exp.Query:
    """The query, written anew: each table is its columns and ``_row``, nothing else.

    :param called: tables that have another name where it is run.
    :raises EngineError: it says what it may not; ``backoffice sow check`` tells what.
    """
    from sqlglot import exp

    parsed = _parsed(text)
    if isinstance(parsed, tuple) or next(_faults(parsed, tables), None):
        raise EngineError("A query of the SOW says what it may not.", hint="`backoffice sow check` tells what.")
    own = _own(parsed)
    for node in list(parsed.find_all(exp.Table)):
        if node.name.casefold() in own:
            continue
        chosen = exp.select(*map(col, (ROW, *tables[node.name]))).from_(table(called.get(node.name, node.name)))
        alias = node.args.get("alias") or exp.TableAlias(this=exp.to_identifier(node.name, quoted=True))
        new = exp.Subquery(this=chosen, alias=alias)
        if joins := node.args.get("joins"):
            new.set("joins", joins)
        node.replace(new)
    return parsed


def types_of(query: exp.Query, tables: Mapping[str, Columns]) -> dict[str, str] | Fault:
    """The columns that a query over these tables leaves, and DuckDB's types; or what is wrong with it. Nothing is run."""
    import duckdb

    with duckdb.connect(":memory:", config={"enable_external_access": "false", "threads": 1}) as connection:
        for name, columns in tables.items():
            described = [f"{col(ROW).sql('duckdb')} BIGINT"]
            described += [f"{col(one).sql('duckdb')} {SQL_TYPES[kind]}" for one, kind in columns.items()]
            connection.execute(f"CREATE TABLE {table(name).sql('duckdb')} ({', '.join(described)})")
        connection.execute("SET python_enable_replacements = false")
        connection.execute("SET lock_configuration = true")
        try:
            found = connection.execute(f"DESCRIBE {query.sql(dialect='duckdb')}").fetchall()
        except duckdb.Error as error:
            # The tables are empty: the message shows nothing but the SOW.
            told = str(error).strip().splitlines()[0]
        else:
            names = [row[0] for row in found]
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is None:
                return {row[0]: row[1] for row in found}
            return f"The query leaves two columns called `{twice}`.", "Give one of them another name with AS."
    return f"The query does not work: {told.split(': ', 1)[-1].rstrip('.')}.", "Mend it."


def same_kind(found: str, wanted: Kind) -> bool:
    """Whether DuckDB's type is that kind, or becomes it without loss but of digits."""
    if wanted is Kind.NUMBER:
        return found.startswith("DECIMAL") or found in _WHOLE
    if wanted is Kind.INTEGER:
        return found in _WHOLE
    return found == SQL_TYPES[wanted] or found == '"NULL"'


_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
