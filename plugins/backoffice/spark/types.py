"""What the columns of either engine hold, said in the other's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Untranslatable", "arrow_type", "parsed", "spark_type"]


class Untranslatable(Exception):
    """Something that Spark has no words for."""


_PLAIN = {
    exp.DataType.Type.VARCHAR: "STRING",
    exp.DataType.Type.TEXT: "STRING",
    exp.DataType.Type.BIGINT: "BIGINT",
    exp.DataType.Type.INT: "INT",
    exp.DataType.Type.SMALLINT: "SMALLINT",
    exp.DataType.Type.TINYINT: "TINYINT",
    exp.DataType.Type.UINT: "BIGINT",
    exp.DataType.Type.USMALLINT: "INT",
    exp.DataType.Type.UTINYINT: "SMALLINT",
    exp.DataType.Type.UBIGINT: "DECIMAL(20,0)",
    exp.DataType.Type.INT128: "DECIMAL(38,0)",
    exp.DataType.Type.DOUBLE: "DOUBLE",
    exp.DataType.Type.FLOAT: "FLOAT",
    exp.DataType.Type.BOOLEAN: "BOOLEAN",
    exp.DataType.Type.DATE: "DATE",
    exp.DataType.Type.TIMESTAMP: "TIMESTAMP_NTZ",
    exp.DataType.Type.TIMESTAMPNTZ: "TIMESTAMP_NTZ",
    exp.DataType.Type.NULL: "INT",
}


def parsed(text: str) -> exp.DataType:
    """A type as DuckDB tells it."""
    if text == '"NULL"':
        text = "INTEGER"
    found = exp.DataType.build(text, dialect="duckdb")
    spark_type(found)
    return found


def spark_type(kind: exp.DataType) -> str:
    """DuckDB's type in Spark's words.

    :raises Untranslatable: Spark has none like it.
    """
    if kind.this in _PLAIN:
        return _PLAIN[kind.this]
    if kind.this == exp.DataType.Type.DECIMAL:
        size = [part.name for part in kind.expressions] or ["18", "3"]
        return f"DECIMAL({','.join(size)})"
    if kind.this in (exp.DataType.Type.ARRAY, exp.DataType.Type.LIST):
        return f"ARRAY<{spark_type(kind.expressions[0])}>"
    if kind.this == exp.DataType.Type.STRUCT:
        fields = [(part.name, part.args["kind"]) for part in kind.expressions]
        return "STRUCT<" + ", ".join(f"`{name}`: {spark_type(of)}" for name, of in fields) + ">"
    raise Untranslatable(kind.sql("duckdb"))


def arrow_type(kind: exp.DataType) -> pa.DataType:
    """How it travels between the two."""
    import pyarrow as pa

    said = spark_type(kind)
    plain = {
        "STRING": pa.string(), "BIGINT": pa.int64(), "INT": pa.int32(), "SMALLINT": pa.int16(), "TINYINT": pa.int8(),
        "DOUBLE": pa.float64(), "FLOAT": pa.float32(), "BOOLEAN": pa.bool_(), "DATE": pa.date32(),
        "TIMESTAMP_NTZ": pa.timestamp("us"),
    }  # fmt: skip
    if said in plain:
        return plain[said]
    if said.startswith("DECIMAL"):
        size, scale = said[len("DECIMAL(") : -1].split(",")
        return pa.decimal128(int(size), int(scale))
    if said.startswith("ARRAY"):
        return pa.list_(pa.field("element", arrow_type(kind.expressions[0])))
    return pa.struct([(part.name, arrow_type(part.args["kind"])) for part in kind.expressions])
