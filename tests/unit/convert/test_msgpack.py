"""MessagePack: typed as it stands, exact to the nanosecond, and refused with the byte where it breaks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgpack
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from upath import UPath

from finport_ingestion.engine.convert.formats.msgpack_records import MsgpackFormat, MsgpackOptions
from finport_ingestion.engine.convert.interface import Batch, Head, RawFile
from finport_ingestion.engine.errors import FormatError
from finport_ingestion.engine.limits import ReadLimits


def packed(*values: Any) -> bytes:
    return b"".join(msgpack.packb(value, datetime=True) for value in values)


def batches(folder: Path, content: bytes, **fields: Any) -> list[Batch]:
    path = folder / "in.msgpack"
    path.write_bytes(content)
    file = RawFile(path=UPath(path), uri="in.msgpack", size_bytes=len(content), **fields)
    return list(MsgpackFormat(MsgpackOptions(format="msgpack")).read(file))


def read(folder: Path, content: bytes, **fields: Any) -> list[dict[str, Any]]:
    return [row for batch in batches(folder, content, **fields) for row in batch.columns.to_pylist()]


def type_of(folder: Path, values: Sequence[Any]) -> pa.DataType:
    [batch] = batches(folder, packed([{"a": value} for value in values]))
    return batch.columns.schema.field("a").type


ROWS: list[dict[str, Any]] = [{"a": 1, "b": "x"}, {"a": 2, "b": None}, {"b": "z"}]


def test_an_array_of_maps_and_a_stream_of_maps_are_the_same(tmp_path: Path) -> None:
    expected = [{"a": 1, "b": "x"}, {"a": 2, "b": None}, {"a": None, "b": "z"}]
    assert read(tmp_path, packed(ROWS)) == expected
    assert read(tmp_path, packed(*ROWS)) == expected
    assert read(tmp_path, packed(ROWS[:2], ROWS[2:])) == expected
    assert read(tmp_path, packed([list(row.values()) for row in ROWS[:2]]))[1] == {"column_1": 2, "column_2": None}
    assert read(tmp_path, packed([])) == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, -5], pa.int64()),
        ([2**64 - 1, 1], pa.decimal128(38, 0)),
        ([1.5, None], pa.float64()),
        ([1.5, 2], pa.float64()),
        ([True, None], pa.bool_()),
        (["x"], pa.string()),
        ([b"\x00\xff"], pa.binary()),
        ([None], pa.string()),
        ([datetime(2024, 1, 1, tzinfo=UTC)], pa.timestamp("us", "UTC")),
        ([msgpack.Timestamp(1, 1)], pa.timestamp("ns", "UTC")),
        ([{"x": [1.5]}], pa.struct([("x", pa.list_(pa.float64()))])),
    ],
)
def test_values_keep_their_types(tmp_path: Path, values: list[Any], expected: pa.DataType) -> None:
    assert type_of(tmp_path, values) == expected


def test_timestamps_are_exact_in_every_width(tmp_path: Path) -> None:
    stamps = [msgpack.Timestamp(1), msgpack.Timestamp(2**33, 999_999_999), msgpack.Timestamp(-(2**32), 1)]
    [batch] = batches(tmp_path, packed([{"at": stamp} for stamp in stamps]))
    nanoseconds = [stamp.seconds * 10**9 + stamp.nanoseconds for stamp in stamps]
    assert batch.columns.column("at").cast(pa.int64()).to_pylist() == nanoseconds
    [batch] = batches(tmp_path, packed([{"at": msgpack.Timestamp(-62135596800)}]))
    assert batch.columns.column("at").to_pylist()[0].year == 1


def test_moments_that_no_unit_holds_together_are_text(tmp_path: Path) -> None:
    stamps = [msgpack.Timestamp(1, 1), msgpack.Timestamp(-62135596800)]
    rows = read(tmp_path, packed([{"at": stamp} for stamp in stamps]))
    assert [row["at"] for row in rows] == ["1970-01-01T00:00:01.000000001Z", "0001-01-01T00:00:00Z"]
    [batch] = batches(tmp_path, packed([{"a": 1}, {"at": msgpack.Timestamp(2**62)}]))
    assert [bad.rule for bad in batch.bad] == ["out_of_range"]


def test_a_timestamp_inside_a_list_has_the_unit_of_its_column(tmp_path: Path) -> None:
    [batch] = batches(tmp_path, packed([{"at": [msgpack.Timestamp(1, 500_000)]}]))
    assert batch.columns.column("at").to_pylist() == [[datetime(1970, 1, 1, 0, 0, 1, 500, tzinfo=UTC)]]


def test_a_column_of_several_kinds_is_kept_as_text_and_said(tmp_path: Path) -> None:
    [batch] = batches(tmp_path, packed([{"a": 1}, {"a": "x"}, {"a": [1, "y"]}]))
    assert batch.columns.column("a").to_pylist() == ["1", "x", '[1,"y"]']
    assert any("column 'a' mixes" in warning for warning in batch.warnings)


def test_integers_that_no_float_holds_are_not_made_floats(tmp_path: Path) -> None:
    rows = read(tmp_path, packed([{"a": 2**53 + 1}, {"a": 0.5}]))
    assert rows == [{"a": "9007199254740993"}, {"a": "0.5"}]


def test_unknown_extensions_are_kept_as_bytes_and_said(tmp_path: Path) -> None:
    [batch] = batches(tmp_path, packed([{"a": msgpack.ExtType(5, b"xy")}]))
    assert batch.columns.to_pylist() == [{"a": b"xy"}]
    assert "extension types (5)" in batch.warnings[0]


def doubled() -> bytes:
    return b"\x82" + packed("a") + packed(1) + packed("a") + packed(2)


@pytest.mark.parametrize(
    ("record", "rule"),
    [
        (packed(42), "not_a_record"),
        (packed(None), "not_a_record"),
        (doubled(), "duplicate_key"),
        (packed({"a": "x\0y"}), "nul_character"),
        (b"\x81\xa1a\xa2\xff\xfe", "encoding"),
        (packed({"a": [[[[[["deep"]]]]]]}), "nesting"),
    ],
)
def test_a_record_that_cannot_be_read_is_set_aside_with_its_byte(tmp_path: Path, record: bytes, rule: str) -> None:
    content = packed({"b": 1}) + record + packed({"b": 3})
    [batch] = batches(tmp_path, content, limits=ReadLimits.model_validate({"nesting": 4}))
    assert [row["b"] for row in batch.columns.to_pylist()] == [1, 3]
    assert batch.rows.to_pylist() == [1, 3]
    [bad] = batch.bad
    assert (bad.row, bad.rule) == (2, rule)
    assert bad.reason.startswith(f"record 2, byte {len(packed({'b': 1}))}: ")


@pytest.mark.parametrize(
    ("content", "at"),
    [
        (packed(ROWS)[:-1], len(packed(ROWS)) - len(packed(ROWS[2]))),
        (packed(*ROWS)[:-1], len(packed(*ROWS[:2]))),
        (packed(ROWS[0]) + b"\xc1", len(packed(ROWS[0]))),
        (b"\xdd\xff\xff\xff\xff" + packed({"a": 1}), 5 + len(packed({"a": 1}))),
        (packed(ROWS[0]) + b"\x81\xa1a\xdd\xff\xff\xff\xff", len(packed(ROWS[0]))),
        (packed(ROWS[0]) + b"\x81\xa1a" + b"\x91" * 5_000, len(packed(ROWS[0]))),
        (packed(ROWS[0]) + b"\x81\x90\x01", len(packed(ROWS[0]))),
    ],
    ids=["cut array", "cut stream", "no such byte", "array without end", "huge header", "deep", "array as a key"],
)
def test_what_is_cut_or_damaged_is_refused_with_the_byte(tmp_path: Path, content: bytes, at: int) -> None:
    with pytest.raises(FormatError, match=f"byte {at}: ") as caught:
        batches(tmp_path, content)
    assert caught.value.offset_bytes == at


def test_a_record_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    limits = ReadLimits.model_validate({"fieldBytes": 100})
    with pytest.raises(FormatError, match="byte 0: "):
        batches(tmp_path, packed({"a": "x" * 101}), limits=limits)


@pytest.mark.parametrize(
    ("content", "recognised"),
    [
        (packed(ROWS), True),
        (packed(*ROWS), True),
        (packed({"a": 1}), True),
        ("日本語のテキスト".encode("shift-jis"), False),
        (packed(1, 2, 3), False),
        (packed(["x"]), False),
        (b"a,b\n1,2\n", False),
        (b"", False),
    ],
)
def test_it_is_recognised_by_maps_with_names(content: bytes, recognised: bool) -> None:
    found = MsgpackFormat.recognises(Head(content=content, text="", whole=True))
    assert (found is not None and found.confidence >= 0.9) is recognised


@pytest.mark.parametrize("content", [packed([[1, "x"], [2, "y"]]), packed([{1: 2}]), packed({"a": 1}, None)])
def test_what_says_little_by_itself_is_recognised_with_its_name(content: bytes) -> None:
    assert MsgpackFormat.recognises(Head(content=content, text="", whole=True, name="in.msgpack")) is not None


def test_names_that_are_bytes_are_read_as_text(tmp_path: Path) -> None:
    assert read(tmp_path, packed([{b"isin": "x", b"\xff": 1}])) == [{"isin": "x", "ff": 1}]


_CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.binary(max_size=4)
)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.dictionaries(st.sampled_from("abc"), _CELLS, min_size=1), min_size=1, max_size=6))
def test_columns_of_one_kind_come_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]
) -> None:
    found = read(tmp_path_factory.mktemp("msgpack"), packed(rows))
    assert len(found) == len(rows)
    for name in {name for row in rows for name in row}:
        values = [row.get(name) for row in rows]
        if len({type(value) for value in values if value is not None}) == 1:
            assert [row[name] for row in found] == values
