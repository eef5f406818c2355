"""Queries in DuckDB's dialect, said in Spark's.

What relates rows (joins, groups, windows, orders) is Spark's own. A cell is worked out by Spark where its words mean the
same (``plain.py``); else by DuckDB in Spark's Python processes (``cells.py``). What neither can do is :class:`Untranslatable`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from sqlglot import exp
from sqlglot.transforms import eliminate_qualify

from backoffice.errors import EngineError
from backoffice.spark.cells import Functions, Worked
from backoffice.spark.figures import Reader, figure, is_figure
from backoffice.spark.plain import Held, held, plain
from backoffice.spark.shadow import Scope, Shadow
from backoffice.spark.types import Untranslatable, arrow_type, spark_type

if TYPE_CHECKING:
    from sqlglot.expressions import DataType

__all__ = ["Dialect"]

Provide = Callable[[Worked, str], str]
"""Gives Spark a function, with the type that it answers (Spark's word), and answers with its name."""
FunctionsIn = Callable[[exp.Expr], Functions | None]

_WINDOWS = {
    "rownumber": "row_number", "row_number": "row_number", "rank": "rank", "denserank": "dense_rank", "lag": "lag",
    "lead": "lead", "firstvalue": "first_value", "lastvalue": "last_value", "ntile": "ntile",
}  # fmt: skip
_CLAUSES = frozenset(
    ("expressions", "from_", "joins", "where", "group", "having", "order", "limit", "distinct", "with_")
)


class Dialect:
    """Says queries over the tables of a run.

    :param shadow: the same tables, empty.
    :param provide: gives Spark the functions that the queries need.
    :param functions: those in an expression that are not DuckDB's own; left out: none is.
    """

    def __init__(self, shadow: Shadow, provide: Provide, functions: FunctionsIn | None = None) -> None:
        self._shadow, self._provide, self._functions = shadow, provide, functions
        self._made: dict[tuple[str, ...], str] = {}

    def text(self, query: exp.Query) -> str:
        """The query in Spark's SQL.

        :raises Untranslatable: Spark cannot do it.
        """
        return self._query(_ready(query)).sql(dialect="spark")

    # ------------------------------------------------------------------ queries

    def _query(self, query: exp.Expr) -> exp.Expr:
        if isinstance(query, exp.Subquery):
            said = exp.Subquery(this=self._query(query.this), alias=_copy(query.args.get("alias")))
            if any(query.args.get(part) for part in ("joins", "pivots", "where", "order", "limit")):
                raise Untranslatable("subquery")
            return said
        if isinstance(query, exp.SetOperation):
            if query.args.get("by_name") or query.args.get("order") or query.args.get("limit"):
                raise Untranslatable("union")
            said = type(query)(this=self._query(query.this), expression=self._query(query.expression))
            said.set("distinct", query.args.get("distinct"))
        elif isinstance(query, exp.Select):
            said = self._select(query)
        else:
            raise Untranslatable(type(query).__name__)
        named = query.args.get("with_")
        if named is not None:
            if named.args.get("recursive"):
                raise Untranslatable("recursive")
            ctes = [exp.CTE(this=self._query(one.this), alias=one.args["alias"].copy()) for one in named.expressions]
            said.set("with_", exp.With(expressions=ctes))
        return said

    def _select(self, select: exp.Select) -> exp.Select:
        for part, value in select.args.items():
            if value and part not in _CLAUSES and part != "kind":
                raise Untranslatable(part)
        distinct = select.args.get("distinct")
        if distinct is not None and distinct.args.get("on"):
            raise Untranslatable("distinct on")
        scope = Scope(self._shadow, select)
        say = _Saying(self, scope, lifts=not (select.args.get("group") or _counts(select)))
        said = exp.Select(expressions=[say.chosen(one) for one in select.expressions])
        say.lifts = False
        sources = [self._source(select.args["from_"].this)] if select.args.get("from_") else []
        joins = [self._join(one, say) for one in select.args.get("joins") or ()]
        if say.lifted:
            _name_stars(said, sources, joins)
        sources += say.lifted
        if sources:
            said.set("from_", exp.From(this=sources[0]))
        said.set("joins", joins + [exp.Join(this=one, kind="CROSS") for one in sources[1:]])
        for part, kind in (("where", exp.Where), ("having", exp.Having)):
            if select.args.get(part):
                said.set(part, kind(this=say.condition(select.args[part].this)))
        group = select.args.get("group")
        if group is not None:
            if any(value for part, value in group.args.items() if part != "expressions"):
                raise Untranslatable("group")
            said.set("group", exp.Group(expressions=[say.whole(one) for one in group.expressions]))
        if select.args.get("order"):
            said.set("order", exp.Order(expressions=say.order(select.args["order"])))
        if select.args.get("limit"):
            said.set("limit", select.args["limit"].copy())
        if distinct is not None:
            said.set("distinct", exp.Distinct())
        return said

    def _source(self, source: exp.Expr) -> exp.Expr:
        if isinstance(source, exp.Subquery):
            return self._query(source)
        if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
            if any(source.args.get(part) for part in ("joins", "pivots", "sample", "laterals", "ordinality")):
                raise Untranslatable("table")
            return exp.Table(this=source.this.copy(), alias=_copy(source.args.get("alias")))
        raise Untranslatable(f"from {type(source).__name__} {type(source.this).__name__}")

    def _join(self, join: exp.Join, say: _Saying) -> exp.Join:
        if join.args.get("method") or join.args.get("match_condition"):
            raise Untranslatable("join")
        said = exp.Join(this=self._source(join.this))
        for part in ("side", "kind"):
            said.set(part, join.args.get(part))
        if join.args.get("using"):
            said.set("using", [one.copy() for one in join.args["using"]])
        if join.args.get("on"):
            said.set("on", say.condition(join.args["on"]))
        return said

    # ------------------------------------------------------------------ cells that DuckDB works out

    def worked(self, node: exp.Expr, arguments: Sequence[exp.Expr], kinds: Sequence[DataType]) -> str:
        """The name of a function that works out ``node``, in which ``arguments`` stand for what it is given."""
        names = [f"a{number}" for number in range(len(arguments))]
        by_text = {one.sql(dialect="duckdb"): name for name, one in zip(names, arguments, strict=True)}
        answer = _replaced(node, by_text)
        given: list[exp.Expr] = [exp.alias_(exp.cast(col_, kind), name) for name, col_, kind in _given(names, kinds)]
        if not names:  # something has to say how many rows there are
            names, given = ["a0"], [exp.alias_(exp.column("a0"), "a0")]
        empty = [exp.alias_(exp.cast(exp.null(), kind), name) for name, kind in zip(names, kinds, strict=False)]
        rows = exp.select(*(empty or [exp.alias_(exp.null(), "a0")]), exp.alias_(exp.null(), "place"))
        try:  # with the place: what looks at several rows after all is refused
            asked = exp.select(exp.alias_(answer, "answer"), exp.column("place")).from_(rows.subquery("given"))
            kind = self._shadow.answers(asked)[0]
        except EngineError:
            raise Untranslatable("a cell") from None
        whole = exp.select(exp.alias_(exp.cast(answer.copy(), _travelling(kind)), "answer"), exp.column("place"))
        whole = whole.from_(exp.select(*given, exp.column("place")).from_("given").subquery("given"))
        text = whole.sql(dialect="duckdb")
        if (text,) not in self._made:
            functions = self._functions(answer) if self._functions else None
            made = Worked(text, tuple(names), arrow_type(kind), functions)
            self._made[(text,)] = self._provide(made, spark_type(kind))
        return self._made[(text,)]


class _Saying:
    """Expressions of one SELECT."""

    def __init__(self, dialect: Dialect, scope: Scope, *, lifts: bool) -> None:
        self._dialect, self._scope = dialect, scope
        self.lifts = lifts
        self.lifted: list[exp.Subquery] = []
        """Queries of one value: Spark gives functions no such query, but it does give them a column of a joined row."""
        self._reader = Reader(self.whole, scope.kind)

    def chosen(self, node: exp.Expr) -> exp.Expr:
        """What a SELECT gives."""
        if isinstance(node, exp.Alias):
            return exp.Alias(this=self._made(node.this), alias=node.args["alias"].copy())
        if isinstance(node, exp.Star) or (isinstance(node, exp.Column) and isinstance(node.this, exp.Star)):
            if isinstance(node, exp.Star) and (node.args.get("replace") or node.args.get("rename")):
                raise Untranslatable("star")
            return node.copy()
        said = self._made(node)
        if isinstance(node, exp.Subquery) and node.alias:
            return exp.Alias(this=said, alias=exp.to_identifier(node.alias, quoted=True))
        return said

    def _made(self, node: exp.Expr) -> exp.Expr:
        if _unnests(node):
            of = node.this if isinstance(node, exp.Explode | exp.Unnest) else node.expressions[0]
            return exp.Anonymous(this="explode", expressions=[self.whole(of)])
        return self.whole(node)

    def condition(self, node: exp.Expr) -> exp.Expr:
        """A condition; its parts each by itself, so that those which Spark understands are seen by it."""
        if isinstance(node, exp.And):
            return exp.and_(self.condition(node.this), self.condition(node.expression))
        if isinstance(node, exp.Paren) and isinstance(node.this, exp.And | exp.Paren):
            return self.condition(node.this)
        return exp.paren(self.whole(node))

    def order(self, order: exp.Order) -> list[exp.Ordered]:
        """Sort keys; blanks where DuckDB has them."""
        found = []
        for one in order.expressions:
            if not isinstance(one, exp.Ordered) or one.args.get("with_fill"):
                one = exp.Ordered(this=one)
            first = bool(one.args.get("nulls_first"))
            found.append(exp.Ordered(this=self.whole(one.this), desc=bool(one.args.get("desc")), nulls_first=first))
        return found

    def whole(self, node: exp.Expr) -> exp.Expr:
        """Any expression."""
        special = self._special(node)
        if special is not None:
            return special
        if plain(node, self._leaf) is not None:
            return self._plainly(node)
        found: dict[str, exp.Expr] = {}
        self._leaves(node, found)
        kinds = [self._scope.kind(one) for one in found.values()]
        name = self._dialect.worked(node, list(found.values()), kinds)
        said = [self.whole(one) for one in found.values()] or [exp.Literal.number(0)]
        if any(one.find(exp.Subquery, exp.Exists) for one in said):
            raise Untranslatable("a query within a cell")
        return exp.Anonymous(this=name, expressions=said)

    def _plainly(self, node: exp.Expr) -> exp.Expr:
        """An expression that means the same, with what stands in it."""
        said = type(node)()
        for part, value in node.args.items():
            if isinstance(value, list):
                said.set(part, [self._part(one) for one in value])
            else:
                said.set(part, self._part(value))
        if isinstance(said, exp.Cast) and not isinstance(said, exp.TryCast):
            said.set("to", exp.DataType.build(spark_type(node.args["to"]), dialect="spark"))
        return said

    def _part(self, value: object) -> object:
        if not isinstance(value, exp.Expr):
            return value
        special = self._special(value)
        if special is not None:
            return special
        if isinstance(value, exp.DataType):
            return exp.DataType.build(spark_type(value), dialect="spark")
        return self._plainly(value)

    def _special(self, node: exp.Expr) -> exp.Expr | None:
        """A leaf, in Spark's words."""
        if isinstance(node, exp.Column):
            return node.copy()
        if isinstance(node, exp.Window):
            return self._window(node)
        if is_figure(node):
            return figure(node, self._reader)
        if isinstance(node, exp.Subquery):
            return self._value(node)
        if isinstance(node, exp.Exists):
            return exp.Exists(this=self._dialect._query(node.this))
        if isinstance(node, exp.In) and node.args.get("query"):
            query = node.args["query"]
            inner = query.this if isinstance(query, exp.Subquery) else query
            return exp.In(this=exp.paren(self.whole(node.this)), query=exp.Subquery(this=self._dialect._query(inner)))
        if _unnests(node):
            raise Untranslatable("unnest")
        return None

    def _value(self, node: exp.Subquery) -> exp.Expr:
        """A query of one value."""
        query = self._dialect._query(node.this)
        if not (
            self.lifts and isinstance(query, exp.Select) and _counts(node.this) and not node.this.args.get("group")
        ):
            return exp.Subquery(this=query)
        name = f"_value_{len(self.lifted)}"
        only = query.expressions[0]
        query.set("expressions", [exp.Alias(this=only.unalias(), alias=exp.to_identifier(name, quoted=True))])
        self.lifted.append(
            exp.Subquery(this=query, alias=exp.TableAlias(this=exp.to_identifier(f"_of{name}", quoted=True)))
        )
        return exp.column(name, table=f"_of{name}", quoted=True)

    def _is_leaf(self, node: exp.Expr) -> bool:
        queried = isinstance(node, exp.Subquery | exp.Exists) or (
            isinstance(node, exp.In) and bool(node.args.get("query"))
        )
        grouped = bool(self._scope.grouped) and not isinstance(node, exp.Literal) and node.sql() in self._scope.grouped
        return isinstance(node, exp.Column | exp.Window) or queried or is_figure(node) or grouped

    def _leaf(self, node: exp.Expr) -> Held | None:
        if isinstance(node, exp.Exists) or (isinstance(node, exp.In) and node.args.get("query")):
            return "truth"
        if isinstance(node, exp.Column | exp.Window | exp.Subquery) or is_figure(node):
            return held(self._scope.kind(node))
        return None

    def _leaves(self, node: exp.Expr, found: dict[str, exp.Expr], *, top: bool = True) -> None:
        """What an expression is worked out from, each once."""
        if self._is_leaf(node) and not (top and not isinstance(node, exp.Column)):
            found.setdefault(node.sql(dialect="duckdb"), node)
            return
        if _unnests(node):
            raise Untranslatable("unnest")
        for child in node.iter_expressions():
            if not isinstance(child, exp.DataType):
                self._leaves(child, found, top=False)

    # ------------------------------------------------------------------ windows

    def _window(self, node: exp.Window) -> exp.Expr:
        inner, ignores = node.this, False
        if isinstance(inner, exp.IgnoreNulls):
            inner, ignores = inner.this, True
        name = (inner.name if isinstance(inner, exp.Anonymous) else type(inner).__name__).lower()
        if name in _WINDOWS:
            said: exp.Expr = exp.Anonymous(this=_WINDOWS[name], expressions=self._window_arguments(inner))
            if ignores:
                said = exp.IgnoreNulls(this=said)
        elif ignores or isinstance(inner, exp.RespectNulls):
            raise Untranslatable("window")
        else:
            said = figure(inner, self._reader)
        whole = exp.Window(this=said, partition_by=[self.whole(one) for one in node.args.get("partition_by") or ()])
        for part, value in node.args.items():
            if value and part not in ("this", "partition_by", "order", "spec", "over"):
                raise Untranslatable(part)
        if node.args.get("order"):
            whole.set("order", exp.Order(expressions=self.order(node.args["order"])))
        elif name == "rownumber":
            raise Untranslatable("row_number without an order")
        spec = node.args.get("spec")
        if spec is not None:
            if spec.args.get("exclude"):
                raise Untranslatable("exclude")
            whole.set("spec", spec.copy())
        return whole

    def _window_arguments(self, inner: exp.Expr) -> list[exp.Expr]:
        if isinstance(inner, exp.Anonymous):
            return [self.whole(one) for one in inner.expressions]
        parts = [inner.args.get(part) for part in ("this", "offset", "default")]
        return [self.whole(one) for one in parts if isinstance(one, exp.Expr)]


def _ready(query: exp.Query) -> exp.Query:
    """A copy that says the same with fewer words: no QUALIFY; no order where none is kept."""
    found: Any = query.copy()
    for one in list(found.find_all(exp.Table)):
        if isinstance(one.this, exp.Table | exp.Subquery):  # a name that was put in for another
            inner = one.this
            if one.args.get("alias"):
                inner.set("alias", one.args["alias"])
            one.replace(inner)
    for one in list(found.find_all(exp.Select)):
        if one.args.get("qualify"):
            changed = eliminate_qualify(one.copy())
            if one is found:
                found = changed
            else:
                one.replace(changed)
    if isinstance(found, exp.Select | exp.SetOperation) and not found.args.get("limit"):
        found.set("order", None)  # rows have their number
    return found


def _counts(query: exp.Expr) -> bool:
    """Whether a SELECT gives figures over all its rows."""
    if not isinstance(query, exp.Select):
        return False
    found = [one for chosen in query.expressions for one in chosen.walk() if is_figure(one)]
    return any(one.find_ancestor(exp.Select) is query and not one.find_ancestor(exp.Window) for one in found)


def _name_stars(said: exp.Select, sources: Sequence[exp.Expr], joins: Sequence[exp.Join]) -> None:
    """``*`` without what was lifted."""
    whose = [one.alias_or_name for one in (*sources, *(join.this for join in joins))]
    chosen: list[exp.Expr] = []
    for one in said.expressions:
        if isinstance(one, exp.Star):
            if one.args.get("except_"):
                raise Untranslatable("star")
            chosen += [exp.Column(this=exp.Star(), table=exp.to_identifier(name, quoted=True)) for name in whose]
        else:
            chosen.append(one)
    said.set("expressions", chosen)


def _unnests(node: exp.Expr) -> bool:
    named = isinstance(node, exp.Anonymous) and node.name.lower() == "unnest"
    return isinstance(node, exp.Explode | exp.Unnest) or named


def _replaced(node: exp.Expr, names: dict[str, str]) -> exp.Expr:
    """An expression over what it is given, by name."""

    def given(one: exp.Expr) -> exp.Expr:
        name = None if isinstance(one, exp.Literal | exp.Identifier) else names.get(one.sql(dialect="duckdb"))
        return exp.column(name) if name is not None else one

    return node.copy().transform(given)


def _given(names: Sequence[str], kinds: Sequence[DataType]) -> list[tuple[str, exp.Expr, DataType]]:
    return [(name, exp.column(name), kind.copy()) for name, kind in zip(names, kinds, strict=True)]


def _travelling(kind: DataType) -> DataType:
    """A type that Arrow has too."""
    wide = {exp.DataType.Type.INT128: "DECIMAL(38,0)", exp.DataType.Type.UBIGINT: "DECIMAL(20,0)"}
    return exp.DataType.build(wide[kind.this], dialect="duckdb") if kind.this in wide else kind.copy()


def _copy(node: exp.Expr | None) -> exp.Expr | None:
    return node.copy() if node is not None else None
