"""The expectations that a suite may use: what each asks, in plain English, and those that are refused, with the reason.

Light to import. A sentence is made of the rule's own parameters, which the company wrote, and of nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

__all__ = ["REFUSED", "SUPPORTED", "columns_of", "sentence"]

LISTED = 8  # more members of a list than this are counted, not named

Parameters = Mapping[str, Any]


def _name(column: object) -> str:
    return f"`{column}`"


def _listed(values: Iterable[Any], *, join: str = "or") -> str:
    texts = [_quote(value) for value in values]
    if len(texts) > LISTED:
        return f"one of {len(texts)} listed values" if join == "or" else f"{len(texts)} listed values"
    if len(texts) < 2:
        return "".join(texts) or "nothing"
    return f"{', '.join(texts[:-1])} {join} {texts[-1]}"


def _quote(value: Any) -> str:
    return f"“{value}”" if isinstance(value, str) else str(value)


def _columns(p: Parameters) -> str:
    names = [_name(column) for column in p["column_list"]]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _number(value: Any) -> Any:
    return f"{value:,}" if isinstance(value, int | float) and abs(value) >= 10_000 else value


def _range(p: Parameters, unit: str = "") -> str:
    low, high = _number(p.get("min_value")), _number(p.get("max_value"))
    lower = f"{'more than' if p.get('strict_min') else 'at least'} {low}"
    upper = f"{'less than' if p.get('strict_max') else 'at most'} {high}"
    if low is None:
        text = upper
    elif high is None:
        text = lower
    elif low == high:
        text = f"exactly {low}"
    else:
        text = f"{lower} and {upper}"
    return f"{text} {unit}".rstrip()


def _of_column(text: str) -> Callable[[Parameters], str]:
    return lambda p: f"{_name(p['column'])} {text.format(**p)}"


def _in_range(before: str, unit: str = "") -> Callable[[Parameters], str]:
    return lambda p: f"{before.format(column=_name(p.get('column')))} {_range(p, unit)}"


def _with_set(before: str, key: str = "value_set", *, join: str = "or", after: str = "") -> Callable[[Parameters], str]:
    return lambda p: f"{_name(p['column'])} {before} {_listed(p[key], join=join)}{after}"


def _patterns(verb: str, key: str) -> Callable[[Parameters], str]:
    return lambda p: (
        f"{_name(p['column'])} {verb} {'all' if p.get('match_on') == 'all' else 'any'} of {_listed(p[key], join='and')}"
    )


def _z_scores(p: Parameters) -> str:
    return f"{_name(p['column'])} lies within {p['threshold']} standard deviations of its mean"


def _outliers(p: Parameters) -> str:
    return f"{_name(p['column'])} has no outliers ({p.get('method', 'iqr')}, {p.get('multiplier', 1.5)})"


def _pairs(p: Parameters) -> str:
    pairs = _listed([f"{a} / {b}" for a, b in p["value_pairs_set"]])
    return f"{_name(p['column_A'])} and {_name(p['column_B'])} together are {pairs}"


def _greater(p: Parameters) -> str:
    relation = "at least" if p.get("or_equal") else "greater than"
    return f"{_name(p['column_A'])} is {relation} {_name(p['column_B'])}"


def _quantiles(p: Parameters) -> str:
    ranges = p["quantile_ranges"]
    parts = [
        f"{quantile:g} quantile is {_range({'min_value': low, 'max_value': high})}"
        for quantile, (low, high) in zip(ranges["quantiles"], ranges["value_ranges"], strict=False)
    ]
    return f"the {_name(p['column'])} " + ", ".join(parts)


def _exists(p: Parameters) -> str:
    place = p.get("column_index")
    return f"there is a column {_name(p['column'])}" + ("" if place is None else f" in place {place + 1}")


def _column_set(p: Parameters) -> str:
    only = "exactly" if p.get("exact_match", True) in (True, None) else "at least"
    return f"the table has {only} the columns {', '.join(map(_name, p['column_set']))}, in any order"


SUPPORTED: dict[str, Callable[[Parameters], str]] = {
    # about every row
    "expect_column_values_to_not_be_null": _of_column("has a value"),
    "expect_column_values_to_be_null": _of_column("is empty"),
    "expect_column_values_to_be_unique": _of_column("does not repeat"),
    "expect_column_values_to_be_in_set": _with_set("is"),
    "expect_column_values_to_not_be_in_set": _with_set("is not"),
    "expect_column_values_to_be_between": _in_range("{column} is"),
    "expect_column_value_lengths_to_be_between": _in_range("{column} is", "characters long"),
    "expect_column_value_lengths_to_equal": _of_column("is exactly {value} characters long"),
    "expect_column_values_to_match_regex": _of_column("matches {regex}"),
    "expect_column_values_to_not_match_regex": _of_column("does not match {regex}"),
    "expect_column_values_to_match_regex_list": _patterns("matches", "regex_list"),
    "expect_column_values_to_not_match_regex_list": _with_set("matches none of", "regex_list", join="and"),
    "expect_column_values_to_match_like_pattern": _of_column("is like {like_pattern}"),
    "expect_column_values_to_not_match_like_pattern": _of_column("is not like {like_pattern}"),
    "expect_column_values_to_match_like_pattern_list": _patterns("is like", "like_pattern_list"),
    "expect_column_values_to_not_match_like_pattern_list": _with_set(
        "is like none of", "like_pattern_list", join="and"
    ),
    "expect_column_values_to_match_strftime_format": _of_column("is a date or time written as {strftime_format}"),
    "expect_column_values_to_be_json_parseable": _of_column("is a JSON document"),
    "expect_column_value_z_scores_to_be_less_than": _z_scores,
    "expect_column_values_to_not_be_outliers": _outliers,
    "expect_column_pair_values_to_be_equal": lambda p: f"{_name(p['column_A'])} equals {_name(p['column_B'])}",
    "expect_column_pair_values_a_to_be_greater_than_b": _greater,
    "expect_column_pair_values_to_be_in_set": _pairs,
    "expect_compound_columns_to_be_unique": lambda p: f"{_columns(p)} together do not repeat",
    "expect_select_column_values_to_be_unique_within_record": lambda p: f"{_columns(p)} differ from each other",
    "expect_multicolumn_sum_to_equal": lambda p: f"{_columns(p)} add up to {p['sum_total']}",
    "expect_multicolumn_values_to_be_equal": lambda p: f"{_columns(p)} are equal",
    # about a column as a whole
    "expect_column_to_exist": _exists,
    "expect_column_values_to_be_of_type": _of_column("has the type {type_}"),
    "expect_column_type_to_be": _of_column("has the type {type_}"),
    "expect_column_values_to_be_in_type_list": _with_set("has the type", "type_list"),
    "expect_column_distinct_values_to_be_in_set": _with_set("holds no other values than", join="and"),
    "expect_column_distinct_values_to_contain_set": _with_set("holds all of", join="and"),
    "expect_column_distinct_values_to_equal_set": _with_set("holds all of", join="and", after=" and no other values"),
    "expect_column_most_common_value_to_be_in_set": _with_set("most often is"),
    "expect_column_unique_value_count_to_be_between": _in_range("the number of different values in {column} is"),
    "expect_column_proportion_of_unique_values_to_be_between": _in_range(
        "the share of different values in {column} is"
    ),
    "expect_column_proportion_of_non_null_values_to_be_between": _in_range("the share of rows with {column} is"),
    "expect_column_max_to_be_between": _in_range("the largest {column} is"),
    "expect_column_min_to_be_between": _in_range("the smallest {column} is"),
    "expect_column_mean_to_be_between": _in_range("the mean of {column} is"),
    "expect_column_median_to_be_between": _in_range("the median of {column} is"),
    "expect_column_stdev_to_be_between": _in_range("the standard deviation of {column} is"),
    "expect_column_sum_to_be_between": _in_range("the sum of {column} is"),
    "expect_column_quantile_values_to_be_between": _quantiles,
    # about the table
    "expect_table_row_count_to_be_between": _in_range("the table has", "rows"),
    "expect_table_row_count_to_equal": lambda p: f"the table has exactly {p['value']} rows",
    "expect_table_column_count_to_be_between": _in_range("the table has", "columns"),
    "expect_table_column_count_to_equal": lambda p: f"the table has exactly {p['value']} columns",
    "expect_table_columns_to_match_ordered_list": lambda p: (
        f"the table's columns are {', '.join(map(_name, p['column_list']))}, in this order"
    ),
    "expect_table_columns_to_match_set": _column_set,
}

_NO_ORDER = "a table in a database has no order of rows"
_STATISTICS = "it is a statistical test, which is computed on values held in memory"
_OWN_SQL = "a suite may not bring SQL of its own: its rows would be the report"

REFUSED: dict[str, str] = {
    "expect_column_values_to_be_increasing": _NO_ORDER,
    "expect_column_values_to_be_decreasing": _NO_ORDER,
    "expect_column_values_to_be_dateutil_parseable": (
        "it guesses formats; name the format with expect_column_values_to_match_strftime_format"
    ),
    "expect_column_values_to_match_json_schema": "JSON Schema cannot be evaluated in SQL",
    "expect_multicolumn_values_to_be_unique": (
        "the library renamed it: use expect_select_column_values_to_be_unique_within_record or "
        "expect_compound_columns_to_be_unique"
    ),
    "expect_column_kl_divergence_to_be_less_than": _STATISTICS,
    "expect_column_chisquare_test_p_value_to_be_greater_than": _STATISTICS,
    "expect_column_bootstrapped_ks_test_p_value_to_be_greater_than": _STATISTICS,
    "expect_column_parameterized_distribution_ks_test_p_value_to_be_greater_than": _STATISTICS,
    "expect_column_pair_cramers_phi_value_to_be_less_than": _STATISTICS,
    "expect_query_results_to_match_comparison": _OWN_SQL,
    "unexpected_rows_expectation": _OWN_SQL,
    "expect_table_row_count_to_equal_other_table": "a check sees the result and no other table",
}

_NAMES_NO_COLUMN_IT_NEEDS = frozenset(
    {"expect_column_to_exist", "expect_table_columns_to_match_ordered_list", "expect_table_columns_to_match_set"}
)


def columns_of(rule: str, parameters: Parameters) -> tuple[str, ...]:
    """The columns that the rule reads, and that the table therefore must have."""
    if rule in _NAMES_NO_COLUMN_IT_NEEDS:
        return ()
    named = [parameters.get(key) for key in ("column", "column_A", "column_B")]
    return tuple(name for name in [*named, *(parameters.get("column_list") or ())] if isinstance(name, str))


def sentence(rule: str, parameters: Parameters) -> str:
    """What the rule asks, in one English clause, to be used in a list: no capital, no full stop."""
    text = SUPPORTED[rule](parameters)
    mostly = parameters.get("mostly")
    if mostly is not None and mostly < 1:
        text += f", in at least {mostly * 100:.10g} % of the rows"
    if parameters.get("row_condition"):
        text += ", where the rule's row condition holds"
    return text
