"""The suite of a source: what its contract and policy say, as rules by their Great Expectations names.

- `validateSchema`: expect_column_to_exist, expect_column_values_to_be_of_type. A breach fails the run; in `evolve`
  it is only said, unless the column is required.
- `nullable: false` and `key`: expect_column_values_to_not_be_null. Rejects the record.
- `maxNullShare`, for columns not called nullable: the same, with `mostly`. Fails the run.
- `unique` and `key`: expect_column_values_to_be_unique, expect_compound_columns_to_be_unique. Rejects later records.
- `minimum`, `maximum`, `allowed`, `pattern`, `future: false`: ..._be_between, ..._be_in_set, ..._match_regex. Rejects
  the record; in `discardValue` the value becomes null, where it may (a date in the future never does).
- `minRows`: expect_table_row_count_to_be_between. Fails the run.
- `expectations`: themselves, as their `severity` says; those over a whole column or table fail the run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from finport_ingestion.engine.config.models.contract import Column, Contract, ContractMode
from finport_ingestion.engine.config.models.settings import QualitySettings
from finport_ingestion.engine.logical import parse_logical, to_arrow
from finport_ingestion.engine.validate.columns import StagedColumn, staged_columns
from finport_ingestion.engine.validate.compiler import columns_named, compile_check
from finport_ingestion.engine.validate.rules import Impossible, Origin, Rule, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """Everything that is expected of one delivery."""

    columns: Mapping[str, StagedColumn]
    rules: tuple[Rule, ...]
    key: tuple[str, ...]
    required: tuple[str, ...]  # columns whose value may not be missing, in the data
    counted: tuple[str, ...]  # columns whose share of nulls the policy bounds, in the data


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A rule before it is compiled."""

    type: str
    arguments: dict[str, Any]
    severity: Severity
    origin: Origin


def make_suite(contract: Contract, quality: QualitySettings, *, schema: pa.Schema, run_on: date | None = None) -> Suite:
    """The suite for data of `schema` (without lineage columns). A schema of no columns means no data at all.

    Args:
        run_on: The day (UTC) of the run, after which nothing lies in a column whose `future` is false.
    """
    columns = staged_columns(schema)
    required = tuple(name for name in columns if name in _required(contract))
    marked = {column.name for column in contract.columns if column.nullable and "nullable" in column.model_fields_set}
    counted = tuple(name for name in columns if name not in marked)
    wanted: list[_Wanted] = list(_policy_rules(quality))
    if columns:
        wanted += _schema_rules(contract) if quality.validate_schema else ()
        wanted += _null_rules(columns, required=required, counted=counted, quality=quality)
        wanted += _key_rules(contract)
        for column in contract.columns:
            if column.name in columns:
                wanted += _value_rules(column, contract)
                wanted += _future_rules(column, run_on)
        wanted += _own_rules(contract)
    rules = tuple(_compiled(wanted, columns))
    return Suite(columns=columns, rules=rules, key=contract.key, required=required, counted=counted)


def _required(contract: Contract) -> set[str]:
    return {*contract.key, *(column.name for column in contract.columns if not column.nullable)}


def _policy_rules(quality: QualitySettings) -> Iterator[_Wanted]:
    if quality.min_rows:
        arguments = {"min_value": quality.min_rows}
        yield _Wanted("expect_table_row_count_to_be_between", arguments, Severity.GATE, Origin.POLICY)


def _schema_rules(contract: Contract) -> Iterator[_Wanted]:
    required = _required(contract)
    strict = contract.mode is not ContractMode.EVOLVE
    for column in contract.columns:
        severity = Severity.GATE if strict or column.name in required else Severity.WARN
        yield _Wanted("expect_column_to_exist", {"column": column.name}, severity, Origin.COLUMN)
        severity = Severity.GATE if strict else Severity.WARN
        agreed = {"column": column.name, "type_": str(to_arrow(parse_logical(column.type)))}
        yield _Wanted("expect_column_values_to_be_of_type", agreed, severity, Origin.COLUMN)
    for name in contract.key:
        if all(column.name != name for column in contract.columns):
            yield _Wanted("expect_column_to_exist", {"column": name}, Severity.GATE, Origin.KEY)


def _null_rules(
    columns: Mapping[str, StagedColumn],
    *,
    required: tuple[str, ...],
    counted: tuple[str, ...],
    quality: QualitySettings,
) -> Iterator[_Wanted]:
    not_null = "expect_column_values_to_not_be_null"
    mostly = 1 - Decimal(repr(quality.max_null_share))
    for name in columns:
        if name in required:
            yield _Wanted(not_null, {"column": name}, Severity.REJECT, Origin.COLUMN)
        elif name in counted and mostly > 0:
            yield _Wanted(not_null, {"column": name, "mostly": float(mostly)}, Severity.GATE, Origin.POLICY)


def _key_rules(contract: Contract) -> Iterator[_Wanted]:
    if len(contract.key) == 1:
        arguments: dict[str, Any] = {"column": contract.key[0]}
        yield _Wanted("expect_column_values_to_be_unique", arguments, Severity.REJECT, Origin.KEY)
    elif contract.key:
        arguments = {"column_list": list(contract.key), "ignore_row_if": "any_value_is_missing"}
        yield _Wanted("expect_compound_columns_to_be_unique", arguments, Severity.REJECT, Origin.KEY)


def _value_rules(column: Column, contract: Contract) -> Iterator[_Wanted]:
    named = {"column": column.name}
    if column.unique and contract.key != (column.name,):
        yield _Wanted("expect_column_values_to_be_unique", named, Severity.REJECT, Origin.COLUMN)
    may_be_null = contract.mode is ContractMode.DISCARD_VALUE and column.name not in _required(contract)
    severity = Severity.DISCARD if may_be_null else Severity.REJECT
    ends = {"min_value": column.minimum, "max_value": column.maximum}
    if stated := {end: value for end, value in ends.items() if value is not None}:
        yield _Wanted("expect_column_values_to_be_between", {**named, **stated}, severity, Origin.COLUMN)
    if column.allowed is not None:
        arguments = {**named, "value_set": list(column.allowed)}
        yield _Wanted("expect_column_values_to_be_in_set", arguments, severity, Origin.COLUMN)
    if column.pattern is not None:
        arguments = {**named, "regex": f"^(?:{column.pattern})$"}
        yield _Wanted("expect_column_values_to_match_regex", arguments, severity, Origin.COLUMN)


def _future_rules(column: Column, run_on: date | None) -> Iterator[_Wanted]:
    kind = parse_logical(column.type).kind
    if column.future or run_on is None or kind not in ("date", "timestamp"):
        return
    # A day more for times: where the source is, it may be tomorrow already.
    latest = run_on if kind == "date" else run_on + timedelta(days=1)
    arguments = {"column": column.name, "max_value": latest.isoformat()}
    yield _Wanted("expect_column_values_to_be_between", arguments, Severity.REJECT, Origin.COLUMN)


def _own_rules(contract: Contract) -> Iterator[_Wanted]:
    for expectation in contract.expectations:
        severity = Severity(expectation.severity)
        yield _Wanted(expectation.type, dict(expectation.arguments), severity, Origin.EXPECTATION)


def _compiled(wanted: Iterable[_Wanted], columns: Mapping[str, StagedColumn]) -> Iterator[Rule]:
    seen: Counter[str] = Counter()
    for rule in wanted:
        check = compile_check(rule.type, rule.arguments, columns)
        if isinstance(check, Impossible) and rule.type == "expect_column_values_to_be_of_type":
            continue  # a column that is absent has no type; expect_column_to_exist says so
        name = f"{rule.type}({', '.join(columns_named(rule.arguments))})"
        seen[name] += 1
        yield Rule(
            id=name if seen[name] == 1 else f"{name}#{seen[name]}",
            type=rule.type,
            arguments=rule.arguments,
            severity=rule.severity,
            origin=rule.origin,
            check=check,
        )
