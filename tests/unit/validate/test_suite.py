"""What a contract and a policy become."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from finport_ingestion.engine.config.models.contract import Contract
from finport_ingestion.engine.config.models.settings import QualitySettings
from finport_ingestion.engine.validate.suite import make_suite

SCHEMA = pa.schema([("isin", pa.string()), ("price", pa.decimal128(18, 4)), ("note", pa.string())])
NOTHING = {"validateSchema": False, "minRows": 0, "maxNullShare": 1}


def rules(contract: dict[str, Any], schema: pa.Schema = SCHEMA, **quality: Any) -> list[tuple[str, str, Any]]:
    """(type without expect_, severity, arguments beyond the column) of every rule, in order."""
    suite = make_suite(Contract.model_validate(contract), QualitySettings.model_validate(quality), schema=schema)
    return [
        (
            rule.type.removeprefix("expect_"),
            rule.severity.value,
            {name: value for name, value in rule.arguments.items() if name != "column"},
        )
        for rule in suite.rules
    ]


def test_a_policy_alone_asks_for_rows_and_for_few_nulls() -> None:
    assert rules({}) == [
        ("table_row_count_to_be_between", "gate", {"min_value": 1}),
        *[("column_values_to_not_be_null", "gate", {"mostly": 0.9})] * 3,
    ]


def test_what_is_agreed_of_a_column_becomes_rules_that_reject() -> None:
    column = {
        "name": "isin",
        "type": "identifier",
        "nullable": False,
        "unique": True,
        "allowed": ["A", "B"],
        "pattern": "[A-Z]+",
    }

    assert rules({"columns": [column]}, **NOTHING) == [
        ("column_values_to_not_be_null", "reject", {}),
        ("column_values_to_be_unique", "reject", {}),
        ("column_values_to_be_in_set", "reject", {"value_set": ["A", "B"]}),
        ("column_values_to_match_regex", "reject", {"regex": "^(?:[A-Z]+)$"}),
    ]


def test_bounds_stay_the_decimals_that_were_written() -> None:
    column = {"name": "price", "type": "decimal(18,4)", "minimum": "0.0001", "maximum": 9007199254740993}

    assert rules({"columns": [column]}, **NOTHING) == [
        (
            "column_values_to_be_between",
            "reject",
            {"min_value": Decimal("0.0001"), "max_value": Decimal(9007199254740993)},
        )
    ]


@pytest.mark.parametrize(
    ("key", "unique"),
    [
        (["isin"], ("column_values_to_be_unique", "reject", {})),
        (
            ["isin", "note"],
            (
                "compound_columns_to_be_unique",
                "reject",
                {"column_list": ["isin", "note"], "ignore_row_if": "any_value_is_missing"},
            ),
        ),
    ],
)
def test_a_key_is_present_and_unique(key: list[str], unique: tuple[str, str, Any]) -> None:
    present: tuple[str, str, Any] = ("column_values_to_not_be_null", "reject", {})

    assert rules({"key": key}, **NOTHING) == [*[present] * len(key), unique]


def test_a_column_that_is_the_key_is_not_checked_for_uniqueness_twice() -> None:
    contract = {"key": ["isin"], "columns": [{"name": "isin", "type": "text", "unique": True}]}

    assert [rule[0] for rule in rules(contract, **NOTHING)].count("column_values_to_be_unique") == 1


def test_in_discard_value_only_values_that_may_be_null_are_discarded() -> None:
    contract = {
        "mode": "discardValue",
        "key": ["isin"],
        "columns": [
            {"name": "isin", "type": "text", "pattern": "[A-Z]+"},
            {"name": "note", "type": "text", "pattern": "[A-Z]+"},
        ],
    }

    matched = [rule[1] for rule in rules(contract, **NOTHING) if rule[0] == "column_values_to_match_regex"]
    assert matched == ["reject", "discard"]


@pytest.mark.parametrize(("mode", "severities"), [("evolve", ["warn"] * 2), ("freeze", ["gate"] * 2)])
def test_columns_and_types_are_binding_where_the_contract_does_not_evolve(mode: str, severities: list[str]) -> None:
    found = rules({"mode": mode, "columns": [{"name": "price", "type": "decimal(18,4)"}]}, minRows=0, maxNullShare=1)

    assert [rule[0] for rule in found] == ["column_to_exist", "column_values_to_be_of_type"]
    assert [rule[1] for rule in found] == severities
    assert found[1][2] == {"type_": "decimal128(18, 4)"}


def test_a_delivery_without_parts_is_asked_for_rows_only() -> None:
    contract = {"key": ["isin"], "columns": [{"name": "isin", "type": "text", "nullable": False}]}

    assert rules(contract, pa.schema([])) == [("table_row_count_to_be_between", "gate", {"min_value": 1})]


def test_a_column_without_a_future_ends_with_the_day_of_the_run() -> None:
    schema = pa.schema([("day", pa.date32()), ("at", pa.timestamp("us", "UTC"))])
    columns = [{"name": "day", "type": "date", "future": False}, {"name": "at", "type": "timestamp", "future": False}]
    contract = Contract.model_validate({"columns": columns})

    suite = make_suite(contract, QualitySettings.model_validate(NOTHING), schema=schema, run_on=dt.date(2026, 1, 2))

    assert [rule.arguments["max_value"] for rule in suite.rules] == ["2026-01-02", "2026-01-03"]
    assert all(rule.severity == "reject" for rule in suite.rules)
