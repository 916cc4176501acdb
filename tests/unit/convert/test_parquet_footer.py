"""Labels of a written Parquet file that change: the footer is made anew, and the file is as if it had been known."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from upath import UPath

from finport_ingestion.engine.convert.outputs.dataset import DatasetWriter, writing
from finport_ingestion.engine.convert.outputs.registry import OUTPUTS
from finport_ingestion.engine.parquet_file import write_parquet
from finport_ingestion.engine.parquet_footer import rewrite_footer

_KINDS = {
    "side": pa.string(),
    "price": pa.decimal128(12, 2),
    "legs": pa.list_(pa.struct([("at", pa.timestamp("us", "UTC"))])),
    "wide": pa.decimal256(76, 3),
}
_BATCH = {
    "side": ["BUY", None, "SELL"] * 100,
    "price": [Decimal("1.25")] * 300,
    "legs": [[{"at": 5}], [], None] * 100,
    "wide": [Decimal("1.5")] * 300,
}


def schema(**labels: str) -> pa.Schema:
    return pa.schema(
        [
            pa.field(name, kind, metadata={"label": labels[name]} if name in labels else None)
            for name, kind in _KINDS.items()
        ]
    )


def written(path: Path, of: pa.Schema, *, batches: int = 2) -> bytes:
    with write_parquet(UPath(path), of) as sink:
        for _ in range(batches):
            sink.write(pa.record_batch(_BATCH, of))
    return path.read_bytes()


@pytest.mark.parametrize("batches", [0, 2])
def test_the_file_is_as_if_its_labels_had_been_known(tmp_path: Path, batches: int) -> None:
    before = written(tmp_path / "old.parquet", schema(side="enumeration"), batches=batches)
    wanted = written(tmp_path / "wanted.parquet", schema(price="percent", legs="x"), batches=batches)
    old, new = UPath(tmp_path / "old.parquet"), UPath(tmp_path / "new.parquet")
    done = rewrite_footer(old, new, schema(price="percent", legs="x"))
    assert new.read_bytes() == wanted
    assert (done.size_bytes, done.sha256) == (len(wanted), hashlib.sha256(wanted).hexdigest())
    assert old.read_bytes() == before
    rewrite_footer(old, old, schema(price="percent", legs="x"))
    assert old.read_bytes() == wanted
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.parquet", "old.parquet", "wanted.parquet"]


def test_another_schema_is_refused_and_the_file_stays(tmp_path: Path) -> None:
    before = written(tmp_path / "old.parquet", schema(side="enumeration"))
    other = pa.schema([pa.field("side", pa.int64()), *list(schema())[1:]])
    with pytest.raises(RuntimeError):
        rewrite_footer(UPath(tmp_path / "old.parquet"), UPath(tmp_path / "old.parquet"), other)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [before]


@pytest.mark.parametrize(("name", "possible"), [("parquet", True), ("avro", True), ("jsonl", True), ("orc", False)])
def test_files_of_a_table_get_other_labels_where_that_needs_no_record(
    tmp_path: Path, name: str, possible: bool
) -> None:
    kinds = [("side", "SELL"), ("venue", "XNAS")]
    plain = pa.schema([pa.field(name, pa.string()) for name, _ in kinds])
    told = pa.schema([pa.field(name, pa.string(), metadata={"label": "enumeration"}) for name, _ in kinds])
    writer = DatasetWriter(folder=tmp_path, schema=plain, output=OUTPUTS.get(name)(), partition_by=("venue",))
    with writing(writer):
        writer.write(pa.record_batch({name: [value] * 3 for name, value in kinds}, plain))
    assert writer.relabel(told) is possible
    [file] = writer.written
    assert file.size_bytes == file.path.stat().st_size
    if name == "parquet":
        assert pq.read_schema(file.path).equals(told.remove(1), check_metadata=True)
        assert pq.read_table(file.path, partitioning=None).to_pylist() == [{"side": "SELL"}] * 3
