"""Columns with types of their own: how those of several files agree, and exact casts to what they agree on."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finport_ingestion.engine.convert.reading.value_texts import as_texts, iso_duration, text_of
from finport_ingestion.engine.convert.typed import TypedEvidence, cast_typed, look_typed, unify


def moments(values: list[int], unit: str, zone: str | None = None) -> pa.Array:
    return pa.array(values, pa.int64()).cast(pa.timestamp(unit, zone))


FAR, NEAR = moments([253_402_300_799_999_999], "us"), moments([1], "ns")


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (pa.float32(), pa.float64(), pa.float64()),
        (pa.float32(), pa.int64(), pa.string()),
        (pa.list_(pa.int64()), pa.list_(pa.decimal128(20, 0)), pa.list_(pa.decimal128(20, 0))),
        (pa.list_(pa.float32()), pa.list_(pa.float64()), pa.list_(pa.float64())),
        (pa.list_(pa.int64()), pa.int64(), pa.string()),
        (pa.map_(pa.string(), pa.null()), pa.map_(pa.string(), pa.date32()), pa.map_(pa.string(), pa.date32())),
        (
            pa.struct([("a", pa.int64())]),
            pa.struct([("b", pa.string())]),
            pa.struct([("a", pa.int64()), ("b", pa.string())]),
        ),
        (pa.duration("s"), pa.duration("ms"), pa.string()),
    ],
)
def test_two_types_agree_on_one_that_holds_both(one: pa.DataType, other: pa.DataType, both: pa.DataType) -> None:
    assert unify(one, other) == both
    assert unify(one, one) == one


def test_nested_values_are_cast_member_by_member() -> None:
    kind = pa.struct([("a", pa.list_(pa.float32())), ("m", pa.map_(pa.string(), pa.int64()))])
    values: list[Any] = [{"a": [0.5, None], "m": [("k", 1)]}, None, {"a": None, "m": []}]
    other = pa.struct([("m", pa.map_(pa.string(), pa.decimal128(5, 2))), ("b", pa.date32())])
    target = unify(kind, other)
    for array, wanted in (
        (pa.array(values, kind), values),
        (pa.array([*values, *values], kind).slice(1, 3), [*values, *values][1:4]),
    ):
        found = cast_typed(array, target).values
        found.validate(full=True)
        assert found.type == target
        assert found.to_pylist() == [
            None if v is None else {**v, "m": [(k, Decimal(n)) for k, n in v["m"]], "b": None} for v in wanted
        ]


def test_a_float_keeps_its_width_and_so_its_shortest_digits() -> None:
    values = pa.array([74.72, None], pa.float32())
    assert look_typed(values).unified == pa.float32()
    assert cast_typed(values, pa.string()).values.to_pylist() == ["74.72", None]
    assert cast_typed(values, pa.float64()).values[0].as_py() == 74.72000122070312


def test_years_beyond_nanoseconds_and_nanoseconds_are_text_together() -> None:
    evidence = look_typed(FAR) + look_typed(NEAR)
    assert look_typed(FAR).unified == pa.timestamp("us")
    assert evidence.unified == pa.string()
    assert TypedEvidence.from_plain(evidence.to_plain()) == evidence
    texts = [cast_typed(values, pa.string()).values.to_pylist() for values in (FAR, NEAR)]
    assert texts == [["9999-12-31T23:59:59.999999"], ["1970-01-01T00:00:00.000000001"]]
    assert (look_typed(moments([5], "us")) + look_typed(NEAR)).unified == pa.timestamp("ns")


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (
            pa.array([0.1, 1e22, float("nan"), float("-inf"), -0.0]),
            ["0.1", "10000000000000000000000.0", "NaN", "-Infinity", "-0.0"],
        ),
        (pa.array([Decimal("0.00000001")], pa.decimal128(9, 8)), ["0.00000001"]),
        (pa.array([Decimal(10) ** 37], pa.decimal128(38, 0)), ["1" + "0" * 37]),
        (moments([1], "s", "Europe/Paris"), ["1970-01-01T00:00:01Z"]),
        (
            pa.array([86_399_999, 86_400_000, -1], pa.int32()).view(pa.time32("ms")),
            ["23:59:59.999", "24:00:00", "-0.001 s"],
        ),
        (pa.array([True, False, None]), ["true", "false", None]),
        (pa.array([b"\xff", None]), ["ff", None]),
        (pa.array([3_661_000_001], pa.int64()).view(pa.duration("us")), ["PT3661.000001S"]),
        (pa.array([-1], pa.int64()).view(pa.duration("ns")), ["PT-0.000000001S"]),
        (pa.array([[{"a": Decimal("1.10"), "b": b"\x00"}]]), ['[{"a":"1.10","b":"00"}]']),
        (pa.array([[float("nan"), 0.1]]), ['["NaN",0.1]']),
        (pa.array([[1, None]], pa.list_(pa.duration("ns"))), ['["PT0.000000001S",null]']),
    ],
)
def test_texts_say_values_exactly(values: pa.Array, texts: list[str | None]) -> None:
    assert as_texts(values).to_pylist() == texts


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(width=32, allow_nan=False, allow_infinity=False))))
def test_the_text_of_a_float_is_the_float(values: list[float | None]) -> None:
    array = pa.array(values, pa.float32())
    assert as_texts(array).cast(pa.float32()).equals(array)


def test_a_python_value_is_text_too() -> None:
    cases: list[tuple[Any, str | None]] = [
        (None, None),
        ("x", "x"),
        (True, "true"),
        (1, "1"),
        (Decimal("1E+2"), "100"),
        ({"k": [None, "é"]}, '{"k":[null,"é"]}'),
    ]
    assert [text_of(value) for value, _ in cases] == [text for _, text in cases]
    assert iso_duration() == "PT0S"
    assert iso_duration(months=-1) == "P-1M"
