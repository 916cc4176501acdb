"""What every storage promises about publishing and reading."""

from __future__ import annotations

import dataclasses
from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from finport_ingestion.engine.errors import ChecksumMismatch, ConfigError, ContractBroken, SourceMovedOn
from finport_ingestion.engine.files import write_bytes
from finport_ingestion.engine.records import LINEAGE_COLUMNS, Replaces, Watermark
from finport_ingestion.engine.store.interface import Storage
from tests.conformance.storages.adapters import StorageMaker
from tests.conformance.storages.delivery import Deliveries, contents, price, values

MONDAY, TUESDAY, REVISED = price("AAPL", 5, "10.5000"), price("AAPL", 6, "11.0000"), price("AAPL", 5, "10.7500")


def test_it_fits_the_protocol(maker: StorageMaker) -> None:
    assert isinstance(maker.open(), Storage)
    assert "prices" in maker.open().place


def test_published_rows_are_read_back_exactly(maker: StorageMaker, deliveries: Deliveries) -> None:
    storage = maker.open()
    odd = [price(None, 7, None), price("", 8, "-0.0001"), price('quo"te,\n\\.', 9, "99999999999999.9999")]

    publication = storage.publish(deliveries.request({"a.csv": [MONDAY], "b.csv": odd}))

    assert (publication.row_count, publication.run_id, publication.already_there) == (4, "run-1", False)
    assert contents(storage) == values(MONDAY, *odd)


def test_lineage_is_kept_and_shown_when_asked_for(maker: StorageMaker, deliveries: Deliveries) -> None:
    storage = maker.open()
    storage.publish(deliveries.request({"a.csv": [MONDAY, TUESDAY]}))

    assert not set(LINEAGE_COLUMNS) & set(storage.read().column_names)
    shown = storage.read(lineage=True).select(LINEAGE_COLUMNS).to_pylist()
    assert [tuple(row.values()) for row in shown] == [
        ("landing/nightly/exchange/run-1/a.csv", 1),
        ("landing/nightly/exchange/run-1/a.csv", 2),
    ]


def test_columns_and_limit_are_honoured_and_an_unknown_column_is_named(
    maker: StorageMaker, deliveries: Deliveries
) -> None:
    storage = maker.open()
    storage.publish(deliveries.request({"a.csv": [MONDAY, TUESDAY]}))

    assert storage.read(["close", "symbol"], limit=1).to_pydict() == {"close": [Decimal("10.5000")], "symbol": ["AAPL"]}
    with pytest.raises(ConfigError, match="colour"):
        storage.read(["colour"])


def test_the_same_items_are_published_once_whatever_the_run(maker: StorageMaker, deliveries: Deliveries) -> None:
    storage = maker.open()
    storage.publish(deliveries.request({"a.csv": [MONDAY]}))

    again = storage.publish(deliveries.request({"a.csv": [MONDAY]}, run="run-2"))

    assert again.already_there
    assert (again.run_id, again.row_count) == ("run-1", 1)
    assert contents(storage) == values(MONDAY)
    assert [found.run_id for found in storage.publications()] == ["run-1"]


def test_a_file_delivered_again_replaces_itself_and_nothing_else(maker: StorageMaker, deliveries: Deliveries) -> None:
    storage = maker.open()
    storage.publish(deliveries.request({"a.csv": [MONDAY], "b.csv": [TUESDAY]}))

    storage.publish(deliveries.request({"a.csv": [REVISED]}, run="run-2"))

    assert contents(storage) == values(REVISED, TUESDAY)


def test_a_table_read_again_replaces_all_of_its_source_only(maker: StorageMaker, deliveries: Deliveries) -> None:
    storage = maker.open()
    storage.publish(deliveries.request({"a": [MONDAY], "b": [TUESDAY]}))
    storage.publish(deliveries.request({"a": [price("MSFT", 5, "1.0000")]}, source="vendor", run="run-2"))

    storage.publish(deliveries.request({"a": [REVISED]}, run="run-3", replaces=Replaces.SOURCE))

    assert contents(storage) == values(REVISED, price("MSFT", 5, "1.0000"))


def test_an_empty_table_empties_its_source(maker: StorageMaker, deliveries: Deliveries) -> None:
    storage = maker.open()
    storage.publish(deliveries.request({"a": [MONDAY]}))

    emptied = storage.publish(deliveries.request({"a": []}, run="run-2", replaces=Replaces.SOURCE))

    assert emptied.row_count == 0
    assert storage.read().num_rows == 0
    assert storage.read().column_names == ["symbol", "day", "close"]


def test_increments_add_up_and_move_the_watermark(maker: StorageMaker, deliveries: Deliveries) -> None:
    storage = maker.open()
    first = deliveries.request({"q": [MONDAY]}, replaces=Replaces.NOTHING, watermark="2026-01-05")
    second = deliveries.request(
        {"q": [TUESDAY]}, run="run-2", replaces=Replaces.NOTHING, watermark="2026-01-06", based_on="2026-01-05"
    )

    storage.publish(first)
    storage.publish(second)

    assert contents(storage) == values(MONDAY, TUESDAY)
    assert storage.watermark("exchange") == Watermark(field="day", value="2026-01-06", type="date")
    assert storage.watermark("vendor") is None


def test_an_increment_behind_an_old_watermark_is_refused(maker: StorageMaker, deliveries: Deliveries) -> None:
    storage = maker.open()
    storage.publish(deliveries.request({"q": [MONDAY]}, replaces=Replaces.NOTHING, watermark="2026-01-05"))
    overlapping = deliveries.request(
        {"q": [MONDAY, TUESDAY]}, run="run-2", replaces=Replaces.NOTHING, watermark="2026-01-06"
    )

    with pytest.raises(SourceMovedOn, match="2026-01-05"):
        storage.publish(overlapping)

    assert contents(storage) == values(MONDAY)


def test_the_same_increment_again_is_already_there(maker: StorageMaker, deliveries: Deliveries) -> None:
    storage = maker.open()
    for run in ("run-1", "run-2"):
        found = storage.publish(
            deliveries.request({"q": [MONDAY]}, run=run, replaces=Replaces.NOTHING, watermark="2026-01-05")
        )

    assert found.already_there
    assert found.watermark == Watermark(field="day", value="2026-01-05", type="date")
    assert contents(storage) == values(MONDAY)


@pytest.mark.parametrize("replaces", list(Replaces))
def test_what_is_written_again_on_purpose_takes_the_place_of_itself(
    maker: StorageMaker, deliveries: Deliveries, replaces: Replaces
) -> None:
    storage = maker.open()
    storage.publish(deliveries.request({"q": [MONDAY]}, replaces=Replaces.NOTHING, watermark="2026-01-05"))
    storage.publish(
        deliveries.request(
            {"r": [TUESDAY]}, run="run-2", replaces=Replaces.NOTHING, watermark="2026-01-06", based_on="2026-01-05"
        )
    )

    replay = deliveries.request({"q": [MONDAY]}, run="run-3", replaces=replaces, watermark="2026-01-05", again=True)
    found = storage.publish(replay)

    assert (found.already_there, found.run_id) == (False, "run-3")
    whole = replaces is Replaces.SOURCE
    assert contents(storage) == (values(MONDAY) if whole else values(MONDAY, TUESDAY))
    mark = storage.watermark("exchange")
    assert mark is not None
    assert mark.value == ("2026-01-05" if whole else "2026-01-06")


def test_publications_tell_what_the_ledger_needs(maker: StorageMaker, deliveries: Deliveries) -> None:
    storage = maker.open()
    request = deliveries.request({"a.csv": [MONDAY], "b.csv": [TUESDAY]}, watermark="2026-01-06")
    published = storage.publish(request)
    storage.publish(deliveries.request({"z": [MONDAY]}, source="vendor", run="run-2"))

    (found,) = storage.publications("exchange")

    assert found == published == storage.find("run-1", "exchange")
    assert (found.items, found.watermark, found.replaces) == (
        request.manifest.items,
        request.manifest.watermark,
        Replaces.ITEMS,
    )
    assert [each.source for each in storage.publications()] == ["exchange", "vendor"]
    assert storage.find("run-2", "exchange") is None


def test_new_columns_and_wider_types_fit_what_is_there(maker: StorageMaker, deliveries: Deliveries) -> None:
    storage = maker.open()
    narrow = pa.schema([("id", pa.int64()), ("amount", pa.decimal128(5, 2)), ("code", pa.int64())])
    wide = pa.schema(
        [("amount", pa.decimal128(30, 6)), ("code", pa.string()), ("id", pa.decimal128(22, 2)), ("note", pa.string())]
    )
    storage.publish(deliveries.request({"a": [{"id": 1, "amount": Decimal("1.25"), "code": 7}]}, schema=narrow))
    newer = [{"id": Decimal("2.50"), "amount": Decimal("123456789012345678901234.000001"), "code": "007", "note": "x"}]

    storage.publish(deliveries.request({"b": newer}, run="run-2", schema=wide))

    assert contents(storage, ["id", "amount", "code", "note"]) == [
        (Decimal("1.00"), Decimal("1.250000"), "7", None),
        (Decimal("2.50"), Decimal("123456789012345678901234.000001"), "007", "x"),
    ]


def test_a_column_that_fits_no_common_type_is_refused(maker: StorageMaker, deliveries: Deliveries) -> None:
    storage = maker.open()
    storage.publish(deliveries.request({"a": [{"at": date(2026, 1, 5)}]}, schema=pa.schema([("at", pa.date32())])))
    other = deliveries.request({"b": [{"at": True}]}, run="run-2", schema=pa.schema([("at", pa.bool_())]))

    with pytest.raises(ContractBroken, match=r"'at'.*date32.*bool"):
        storage.publish(other)

    assert contents(storage) == [(date(2026, 1, 5),)]


def test_all_types_survive(maker: StorageMaker, deliveries: Deliveries) -> None:
    schema = pa.schema(
        [
            ("whole", pa.int64()),
            ("float", pa.float64()),
            ("flag", pa.bool_()),
            ("at", pa.timestamp("us")),
            ("instant", pa.timestamp("us", tz="UTC")),
            ("clock", pa.time64("us")),
            ("bytes", pa.binary()),
            ("huge", pa.decimal256(60, 20)),
        ]
    )
    full = {
        "whole": -(2**63),
        "float": 0.1,
        "flag": False,
        "at": datetime(1, 1, 1, 0, 0, 0, 1),  # noqa: DTZ001 - a local time
        "instant": datetime.fromisoformat("9999-12-31T23:59:59.999999+00:00"),
        "clock": datetime.fromisoformat("2026-01-01T23:59:59.000001").time(),
        "bytes": b'\x00\xff",\\n',
        "huge": Decimal("1234567890123456789012345678901234567890.12345678901234567891"),
    }
    empty = dict.fromkeys(full)
    storage = maker.open()

    storage.publish(deliveries.request({"a": [full, empty]}, schema=schema))

    assert contents(storage) == values(full, empty)


def test_a_part_that_was_changed_after_the_checks_is_refused(maker: StorageMaker, deliveries: Deliveries) -> None:
    request = deliveries.request({"a": [MONDAY]})
    part = request.manifest.parts[0]
    write_bytes(deliveries.places.at(part.uri), deliveries.places.at(part.uri).read_bytes() + b" ")
    storage = maker.open()

    with pytest.raises(ChecksumMismatch, match=r"a\.parquet"):
        storage.publish(request)

    assert storage.publications() == []


def test_the_lineage_columns_can_be_left_out(maker: StorageMaker, deliveries: Deliveries) -> None:
    if "lineage" not in type(maker.open()).Options.model_fields:
        pytest.skip(f"{maker.name} has no such option")
    storage = maker.open(lineage=False)
    storage.publish(deliveries.request({"a": [MONDAY]}))
    assert storage.read(lineage=True).column_names == ["symbol", "day", "close"]


def test_an_item_without_rows_is_published_like_any_other(maker: StorageMaker, deliveries: Deliveries) -> None:
    storage = maker.open()
    request = deliveries.request({"a": [MONDAY], "empty": []})
    without_part = dataclasses.replace(
        request, manifest=dataclasses.replace(request.manifest, parts=request.manifest.parts[:1])
    )

    storage.publish(without_part)

    assert storage.publish(deliveries.request({"empty": []}, run="run-2")).already_there
    assert contents(storage) == values(MONDAY)
