"""The one type of a field out of all its values, and what becomes of the values."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from finport_ingestion.engine.errors import FormatError
from finport_ingestion.engine.sources.found.cells import JsonText, json_text
from finport_ingestion.engine.sources.found.fields import FieldsSeen, batches
from finport_ingestion.engine.sources.found.spill import Spill

MOMENT = datetime(2024, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)


def column(*values: Any) -> pa.Array:
    seen = FieldsSeen(what="prices", most=10)
    records = [{"v": value} for value in values]
    for record in records:
        seen.see(record)
    (batch,) = batches(records, seen.types(), rows=100)
    return batch.column("v")


@pytest.mark.parametrize(
    ("values", "type_", "kept"),
    [
        ((1, None, 2), pa.int64(), [1, None, 2]),
        ((1, Decimal("2.50")), pa.decimal128(18, 2), [Decimal("1.00"), Decimal("2.50")]),
        ((1 << 70, 1), pa.decimal128(38, 0), [Decimal(1 << 70), Decimal(1)]),
        ((Decimal("1E+3"), Decimal("0.001")), pa.decimal128(18, 3), [Decimal("1000.000"), Decimal("0.001")]),
        ((Decimal("9" * 80), Decimal(1)), pa.string(), ["9" * 80, "1"]),
        ((Decimal("NaN"), Decimal("1.10")), pa.string(), ["NaN", "1.10"]),
        ((1, 0.5), pa.float64(), [1.0, 0.5]),
        (((1 << 53) + 1, 0.5), pa.string(), ["9007199254740993", "0.5"]),
        ((Decimal("0.1"), 0.1), pa.string(), ["0.1", "0.1"]),
        (("a", 1, None), pa.string(), ['"a"', "1", None]),
        ((True, 1), pa.string(), ["true", "1"]),
        ((MOMENT,), pa.timestamp("us", "UTC"), [MOMENT]),
        ((b"\xff",), pa.binary(), [b"\xff"]),
        ((JsonText('{"a":1}'), "a"), pa.string(), ['{"a":1}', '"a"']),
        ((None,), pa.string(), [None]),
    ],
)
def test_a_type_holds_all_values_and_changes_none(values: tuple[Any, ...], type_: pa.DataType, kept: list[Any]) -> None:
    found = column(*values)
    assert found.type == type_
    assert found.to_pylist() == kept


def test_json_keeps_every_digit_and_has_no_value_that_it_lacks() -> None:
    value = {"d": Decimal("1.10"), "f": float("nan"), "n": [None, True, "ü"], "b": b"\xff", "t": MOMENT, "i": 1 << 70}
    assert json_text(value) == (
        '{"d":1.10,"f":"nan","n":[null,true,"ü"],"b":"/w==","t":"2024-01-02T03:04:05.678000+00:00",'
        '"i":1180591620717411303424}'
    )
    assert json_text(Decimal("Infinity")) == '"Infinity"'


def test_fields_are_columns_in_the_order_in_which_they_came() -> None:
    seen = FieldsSeen(what="prices", most=10, first=("id",))
    records: list[dict[str, Any]] = [{"b": 1, "id": 1}, {"a": 2, "id": 2}]
    for record in records:
        seen.see(record)
    (batch,) = batches(records, seen.types(), rows=100)
    assert batch.to_pylist() == [{"id": 1, "b": 1, "a": None}, {"id": 2, "b": None, "a": 2}]


def test_too_many_fields_are_refused() -> None:
    seen = FieldsSeen(what="prices", most=2)
    with pytest.raises(FormatError, match="prices has more than 2 different fields"):
        seen.see({"a": 1, "b": 2, "c": 3})


def test_no_record_is_one_empty_batch() -> None:
    (batch,) = batches([], FieldsSeen(what="prices", most=1, first=("id",)).types(), rows=10)
    assert batch.num_rows == 0


def test_a_spill_gives_back_what_was_written_as_often_as_asked() -> None:
    with Spill(what="prices") as spill:
        for record in (b"", b"one", b"\x00" * 100_000):
            spill.write(record)
        assert list(spill) == list(spill) == [b"", b"one", b"\x00" * 100_000]
