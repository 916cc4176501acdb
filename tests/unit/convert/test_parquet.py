"""Parquet: moments of 96 bits, encrypted and hostile files, nested values."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from upath import UPath

from finport_ingestion.engine.convert.formats.parquet import ParquetFormat, ParquetOptions
from finport_ingestion.engine.convert.interface import Head, RawFile
from finport_ingestion.engine.convert.reading.int96 import _joined
from finport_ingestion.engine.errors import FormatError

READER = ParquetFormat(ParquetOptions(format="parquet"))
EPOCH_DAY = 2_440_588  # Julian
DAY_NS = 86_400_000_000_000


def raw_of(folder: Path, content: bytes, **more: Any) -> RawFile:
    path = folder / "delivered"
    path.write_bytes(content)
    return RawFile(path=UPath(path), uri="landing/delivered", size_bytes=len(content), **more)


def file_of(table: pa.Table, **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


def rows(folder: Path, content: bytes) -> list[dict[str, Any]]:
    return [row for batch in READER.read(raw_of(folder, content)) for row in batch.columns.to_pylist()]


def int96_file(values: Sequence[tuple[int, int]], *, nested: bool = False) -> bytes:
    """A file whose INT96 are these Julian days and nanoseconds: those of a writer, replaced."""
    marks = [1_000_000 + at for at in range(len(values))]  # seconds that are nowhere else in the file
    moments = pa.array(marks, pa.int64()).cast(pa.timestamp("s"))
    column = pa.array([[mark] for mark in moments]) if nested else moments
    table = pa.table({"n": pa.array(range(len(values))), "t": column})
    content = file_of(
        table, use_deprecated_int96_timestamps=True, use_dictionary=False, compression="none", store_schema=False
    )
    for mark, (day, time_of_day) in zip(marks, values, strict=True):
        old = struct.pack("<qi", mark % 86_400 * 1_000_000_000, EPOCH_DAY + mark // 86_400)
        assert content.count(old) == 1
        content = content.replace(old, struct.pack("<qi", time_of_day, day))
    return content


def moments_of(folder: Path, content: bytes) -> tuple[pa.DataType, list[int]]:
    [_, batch] = READER.read(raw_of(folder, content))
    found = batch.columns.column("t")
    return found.type, found.cast(pa.int64()).to_pylist()


def julian(micros: int) -> tuple[int, int]:
    days, rest = divmod(micros, DAY_NS // 1_000)
    return EPOCH_DAY + days, rest * 1_000


YEARS = [-62_135_596_800_000_000, -1, 0, 1_704_141_296_123_456, 253_402_300_799_999_999]  # of 1 to 9999


def test_moments_of_96_bits_are_exact_in_every_year(tmp_path: Path) -> None:
    found = moments_of(tmp_path, int96_file([julian(micros) for micros in YEARS]))
    assert found == (pa.timestamp("us"), YEARS)


def test_moments_that_spark_wrapped_are_the_moments_that_it_meant(tmp_path: Path) -> None:
    """The year 290000, as parquet-testing's int96_from_spark.parquet has it, and its neighbours."""
    for meant in (9_089_380_393_200_000_000, 9_089_380_393_200_000_001, 2**63 - 1):
        wrapped = (meant + EPOCH_DAY * DAY_NS // 1_000 + 2**63) % 2**64 - 2**63
        day, rest = divmod(-wrapped, DAY_NS // 1_000)
        content = int96_file([(-day, -rest * 1_000), julian(0)])
        assert moments_of(tmp_path, content) == (pa.timestamp("us"), [meant, 0])


def test_nanoseconds_are_kept_where_there_are_some(tmp_path: Path) -> None:
    kind, found = moments_of(tmp_path, int96_file([(EPOCH_DAY, 1), (EPOCH_DAY + 1, 2_000)]))
    assert (kind, found) == (pa.timestamp("ns"), [1, DAY_NS + 2_000])
    [_, batch] = READER.read(raw_of(tmp_path, int96_file([(EPOCH_DAY + 2_932_896, 1)])))
    assert batch.columns.column("t").to_pylist() == ["9999-12-31T00:00:00.000000001"]


def test_moments_in_a_list_are_exact_or_refused(tmp_path: Path) -> None:
    content = int96_file([julian(1_704_141_296_123_456)], nested=True)
    [_, batch] = READER.read(raw_of(tmp_path, content))
    assert batch.columns.column("t").flatten().cast(pa.int64()).to_pylist() == [1_704_141_296_123_456_000]
    with pytest.raises(FormatError, match="column 't' has INT96 timestamps in a nested value"):
        rows(tmp_path, int96_file([julian(YEARS[-1])], nested=True))


@settings(deadline=None)
@given(st.lists(st.integers(-62_135_596_800_000_000_000, 253_402_300_799_999_999_999), max_size=30))
def test_seconds_and_wrapped_nanoseconds_are_the_moment(nanoseconds: list[int]) -> None:
    seconds = pa.array([value // 1_000_000_000 for value in nanoseconds], pa.int64()).cast(pa.timestamp("s"))
    wrapped = [(value + 2**63) % 2**64 - 2**63 for value in nanoseconds]
    found = _joined(seconds, pa.array(wrapped, pa.int64()).cast(pa.timestamp("ns")))
    if pa.types.is_string(found.type):
        exact = [int(np.datetime64(text[:-10], "s").astype(int)) * 10**9 + int(text[-9:]) for text in found.to_pylist()]
    else:
        per_tick = {"us": 1_000, "ns": 1}[found.type.unit]
        exact = [value * per_tick for value in found.cast(pa.int64()).to_pylist()]
    assert exact == nanoseconds


def test_an_encrypted_file_is_refused_for_want_of_a_key(tmp_path: Path) -> None:
    whole = b"PARE" + bytes(100) + b"PARE"
    with pytest.raises(FormatError, match="encrypted Parquet file, and there is no key") as caught:
        rows(tmp_path, whole)
    assert caught.value.hint
    likeness = READER.recognises(Head(content=whole, text="", whole=True))
    assert likeness is not None
    assert "encrypted" in likeness.reason


def test_encrypted_columns_under_an_open_footer_are_refused_too(tmp_path: Path) -> None:
    plain = file_of(pa.table({"a": [1]}))
    length = int.from_bytes(plain[-8:-4], "little")
    signed = plain[:-8] + bytes(28) + (length + 28).to_bytes(4, "little") + b"PAR1"
    with pytest.raises(FormatError, match="encrypted Parquet file, and there is no key"):
        rows(tmp_path, signed)


def test_a_few_bytes_that_unfold_to_gigabytes_are_refused(tmp_path: Path) -> None:
    text = "x" * (40 << 20)
    table = pa.table({"a": [text] * 8})
    content = file_of(table, use_dictionary=False, compression="zstd", write_statistics=False)
    with pytest.raises(FormatError, match="unfolds from"):
        rows(tmp_path, content)


def test_nested_values_stay_nested(tmp_path: Path) -> None:
    kind = pa.list_(pa.struct([("k", pa.map_(pa.string(), pa.list_(pa.int32()))), ("d", pa.decimal128(5, 2))]))
    values = [[{"k": [("a", [1, None])], "d": Decimal("1.10")}, None], None, []]
    assert [row["x"] for row in rows(tmp_path, file_of(pa.table({"x": pa.array(values, kind)})))] == values


def test_bytes_without_a_mark_of_text_stay_bytes(tmp_path: Path) -> None:
    content = file_of(pa.table({"a": [b"1"], "f": pa.array([b"abc"], pa.binary(3))}), store_schema=False)
    assert rows(tmp_path, content) == [{"a": b"1", "f": b"abc"}]


def test_what_arrow_wrote_into_the_file_is_unpacked(tmp_path: Path) -> None:
    table = pa.table(
        {
            "d": pa.array(["x", "y", "x"]).dictionary_encode(),
            "h": pa.array([np.float16(0.5)] * 3),
            "t": pa.array([date(2024, 1, 1)] * 3, pa.date64()),
        }
    )
    [_, batch] = READER.read(raw_of(tmp_path, file_of(table)))
    assert [str(field.type) for field in batch.columns.schema] == ["string", "float", "date32[day]"]
    assert batch.columns.to_pylist()[1] == {"d": "y", "h": 0.5, "t": date(2024, 1, 1)}


def test_names_that_are_there_twice_are_told_apart(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    assert rows(tmp_path, file_of(table)) == [{"a": 1, "a_2": 2}]


def test_texts_that_are_no_utf8_are_refused(tmp_path: Path) -> None:
    table = pa.table({"a": ["abcdefgh"]})
    content = file_of(table, compression="none", use_dictionary=False, write_statistics=False)
    with pytest.raises(FormatError, match="Invalid UTF8"):
        rows(tmp_path, content.replace(b"abcdefgh", b"abcd\xff\xfegh"))


@settings(deadline=None)
@given(share=st.floats(0, 0.9999))
def test_a_cut_file_is_refused(share: float, tmp_path_factory: pytest.TempPathFactory) -> None:
    content = file_of(pa.table({"a": range(2_000)}), row_group_size=500)
    with pytest.raises(FormatError, match="landing/delivered: "):
        rows(tmp_path_factory.mktemp("cut"), content[: int(len(content) * share)])


def test_a_page_whose_checksum_does_not_fit_is_refused(tmp_path: Path) -> None:
    table = pa.table({"a": [1_234_567_890, 5]})
    content = file_of(table, compression="none", use_dictionary=False, write_page_checksum=True, write_statistics=False)
    damaged = content.replace(struct.pack("<q", 1_234_567_890), struct.pack("<q", 1_234_567_891))
    assert damaged != content
    assert rows(tmp_path, content) == table.to_pylist()
    with pytest.raises(FormatError, match="CRC checksum verification failed"):
        rows(tmp_path, damaged)


def test_a_footer_that_states_another_number_of_rows_is_refused(tmp_path: Path) -> None:
    content = file_of(pa.table({"a": [None] * 12_345}))
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    at = content.index(b"\xf2\xc0\x01", footer)  # 12345 as Thrift writes it: of the file, before its row groups'
    with pytest.raises(FormatError, match="it says that it has 12344 rows, and holds 12345"):
        rows(tmp_path, content[:at] + b"\xf0\xc0\x01" + content[at + 3 :])


def test_rows_that_only_the_row_groups_state_are_read_and_told(tmp_path: Path) -> None:
    content = file_of(pa.table({"a": ["x"] * 12_345}))
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    at = content.index(b"\xf2\xc0\x01", footer)
    shorter = content[:at] + b"\x80\x80\x00" + content[at + 3 :]  # 0, in as many bytes
    batches = list(READER.read(raw_of(tmp_path, shorter)))
    assert sum(batch.columns.num_rows for batch in batches) == 12_345
    assert "states no rows, and 12345 in row groups" in batches[0].warnings[0]


def test_rows_of_many_groups_come_in_order(tmp_path: Path) -> None:
    content = file_of(pa.table({"a": range(150_000)}), row_group_size=1_000)
    batches = list(READER.read(raw_of(tmp_path, content)))
    assert [value for batch in batches for value in batch.columns.column(0).to_pylist()] == list(range(150_000))
    assert [row for batch in batches for row in batch.rows.to_pylist()] == list(range(1, 150_001))
    assert sum(batch.size_bytes for batch in batches) == pytest.approx(len(content), rel=0.01)


def test_a_file_of_no_rows_shows_its_types(tmp_path: Path) -> None:
    [batch] = READER.read(raw_of(tmp_path, file_of(pa.table({"a": pa.array([], pa.decimal128(9, 2))}))))
    assert batch.columns.schema == pa.schema([("a", pa.decimal128(9, 2))])
    assert list(READER.read(raw_of(tmp_path, b"", may_be_empty=True))) == []
