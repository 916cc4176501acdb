"""The quarantine's files."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from upath import UPath

from finport_ingestion.engine.rejects import (
    REJECT_SCHEMA,
    Masking,
    Reject,
    masked,
    raw_record_text,
    read_rejects,
    record_text,
    reject_batch,
    write_rejects,
)

REJECT = Reject(
    part="landing/a.csv",
    row=3,
    item="a.csv",
    stage="convert",
    column="amount",
    rule="type",
    value="12x4",
    reason="column 'amount': not decimal(18,2)",
    record=record_text({"amount": "12x4", "name": None}),
)


@pytest.mark.parametrize(
    ("value", "how", "shown"),
    [
        ("secret", "none", "secret"),
        ("secret", "partial", "s****t"),
        ("ab", "partial", "**"),
        ("", "partial", ""),
        ("secret", "full", "***"),
        (None, "full", None),
    ],
)
def test_values_are_masked_as_the_policy_says(value: str | None, how: Masking, shown: str | None) -> None:
    assert masked(value, how) == shown


def test_a_file_holds_the_whole_record_and_a_masked_value(tmp_path: Path) -> None:
    path = UPath(tmp_path) / "quarantine" / "convert-0000.parquet"
    part = write_rejects(path, [reject_batch([REJECT], mask="partial")], uri="quarantine/convert-0000.parquet")
    assert part is not None
    assert (part.row_count, part.size_bytes) == (1, path.stat().st_size)
    [row] = pq.read_table(str(path)).to_pylist()
    assert row["value"] == "1**4"
    assert json.loads(row["record"]) == {"amount": "12x4", "name": None}
    assert [batch.num_rows for batch in read_rejects(path)] == [1]
    assert pq.read_schema(str(path)).equals(REJECT_SCHEMA)


def test_without_rejects_there_is_no_file(tmp_path: Path) -> None:
    path = UPath(tmp_path) / "x.parquet"
    assert write_rejects(path, [reject_batch([], mask="none")], uri="x.parquet") is None
    assert not path.exists()


def test_a_record_without_fields_is_its_raw_text() -> None:
    assert json.loads(raw_record_text('1,"x')) == '1,"x'


def test_the_same_rejects_are_the_same_bytes(tmp_path: Path) -> None:
    first, second = UPath(tmp_path) / "a.parquet", UPath(tmp_path) / "b.parquet"
    for path in (first, second):
        write_rejects(path, [reject_batch([REJECT] * 5, mask="full")], uri=path.name)
    assert first.read_bytes() == second.read_bytes()
