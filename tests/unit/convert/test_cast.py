"""Casts to agreed types: exact, or a misfit."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finport_ingestion.engine.convert.cast import Casting, Reading, cast_text
from finport_ingestion.engine.convert.typed import (
    cast_agreed,
    look_typed,
    storage_type,
    type_from_text,
    type_to_text,
    unify,
)
from finport_ingestion.engine.logical import parse_logical

ISO = {"date": "date:%Y-%m-%d", "time": "time", "timestamp": "timestamp:%Y-%m-%d"}


def cast(
    values: list[str | None], kind: str, *, way: str | None = None, zone: str = "UTC"
) -> tuple[list[Any], list[int]]:
    """Values, and positions of the misfits."""
    logical = parse_logical(kind)
    reading = Reading(time_zone=zone)
    return _shown(cast_text(pa.array(values, pa.string()), logical, way=way or ISO.get(logical.kind), reading=reading))


def _shown(casting: Casting) -> tuple[list[Any], list[int]]:
    wrong = casting.misfits.to_pylist() if casting.misfits is not None else []
    return casting.values.to_pylist(), [at for at, is_wrong in enumerate(wrong) if is_wrong]


def test_integers_are_canonical_and_within_64_bits() -> None:
    values, wrong = cast(["1", "-0", "007", "+5", " 7", "1.0", "1e3", "0x1F", None], "integer")
    assert values == [1, 0, None, None, None, None, None, None, None]
    assert wrong == [2, 3, 4, 5, 6, 7]
    values, wrong = cast(["9223372036854775807", "-9223372036854775808", "9223372036854775808"], "integer")
    assert values == [9223372036854775807, -9223372036854775808, None]
    assert wrong == [2]


def test_decimals_lose_nothing() -> None:
    values, wrong = cast(["1.10", "1.1000", "1.125", "1E2", ".5", "5.", "12345.00", " 1", None], "decimal(6,2)")
    assert values == [Decimal("1.10"), Decimal("1.10"), None, None, Decimal("0.50"), None, None, None, None]
    assert wrong == [2, 3, 5, 6, 7]


@settings(max_examples=100, deadline=None)
@given(number=st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12))
def test_every_decimal_that_fits_is_exact(number: Decimal) -> None:
    assert cast([format(number, "f")], "decimal(18,4)") == ([number], [])


def test_dates_may_come_as_their_midnight_and_nothing_else() -> None:
    stamp = "timestamp:%Y-%m-%d"
    assert cast(["2024-01-31T00:00:00", "2024-01-31T10:00:00"], "date", way=stamp) == ([date(2024, 1, 31), None], [1])
    assert cast(["2024-01-31", "2024-02-31", "31/01/2024"], "date") == ([date(2024, 1, 31), None, None], [1, 2])


def test_naive_times_are_of_the_sources_zone() -> None:
    values, wrong = cast(
        ["2024-07-01T10:00:00", "2024-03-31T02:30:00", "2024-10-27T02:30:00"], "timestamp(UTC)", zone="Europe/Berlin"
    )
    assert values == [datetime(2024, 7, 1, 8, tzinfo=UTC), None, None]
    assert wrong == [1, 2]


def test_an_offset_is_never_dropped() -> None:
    values, wrong = cast(["2024-07-01T10:00:00+02:00"], "timestamp", way="timestamp:%Y-%m-%d+zone")
    assert (values, wrong) == ([None], [0])
    values, wrong = cast(["2024-07-01T10:00:00+02:00"], "timestamp(Europe/Berlin)", way="timestamp:%Y-%m-%d+zone")
    assert values == [datetime(2024, 7, 1, 10, tzinfo=ZoneInfo("Europe/Berlin"))]


def test_the_other_types() -> None:
    assert cast(["true", "FALSE", "1", None], "boolean") == ([True, False, None, None], [2])
    assert cast(["1e-5", "5.", "NaN", "1e400", "x"], "float") == ([1e-5, 5.0, None, None, None], [2, 3, 4])
    assert cast(["09:30", "25:00"], "time") == ([time(9, 30), None], [1])
    assert cast(['{"a": 1}', "{"], "json") == (['{"a": 1}', None], [1])
    assert cast(["00123"], "identifier") == (["00123"], [])


def typed(values: pa.Array, kind: str, *, zone: str = "UTC") -> tuple[list[Any], list[int]]:
    logical = parse_logical(kind)
    return _shown(cast_agreed(values, logical, way=ISO.get(logical.kind), reading=Reading(time_zone=zone)))


def test_typed_numbers_change_their_scale_exactly_or_not_at_all() -> None:
    prices = pa.array([Decimal("1.1000"), Decimal("1.1250"), None], pa.decimal128(18, 4))
    assert typed(prices, "decimal(18,2)") == ([Decimal("1.10"), None, None], [1])
    assert typed(pa.array([1, 2]), "decimal(18,2)") == ([Decimal(1), Decimal(2)], [])
    assert typed(pa.array([Decimal("5.00"), Decimal("5.50")]), "integer") == ([5, None], [1])


def test_binary_floats_are_their_shortest_decimal() -> None:
    values, wrong = typed(pa.array([0.1, 1e-7, 12.125, float("nan"), None]), "decimal(18,2)")
    assert values == [Decimal("0.10"), None, None, None, None]
    assert wrong == [1, 2, 3]


def test_typed_moments_keep_the_moment() -> None:
    stamps = pa.array(["2024-01-31", "2024-01-31 10:00:00"]).cast(pa.timestamp("ns"))
    assert typed(stamps, "date") == ([date(2024, 1, 31), None], [1])
    assert typed(stamps, "timestamp(UTC)", zone="Europe/Berlin")[0][0] == datetime(2024, 1, 30, 23, tzinfo=UTC)
    nanos = pa.array([1_700_000_000_000_000_001, 1_700_000_000_000_001_000], pa.timestamp("ns"))
    assert typed(nanos, "timestamp")[1] == [0]
    zoned = pa.array([datetime(2024, 1, 31, tzinfo=UTC)], pa.timestamp("us", "UTC"))
    assert typed(zoned, "timestamp")[1] == [0]


def test_typed_texts_are_cast_as_texts() -> None:
    assert typed(pa.array(["1.10", "x"]).dictionary_encode(), "decimal(18,2)") == ([Decimal("1.10"), None], [1])
    assert typed(pa.array(["2024-01-31"], pa.large_string()), "date") == ([date(2024, 1, 31)], [])


def test_anything_can_be_text() -> None:
    assert typed(pa.array([1]), "text") == (["1"], [])
    assert typed(pa.array([{"a": [1]}]), "json") == (['{"a":[1]}'], [])


@pytest.mark.parametrize(
    ("delivered", "stored"),
    [
        (pa.int8(), pa.int64()),
        (pa.uint32(), pa.int64()),
        (pa.uint64(), pa.decimal128(20, 0)),
        (pa.float32(), pa.float32()),
        (pa.float16(), pa.float32()),
        (pa.dictionary(pa.int32(), pa.large_string()), pa.string()),
        (pa.timestamp("ms", "UTC"), pa.timestamp("us", "UTC")),
        (pa.date64(), pa.date32()),
        (pa.time32("s"), pa.time64("us")),
        (pa.binary(4), pa.binary()),
        (pa.list_(pa.int8()), pa.list_(pa.int8())),
    ],
)
def test_each_type_is_stored_in_one_spelling(delivered: pa.DataType, stored: pa.DataType) -> None:
    assert storage_type(delivered) == stored


def test_parts_with_other_types_agree_on_one_that_holds_both() -> None:
    assert unify(pa.int64(), pa.decimal128(18, 2)) == pa.decimal128(21, 2)
    assert unify(pa.decimal128(38, 0), pa.decimal128(38, 20)) == pa.decimal256(58, 20)
    assert unify(pa.null(), pa.date32()) == pa.date32()
    assert unify(pa.int64(), pa.string()) == pa.string()
    assert unify(pa.timestamp("us"), pa.timestamp("ns")) == pa.timestamp("ns")


def test_nanoseconds_count_only_where_there_are_some() -> None:
    assert look_typed(pa.array([1000], pa.timestamp("ns"))).unified == pa.timestamp("us")
    assert look_typed(pa.array([1001], pa.timestamp("ns"))).unified == pa.timestamp("ns")


def test_nested_types_survive_as_text() -> None:
    nested = pa.map_(pa.string(), pa.list_(pa.struct([("a", pa.decimal128(18, 2))])))
    assert type_from_text(type_to_text(nested)) == nested
