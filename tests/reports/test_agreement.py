"""Our SQL and Great Expectations come to the same verdict, count and records, for every expectation that we compile."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from finport_ingestion.engine.clock import Deadline, SystemClock
from finport_ingestion.engine.config.models.contract import Contract
from finport_ingestion.engine.config.models.settings import QualitySettings
from finport_ingestion.engine.validate.compiler import COMPILED_TYPES
from finport_ingestion.engine.validate.measures import Outcome, measure
from finport_ingestion.engine.validate.rules import GxCheck, RecordCheck, UniqueCheck
from finport_ingestion.engine.validate.staged import Staged, open_staged
from finport_ingestion.engine.validate.suite import Suite, make_suite
from tests.unit.validate.deliveries import Delivery

D = Decimal
EITHER = {"ignore_row_if": "either_value_is_missing"}
ANY = {"ignore_row_if": "any_value_is_missing"}
ONLY_AAA = {"row_condition": 'col("symbol")=="AAA"', "condition_parser": "great_expectations"}
GREATER = "expect_column_pair_values_a_to_be_greater_than_b"
TABLE = pa.table({
    "symbol": pa.array(["AAA", "BBB", None, "CCC", "AAA", "ddd", "", "E1", "AAA", None, "FFF", "é7"]),
    "close": pa.array([D("1"), D("2.5"), None, D("9007199254740993.0001"), D("-3"), D(0), D("2.5"), *[D("7")] * 5],
                      pa.decimal128(22, 4)),
    "open": pa.array([D("1"), D("2.49"), D("4"), None, D("-4"), D(0), D("2.51"), *[D("6.99")] * 5],
                      pa.decimal128(12, 2)),
    "volume": pa.array([1, 2, 3, None, 9007199254740993, 9007199254740992, -5, 0, 3, 3, 11, 12], pa.int64()),
    "lots": pa.array([1, 1, 3, None, 4, 5, -5, 0, 2, 4, 10, 13], pa.int64()),
    "ratio": pa.array([0.1, 0.2, None, 0.30000000000000004, float("nan"), -1.5, 0.0, 1e300, 2.0, 2.0, 3.5, 4.5]),
    "day": pa.array([dt.date(2024, 1, day) if day % 5 else None for day in range(1, 13)]),
    "at": pa.array([dt.datetime.combine(dt.date(2024, 1, n), dt.time(12)) for n in range(1, 13)], pa.timestamp("us")),
    "open_now": pa.array([True, False, None, *[True] * 9]),
    "empty": pa.array([None] * 12, pa.string()),
    "nulls": pa.array([None] * 12, pa.float64()),
})  # fmt: skip

CASES: list[tuple[str, dict[str, Any]]] = [
    ("expect_column_max_to_be_between", {"column": "close", "max_value": 9007199254740994}),
    ("expect_column_max_to_be_between", {"column": "volume", "max_value": 5}),
    ("expect_column_max_to_be_between", {"column": "day", "max_value": "2024-01-31"}),
    ("expect_column_max_to_be_between", {"column": "nulls", "max_value": 1}),
    ("expect_column_mean_to_be_between", {"column": "lots", "min_value": 3, "max_value": 4}),
    ("expect_column_mean_to_be_between", {"column": "lots", "min_value": 4}),
    ("expect_column_min_to_be_between", {"column": "close", "min_value": -3}),
    ("expect_column_min_to_be_between", {"column": "close", "min_value": -3, "strict_min": True}),
    ("expect_column_min_to_be_between", {"column": "ratio", "min_value": -1}),
    (GREATER, {"column_A": "volume", "column_B": "lots", **EITHER}),
    (GREATER, {"column_A": "close", "column_B": "open", **EITHER}),
    (GREATER, {"column_A": "close", "column_B": "open", "or_equal": True, **EITHER, "mostly": 0.5}),
    (GREATER, {"column_A": "ratio", "column_B": "ratio"}),
    ("expect_column_pair_values_to_be_equal", {"column_A": "volume", "column_B": "lots"}),
    ("expect_column_pair_values_to_be_equal", {"column_A": "close", "column_B": "open", **EITHER}),
    ("expect_column_proportion_of_non_null_values_to_be_between", {"column": "symbol", "min_value": 0.9}),
    ("expect_column_proportion_of_non_null_values_to_be_between", {"column": "ratio", "min_value": 0.8}),
    ("expect_column_sum_to_be_between", {"column": "lots", "min_value": 38, "max_value": 38}),
    ("expect_column_sum_to_be_between", {"column": "lots", "max_value": 37}),
    ("expect_column_to_exist", {"column": "close"}),
    ("expect_column_to_exist", {"column": "nowhere"}),
    ("expect_column_to_exist", {"column": "close", "column_index": 1}),
    ("expect_column_to_exist", {"column": "close", "column_index": 2}),
    ("expect_column_unique_value_count_to_be_between", {"column": "symbol", "min_value": 8, "max_value": 8}),
    ("expect_column_unique_value_count_to_be_between", {"column": "symbol", "min_value": 9}),
    ("expect_column_value_lengths_to_be_between", {"column": "symbol", "min_value": 1, "max_value": 2}),
    ("expect_column_value_lengths_to_be_between", {"column": "symbol", "min_value": 2, "strict_min": True}),
    ("expect_column_value_lengths_to_equal", {"column": "symbol", "value": 3}),
    ("expect_column_values_to_be_between", {"column": "close", "min_value": 0}),
    ("expect_column_values_to_be_between", {"column": "close", "min_value": 0, "max_value": 7, "strict_max": True}),
    ("expect_column_values_to_be_between", {"column": "close", "min_value": 0, "mostly": 0.9}),
    ("expect_column_values_to_be_between", {"column": "volume", "max_value": 11}),
    ("expect_column_values_to_be_between", {"column": "volume", "min_value": 0.5}),
    ("expect_column_values_to_be_between", {"column": "ratio", "min_value": 0.1, "max_value": 0.3}),
    ("expect_column_values_to_be_between", {"column": "day", "min_value": "2024-01-03"}),
    ("expect_column_values_to_be_between", {"column": "nulls", "min_value": 1}),
    ("expect_column_values_to_be_between", {"column": "at", "max_value": "2024-01-05T12:00:00"}),
    ("expect_column_values_to_be_in_set", {"column": "symbol", "value_set": ["AAA", "BBB", ""]}),
    ("expect_column_values_to_be_in_set", {"column": "volume", "value_set": [1, 2, 3, 9007199254740993]}),
    ("expect_column_values_to_be_in_set", {"column": "lots", "value_set": [1, 2, 3, 4.5]}),
    ("expect_column_values_to_be_in_set", {"column": "open_now", "value_set": [True]}),
    ("expect_column_values_to_be_null", {"column": "symbol"}),
    ("expect_column_values_to_be_null", {"column": "empty"}),
    ("expect_column_values_to_be_unique", {"column": "symbol"}),
    ("expect_column_values_to_be_unique", {"column": "volume"}),
    ("expect_column_values_to_be_unique", {"column": "at"}),
    ("expect_column_values_to_match_regex", {"column": "symbol", "regex": "^[A-Z]{3}$"}),
    ("expect_column_values_to_match_regex", {"column": "symbol", "regex": "[0-9]"}),
    ("expect_column_values_to_match_regex", {"column": "symbol", "regex": "^(?!AAA)", "mostly": 0.7}),
    ("expect_column_values_to_not_be_in_set", {"column": "symbol", "value_set": ["AAA"]}),
    ("expect_column_values_to_not_be_null", {"column": "ratio"}),
    ("expect_column_values_to_not_be_null", {"column": "symbol", "mostly": 0.8}),
    ("expect_column_values_to_not_be_null", {"column": "at"}),
    ("expect_column_values_to_not_match_regex", {"column": "symbol", "regex": "A+"}),
    ("expect_compound_columns_to_be_unique", {"column_list": ["symbol", "close"]}),
    ("expect_compound_columns_to_be_unique", {"column_list": ["symbol", "close"], **ANY}),
    ("expect_compound_columns_to_be_unique", {"column_list": ["symbol", "at"]}),
    ("expect_compound_columns_to_be_unique", {"column_list": ["symbol", "open_now"]}),
    ("expect_compound_columns_to_be_unique", {"column_list": ["symbol", "open_now"], "ignore_row_if": "never"}),
    ("expect_compound_columns_to_be_unique", {"column_list": ["close", "open"], "mostly": 0.5}),
    ("expect_table_column_count_to_be_between", {"min_value": 11, "max_value": 11}),
    ("expect_table_column_count_to_equal", {"value": 9}),
    ("expect_table_columns_to_match_ordered_list", {"column_list": TABLE.column_names}),
    ("expect_table_columns_to_match_ordered_list", {"column_list": TABLE.column_names[::-1]}),
    ("expect_table_columns_to_match_set", {"column_set": TABLE.column_names[::-1]}),
    ("expect_table_columns_to_match_set", {"column_set": ["symbol"], "exact_match": False}),
    ("expect_table_columns_to_match_set", {"column_set": ["symbol"]}),
    ("expect_table_row_count_to_be_between", {"min_value": 12, "max_value": 12}),
    ("expect_table_row_count_to_be_between", {"min_value": 12, "strict_min": True}),
    ("expect_table_row_count_to_equal", {"value": 11}),
]  # fmt: skip

OF_TYPES = [
    ("expect_column_values_to_be_of_type", {"column": "at", "type_": "datetime64"}, False),
    ("expect_column_values_to_be_of_type", {"column": "ratio", "type_": "float64"}, True),
    ("expect_column_values_to_be_of_type", {"column": "ratio", "type_": "int64"}, False),
    ("expect_column_values_to_be_of_type", {"column": "close", "type_": "decimal128(22, 4)"}, True),
    ("expect_column_values_to_be_of_type", {"column": "close", "type_": "decimal(22,4)"}, True),
    ("expect_column_values_to_be_of_type", {"column": "close", "type_": "decimal(22,3)"}, False),
    ("expect_column_values_to_be_in_type_list", {"column": "symbol", "type_list": ["int", "str"]}, True),
    ("expect_column_values_to_be_in_type_list", {"column": "symbol", "type_list": ["int", "float"]}, False),
]


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staged]:
    """TABLE in two parts of several row groups."""
    delivery = Delivery(tmp_path_factory.mktemp("agreement"))
    delivery.add(TABLE.slice(0, 7), row_group_size=3)
    delivery.add(TABLE.slice(7))
    deadline = Deadline.after(300, clock=SystemClock())
    with open_staged(delivery.parts, places=delivery.places, deadline=deadline) as opened:
        yield opened


def test_every_compiled_type_is_compared() -> None:
    compared = {case[0] for case in CASES} | {case[0] for case in OF_TYPES}

    assert compared == set(COMPILED_TYPES)


@pytest.mark.parametrize(("type_", "arguments"), CASES, ids=[f"{case[0]}-{i}" for i, case in enumerate(CASES)])
def test_great_expectations_agrees(staged: Staged, type_: str, arguments: dict[str, Any]) -> None:
    from finport_ingestion.engine.validate.gx_judge import compute

    outcome, positions = _ours(staged, type_, arguments)
    theirs = compute(outcome.rule, TABLE.to_pandas(integer_object_nulls=True))

    assert theirs.exception_info["raised_exception"] is False
    assert outcome.success == theirs.success
    if isinstance(outcome.rule.check, RecordCheck | UniqueCheck | GxCheck):
        assert outcome.unexpected == theirs.result["unexpected_count"]
        assert outcome.considered == _considered(theirs.result, arguments, outcome.considered)
    if isinstance(outcome.rule.check, RecordCheck | GxCheck):
        assert positions == theirs.result["unexpected_index_list"]


@pytest.mark.parametrize(("type_", "arguments", "holds"), OF_TYPES)
def test_a_type_is_arrows_or_a_logical_one(staged: Staged, type_: str, arguments: dict[str, Any], holds: bool) -> None:
    outcome, _ = _ours(staged, type_, arguments)

    assert outcome.success is holds


@pytest.mark.parametrize(
    ("type_", "arguments"),
    [
        ("expect_column_median_to_be_between", {"column": "lots", "min_value": 2, "max_value": 4}),
        ("expect_column_values_to_match_strftime_format", {"column": "symbol", "strftime_format": "%Y"}),
        ("expect_multicolumn_sum_to_equal", {"column_list": ["close", "open"], "sum_total": 5, **ANY}),
        ("expect_column_values_to_be_increasing", {"column": "at"}),
        ("expect_column_values_to_be_between", {"column": "lots", "min_value": 2, **ONLY_AAA}),
    ],
)  # fmt: skip
def test_what_is_not_compiled_runs_through_great_expectations(
    staged: Staged, type_: str, arguments: dict[str, Any]
) -> None:
    from finport_ingestion.engine.validate.gx_judge import compute

    outcome, positions = _ours(staged, type_, arguments)
    theirs = compute(outcome.rule, TABLE.to_pandas(integer_object_nulls=True))

    assert outcome.judged_by == "great_expectations"
    assert theirs.exception_info["raised_exception"] is False
    assert outcome.problem is None
    assert outcome.success == theirs.success
    assert outcome.unexpected == theirs.result.get("unexpected_count", 0)
    assert positions == theirs.result.get("unexpected_index_list", [])


def _ours(staged: Staged, type_: str, arguments: dict[str, Any]) -> tuple[Outcome, list[int]]:
    """The outcome of one expectation, and the rows that break it, counted through all parts."""
    contract = Contract.model_validate({"expectations": [{"type": type_, "arguments": arguments, "severity": "warn"}]})
    suite = make_suite(contract, QualitySettings(), schema=staged.record_schema)
    [outcome] = [found for found in measure(staged, suite).outcomes if found.rule.origin == "contract.expectations"]
    return outcome, _positions(staged, suite, outcome)


def _positions(staged: Staged, suite: Suite, outcome: Outcome) -> list[int]:
    number = suite.rules.index(outcome.rule)
    rows = staged.connection.execute(
        "SELECT part_index * 7 + position FROM findings WHERE rule = ? ORDER BY ALL", [number]
    )
    return [position for (position,) in rows.fetchall()]


def _considered(result: dict[str, Any], arguments: dict[str, Any], ours: int) -> int:
    """How many rows Great Expectations considered; of several columns it tells a share only, unless that is 0."""
    if "missing_count" in result and "column" in arguments:
        return int(result["element_count"] - result["missing_count"])
    share = result["unexpected_percent"] / 100
    return round(result["unexpected_count"] / share) if share else ours
