"""Schemas over time: the type that holds both exactly, or a refusal."""

from __future__ import annotations

import pyarrow as pa
import pytest

from finport_ingestion.engine.errors import ContractBroken
from finport_ingestion.engine.store.schemas import decode, encode, fingerprint, unify, widen

DECIMAL = pa.decimal128
INSTANT = pa.timestamp("us", tz="UTC")


@pytest.mark.parametrize(
    ("left", "right", "wider"),
    [
        (pa.int32(), pa.int64(), pa.int64()),
        (pa.null(), pa.date32(), pa.date32()),
        (pa.float32(), pa.float64(), pa.float64()),
        (DECIMAL(18, 4), DECIMAL(18, 2), DECIMAL(20, 4)),
        (DECIMAL(18, 4), DECIMAL(18, 6), DECIMAL(20, 6)),
        (DECIMAL(38, 0), DECIMAL(10, 10), pa.decimal256(48, 10)),
        (pa.int64(), DECIMAL(18, 4), DECIMAL(23, 4)),
        (pa.uint64(), pa.int64(), DECIMAL(20, 0)),
        (pa.int64(), pa.string(), pa.string()),
        (DECIMAL(18, 4), pa.string(), pa.string()),
        (pa.date32(), pa.large_string(), pa.string()),
        (pa.dictionary(pa.int32(), pa.string()), pa.string(), pa.string()),
        (pa.timestamp("ms"), pa.timestamp("us"), pa.timestamp("us")),
        (INSTANT, pa.timestamp("us", tz="Europe/Berlin"), INSTANT),
        (pa.list_(pa.int32()), pa.list_(pa.int64()), pa.list_(pa.int64())),
        (
            pa.struct([("a", pa.int32())]),
            pa.struct([("a", pa.int64()), ("b", pa.string())]),
            pa.struct([("a", pa.int64()), ("b", pa.string())]),
        ),
    ],
)
def test_two_types_meet_in_one_that_holds_both(left: pa.DataType, right: pa.DataType, wider: pa.DataType) -> None:
    assert widen(left, right) == wider


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (pa.int64(), pa.float64()),
        (DECIMAL(18, 4), pa.float64()),
        (pa.bool_(), pa.string()),
        (pa.float64(), pa.string()),
        (pa.date32(), pa.int64()),
        (pa.timestamp("us"), INSTANT),
        (pa.timestamp("us"), pa.timestamp("ns")),
        (pa.decimal256(76, 0), DECIMAL(10, 5)),
        (pa.list_(pa.bool_()), pa.list_(pa.int64())),
    ],
)
def test_types_that_would_lose_something_do_not_meet(left: pa.DataType, right: pa.DataType) -> None:
    for one, two in ((left, right), (right, left)):
        with pytest.raises(ContractBroken, match=r"prices: column 'x'.*contract"):
            unify([pa.schema([("x", one)]), pa.schema([("x", two)])], dataset="prices")


def test_columns_stay_in_the_order_of_their_first_appearance_with_their_metadata() -> None:
    label = {b"label": b"Close", b"PARQUET:field_id": b"3"}
    first = pa.schema([pa.field("close", pa.int64(), nullable=False, metadata=label), ("day", pa.date32())])
    second = pa.schema([("note", pa.string()), ("day", pa.date32()), ("close", DECIMAL(5, 2))])

    whole = unify([first, second], dataset="prices")

    assert whole.names == ["close", "day", "note"]
    assert whole.field("close").metadata == {b"label": b"Close"}
    assert whole.field("close").nullable
    assert decode(encode(whole)).equals(whole, check_metadata=True)
    assert fingerprint(whole) == fingerprint(decode(encode(whole))) != fingerprint(first)
