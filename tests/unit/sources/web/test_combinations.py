"""Items out of values and days."""

from __future__ import annotations

from datetime import date

import pytest

from finport_ingestion.engine.sources.web.combinations import (
    combinations,
    filled_body,
    filled_path,
    id_of,
    last_days,
    names_in,
)


def test_every_combination_comes_once_the_last_name_varying_fastest() -> None:
    found = list(combinations({"a": ("1", "2"), "b": ("x", "y")}))
    assert found == [{"a": "1", "b": "x"}, {"a": "1", "b": "y"}, {"a": "2", "b": "x"}, {"a": "2", "b": "y"}]
    assert list(combinations({})) == [{}]


@pytest.mark.parametrize(
    ("count", "weekdays", "expected"),
    [
        (1, True, [date(2024, 1, 5)]),
        (3, True, [date(2024, 1, 4), date(2024, 1, 5), date(2024, 1, 8)]),
        (3, False, [date(2024, 1, 6), date(2024, 1, 7), date(2024, 1, 8)]),
    ],
)
def test_days_are_counted_back_from_today(count: int, weekdays: bool, expected: list[date]) -> None:
    today = date(2024, 1, 7) if count == 1 else date(2024, 1, 8)
    assert last_days(count, today=today, weekdays=weekdays) == expected


def test_a_value_is_one_part_of_a_path() -> None:
    assert filled_path("/v1/{symbol}/{kind}", {"symbol": "BRK/B ?#"}) == "/v1/BRK%2FB%20%3F%23/{kind}"


def test_a_body_is_filled_at_every_depth() -> None:
    body = {"a": ["{x}", 1, None, {"{x}": "{y} and {x}"}], "q": "{ x }"}
    assert filled_body(body, {"x": "1"}) == {"a": ["1", 1, None, {"1": "{y} and 1"}], "q": "{ x }"}


def test_names_are_found_wherever_they_stand() -> None:
    assert names_in("/{a}", {"{b}": ["{c}", 5]}, None, "{ d } {1}") == {"a", "b", "c"}


def test_an_id_tells_the_values_that_the_path_does_not() -> None:
    assert id_of("/v1/{symbol}", {"symbol": "IBM", "step": "1h"}) == "/v1/IBM?step=1h"
    assert id_of("/v1", {}) == "/v1"
