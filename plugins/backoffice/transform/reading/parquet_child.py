"""The child that reads Parquet files of clients: a large native parser of a rich format.

Cells travel as Arrow's own format, all of them text already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backoffice.errors import DropRejected
from backoffice.transform.reading.apart import Answers, serve
from backoffice.transform.reading.columns import Wanted, find
from backoffice.transform.reading.workbook_child import duration_text, number_text

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["main"]

_CELLS = 400_000
_LONGEST_CELL = 1 << 20


def main() -> None:
    """Carry out one order; never returns."""
    serve(_read)


def _read(order: dict[str, Any], answers: Answers) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pa.set_cpu_count(1)
    with pq.ParquetFile(f"/proc/self/fd/{order['descriptor']}", pre_buffer=False) as file:
        schema = file.schema_arrow
        places = find(schema.names, [Wanted(*one) for one in order["columns"]], drop_others=order["drop_others"])
        chosen = {name: schema.field(place) for name, place in places.items() if place is not None}
        for name, field in chosen.items():
            if pa.types.is_nested(field.type):
                message = f"The column `{name}` is nested."
                raise DropRejected("format", message, hint="Send its parts as columns of their own.")
        answers.say(columns=len(schema.names), places=places)
        size = max(1, min(50_000, _CELLS // max(len(chosen), 1)))
        names = [field.name for field in chosen.values()]
        for batch in file.iter_batches(batch_size=size, columns=names, use_threads=False):
            arrays = [_text(batch.column(field.name), name) for name, field in chosen.items()]
            data = _packed(arrays) if arrays else b""
            answers.say([data], rows=batch.num_rows, columns=len(arrays), size=len(data))
    answers.say(end=True)


def _packed(arrays: list[pa.Array]) -> bytes:
    import pyarrow as pa

    batch = pa.RecordBatch.from_arrays(arrays, names=[str(index) for index in range(len(arrays))])
    return batch.serialize().to_pybytes()


def _text(array: pa.Array, name: str) -> pa.Array:
    """A column's cells in one way of writing."""
    import pyarrow as pa
    import pyarrow.compute as compute

    pc: Any = compute
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    kind = array.type
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        array = _decoded(array, name)
    elif pa.types.is_fixed_size_binary(kind):
        raise DropRejected("format", f"The column `{name}` holds bytes, not text.", hint="Send it as text.")
    elif pa.types.is_duration(kind):
        return pa.array([None if one is None else duration_text(one) for one in _durations(array)], pa.string())
    elif pa.types.is_timestamp(kind):
        array = pc.replace_substring(array.cast(pa.timestamp(kind.unit, kind.tz and "UTC")).cast(pa.string()), " ", "T")
        array = _short_fraction(array)
    elif pa.types.is_time(kind):
        array = _short_fraction(array.cast(pa.string()))
    elif pa.types.is_floating(kind):
        array = _numbers(array if not pa.types.is_float16(kind) else array.cast(pa.float32()))
    elif pa.types.is_decimal(kind):
        return _decimals(array)
    found = _checked(array.cast(pa.string()), name)
    if pc.any(pc.match_substring(found, "\0")).as_py():
        raise DropRejected("format", f"Cells of the column `{name}` hold NUL characters.", hint="Export it again.")
    if (pc.max(pc.binary_length(found)).as_py() or 0) > _LONGEST_CELL:
        message = f"A cell of the column `{name}` is longer than {_LONGEST_CELL:,} bytes."
        raise DropRejected("line-too-long", message, hint="Leave it out.")
    return pc.if_else(pc.equal(found, ""), pa.scalar(None, pa.string()), found)


def _decoded(array: pa.Array, name: str) -> pa.Array:
    import pyarrow as pa

    return _checked(array.cast(pa.large_binary()).view(pa.large_string()), name)


def _checked(array: pa.Array, name: str) -> pa.Array:
    """Text is UTF-8 only if somebody looked: the file's word is not enough."""
    import pyarrow as pa

    fault = False
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        fault = True
    if fault:
        raise DropRejected("encoding", f"The column `{name}` holds bytes that are not UTF-8.", hint="Send it as text.")
    return array


def _durations(array: pa.Array) -> list[Any]:
    import pyarrow as pa

    return array.cast(pa.duration("us"), safe=False).to_pylist()


def _short_fraction(array: pa.Array) -> pa.Array:
    """Seconds with as many digits as there are."""
    import pyarrow.compute as compute

    pc: Any = compute
    shorter = pc.replace_substring_regex(array, r"(\.[0-9]*?)0+(Z?)$", r"\1\2")
    return pc.replace_substring_regex(shorter, r"\.(Z?)$", r"\1")


def _numbers(array: pa.Array) -> pa.Array:
    """Binary fractions: the shortest that is read back as the same. NaN and the infinite are empty."""
    import pyarrow as pa
    import pyarrow.compute as compute

    pc: Any = compute
    array = pc.if_else(pc.is_finite(array), array, pa.scalar(None, array.type))
    found = array.cast(pa.string())
    odd = pc.fill_null(pc.or_(pc.match_substring(found, "e"), pc.equal(found, "-0")), False)
    if not pc.any(odd).as_py():
        return found
    written = [number_text(float(text)) for text in found.filter(odd).to_pylist()]
    return pc.replace_with_mask(found, odd, pa.array(written, pa.string()))


def _decimals(array: pa.Array) -> pa.Array:
    import pyarrow as pa

    texts = []
    for one in array.to_pylist():
        text = None if one is None else format(one, "f")
        texts.append(text.rstrip("0").rstrip(".") if text is not None and "." in text else text)
    return pa.array(["0" if text == "-0" else text for text in texts], pa.string())
