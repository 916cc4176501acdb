"""Expectations over single records, as SQL that is true for a record that breaks them.

A missing value breaks nothing but `not_be_null`, as Great Expectations has it. Regular expressions are RE2's: classes
such as `\\d` mean ASCII; what RE2 cannot read runs through Great Expectations.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from finport_ingestion.engine.validate.columns import (
    FIXED_POINT,
    NUMBERS,
    Kind,
    StagedColumn,
    at_least,
    at_most,
    literal,
    quoted,
)
from finport_ingestion.engine.validate.rules import GxCheck, RecordCheck, UniqueCheck

_DUCKDB_DIGITS = 38
_INTEGER_DIGITS = 20

Arguments = Mapping[str, Any]
Columns = Mapping[str, StagedColumn]


def not_null(column: StagedColumn, _: Arguments) -> RecordCheck:
    return RecordCheck(columns=(column.name,), failing=column.missing, considered="TRUE")


def null(column: StagedColumn, _: Arguments) -> RecordCheck:
    return RecordCheck(columns=(column.name,), failing=f"NOT {column.missing}", considered="TRUE")


def between(column: StagedColumn, arguments: Arguments) -> RecordCheck:
    ends = []
    if arguments.get("min_value") is not None:
        ends.append(at_least(column, arguments["min_value"], strict=bool(arguments.get("strict_min"))))
    if arguments.get("max_value") is not None:
        ends.append(at_most(column, arguments["max_value"], strict=bool(arguments.get("strict_max"))))
    if not ends:
        raise ValueError("min_value or max_value is needed")
    return _present(column, f"NOT ({' AND '.join(ends)})")


def in_set(column: StagedColumn, arguments: Arguments) -> RecordCheck:
    return _present(column, f"NOT ({_one_of(column, arguments)})")


def not_in_set(column: StagedColumn, arguments: Arguments) -> RecordCheck:
    return _present(column, _one_of(column, arguments))


def regex(column: StagedColumn, arguments: Arguments) -> RecordCheck | GxCheck:
    return _matches(column, arguments["regex"], "NOT regexp_matches")


def not_regex(column: StagedColumn, arguments: Arguments) -> RecordCheck | GxCheck:
    return _matches(column, arguments["regex"], "regexp_matches")


def lengths_between(column: StagedColumn, arguments: Arguments) -> RecordCheck | GxCheck:
    ends = [
        (f"length({column.sql}) {'>' if arguments.get('strict_min') else '>='}", arguments.get("min_value")),
        (f"length({column.sql}) {'<' if arguments.get('strict_max') else '<='}", arguments.get("max_value")),
    ]
    return _lengths(column, [f"{test} {int(end)}" for test, end in ends if end is not None])


def lengths_equal(column: StagedColumn, arguments: Arguments) -> RecordCheck | GxCheck:
    return _lengths(column, [f"length({column.sql}) = {int(arguments['value'])}"])


def unique(column: StagedColumn, _: Arguments) -> UniqueCheck:
    return UniqueCheck(columns=(column.name,), considered=f"NOT {column.missing}")


def compound_unique(columns: Columns, arguments: Arguments) -> UniqueCheck:
    members = [columns[name] for name in arguments["column_list"]]
    missing = [column.missing for column in members]
    considered = {
        "all_values_are_missing": f"NOT ({' AND '.join(missing)})",
        "any_value_is_missing": f"NOT ({' OR '.join(missing)})",
        "never": "TRUE",
    }[arguments.get("ignore_row_if", "all_values_are_missing")]
    return UniqueCheck(columns=tuple(column.name for column in members), considered=considered)


def pair_greater(columns: Columns, arguments: Arguments) -> RecordCheck | GxCheck:
    return _pair(columns, arguments, ">=" if arguments.get("or_equal") else ">")


def pair_equal(columns: Columns, arguments: Arguments) -> RecordCheck | GxCheck:
    return _pair(columns, arguments, "=")


@cache
def understood_by_re2(pattern: str) -> bool:
    """Whether DuckDB's regular expressions know everything that `pattern` uses."""
    import duckdb

    with duckdb.connect() as connection:
        try:
            connection.execute("SELECT regexp_matches('', ?)", [pattern])
        except duckdb.Error:
            return False
    return True


def _present(column: StagedColumn, failing: str) -> RecordCheck:
    present = f"NOT {column.missing}"
    return RecordCheck(columns=(column.name,), failing=f"{present} AND ({failing})", considered=present)


def _one_of(column: StagedColumn, arguments: Arguments) -> str:
    wanted = [literal(column, value) for value in arguments["value_set"] if value is not None]
    held = [value for value in wanted if value is not None]
    return f"{column.sql} IN ({', '.join(held)})" if held else "FALSE"


def _matches(column: StagedColumn, pattern: str, test: str) -> RecordCheck | GxCheck:
    if column.kind is not Kind.TEXT or not understood_by_re2(pattern):
        return GxCheck(columns=(column.name,))
    return _present(column, f"{test}({column.sql}, {quoted(pattern)})")


def _lengths(column: StagedColumn, ends: list[str]) -> RecordCheck | GxCheck:
    if not ends:
        raise ValueError("min_value or max_value is needed")
    if column.kind is not Kind.TEXT:
        return GxCheck(columns=(column.name,))
    return _present(column, f"NOT ({' AND '.join(ends)})")


def _pair(columns: Columns, arguments: Arguments, operator: str) -> RecordCheck | GxCheck:
    left, right = columns[arguments["column_A"]], columns[arguments["column_B"]]
    names = (left.name, right.name)
    sides = _comparable(left, right)
    if sides is None:
        return GxCheck(columns=names)
    considered = {
        "both_values_are_missing": f"NOT ({left.missing} AND {right.missing})",
        "either_value_is_missing": f"NOT ({left.missing} OR {right.missing})",
        "neither": "TRUE",
    }[arguments.get("ignore_row_if", "both_values_are_missing")]
    present = f"NOT ({left.missing} OR {right.missing})"
    holds = f"({present} AND coalesce({sides[0]} {operator} {sides[1]}, FALSE))"
    return RecordCheck(columns=names, failing=f"{considered} AND NOT {holds}", considered=considered)


def _comparable(left: StagedColumn, right: StagedColumn) -> tuple[str, str] | None:
    """Both sides as SQL of one exact type; None where DuckDB has no such type."""
    if left.kind in NUMBERS and right.kind in NUMBERS:
        return _comparable_numbers(left, right)
    moments = (Kind.DATE, Kind.TIMESTAMP)
    if left.kind is not right.kind and not (left.kind in moments and right.kind in moments):
        raise ValueError(f"'{left.name}' ({left.type}) and '{right.name}' ({right.type}) cannot be compared")
    return left.sql, right.sql


def _comparable_numbers(left: StagedColumn, right: StagedColumn) -> tuple[str, str] | None:
    kinds = {left.kind, right.kind}
    if left.type == right.type:
        return left.sql, right.sql
    if not kinds <= set(FIXED_POINT):
        if Kind.WIDE in kinds:
            return None
        return f"CAST({left.sql} AS DOUBLE)", f"CAST({right.sql} AS DOUBLE)"
    if Kind.WIDE in kinds:
        return None
    scale = max(left.scale, right.scale)
    width = scale + max(_whole_digits(left), _whole_digits(right))
    if width > _DUCKDB_DIGITS:
        return None
    return f"CAST({left.sql} AS DECIMAL({width},{scale}))", f"CAST({right.sql} AS DECIMAL({width},{scale}))"


def _whole_digits(column: StagedColumn) -> int:
    return _INTEGER_DIGITS if column.kind is Kind.INTEGER else int(column.type.precision) - column.scale
