"""Bounds of ranges, watermarks, and what SQLite stores."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.logical import LogicalType, parse_logical
from finport_ingestion.engine.records import Watermark
from finport_ingestion.engine.sources.database.relation import decimal_type
from finport_ingestion.engine.sources.database.sqlite_values import exact, stored_type
from finport_ingestion.engine.sources.database.values import cuts, mark_of, parsed, spelled

ORDERED = st.one_of(
    st.tuples(*[st.integers(-(2**63), 2**63 - 1)] * 2),
    st.tuples(*[st.decimals(allow_nan=False, allow_infinity=False)] * 2),
    st.tuples(*[st.dates()] * 2),
    st.tuples(*[st.datetimes()] * 2),
    st.tuples(*[st.floats(-1e300, 1e300)] * 2),
)


@given(ends=ORDERED, count=st.integers(2, 64))
def test_cuts_rise_between_the_ends(ends: tuple[Any, Any], count: int) -> None:
    low, high = sorted(ends)
    points = cuts(low, high, count)
    assert len(points) < count
    assert all(earlier < later for earlier, later in zip([low, *points], points, strict=False))
    assert all(point <= high for point in points)


def test_cuts_make_ranges_of_equal_width() -> None:
    assert cuts(1, 100, 4) == [26, 51, 76]
    assert cuts(1, 2, 4) == [2]
    assert cuts(7, 7, 4) == []
    assert cuts(date(2024, 1, 1), date(2024, 1, 31), 2) == [date(2024, 1, 16)]


@given(ends=ORDERED)
def test_a_bound_is_read_back_as_it_was(ends: tuple[Any, Any]) -> None:
    kind = {int: "integer", Decimal: "decimal", date: "date", datetime: "timestamp", float: "float"}[type(ends[0])]
    assert parsed(spelled(ends[0]), kind) == ends[0]


@pytest.mark.parametrize(
    ("value", "mark_type", "column", "expected"),
    [
        ("2024-01-02", "date", "date", date(2024, 1, 2)),
        ("2024-01-02T03:04:05Z", "timestamp(UTC)", "date", date(2024, 1, 2)),
        ("7", "integer", "integer", 7),
        ("1.50", "decimal(18,2)", "decimal(10,2)", Decimal("1.50")),
        ("2024-01-02T03:04:05", "timestamp", "timestamp", datetime(2024, 1, 2, 3, 4, 5)),  # noqa: DTZ001
        (
            "2024-07-02T03:04:05+00:00",
            "timestamp(Europe/Berlin)",
            "timestamp",
            datetime(2024, 7, 2, 5, 4, 5),  # noqa: DTZ001
        ),
        ("2024-01-02T03:04:05Z", "timestamp(UTC)", "timestamp(UTC)", datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (
            "2024-07-02T05:04:05",
            "timestamp(Europe/Berlin)",
            "timestamp(UTC)",
            datetime(2024, 7, 2, 3, 4, 5, tzinfo=UTC),
        ),
        ("AAPL", "text", "text", "AAPL"),
    ],
)
def test_a_watermark_becomes_a_value_of_the_column(value: str, mark_type: str, column: str, expected: Any) -> None:
    mark = mark_of(Watermark(field="x", value=value, type=mark_type), None, parse_logical(column), what="column 'x'")
    assert mark == expected


def test_a_watermark_that_is_no_value_of_the_column_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match=r"column 'x' is of type integer, and 'yesterday' is not"):
        mark_of(None, "yesterday", LogicalType("integer"), what="column 'x'")


def test_decimals_grow_in_steps_and_end_as_text() -> None:
    assert [str(decimal_type(whole, scale)) for whole, scale in [(0, 0), (14, 4), (15, 4), (40, 2), (75, 2)]] == [
        "decimal(18,0)",
        "decimal(18,4)",
        "decimal(38,4)",
        "decimal(76,2)",
        "text",
    ]


@pytest.mark.parametrize(
    ("declaration", "kind"),
    [
        ("INTEGER", "integer"),
        ("BIGINT UNSIGNED", "integer"),
        ("DECIMAL(18,4)", "decimal(18,4)"),
        ("decimal ( 10 , 2 )", "decimal(10,2)"),
        ("NUMERIC(5)", "decimal(5,0)"),
        ("NUMERIC", "None"),
        ("NUMERIC(99,2)", "None"),
        ("VARCHAR(20)", "text"),
        ("STRING", "text"),
        ("", "text"),
        ("UUID", "text"),
        ("DOUBLE PRECISION", "float"),
        ("DATE", "date"),
        ("DATETIME", "timestamp"),
        ("TIMESTAMP(6) WITHOUT TIME ZONE", "timestamp"),
        ("TIMESTAMPTZ", "timestamp(UTC)"),
        ("TIMESTAMP WITH TIME ZONE", "timestamp(UTC)"),
        ("TIME", "time"),
        ("BOOLEAN", "boolean"),
        ("BLOB", "binary"),
        ("JSON", "json"),
    ],
)
def test_a_declaration_has_one_type(declaration: str, kind: str) -> None:
    assert str(stored_type(declaration)) == kind


@pytest.mark.parametrize(
    ("declaration", "stored", "value"),
    [
        ("INTEGER", 7, 7),
        ("TEXT", "037833100", "037833100"),
        ("", 1.5, "1.5"),
        ("DECIMAL(10,2)", 1.1, Decimal("1.1")),
        ("DECIMAL(40,2)", "12345678901234567890.12", Decimal("12345678901234567890.12")),
        ("BOOLEAN", 1, True),
        ("REAL", 2.0, 2.0),
        ("DATE", "2024-01-02", date(2024, 1, 2)),
        ("DATETIME", "2024-01-02 03:04:05", datetime(2024, 1, 2, 3, 4, 5)),  # noqa: DTZ001
    ],
)
def test_what_fits_its_declaration_is_kept_exactly(declaration: str, stored: Any, value: Any) -> None:
    found = exact(stored_type(declaration))(stored)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("declaration", "stored"),
    [
        ("INTEGER", 1.5),
        ("INTEGER", "n/a"),
        ("DECIMAL(10,2)", "1,5"),
        ("DECIMAL(10,2)", "NaN"),
        ("DECIMAL(10,2)", float("inf")),
        ("BOOLEAN", 2),
        ("BOOLEAN", "true"),
        ("REAL", "n/a"),
        ("DATE", "02.01.2024"),
        ("DATE", 45000),
        ("DATETIME", "2024-01-02T03:04:05Z"),
        ("DATETIME", "2024-01-02 03:04:05.1234567"),
        ("DATETIME", 1704164645),
        ("TIMESTAMPTZ", "2024-01-02 03:04:05"),
        ("TEXT", b"bytes"),
        ("BLOB", "text"),
    ],
)
def test_what_does_not_fit_its_declaration_is_refused(declaration: str, stored: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        exact(stored_type(declaration))(stored)
