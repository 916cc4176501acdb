"""BSON values that the server of the tests cannot hold, and what a slice and a watermark say of them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import bson
import pytest
from bson import Binary, Code, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId
from bson.datetime_ms import DatetimeMS

from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.records import Watermark
from finport_ingestion.engine.sources.found.cells import JsonText
from finport_ingestion.engine.sources.mongo.connect import Server, servers
from finport_ingestion.engine.sources.mongo.values import CODEC, cell_of, extended_json, mark_of, parsed, spelled

OID = ObjectId("65937a5f0000000000000001")
MOMENT = datetime(2024, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)


def through_bson(value: Any) -> Any:
    """As the driver gives it."""
    return cell_of(bson.decode(bson.encode({"v": value}, codec_options=CODEC), CODEC)["v"])


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (Decimal128("1.10"), Decimal("1.10")),
        (Decimal128("123456789012345678901234567890.1234"), Decimal("123456789012345678901234567890.1234")),
        (Decimal128("-0"), Decimal("-0")),
        (Int64(2**63 - 1), 2**63 - 1),
        (OID, str(OID)),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Binary(b"\x01", 128), b"\x01"),
        ({"price": Decimal128("1.10")}, '{"price":1.10}'),
        ([OID, {"at": MOMENT}], f'["{OID}",{{"at":"2024-01-02T03:04:05.678000+00:00"}}]'),
        (Code("f()"), '{"$code": "f()"}'),
        (MinKey(), '{"$minKey": 1}'),
        (MaxKey(), '{"$maxKey": 1}'),
        (DBRef("a", 1), '{"$ref": "a", "$id": {"$numberInt": "1"}}'),
        (DatetimeMS(253_402_300_800_000), '{"$date": {"$numberLong": "253402300800000"}}'),
    ],
)
def test_a_value_is_a_cell_that_loses_nothing(value: Any, cell: Any) -> None:
    found = through_bson(value)
    assert found == cell
    assert type(found) is type(cell) or isinstance(found, JsonText)


def test_a_decimal_that_is_no_number_stays_one() -> None:
    found = through_bson(Decimal128("NaN"))
    assert isinstance(found, Decimal)
    assert found.is_nan()


@pytest.mark.parametrize("value", [OID, MOMENT, 1, Int64(1), 0.1, "a", Decimal128("1.10"), True, UUID(int=1)])
def test_a_slice_spells_a_value_so_that_it_is_read_back(value: Any) -> None:
    again = parsed(spelled(value))
    assert again == value
    assert isinstance(again, type(value))


@pytest.mark.parametrize(
    ("text", "sample", "mark"),
    [
        ("1.10", Decimal128("5"), Decimal128("1.10")),
        ("5", Decimal128("1.5"), Int64(5)),
        ("5", 7, Int64(5)),
        ("0.1", 0.5, 0.1),
        ("2024-01-02T03:04:05.678000+00:00", MOMENT, MOMENT),
        ("2024-01-02", MOMENT, datetime(2024, 1, 2, tzinfo=UTC)),
        (str(OID), OID, OID),
        ("b", "a", "b"),
    ],
)
def test_a_watermark_is_a_value_that_the_field_is_compared_with(text: str, sample: Any, mark: Any) -> None:
    found = mark_of(Watermark(field="v", value=text, type="text"), None, sample, what="prices")
    assert found == mark
    assert type(found) is type(mark)


@pytest.mark.parametrize(("text", "sample"), [("x", OID), ("soon", MOMENT), ("a", 1)])
def test_a_start_that_is_no_such_value_is_told(text: str, sample: Any) -> None:
    with pytest.raises(ConfigError, match=f"'{text}' is none"):
        mark_of(None, text, sample, what="prices, field 'v'")


def test_a_filter_is_extended_json() -> None:
    stated = {"_id": {"$oid": str(OID)}, "close": {"$gte": {"$numberDecimal": "1.10"}}, "venue": "XNYS"}
    assert extended_json(stated) == {"_id": OID, "close": {"$gte": Decimal128("1.10")}, "venue": "XNYS"}


def test_servers_are_those_of_the_connection() -> None:
    spec = ConnectionSpec(id="quotes", kind="mongo", host="a.example.com:27018,b.example.com", port=27019)
    assert servers(spec, what="prices") == (
        Server(host="a.example.com", port=27018),
        Server(host="b.example.com", port=27019),
    )


@pytest.mark.parametrize("host", ["mongodb://a", "user:pw@a", "a/b"])
def test_a_host_with_more_than_a_name_is_refused_and_not_repeated(host: str) -> None:
    with pytest.raises(ConfigError, match="no host name") as raised:
        servers(ConnectionSpec(id="quotes", kind="mongo", host=host), what="prices")
    assert "pw" not in str(raised.value)
