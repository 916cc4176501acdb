"""What is wrong with a record, in words, and never with the record's own values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from finport_ingestion.engine.validate.rules import Rule

_SAID: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "expect_column_pair_values_a_to_be_greater_than_b": lambda said: (
        f"'{said['column_A']}' is not greater than {'or equal to ' if said.get('or_equal') else ''}'{said['column_B']}'"
    ),
    "expect_column_pair_values_to_be_equal": lambda said: f"'{said['column_A']}' and '{said['column_B']}' differ",
    "expect_column_value_lengths_to_be_between": lambda said: f"its length is not {_range(said)}",
    "expect_column_value_lengths_to_equal": lambda said: f"its length is not {said['value']}",
    "expect_column_values_to_be_between": lambda said: f"it is not {_range(said)}",
    "expect_column_values_to_be_in_set": lambda _: "it is not one of the allowed values",
    "expect_column_values_to_be_null": lambda _: "there should be no value",
    "expect_column_values_to_be_unique": lambda _: "its value was seen before",
    "expect_column_values_to_match_regex": lambda said: f"it does not match {said['regex']}",
    "expect_column_values_to_not_be_in_set": lambda _: "it is one of the values that are not allowed",
    "expect_column_values_to_not_be_null": lambda _: "the value is missing",
    "expect_column_values_to_not_match_regex": lambda said: f"it matches {said['regex']}",
    "expect_compound_columns_to_be_unique": lambda _: "the key was seen before",
}


def reason_of(rule: Rule, detail: str | None) -> str:
    """One sentence part: which columns, what is wrong, and what there is to add."""
    said = _SAID.get(rule.type)
    what = said(rule.arguments) if said else f"{rule.type} does not hold"
    where = ", ".join(rule.columns)
    return f"{where}: {what}" + (f": {detail}" if detail else "")


def _range(said: Mapping[str, Any]) -> str:
    lowest, highest = said.get("min_value"), said.get("max_value")
    if lowest is None:
        return f"{'below' if said.get('strict_max') else 'at most'} {highest}"
    least = f"{'above' if said.get('strict_min') else 'at least'} {lowest}"
    if highest is None:
        return least
    return f"{least} and {'below' if said.get('strict_max') else 'at most'} {highest}"
