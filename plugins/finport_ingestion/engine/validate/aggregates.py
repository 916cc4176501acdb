"""Expectations over a whole column or table: SQL of the value that they judge, or a verdict from the columns alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from finport_ingestion.engine.logical import parse_logical, to_arrow
from finport_ingestion.engine.validate.columns import NUMBERS, Kind, StagedColumn, at_least, at_most
from finport_ingestion.engine.validate.rules import AggregateCheck, Bounds, GxCheck, SchemaCheck

Arguments = Mapping[str, Any]
Columns = Mapping[str, StagedColumn]
OfColumn = Callable[[StagedColumn, Arguments], AggregateCheck | GxCheck]


def _extreme(function: str) -> OfColumn:
    """The smallest or largest value between bounds."""

    def check(column: StagedColumn, arguments: Arguments) -> AggregateCheck | GxCheck:
        if column.kind is Kind.WIDE:
            return GxCheck(columns=(column.name,))
        value = f"{function}({column.sql}) FILTER (WHERE NOT {column.missing})"
        ends = [f"{value} IS NOT NULL"]
        if arguments.get("min_value") is not None:
            strict = bool(arguments.get("strict_min"))
            ends.append(at_least(column, arguments["min_value"], strict=strict, subject=value))
        if arguments.get("max_value") is not None:
            strict = bool(arguments.get("strict_max"))
            ends.append(at_most(column, arguments["max_value"], strict=strict, subject=value))
        return AggregateCheck(columns=(column.name,), value=value, holds=" AND ".join(ends))

    return check


minimum = _extreme("min")
maximum = _extreme("max")


def mean(column: StagedColumn, arguments: Arguments) -> AggregateCheck | GxCheck:
    return _number(column, arguments, f"avg(CAST({column.sql} AS DOUBLE))")


def total(column: StagedColumn, arguments: Arguments) -> AggregateCheck | GxCheck:
    return _number(column, arguments, f"sum({column.sql})")


def distinct_count(column: StagedColumn, arguments: Arguments) -> AggregateCheck:
    value = f"count(DISTINCT {column.sql}) FILTER (WHERE NOT {column.missing})"
    return AggregateCheck(columns=(column.name,), value=value, bounds=Bounds.of(arguments))


def present_share(column: StagedColumn, arguments: Arguments) -> AggregateCheck:
    value = f"count(*) FILTER (WHERE NOT {column.missing}) / nullif(count(*), 0)"
    return AggregateCheck(columns=(column.name,), value=value, bounds=Bounds.of(arguments))


def row_count(_: Columns, arguments: Arguments) -> AggregateCheck:
    return AggregateCheck(columns=(), value="count(*)", bounds=Bounds.of(arguments))


def row_count_equal(_: Columns, arguments: Arguments) -> AggregateCheck:
    exactly = {"min_value": arguments["value"], "max_value": arguments["value"]}
    return AggregateCheck(columns=(), value="count(*)", bounds=Bounds.of(exactly))


def column_count(columns: Columns, arguments: Arguments) -> SchemaCheck:
    return SchemaCheck(holds=Bounds.of(arguments).hold(len(columns)), observed=len(columns))


def column_count_equal(columns: Columns, arguments: Arguments) -> SchemaCheck:
    return SchemaCheck(holds=int(arguments["value"]) == len(columns), observed=len(columns))


def column_exists(columns: Columns, arguments: Arguments) -> SchemaCheck:
    wanted = arguments.get("column_index")
    found = list(columns).index(arguments["column"]) if arguments["column"] in columns else None
    return SchemaCheck(holds=found is not None and wanted in (None, found), observed=found)


def columns_are_set(columns: Columns, arguments: Arguments) -> SchemaCheck:
    wanted, found = set(arguments.get("column_set") or ()), set(columns)
    exact = arguments.get("exact_match") is not False
    return SchemaCheck(holds=wanted == found if exact else wanted <= found, observed=sorted(columns))


def columns_are_list(columns: Columns, arguments: Arguments) -> SchemaCheck:
    return SchemaCheck(holds=list(arguments.get("column_list") or ()) == list(columns), observed=list(columns))


def of_type(column: StagedColumn, arguments: Arguments) -> SchemaCheck:
    return SchemaCheck(holds=_is_type(column.type, arguments["type_"]), observed=str(column.type))


def of_types(column: StagedColumn, arguments: Arguments) -> SchemaCheck:
    holds = any(_is_type(column.type, name) for name in arguments["type_list"])
    return SchemaCheck(holds=holds, observed=str(column.type))


def _number(column: StagedColumn, arguments: Arguments, value: str) -> AggregateCheck | GxCheck:
    if column.kind is Kind.WIDE:
        return GxCheck(columns=(column.name,))
    if column.kind not in NUMBERS:
        raise ValueError(f"column '{column.name}' ({column.type}) holds no numbers")
    value = f"{value} FILTER (WHERE NOT {column.missing})"
    return AggregateCheck(columns=(column.name,), value=value, bounds=Bounds.of(arguments))


def _is_type(found: pa.DataType, name: str) -> bool:
    """Whether `name` means the Arrow type: Arrow's own spelling, Python's, or a logical type's."""
    spelled = {str(found), *_FAMILIAR.get(str(found), ())}
    if name in spelled:
        return True
    try:
        return bool(to_arrow(parse_logical(name)) == found)
    except ValueError:
        return False


_FAMILIAR = {
    "int64": ("int", "int_", "bigint", "BIGINT", "INTEGER"),
    "double": ("float", "float64", "DOUBLE"),
    "string": ("str", "TEXT", "VARCHAR"),
    "bool": ("boolean", "BOOLEAN"),
    "date32[day]": ("DATE",),
}
