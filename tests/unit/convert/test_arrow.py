"""Arrow files and streams: what only Arrow has is unpacked, and nothing of it lost."""

from __future__ import annotations

import ctypes
import io
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
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

from finport_ingestion.engine.convert.formats.arrow_file import ArrowFileFormat, ArrowFileOptions
from finport_ingestion.engine.convert.formats.arrow_stream import ArrowStreamFormat, ArrowStreamOptions
from finport_ingestion.engine.convert.interface import Batch, Head, RawFile
from finport_ingestion.engine.convert.reading.plain_types import plain
from finport_ingestion.engine.convert.reading.value_texts import as_texts
from finport_ingestion.engine.convert.typed import cast_typed, look_typed
from finport_ingestion.engine.errors import FormatError

FILE = ArrowFileFormat(ArrowFileOptions(format="arrow"))
STREAM = ArrowStreamFormat(ArrowStreamOptions(format="arrow_stream"))


def raw_of(folder: Path, content: bytes, **more: Any) -> RawFile:
    path = folder / "delivered"
    path.write_bytes(content)
    return RawFile(path=UPath(path), uri="landing/delivered", size_bytes=len(content), **more)


def file_of(table: pa.Table, **options: Any) -> bytes:
    out = io.BytesIO()
    with pa.ipc.new_file(out, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return out.getvalue()


def stream_of(table: pa.Table, *, rows: int | None = None) -> bytes:
    out = io.BytesIO()
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table, max_chunksize=rows)
    return out.getvalue()


def column_of(batches: Iterator[Batch]) -> list[Any]:
    return [value for batch in batches for value in batch.columns.column(0).to_pylist()]


def dictionary_in_list() -> pa.Array:
    return pa.ListArray.from_arrays(pa.array([0, 2], pa.int32()), pa.array(["a", "a"]).dictionary_encode())


UNIONS = [pa.array([1, 2]), pa.array([None, [1, None]], pa.list_(pa.int8()))]
CASES: dict[str, tuple[pa.Array, list[Any]]] = {
    "dictionary": (pa.array(["a", None, "a"]).dictionary_encode(), ["a", None, "a"]),
    "dictionary in a list": (dictionary_in_list(), [["a", "a"]]),
    "run ends": (
        pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array(["a", None])),
        ["a", "a", None],
    ),
    "string view": (
        pa.array(["a", None, "long enough to lie outside"], pa.string_view()),
        ["a", None, "long enough to lie outside"],
    ),
    "binary view": (pa.array([b"\xff", None], pa.binary_view()), [b"\xff", None]),
    "list view": (pa.array([[1, None], None, []], pa.list_view(pa.int8())), [[1, None], None, []]),
    "large list": (pa.array([["a"], None], pa.large_list(pa.large_string())), [["a"], None]),
    "fixed list": (pa.array([[1, 2], None], pa.list_(pa.int8(), 2)), [[1, 2], None]),
    "map": (
        pa.array([[("a", [1])], None, []], pa.map_(pa.string(), pa.large_list(pa.int8()))),
        [[("a", [1])], None, []],
    ),
    "struct": (pa.array([{"a": "x"}, None], pa.struct([("a", pa.large_string())])), [{"a": "x"}, None]),
    "dense union": (
        pa.UnionArray.from_dense(pa.array([0, 1, 1], pa.int8()), pa.array([1, 0, 1], pa.int32()), UNIONS),
        ["2", None, "[1,null]"],
    ),
    "sparse union": (
        pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["a", "b"])]),
        ["1", "b"],
    ),
    "interval": (pa.array([pa.MonthDayNano([14, -3, -1_500_000_000]), None]), ["P14M-3DT-1.5S", None]),
    "duration": (pa.array([1, None], pa.duration("s")), [timedelta(seconds=1), None]),
    "small decimal": (pa.array([Decimal("1.23"), None], pa.decimal32(5, 2)), [Decimal("1.23"), None]),
    "large decimal": (pa.array([Decimal(10) ** 70], pa.decimal256(76, 2)), [Decimal(10) ** 70]),
    "decimal of hundreds": (pa.array([Decimal("1.2E3")], pa.decimal128(5, -2)), [Decimal(1200)]),
    "half": (pa.array([np.float16(0.1), None]), [0.0999755859375, None]),
    "uuid": (
        pa.ExtensionArray.from_storage(pa.uuid(), pa.array([bytes(range(16)), None], pa.binary(16))),
        ["00010203-0405-0607-0809-0a0b0c0d0e0f", None],
    ),
    "bool of 8 bits": (
        pa.ExtensionArray.from_storage(pa.bool8(), pa.array([2, 0, None], pa.int8())),
        [True, False, None],
    ),
    "json": (pa.ExtensionArray.from_storage(pa.json_(), pa.array(['{"a": 1.10}'])), ['{"a": 1.10}']),
    "seconds": (
        pa.array([253402214400, -62135596800], pa.int64()).view(pa.timestamp("s")),
        [datetime.fromisoformat("9999-12-31"), datetime.fromisoformat("0001-01-01")],
    ),
    "seconds of any year": (
        pa.array([9_223_372_036_855, None], pa.int64()).view(pa.timestamp("s", "UTC")),
        ["294247-01-10T04:00:55Z", None],
    ),
    "date of milliseconds": (pa.array([date(1, 1, 1), None], pa.date64()), [date(1, 1, 1), None]),
    "nothing": (pa.nulls(2), [None, None]),
    "struct of nothing": (pa.array([{}, None], pa.struct([])), ["{}", None]),
}


@pytest.mark.parametrize("case", CASES)
def test_every_type_has_a_stored_one_with_the_same_values(case: str, tmp_path: Path) -> None:
    values, wanted = CASES[case]
    table = pa.table([values], schema=pa.schema([pa.field("a", values.type)]))
    for reader, content in ((FILE, file_of(table)), (STREAM, stream_of(table))):
        batches = list(reader.read(raw_of(tmp_path, content)))
        assert column_of(iter(batches)) == wanted
        for batch in batches:
            found = batch.columns.column(0)
            stored = cast_typed(found, look_typed(found).unified).values
            if not pa.types.is_null(stored.type):
                pq.write_table(pa.table({"a": stored}), io.BytesIO())


@pytest.mark.parametrize("case", [case for case in CASES if "union" not in case])
def test_a_piece_of_an_array_is_as_the_whole(case: str) -> None:
    values, wanted = CASES[case]
    if pa.types.is_run_end_encoded(values.type):
        assert plain(values.slice(1)).to_pylist() == wanted[1:]
        return
    twice = pa.concat_arrays([values, values])
    assert plain(twice.slice(1)).to_pylist() == [*wanted, *wanted][1:]
    assert plain(twice.slice(1, 0)).to_pylist() == []


def test_names_are_unique_in_nested_values_too(tmp_path: Path) -> None:
    members = [pa.array([1], pa.int32()), pa.array(["x"])]
    struct = pa.StructArray.from_arrays(members, names=["", ""])
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2]), struct], names=["n", "n", "s"])
    [_, found] = FILE.read(raw_of(tmp_path, file_of(table)))
    assert found.columns.to_pylist() == [{"n": 1, "n_2": 2, "s": {"column_1": 1, "column_2": "x"}}]
    assert found.originals == {"n_2": "n"}


def test_a_decimal_with_more_digits_than_its_type_gets_the_type_it_needs(tmp_path: Path) -> None:
    small = pa.Array.from_buffers(
        pa.decimal128(3, 2), 3, pa.array([Decimal("128.10"), None, Decimal("1.00")], pa.decimal128(38, 2)).buffers()
    )
    large = pa.Array.from_buffers(
        pa.decimal128(38, 2), 3, [None, pa.py_buffer(b"\xff" * 15 + b"\x7f" + bytes(15) + b"\x80" + bytes(16))]
    )
    [_, found] = FILE.read(raw_of(tmp_path, file_of(pa.table({"a": small, "b": large}))))
    assert found.columns.column("a").to_pylist() == [Decimal("128.10"), None, Decimal("1.00")]
    digits = [str(value).replace(".", "") for value in found.columns.column("b").to_pylist()]
    assert digits == [str(2**127 - 1), str(-(2**127)), "000"]


@pytest.mark.parametrize(("scale", "text"), [(-60, "-15" + "0" * 60), (90, "-0." + "0" * 88 + "15")])
def test_a_decimal_of_more_digits_than_any_type_is_exact_text(scale: int, text: str) -> None:
    unscaled = pa.array([7, -15, None]).cast(pa.decimal128(20, 0))
    values = pa.Array.from_buffers(pa.decimal128(38, scale), 3, unscaled.buffers())
    assert plain(values).to_pylist()[1:] == [text, None]
    assert plain(values.slice(1)).to_pylist() == [text, None]


@pytest.mark.parametrize("dense", [False, True])
def test_moments_that_python_does_not_hold_are_exact_texts_in_a_union(dense: bool) -> None:
    far = pa.array([253_402_300_800_000_000, 0, None], pa.int64()).cast(pa.timestamp("us"))
    codes, words = pa.array([0, 1, 0], pa.int8()), pa.array(["a", "b", "c"])
    if dense:
        union = pa.UnionArray.from_dense(codes, pa.array([0, 1, 2], pa.int32()), [far, words])
    else:
        union = pa.UnionArray.from_sparse(codes, [far, words])
    assert plain(union).to_pylist() == ["10000-01-01T00:00:00.000000", "b", None]
    assert plain(union.slice(1)).to_pylist() == ["b", None]


def test_moments_that_python_does_not_hold_are_exact_in_json() -> None:
    times = pa.array([86_400_000_000_000, 1, None], pa.int64()).cast(pa.time64("ns"))
    days = pa.array([2_932_897, 0, None], pa.int32()).cast(pa.date32())
    struct = pa.StructArray.from_arrays([pa.array([[one] for one in times]), days], names=["t", "d"])
    assert as_texts(struct).to_pylist() == [
        '{"t":["24:00:00"],"d":"10000-01-01"}',
        '{"t":["00:00:00.000000001"],"d":"1970-01-01"}',
        '{"t":[null],"d":null}',
    ]


class _CField(ctypes.Structure):
    """The beginning of a field as Arrow hands it to others, which names types that its Python does not."""

    _fields_ = [("format", ctypes.c_char_p), ("rest", ctypes.c_byte * 64)]


@pytest.mark.parametrize("code", [b"tiM", b"tiD"], ids=["months", "days and milliseconds"])
@pytest.mark.parametrize("nested", [False, True])
def test_an_interval_that_arrow_has_no_python_for_is_refused_by_name(code: bytes, nested: bool, tmp_path: Path) -> None:
    exported = _CField()
    pa.field("x", pa.int32())._export_to_c(ctypes.addressof(exported))
    exported.format = code
    field = pa.Field._import_from_c(ctypes.addressof(exported))
    schema = pa.schema([pa.field("x", pa.list_(field)) if nested else field])
    out = io.BytesIO()
    pa.ipc.new_stream(out, schema).close()
    with pytest.raises(FormatError, match="column 'x' is of an Arrow type that nothing here reads"):
        list(STREAM.read(raw_of(tmp_path, out.getvalue())))


def test_a_decimal_that_would_be_a_text_of_zeros_is_refused(tmp_path: Path) -> None:
    unscaled = pa.array([7]).cast(pa.decimal128(20, 0))
    values = pa.Array.from_buffers(pa.decimal128(38, 2_000_000_000), 1, unscaled.buffers())
    with pytest.raises(FormatError, match="2000000000 digits behind the point"):
        list(FILE.read(raw_of(tmp_path, file_of(pa.table({"a": values})))))


def test_a_date_with_a_time_of_day_is_a_date_and_is_told(tmp_path: Path) -> None:
    values = pa.array([86_400_000, 86_400_001], pa.int64()).view(pa.date64())
    [_, found] = FILE.read(raw_of(tmp_path, file_of(pa.table({"d": values}))))
    assert found.columns.column("d").to_pylist() == [date(1970, 1, 2), date(1970, 1, 2)]
    assert "column 'd'" in found.warnings[0]


def test_the_end_of_a_day_keeps_its_number(tmp_path: Path) -> None:
    values = pa.array([86_400, 1], pa.int32()).view(pa.time32("s"))
    [_, found] = FILE.read(raw_of(tmp_path, file_of(pa.table({"t": values}))))
    stored = cast_typed(found.columns.column("t"), pa.time64("us")).values
    assert stored.cast(pa.int64()).to_pylist() == [86_400_000_000, 1_000_000]
    assert cast_typed(found.columns.column("t"), pa.string()).values.to_pylist() == ["24:00:00", "00:00:01"]


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_compressed_files_are_read(compression: str, tmp_path: Path) -> None:
    content = file_of(pa.table({"a": ["x"] * 10_000}), compression=compression)
    assert column_of(FILE.read(raw_of(tmp_path, content))) == ["x"] * 10_000


def test_batches_are_small_and_rows_are_counted_on(tmp_path: Path) -> None:
    batches = list(FILE.read(raw_of(tmp_path, file_of(pa.table({"a": range(200_000)})))))
    assert [batch.columns.num_rows for batch in batches] == [0, 65_536, 65_536, 65_536, 3_392]
    assert [batch.rows[0].as_py() for batch in batches[1:]] == [1, 65_537, 131_073, 196_609]
    long = list(STREAM.read(raw_of(tmp_path, stream_of(pa.table({"a": ["x" * 100_000] * 2_000})))))
    assert max(batch.columns.nbytes for batch in long) < 70 << 20
    assert sum(batch.size_bytes for batch in long) > 190 << 20


@settings(deadline=None)
@given(share=st.floats(0, 0.999))
def test_a_cut_file_is_refused(share: float, tmp_path_factory: pytest.TempPathFactory) -> None:
    content = file_of(pa.table({"a": ["x"] * 1_000}))
    raw = raw_of(tmp_path_factory.mktemp("cut"), content[: int(len(content) * share)])
    with pytest.raises(FormatError, match="landing/delivered: "):
        list(FILE.read(raw))


def test_a_stream_without_its_end_mark_is_told(tmp_path: Path) -> None:
    content = stream_of(pa.table({"a": range(30)}), rows=10)
    assert not [said for batch in STREAM.read(raw_of(tmp_path, content)) for said in batch.warnings]
    cut = list(STREAM.read(raw_of(tmp_path, content[:-8])))
    assert column_of(iter(cut)) == list(range(30))
    assert "no end mark" in cut[0].warnings[0]
    with pytest.raises(FormatError):
        list(STREAM.read(raw_of(tmp_path, content[:-20])))


def test_streams_one_behind_the_other_are_all_read(tmp_path: Path) -> None:
    one, other = stream_of(pa.table({"a": [1, 2]})), stream_of(pa.table({"a": [3]}))
    assert column_of(STREAM.read(raw_of(tmp_path, one + other + one + bytes(16)))) == [1, 2, 3, 1, 2]


def test_what_is_no_stream_of_the_same_columns_behind_the_end_mark_is_refused(tmp_path: Path) -> None:
    one = stream_of(pa.table({"a": [1, 2]}))
    with pytest.raises(FormatError, match=f"a stream of another schema begins at byte {len(one)}"):
        column_of(STREAM.read(raw_of(tmp_path, one + stream_of(pa.table({"b": [1]})))))
    with pytest.raises(FormatError, match="not readable as an Arrow stream"):
        column_of(STREAM.read(raw_of(tmp_path, one + b"and more")))


def test_the_end_of_a_day_keeps_its_number_in_a_list_too(tmp_path: Path) -> None:
    times = pa.array([86_400_000_000, None], pa.int64()).cast(pa.time64("us"))
    lists = pa.ListArray.from_arrays(pa.array([0, 2], pa.int32()), times)
    column = pa.StructArray.from_arrays([lists], names=["times"])
    [_, batch] = FILE.read(raw_of(tmp_path, file_of(pa.table({"a": column}))))
    assert batch.columns.column(0).field(0).flatten().cast(pa.int64()).to_pylist() == [86_400_000_000, None]


def test_texts_that_are_no_utf8_are_refused(tmp_path: Path) -> None:
    content = stream_of(pa.table({"a": ["abcdefgh"]})).replace(b"abcdefgh", b"abcd\xff\xfegh")
    with pytest.raises(FormatError, match="Invalid UTF8"):
        list(STREAM.read(raw_of(tmp_path, content)))


def test_feather_of_version_1_is_refused_with_the_fix(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="Feather file of version 1") as caught:
        list(FILE.read(raw_of(tmp_path, b"FEA1" + bytes(64))))
    assert "version 2" in str(caught.value.hint)


def test_nothing_is_nothing_where_it_may_be(tmp_path: Path) -> None:
    assert list(FILE.read(raw_of(tmp_path, b"", may_be_empty=True))) == []
    assert list(STREAM.read(raw_of(tmp_path, b"", may_be_empty=True))) == []
    with pytest.raises(FormatError, match="is empty"):
        list(STREAM.read(raw_of(tmp_path, b"")))


def head_of(content: bytes) -> Head:
    return Head(content=content, text="", whole=False)


def test_files_and_streams_are_told_by_their_first_bytes() -> None:
    table = pa.table({"a": pa.array([1]), "b": [time(1)]})
    assert FILE.recognises(head_of(file_of(table)[:64])) is not None
    assert FILE.recognises(head_of(stream_of(table))) is None
    likeness = STREAM.recognises(head_of(stream_of(table)[:512]))
    assert likeness is not None
    assert likeness.confidence > 0.9
    for other in (
        file_of(table),
        b"\xff\xff\xff\xff",
        bytes(100),
        b"PAR1" * 50,
        b"\xff\xff\xff\xff\x10\x00\x00\x00" + b"x" * 50,
    ):
        assert STREAM.recognises(head_of(other)) is None


def test_a_sample_is_the_first_rows(tmp_path: Path) -> None:
    for reader, content in (
        (FILE, file_of(pa.table({"a": range(9_000)}))),
        (STREAM, stream_of(pa.table({"a": range(9_000)}))),
    ):
        assert column_of(reader.sample(raw_of(tmp_path, content), size_bytes=1)) == list(range(1_000))
