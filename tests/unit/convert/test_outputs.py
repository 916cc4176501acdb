"""Whatever the output format: the same values come back, or a clear refusal."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet as pq
import pytest

from finport_ingestion.engine.convert.outputs.dataset import DatasetWriter, writing
from finport_ingestion.engine.convert.outputs.registry import OUTPUTS
from finport_ingestion.engine.errors import ConfigError
from tests.unit.convert.read_bytes import read_bytes

TABLE = pa.table(
    {
        "id": pa.array(["007", None, "9"]),
        "amount": pa.array([Decimal("1.10"), Decimal("12345678901234567.89"), None], pa.decimal128(38, 2)),
        "day": pa.array([date(2024, 2, 29), None, date(1899, 12, 31)]),
        "at": pa.array([datetime(2024, 1, 2, 3, 4, 5, 123456, UTC), None, None], pa.timestamp("us", "UTC")),
        "naive": pa.array([datetime(2024, 1, 2, 3, 4, 5, 123456, UTC), None, None], pa.timestamp("us")),
        "count": pa.array([9_223_372_036_854_775_807, -1, None]),
        "ratio": pa.array([0.1, None, 1e300]),
        "open": pa.array([True, False, None]),
        "tags": pa.array([["a", None], [], None], pa.list_(pa.string())),
    }
)


def written(name: str, table: pa.Table) -> bytes:
    out = io.BytesIO()
    file = OUTPUTS.get(name)().open(out, table.schema)
    for batch in table.to_batches(max_chunksize=2):
        file.write(batch)
    file.close()
    assert file.row_count == table.num_rows
    assert file.size_bytes == len(out.getvalue())
    return out.getvalue()


def read(name: str, content: bytes) -> list[dict[str, Any]]:
    source = io.BytesIO(content)
    if name == "avro":
        return list(fastavro.reader(source))  # type: ignore[arg-type]
    if name == "jsonl":
        return [json.loads(line, parse_float=Decimal) for line in content.splitlines()]
    table = pyarrow.orc.read_table(source) if name == "orc" else pq.read_table(source)
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


@pytest.mark.parametrize("name", ["parquet", "orc", "avro"])
def test_typed_formats_give_the_same_values_back(name: str) -> None:
    assert read(name, written(name, TABLE)) == TABLE.to_pylist()


def test_json_lines_keep_every_digit_of_a_number() -> None:
    first, second, third = read("jsonl", written("jsonl", TABLE))
    assert first["amount"] == Decimal("1.10")
    assert second["amount"] == Decimal("12345678901234567.89")
    assert first["count"] == 9_223_372_036_854_775_807
    assert (first["id"], first["day"], first["at"]) == ("007", "2024-02-29", "2024-01-02T03:04:05.123456+00:00")
    assert (first["tags"], third["amount"]) == (["a", None], None)


def test_a_float_that_is_no_number_is_no_null_in_a_map_of_json() -> None:
    table = pa.table({"x": pa.array([[("a", float("nan"))]], pa.map_(pa.string(), pa.float64()))})
    assert read("jsonl", written("jsonl", table)) == [{"x": [["a", "NaN"]]}]


def test_a_float_that_is_no_number_is_no_null_in_json() -> None:
    table = pa.table({"x": [float("nan"), float("-inf"), None], "y": [[float("inf")], [], None]})
    rows = read("jsonl", written("jsonl", table))
    assert [row["x"] for row in rows] == ["NaN", "-Infinity", None]
    assert rows[0]["y"] == ["Infinity"]


@pytest.mark.parametrize("name", sorted(OUTPUTS))
def test_a_table_without_rows_is_a_valid_file(name: str) -> None:
    assert read(name, written(name, TABLE.slice(0, 0))) == []


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("orc", pa.array([time(1, 2, 3)], pa.time64("us"))),
        ("orc", pa.array([Decimal(1)], pa.decimal256(60, 2))),
        ("orc", pa.array([1], pa.duration("us"))),
        ("orc", pa.array([[time(1, 2, 3)]], pa.list_(pa.time64("us")))),
        ("orc", pa.array([[None]], pa.list_(pa.null()))),
        ("orc", pa.array([{"y": Decimal(1)}], pa.struct([("y", pa.decimal256(60, 2))]))),
        ("avro", pa.array([1], pa.timestamp("ns"))),
        ("avro", pa.array([1], pa.int64()).cast(pa.time64("ns"))),
        ("avro", pa.array([[("k", 1), ("k", 2)]], pa.map_(pa.string(), pa.int64()))),
    ],
)
def test_what_a_format_cannot_hold_exactly_is_refused_by_name(name: str, column: pa.Array) -> None:
    with pytest.raises(ConfigError, match=r"column 'x'|a map has one key twice"):
        written(name, pa.table({"x": column}))


FAR = {
    "day": (pa.date32(), [2_932_897, -719_163, 0, None]),  # 10000-01-01, and the day before year 1
    "at": (pa.timestamp("us", "UTC"), [253_402_300_800_000_000, -(1 << 60), 0, None]),
    "time": (pa.time64("us"), [86_400_000_000, 0, 1, None]),  # 24:00:00
    "fine": (pa.time64("ns"), [86_400_000_000_000, 86_399_999_999_000, 0, None]),
}


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("name", FAR)
def test_avro_holds_moments_that_python_does_not(tmp_path: Path, name: str, nested: bool) -> None:
    kind, ticks = FAR[name]
    column = pa.array(ticks, pa.int32() if pa.types.is_date32(kind) else pa.int64()).cast(kind)
    content = written("avro", pa.table({"x": pa.array([[one] for one in column]) if nested else column}))
    # Python's readers of Avro make dates and times of Python: Arrow's integers show what is there.
    [_, batch] = read_bytes(tmp_path, content, format="avro").batches
    found = batch.columns.column("x").flatten() if nested else batch.columns.column("x")
    counted = found.cast(pa.int32() if pa.types.is_date32(kind) else pa.int64()).to_pylist()
    assert counted == [None if one is None else one // (1_000 if name == "fine" else 1) for one in ticks]


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("day", ["10000-01-01", "0000-12-31", "1970-01-01", None]),
        ("time", ["24:00:00", "00:00:00", "00:00:00.000001", None]),
        ("fine", ["24:00:00", "23:59:59.999999000", "00:00:00", None]),
    ],
)
def test_json_lines_spell_moments_that_python_does_not_hold(name: str, texts: list[str | None]) -> None:
    kind, ticks = FAR[name]
    column = pa.array(ticks, pa.int32() if pa.types.is_date32(kind) else pa.int64()).cast(kind)
    table = pa.table({"x": column, "inside": pa.array([{"y": [one]} for one in column])})
    rows = read("jsonl", written("jsonl", table))
    assert [row["x"] for row in rows] == texts
    assert [row["inside"]["y"] for row in rows] == [[text] for text in texts]


def test_json_lines_keep_nanoseconds_far_moments_and_durations() -> None:
    table = pa.table(
        {
            "ns": pa.array([1, None], pa.timestamp("ns")),
            "far": pa.array([253_402_300_800_000_000, None], pa.timestamp("us", "UTC")),
            "near": pa.array([datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
            "for": pa.array([-1, None], pa.duration("ns")),
        }
    )
    [row, nothing] = read("jsonl", written("jsonl", table))
    assert row == {
        "ns": "1970-01-01T00:00:00.000000001",
        "far": "10000-01-01T00:00:00.000000Z",
        "near": "2024-01-02T03:04:05+00:00",
        "for": "PT-0.000000001S",
    }
    assert set(nothing.values()) == {None}


def test_avro_names_inside_a_structure_are_valid_too() -> None:
    content = written("avro", pa.table({"x": pa.array([{"a b": 1, "a-b": 2, "1": None}])}))
    assert read("avro", content) == [{"x": {"a_b": 1, "a_b_2": 2, "_1": None}}]


def test_avro_names_are_valid_and_the_delivered_ones_are_kept() -> None:
    table = pa.table({"trade id": [1], "trade-id": [2], "1st": [3]})
    content = written("avro", table)
    assert read("avro", content) == [{"trade_id": 1, "trade_id_2": 2, "_1st": 3}]
    schema: Any = fastavro.reader(io.BytesIO(content)).writer_schema
    assert [field["originalName"] for field in schema["fields"]] == ["trade id", "trade-id", "1st"]


def test_a_large_table_is_several_files_in_order(tmp_path: Path) -> None:
    table = pa.table({"n": list(range(10_000))})
    writer = DatasetWriter(folder=tmp_path, schema=table.schema, output=OUTPUTS.get("jsonl")(), max_file_bytes=20_000)
    with writing(writer):
        for batch in table.to_batches(max_chunksize=1000):
            writer.write(batch)
    assert len(writer.written) > 3
    texts = [json.loads(line)["n"] for file in writer.written for line in file.path.read_text().splitlines()]
    assert texts == list(range(10_000))


def test_partitions_are_folders_as_hive_names_them(tmp_path: Path) -> None:
    table = pa.table({"day": [date(2024, 1, 2), None, date(2024, 1, 2)], "v": ["a/b", "x", ".."], "n": [1, 2, 3]})
    writer = DatasetWriter(
        folder=tmp_path, schema=table.schema, output=OUTPUTS.get("parquet")(), partition_by=("day", "v")
    )
    with writing(writer):
        for batch in table.to_batches():
            writer.write(batch)
    folders = sorted(str(file.path.relative_to(tmp_path).parent) for file in writer.written)
    assert folders == ["day=2024-01-02/v=%2E.", "day=2024-01-02/v=a%2Fb", "day=__HIVE_DEFAULT_PARTITION__/v=x"]
    assert sum(file.row_count for file in writer.written) == 3


@pytest.mark.parametrize("name", FAR)
def test_partitions_keep_moments_that_python_does_not_hold(tmp_path: Path, name: str) -> None:
    kind, [tick, *_] = FAR[name]
    column = pa.array([tick], pa.int32() if pa.types.is_date32(kind) else pa.int64()).cast(kind)
    batch = pa.record_batch({"k": column, "v": [1]})
    output = OUTPUTS.get("parquet")()
    with writing(DatasetWriter(folder=tmp_path, schema=batch.schema, output=output, partition_by=("k",))) as writer:
        writer.write(batch)
    texts = {"day": "10000-01-01", "at": "10000-01-01T00%3A00%3A00.000000Z"}
    assert [one.path.parent.name for one in writer.written] == [f"k={texts.get(name, '24%3A00%3A00')}"]


def test_a_partition_that_no_folder_can_be_named_for_is_refused(tmp_path: Path) -> None:
    batch = pa.record_batch({"k": ["a" * 300], "v": [1]})
    output = OUTPUTS.get("parquet")()
    with (
        pytest.raises(ConfigError, match=r"column 'k' has the value 'aaa.* too long"),
        writing(DatasetWriter(folder=tmp_path, schema=batch.schema, output=output, partition_by=("k",))) as writer,
    ):
        writer.write(batch)


def test_partitioning_by_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no column 'x'"):
        DatasetWriter(folder=tmp_path, schema=TABLE.schema, output=OUTPUTS.get("parquet")(), partition_by=("x",))
