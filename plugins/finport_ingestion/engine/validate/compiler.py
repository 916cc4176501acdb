"""From an expectation's name and arguments to the cheapest exact way of checking it.

What stands in no table here, or uses an argument that the table does not know (`row_condition`), is checked by Great
Expectations itself on pandas: slower, with the same verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from finport_ingestion.engine.validate import aggregates, predicates
from finport_ingestion.engine.validate.columns import StagedColumn, number
from finport_ingestion.engine.validate.rules import Check, GxCheck, Impossible

Arguments = Mapping[str, Any]
Columns = Mapping[str, StagedColumn]

_RANGE = ("min_value", "max_value", "strict_min", "strict_max")
_EVERYWHERE = frozenset({"mostly", "meta", "notes", "catch_exceptions"})
_PAIR = ("column_A", "column_B", "ignore_row_if")


@dataclass(frozen=True, slots=True)
class _Known:
    """How one type is compiled: its function, and the arguments that it understands."""

    compile: Callable[..., Check]
    arguments: tuple[str, ...] = ()
    of_column: bool = False  # takes the one column, otherwise all columns

    def understands(self, arguments: Arguments) -> bool:
        return set(arguments) <= {*self.arguments, *(("column",) if self.of_column else ()), *_EVERYWHERE}


def _column(compile_: Callable[..., Check], *arguments: str) -> _Known:
    return _Known(compile_, arguments, of_column=True)


_KNOWN: dict[str, _Known] = {
    "expect_column_max_to_be_between": _column(aggregates.maximum, *_RANGE),
    "expect_column_mean_to_be_between": _column(aggregates.mean, *_RANGE),
    "expect_column_min_to_be_between": _column(aggregates.minimum, *_RANGE),
    "expect_column_pair_values_a_to_be_greater_than_b": _Known(predicates.pair_greater, (*_PAIR, "or_equal")),
    "expect_column_pair_values_to_be_equal": _Known(predicates.pair_equal, _PAIR),
    "expect_column_proportion_of_non_null_values_to_be_between": _column(aggregates.present_share, *_RANGE),
    "expect_column_sum_to_be_between": _column(aggregates.total, *_RANGE),
    "expect_column_to_exist": _Known(aggregates.column_exists, ("column", "column_index")),
    "expect_column_unique_value_count_to_be_between": _column(aggregates.distinct_count, *_RANGE),
    "expect_column_value_lengths_to_be_between": _column(predicates.lengths_between, *_RANGE),
    "expect_column_value_lengths_to_equal": _column(predicates.lengths_equal, "value"),
    "expect_column_values_to_be_between": _column(predicates.between, *_RANGE),
    "expect_column_values_to_be_in_set": _column(predicates.in_set, "value_set"),
    "expect_column_values_to_be_in_type_list": _column(aggregates.of_types, "type_list"),
    "expect_column_values_to_be_null": _column(predicates.null),
    "expect_column_values_to_be_of_type": _column(aggregates.of_type, "type_"),
    "expect_column_values_to_be_unique": _column(predicates.unique),
    "expect_column_values_to_match_regex": _column(predicates.regex, "regex"),
    "expect_column_values_to_not_be_in_set": _column(predicates.not_in_set, "value_set"),
    "expect_column_values_to_not_be_null": _column(predicates.not_null),
    "expect_column_values_to_not_match_regex": _column(predicates.not_regex, "regex"),
    "expect_compound_columns_to_be_unique": _Known(predicates.compound_unique, ("column_list", "ignore_row_if")),
    "expect_table_column_count_to_be_between": _Known(aggregates.column_count, _RANGE),
    "expect_table_column_count_to_equal": _Known(aggregates.column_count_equal, ("value",)),
    "expect_table_columns_to_match_ordered_list": _Known(aggregates.columns_are_list, ("column_list",)),
    "expect_table_columns_to_match_set": _Known(aggregates.columns_are_set, ("column_set", "exact_match")),
    "expect_table_row_count_to_be_between": _Known(aggregates.row_count, _RANGE),
    "expect_table_row_count_to_equal": _Known(aggregates.row_count_equal, ("value",)),
}
"""Sorted by name."""

COMPILED_TYPES = tuple(_KNOWN)

_SCHEMA_TYPES = (
    "expect_column_to_exist",
    "expect_table_columns_to_match_set",
    "expect_table_columns_to_match_ordered_list",
)


def compile_check(type_: str, arguments: Arguments, columns: Columns) -> Check:
    """How to check an expectation on these columns; Impossible says why it cannot be."""
    named = columns_named(arguments)
    absent = [name for name in named if name not in columns]
    if absent and type_ not in _SCHEMA_TYPES:
        return Impossible(problem=f"column '{absent[0]}' is not in the data")
    known = _KNOWN.get(type_)
    if known is None or not known.understands(arguments):
        return GxCheck(columns=named or tuple(columns), everything="row_condition" in arguments)
    try:
        _check_mostly(arguments)
        if known.of_column:
            return known.compile(columns[arguments["column"]], arguments)
        return known.compile(columns, arguments)
    except KeyError as error:
        return Impossible(problem=f"argument {error} is missing or has a value that is not known")
    except (TypeError, ValueError) as error:
        return Impossible(problem=str(error))


def columns_named(arguments: Arguments) -> tuple[str, ...]:
    """The columns that an expectation speaks of."""
    single = [arguments[key] for key in ("column", "column_A", "column_B") if isinstance(arguments.get(key), str)]
    listed = arguments.get("column_list") or ()
    return (*single, *(name for name in listed if isinstance(name, str)))


def _check_mostly(arguments: Arguments) -> None:
    share = number(arguments.get("mostly", 1))
    if not 0 <= share <= 1:
        raise ValueError(f"mostly is a share between 0 and 1, not {share}")
