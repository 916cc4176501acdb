"""ORC by stripes."""

from __future__ import annotations

import io
import secrets
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import orc
from upath import UPath

from finport_ingestion.engine.convert.formats.orc import OrcFormat, OrcOptions
from finport_ingestion.engine.convert.interface import Head, RawFile
from finport_ingestion.engine.convert.reading.orc_integers import bits, integers
from finport_ingestion.engine.convert.reading.orc_moments import moment_columns, read_moments
from finport_ingestion.engine.convert.reading.orc_tail import OrcTail
from finport_ingestion.engine.errors import FormatError

READER = OrcFormat(OrcOptions(format="orc"))


def raw_of(folder: Path, content: bytes, **more: Any) -> RawFile:
    path = folder / "delivered"
    path.write_bytes(content)
    return RawFile(path=UPath(path), uri="landing/delivered", size_bytes=len(content), **more)


def file_of(table: pa.Table, **options: Any) -> bytes:
    out = io.BytesIO()
    orc.write_table(table, out, **options)
    return out.getvalue()


def rows(folder: Path, content: bytes) -> list[dict[str, Any]]:
    return [row for batch in READER.read(raw_of(folder, content)) for row in batch.columns.to_pylist()]


def test_values_are_exact(tmp_path: Path) -> None:
    table = pa.table(
        {
            "money": pa.array([Decimal("-0.01"), Decimal(f"{'9' * 36}.99"), None], pa.decimal128(38, 2)),
            "id": ["0012", "", None],
            "day": [date(1, 1, 1), date(1899, 12, 31), date(9999, 12, 31)],
            "bytes": [b"\xff", b"", None],
            "big": pa.array([2**63 - 1, -(2**63), None]),
            "real": pa.array([0.1, -0.0, None], pa.float32()),
            "nested": pa.array(
                [[{"a": [("k", 1)]}], [], None], pa.list_(pa.struct([("a", pa.map_(pa.string(), pa.int8()))]))
            ),
        }
    )
    assert rows(tmp_path, file_of(table)) == table.to_pylist()


def test_clocks_are_naive_and_moments_are_utc(tmp_path: Path) -> None:
    ticks = [-2_208_988_800_000_000_001, 0, 1_704_141_296_123_456_789, -1]
    table = pa.table(
        {"t": pa.array(ticks).cast(pa.timestamp("ns")), "z": pa.array(ticks).cast(pa.timestamp("ns", "UTC"))}
    )
    [_, batch] = READER.read(raw_of(tmp_path, file_of(table)))
    assert [field.type for field in batch.columns.schema] == [pa.timestamp("ns"), pa.timestamp("ns", "UTC")]
    assert [column.cast(pa.int64()).to_pylist() for column in batch.columns.columns] == [ticks, ticks]


def moments(values: list[str | None], zone: str | None = None) -> pa.Array:
    return pa.array(values, pa.string()).cast(pa.timestamp("us")).cast(pa.timestamp("us", zone))


FAR = ["9999-12-31T23:59:59.999999", None, "0001-01-01T00:00:00", "2024-02-29T12:00:00.5", "1969-12-31T23:59:59.999"]


@pytest.mark.parametrize("compression", ["uncompressed", "zlib", "snappy", "lz4", "zstd"])
@pytest.mark.parametrize("version", ["0.11", "0.12"])
def test_years_that_nanoseconds_do_not_reach_are_exact(compression: str, version: str, tmp_path: Path) -> None:
    table = pa.table({"t": moments(FAR * 1_000), "n": pa.array(range(5_000)), "z": moments(FAR * 1_000, "UTC")})
    content = file_of(table, compression=compression, file_version=version)
    batches = list(READER.read(raw_of(tmp_path, content)))
    found = pa.Table.from_batches([batch.columns for batch in batches[1:]])
    assert found.equals(table)


def test_rows_before_and_behind_a_far_moment_in_a_large_stripe_are_given_once(tmp_path: Path) -> None:
    count, far = 200_000, 150_000
    texts = [f"2024-01-01T00:00:00.{number:06}" for number in range(count)]
    texts[far] = "9999-12-31T23:59:59.999999"
    table = pa.table({"n": pa.array(range(count)), "t": moments(list(texts))})
    content = file_of(table)
    assert orc.ORCFile(io.BytesIO(content)).nstripes == 1
    [_, *batches] = READER.read(raw_of(tmp_path, content))
    found = [batch.columns.column(1).cast(pa.timestamp("us")) for batch in batches]
    assert pa.chunked_array(found).equals(table.column("t"))
    assert [row for batch in batches for row in batch.rows.to_pylist()] == list(range(1, count + 1))
    assert [number for batch in batches for number in batch.columns.column(0).to_pylist()] == list(range(count))


@pytest.mark.parametrize("names", [["a.b", "a"], ["a`", "b"], ["a", "A"]])
def test_columns_are_told_apart_whatever_their_names(names: list[str], tmp_path: Path) -> None:
    table = pa.table([pa.array([1, 2]), pa.array(["x", None])], names=names)
    [_, batch] = READER.read(raw_of(tmp_path, file_of(table)))
    assert [column.to_pylist() for column in batch.columns.columns] == [[1, 2], ["x", None]]


def test_a_far_moment_in_a_nested_value_is_refused(tmp_path: Path) -> None:
    nested = pa.array([[value] for value in moments(FAR)], pa.list_(pa.timestamp("us")))
    with pytest.raises(FormatError, match="nested column has a timestamp"):
        rows(tmp_path, file_of(pa.table({"n": nested})))


@settings(deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.integers(-9_200_000_000 * 10**9, 9_200_000_000 * 10**9)), max_size=2_000),
    st.sampled_from(["0.11", "0.12"]),
)
def test_moments_decoded_here_are_those_that_arrow_decodes(values: list[int | None], version: str) -> None:
    plain = pa.array(values, pa.int64())
    near = [None if value is None else 1_700_000_000_000_000_000 + value % 7_000_000 * 1_000 for value in values]
    table = pa.table(
        {"t": plain.cast(pa.timestamp("ns")), "z": pa.array(near, pa.int64()).cast(pa.timestamp("ns", "UTC"))}
    )
    content = file_of(table, file_version=version)
    tail = OrcTail(io.BytesIO(content), size_bytes=len(content))
    for column in moment_columns(tail):
        found = [read_moments(tail, stripe, column) for stripe in tail.stripes]
        wanted = table.column(column.name)
        assert pa.chunked_array(found, found[0].type).cast(wanted.type).equals(wanted) if found else not values


def test_runs_of_every_kind_are_decoded() -> None:
    """The examples of the specification, with and without a sign."""
    second = {"signed": False, "second_version": True}
    assert integers(bytes([0x0A, 0x27, 0x10]), count=5, **second) == [10_000] * 5
    direct = bytes([0x5E, 0x03, 0x5C, 0xA1, 0xAB, 0x1E, 0xDE, 0xAD, 0xBE, 0xEF])
    assert integers(direct, count=4, **second) == [23_713, 43_806, 57_005, 48_879]
    patched = bytes([0x8E, 0x13, 0x2B, 0x21, 0x07, 0xD0, 0x1E, 0x00, 0x14, 0x70, 0x28, 0x32, 0x3C, 0x46, 0x50, 0x5A])
    patched += bytes([0x64, 0x6E, 0x78, 0x82, 0x8C, 0x96, 0xA0, 0xAA, 0xB4, 0xBE, 0xFC, 0xE8])
    wanted = [2030, 2000, 2020, 1_000_000, *range(2040, 2200, 10)]
    assert integers(patched, count=20, **second) == wanted
    delta = bytes([0xC6, 0x09, 0x02, 0x02, 0x22, 0x42, 0x42, 0x46])
    assert integers(delta, count=10, **second) == [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]
    first = {"signed": False, "second_version": False}
    assert integers(bytes([0x61, 0x00, 0x07]), count=100, **first) == [7] * 100
    assert integers(bytes([0xFB, 0x02, 0x03, 0x06, 0x07, 0x0B]), count=5, **first) == [2, 3, 6, 7, 11]
    assert bits(bytes([0xFF, 0x80]), count=8).tolist() == [True] + [False] * 7
    with pytest.raises(pa.ArrowInvalid, match="cut"):
        integers(delta, count=11, **second)


@pytest.mark.parametrize("compression", ["uncompressed", "zlib", "snappy", "lz4", "zstd"])
def test_stripes_come_in_order_and_in_batches_of_bounded_size(compression: str, tmp_path: Path) -> None:
    count = 300_000
    table = pa.table(
        {"n": pa.array(range(count)), "s": pa.array([f"text {number * 7919 % count}" for number in range(count)])}
    )
    content = file_of(table, compression=compression, stripe_size=1 << 19)
    assert orc.ORCFile(io.BytesIO(content)).nstripes > 1
    batches = list(READER.read(raw_of(tmp_path, content)))
    assert [value for batch in batches for value in batch.columns.column(0).to_pylist()] == list(range(count))
    assert [row for batch in batches for row in batch.rows.to_pylist()] == list(range(1, count + 1))
    assert max(batch.columns.num_rows for batch in batches) <= 65_536
    assert sum(batch.size_bytes for batch in batches) == pytest.approx(len(content), rel=0.01)


@settings(deadline=None)
@given(share=st.floats(0, 0.9999))
def test_a_cut_file_is_refused(share: float, tmp_path_factory: pytest.TempPathFactory) -> None:
    content = file_of(pa.table({"a": [f"{number}" for number in range(2_000)]}))
    with pytest.raises(FormatError, match="landing/delivered: "):
        rows(tmp_path_factory.mktemp("cut"), content[: int(len(content) * share)])


def test_a_file_of_no_rows_shows_its_types(tmp_path: Path) -> None:
    [batch] = READER.read(raw_of(tmp_path, file_of(pa.table({"a": pa.array([], pa.decimal128(9, 2))}))))
    assert batch.columns.schema == pa.schema([("a", pa.decimal128(9, 2))])
    assert list(READER.read(raw_of(tmp_path, b"", may_be_empty=True))) == []


def test_three_letters_of_a_text_are_no_orc() -> None:
    content = file_of(pa.table({"a": range(2_000)}))
    assert READER.recognises(Head(content=content, text="", whole=True)) is not None
    assert READER.recognises(Head(content=b"ORC,DEF\n1,2\n", text="ORC,DEF\n1,2\n", whole=True)) is None


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="counts the bytes read as Linux does")
def test_a_sample_does_not_read_the_file(tmp_path: Path) -> None:
    noise = pa.array([secrets.token_bytes(256) for _ in range(100_000)])
    raw = raw_of(tmp_path, file_of(pa.table({"noise": noise}), stripe_size=1 << 20))
    list(READER.sample(raw, size_bytes=1 << 20))  # what is imported on the way is read once
    before = _bytes_read()
    found = list(READER.sample(raw, size_bytes=1 << 20))
    assert sum(batch.columns.num_rows for batch in found) == 1_000
    assert _bytes_read() - before < raw.size_bytes // 2


def _bytes_read() -> int:
    return int(Path("/proc/self/io").read_text().split()[1])
