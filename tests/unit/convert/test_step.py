"""The step, phase by phase: one schema for a run, nothing lost, nothing twice, the same bytes every time."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from finport_ingestion.engine.clock import Deadline
from finport_ingestion.engine.convert.step import ConvertStep
from finport_ingestion.engine.errors import (
    ChecksumMismatch,
    ConfigError,
    DeadlineExceeded,
    FormatError,
    PermanentError,
    Skipped,
)
from finport_ingestion.engine.records import PART_COLUMN, ROW_COLUMN
from finport_ingestion.engine.step import Flags
from tests.unit.convert.deployment import Delivered, Deployment

LANDED = "landing/daily/prices/manual__1"


def parquet(table: pa.Table) -> Delivered:
    out = io.BytesIO()
    pq.write_table(table, out)
    return Delivered(out.getvalue(), suffix=".parquet", format="parquet")


def test_rows_carry_their_landed_part_and_number(tmp_path: Path) -> None:
    converted = Deployment(tmp_path).run(b"a,b\n1,x\n2\n3,y\n", b"a,b\n4,z\n")
    assert converted.rows("a", PART_COLUMN, ROW_COLUMN) == [
        (1, f"{LANDED}/00000.csv", 1),
        (3, f"{LANDED}/00000.csv", 3),
        (4, f"{LANDED}/00001.csv", 1),
    ]
    assert [part.made_from for part in converted.manifest.parts] == [(f"{LANDED}/00000.csv",), (f"{LANDED}/00001.csv",)]
    assert [part.row_count for part in converted.manifest.parts] == [2, 1]


def test_a_bad_record_is_quarantined_with_its_place_and_raw_text(tmp_path: Path) -> None:
    converted = Deployment(tmp_path).run(b"a,b\n1,x\n2\n3,y\n")
    [reject] = converted.rejects
    assert (reject["part"], reject["row"], reject["stage"], reject["rule"]) == (
        f"{LANDED}/00000.csv",
        2,
        "convert",
        "field_count",
    )
    assert json.loads(reject["record"]) == "2"
    [part] = converted.manifest.rejects
    assert part.uri == "quarantine/daily/prices/manual__1/convert-0000.parquet"
    result = converted.result
    assert (result.rows_read, result.rows_passed, result.rows_quarantined) == (3, 2, 1)


def test_all_parts_have_the_schema_that_all_values_give(tmp_path: Path) -> None:
    converted = Deployment(tmp_path).run(
        b"qty,price,day,code\n1,1.5,2024-01-02,1\n",
        b"qty,price,day,code\n2.25,1.125,2024-01-03,2\n",
        b"qty,price,day,note\n3,2,n/a,hello\n",
    )
    assert converted.types == {
        "qty": "decimal(18,2)",
        "price": "decimal(18,3)",
        "day": "text",
        "code": "identifier",
        "note": "text",
    }
    assert len({str(table.schema) for table in converted.tables}) == 1
    assert len({part.schema for part in converted.manifest.parts}) == 1
    assert converted.column("qty") == [Decimal("1.00"), Decimal("2.25"), Decimal("3.00")]
    assert converted.column("day") == ["2024-01-02", "2024-01-03", "n/a"]
    assert converted.column("note") == [None, None, "hello"]


def test_a_late_value_widens_its_column_and_nothing_is_rounded(tmp_path: Path) -> None:
    rows = [b"a,b,c,d"] + [f"{n},{n}.5,2024-01-01,{n}".encode() for n in range(1, 300_001)]
    rows[150_000] = b"00123,7.125,01/02/2024,3.75"
    converted = Deployment(tmp_path).run(b"\n".join(rows))
    assert converted.types == {"a": "identifier", "b": "decimal(18,3)", "c": "text", "d": "decimal(18,2)"}
    table = converted.table
    assert table.num_rows == 300_000
    assert table.slice(149_999, 1).select(["a", "b", "c", "d"]).to_pylist() == [
        {"a": "00123", "b": Decimal("7.125"), "c": "01/02/2024", "d": Decimal("3.75")}
    ]
    assert table.slice(0, 1).select(["a", "b"]).to_pylist() == [{"a": "1", "b": Decimal("1.500")}]


def test_an_ambiguous_date_is_settled_by_any_value_of_any_part(tmp_path: Path) -> None:
    ambiguous, decisive = b"day,x\n01/02/2024,1\n", b"day,x\n31/01/2024,1\n"
    both = Deployment(tmp_path / "both").run(ambiguous, decisive)
    assert both.column("day") == [date(2024, 2, 1), date(2024, 1, 31)]
    alone = Deployment(tmp_path / "alone").run(ambiguous)
    assert alone.column("day") == ["01/02/2024"]
    assert "dateOrder" in alone.result.notes[0]
    stated = Deployment(tmp_path / "stated", convert={"format": "csv", "dateOrder": "mdy"}).run(ambiguous)
    assert stated.column("day") == [date(2024, 1, 2)]


def test_the_original_name_and_the_way_of_writing_stand_in_the_fields(tmp_path: Path) -> None:
    converted = Deployment(tmp_path).run(b" Trade Date ,price,price\n31/01/2024,1,2\n")
    fields = converted.table.schema
    assert fields.field("Trade Date").metadata == {b"original_name": b" Trade Date ", b"format": b"date:%d/%m/%Y"}
    assert fields.field("price_2").metadata[b"original_name"] == b"price"


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    contents = (b"a,b\n1,x\n2\n", b"a,b\n1.5,y\n")
    first, second = (Deployment(tmp_path / name, parallel=2).run(*contents) for name in ("one", "two"))
    assert first.manifest == second.manifest
    for part in (*first.manifest.parts, *first.manifest.rejects):
        assert (first.root / part.uri).read_bytes() == (second.root / part.uri).read_bytes()


def test_a_repeated_try_finds_what_is_complete_and_repairs_what_is_not(tmp_path: Path) -> None:
    deployment = Deployment(tmp_path)
    deployment.land(b"a,b\n1,x\n2\n", b"a,b\n1.5,y\n")
    deployment.split()
    first = deployment.work(0)
    staging = tmp_path / "staging/daily/prices/manual__1/convert"
    parts = sorted(staging.glob("part-*.parquet"))
    stamps = [path.stat().st_mtime_ns for path in parts]
    assert deployment.work(0) == first
    assert [path.stat().st_mtime_ns for path in parts] == stamps
    before = parts[0].read_bytes()
    parts[0].write_bytes(before[:100])
    assert deployment.work(0) == first
    assert parts[0].read_bytes() == before
    sealed = deployment.seal()
    manifest = (staging / "manifest.json").read_bytes()
    (staging / "manifest.json").unlink()
    assert deployment.seal() == sealed
    assert (staging / "manifest.json").read_bytes() == manifest


def test_parts_are_dealt_into_batches_by_size(tmp_path: Path) -> None:
    deployment = Deployment(tmp_path, parallel=3)
    big = b"a\n" + b"123456789\n" * 1_000_000
    deployment.land(big, big, b"a\n1\n", b"a\n2\n")
    assert deployment.split().batches == 3
    plan = json.loads((tmp_path / "staging/daily/prices/manual__1/convert/schema.json").read_bytes())
    assert plan["batches"] == [[0], [1], [2, 3]]
    small = Deployment(tmp_path / "small", parallel=3)
    small.land(b"a\n1\n", b"a\n2\n")
    assert small.split().batches == 1


def test_a_batch_that_is_missing_is_named(tmp_path: Path) -> None:
    deployment = Deployment(tmp_path)
    deployment.land(b"a\n1\n")
    with pytest.raises(PermanentError, match="has not been split"):
        deployment.work(0)
    deployment.split()
    with pytest.raises(PermanentError, match="batch 0 of 'convert' is not complete"):
        deployment.seal()
    with pytest.raises(PermanentError, match="no batch 5"):
        deployment.work(5)


def test_rows_of_a_query_stay_as_they_are_typed(tmp_path: Path) -> None:
    first = pa.table(
        {
            "id": pa.array([1, 2], pa.int32()),
            "price": pa.array([Decimal("1.10"), None], pa.decimal128(10, 2)),
            "name": pa.array(["007", "8"]),
            "tags": pa.array([["a"], None]),
        }
    )
    second = pa.table({"id": pa.array([2**40]), "price": pa.array([None], pa.null()), "name": pa.array(["x"])})
    converted = Deployment(tmp_path).run(parquet(first), parquet(second))
    assert converted.types["id"] == "integer"
    assert converted.types["price"] == "decimal(10,2)"
    assert converted.types["name"] == "text"
    assert converted.column("id") == [1, 2, 2**40]
    assert converted.column("tags") == [["a"], None, None]
    assert converted.column(ROW_COLUMN) == [1, 2, 1]


def test_formats_that_cannot_be_one_dataset_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="csv, parquet"):
        Deployment(tmp_path).run(b"a\n1\n", parquet(pa.table({"a": [1]})))


def test_json_pages_of_an_api_are_one_dataset(tmp_path: Path) -> None:
    bodies: list[dict[str, Any]] = [
        {"data": [{"id": 1, "px": 1.25}]},
        {"data": [{"id": 2, "px": 2, "at": "2024-01-02T10:00:00Z"}]},
        {"data": []},
    ]
    media_type = "application/json; charset=utf-8"
    pages = [Delivered(json.dumps(body).encode(), suffix="", media_type=media_type) for body in bodies]
    converted = Deployment(tmp_path, convert={"format": "json", "records": "data"}).run(*pages)
    assert converted.types == {"id": "identifier", "px": "decimal(18,2)", "at": "timestamp(UTC)"}
    assert [part.row_count for part in converted.manifest.parts] == [1, 1, 0]


def test_a_file_that_is_not_the_format_fails_with_its_uri_and_the_fix(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=rf"{LANDED}/00001.csv: an HTML page.*Fix: "):
        Deployment(tmp_path).run(b"a\n1\n", b"<html></html>")


def test_an_empty_file_is_refused_unless_the_policy_takes_none(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="is empty"):
        Deployment(tmp_path / "a").run(b"")
    contract = {"columns": [{"name": "price", "type": "decimal(18,2)"}]}
    converted = Deployment(tmp_path / "b", quality={"minRows": 0}, contract=contract).run(b"")
    assert converted.table.num_rows == 0
    assert converted.types == {"price": "decimal(18,2)"}


def test_nothing_collected_is_a_skip(tmp_path: Path) -> None:
    deployment = Deployment(tmp_path)
    deployment.land()
    with pytest.raises(Skipped, match="nothing was collected"):
        deployment.split()


def test_bytes_that_changed_since_they_were_landed_are_refused(tmp_path: Path) -> None:
    deployment = Deployment(tmp_path)
    deployment.land(b"a\n1\n")
    (tmp_path / LANDED / "00000.csv").write_bytes(b"a\n12\n")
    with pytest.raises(ChecksumMismatch):
        deployment.split()


def test_time_that_is_over_ends_the_work(tmp_path: Path) -> None:
    deployment = Deployment(tmp_path)
    deployment.land(b"a\n1\n")
    context = deployment.context()
    late = Deadline.after(-1, clock=context.clock)
    with pytest.raises(DeadlineExceeded):
        ConvertStep().split(replace(context, deadline=late))
    assert not list(tmp_path.rglob("*.parquet"))


def test_without_quarantine_bad_records_are_only_counted(tmp_path: Path) -> None:
    converted = Deployment(tmp_path, quality={"quarantine": False}).run(b"a,b\n1\n2,x\n")
    assert converted.manifest.rejects == ()
    assert converted.result.rows_quarantined == 1
    assert converted.manifest.facts["rows_rejected"] == 1


def test_released_records_are_read_as_the_fields_they_were(tmp_path: Path) -> None:
    repaired = Delivered(b'{"qty": "5", "price": "1.25", "zip": "00123"}\n', suffix=".ndjson", format="ndjson")
    converted = Deployment(tmp_path).run(repaired, facts={"released": True})
    assert converted.types == {"qty": "integer", "price": "decimal(18,2)", "zip": "identifier"}


def test_items_and_replaces_are_carried_over(tmp_path: Path) -> None:
    deployment = Deployment(tmp_path, flags=Flags(force_run_all=True))
    landed = deployment.land(b"a\n1\n")
    deployment.split()
    deployment.work(0)
    deployment.seal()
    manifest = deployment.context(step="convert").places.at("staging/daily/prices/manual__1/convert/manifest.json")
    fields = json.loads(manifest.read_bytes())
    assert fields["replaces"] == landed.replaces
    assert [item["item"] for item in fields["items"]] == ["prices"]
