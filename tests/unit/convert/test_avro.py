"""Avro: two decoders, one of them fast, and the same exact values from both."""

from __future__ import annotations

import io
import json
import uuid
import zlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from upath import UPath

from finport_ingestion.engine.convert.formats.avro import AvroFormat, AvroOptions
from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.reading.avro_blocks import Block, varint
from finport_ingestion.engine.convert.reading.avro_codecs import BadBlock
from finport_ingestion.engine.convert.reading.avro_exact import ExactDecoder
from finport_ingestion.engine.convert.reading.avro_fast import FastDecoder, can_decode
from finport_ingestion.engine.convert.reading.avro_schema import parse_schema
from finport_ingestion.engine.errors import FormatError

READER = AvroFormat(AvroOptions(format="avro"))
SYNC = b"0123456789abcdef"


def raw_of(folder: Path, content: bytes, **more: Any) -> RawFile:
    path = folder / "delivered"
    path.write_bytes(content)
    return RawFile(path=UPath(path), uri="landing/delivered", size_bytes=len(content), **more)


def record(**fields: Any) -> dict[str, Any]:
    return {"type": "record", "name": "R", "fields": [{"name": name, "type": kind} for name, kind in fields.items()]}


def written(schema: Any, records: Sequence[Any], *, codec: str = "null", block_bytes: int = 16_000) -> bytes:
    out = io.BytesIO()
    fastavro.writer(out, fastavro.parse_schema(schema), records, codec=codec, sync_interval=block_bytes)
    return out.getvalue()


def container(schema: Any, *blocks: tuple[int, bytes], codec: str = "null") -> bytes:
    """A file byte by byte, for what no writer writes."""
    entries = {b"avro.schema": json.dumps(schema).encode(), b"avro.codec": codec.encode()}
    meta = b"".join(varint(len(part)) + part for entry in entries.items() for part in entry)
    head = b"Obj\x01" + varint(len(entries)) + meta + varint(0) + SYNC
    return head + b"".join(varint(count) + varint(len(content)) + content + SYNC for count, content in blocks)


def rows(folder: Path, content: bytes) -> list[dict[str, Any]]:
    return [row for batch in READER.read(raw_of(folder, content)) for row in batch.columns.to_pylist()]


def column(folder: Path, kind: Any, values: Sequence[Any]) -> tuple[pa.DataType, list[Any]]:
    content = written(record(x=kind), [{"x": value} for value in values])
    batches = list(READER.read(raw_of(folder, content)))
    found = [value for batch in batches for value in batch.columns.column("x").to_pylist()]
    assert batches[0].columns.schema == batches[-1].columns.schema
    return batches[-1].columns.schema.field("x").type, found


def decimal(precision: int, scale: int, size: int | None = None) -> dict[str, Any]:
    plain: dict[str, Any] = {"type": "bytes"} if size is None else {"type": "fixed", "name": f"F{size}", "size": size}
    return {**plain, "logicalType": "decimal", "precision": precision, "scale": scale}


def logical(kind: str, name: str) -> dict[str, Any]:
    return {"type": kind, "logicalType": name}


ENUM = {"type": "enum", "name": "Side", "symbols": ["BUY", "SELL"]}
NOON = datetime(2024, 2, 29, 12, 0, 0, 123456, tzinfo=UTC)
CASES: dict[str, tuple[Any, pa.DataType, list[Any]]] = {
    "int": ("int", pa.int32(), [0, -1, 2**31 - 1, -(2**31)]),
    "long": ("long", pa.int64(), [0, 2**63 - 1, -(2**63)]),
    "double": ("double", pa.float64(), [0.1, -0.0]),
    "float": ("float", pa.float32(), [0.5]),
    "boolean": ("boolean", pa.bool_(), [True, False]),
    "string": ("string", pa.string(), ["", "0012", "日本"]),
    "bytes": ("bytes", pa.binary(), [b"", b"\xff\x00"]),
    "fixed": ({"type": "fixed", "name": "F", "size": 3}, pa.binary(), [b"abc"]),
    "enum": (ENUM, pa.string(), ["SELL", "BUY"]),
    "maybe enum": (["null", ENUM], pa.string(), ["SELL", None]),
    "null last": (["string", "null"], pa.string(), ["x", None]),
    "null only": ("null", pa.null(), [None, None]),
    "array": ({"type": "array", "items": ["null", "int"]}, pa.list_(pa.int32()), [[1, None], []]),
    "array of enums": ({"type": "array", "items": ENUM}, pa.list_(pa.string()), [["BUY"], []]),
    "map": (
        {"type": "map", "values": decimal(9, 2)},
        pa.map_(pa.string(), pa.decimal128(9, 2)),
        [[("a", Decimal("1.10"))], []],
    ),
    "record": (
        record(a="int", b=["null", logical("int", "date")]) | {"name": "Inner"},
        pa.struct([("a", pa.int32()), ("b", pa.date32())]),
        [{"a": 1, "b": date(1, 1, 1)}, {"a": 2, "b": None}],
    ),
    "decimal": (
        ["null", decimal(18, 4)],
        pa.decimal128(18, 4),
        [Decimal("-0.0001"), Decimal("99999999999999.9999"), None, Decimal("-128.0000")],
    ),
    "long decimal": (
        decimal(76, 2),
        pa.decimal256(76, 2),
        [Decimal(f"{'9' * 74}.99"), Decimal(f"-{'9' * 74}.99"), Decimal("0.01")],
    ),
    "fixed decimal": (
        decimal(38, 10, 16),
        pa.decimal128(38, 10),
        [Decimal("-1.5000000000"), Decimal(f"{'9' * 28}.{'9' * 10}")],
    ),
    "date": (logical("int", "date"), pa.date32(), [date(1899, 12, 31), date(9999, 12, 31)]),
    "time": (logical("int", "time-millis"), pa.time32("ms"), [time(23, 59, 59, 999000)]),
    "finer time": (logical("long", "time-micros"), pa.time64("us"), [time(23, 59, 59, 999999)]),
    "moment": (logical("long", "timestamp-micros"), pa.timestamp("us", "UTC"), [NOON, datetime(1, 1, 1, tzinfo=UTC)]),
    "coarse moment": (
        logical("long", "timestamp-millis"),
        pa.timestamp("us", "UTC"),
        [datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)],
    ),
    "local moment": (logical("long", "local-timestamp-micros"), pa.timestamp("us"), [NOON.replace(tzinfo=None)]),
    "uuid": (logical("string", "uuid"), pa.string(), ["3f2504e0-4f89-11d3-9a0c-0305e82c3301"]),
    "unknown meaning": (logical("long", "parsecs"), pa.int64(), [5]),
    "numbers": (["null", "int", "long"], pa.int64(), [1, None, 2**40]),
    "anything": (["null", "string", "boolean", "double"], pa.string(), ["1.0", True, None]),
    "union of one": (["int"], pa.int32(), [7]),
}
ASKED = {"anything": ["1.0", "true", None]}


@pytest.mark.parametrize("case", CASES)
def test_every_type_comes_back_exactly(case: str, tmp_path: Path) -> None:
    kind, wanted_type, values = CASES[case]
    given_values = [dict(value) if case == "map" else value for value in values]
    if case == "null only":
        schema = record(x=kind, y="int")
        found = rows(tmp_path, written(schema, [{"x": None, "y": number} for number in range(2)]))
        assert found == [{"x": None, "y": 0}, {"x": None, "y": 1}]
        return
    assert column(tmp_path, kind, given_values) == (wanted_type, ASKED.get(case, values))


def test_unions_of_records_and_lists_are_json_texts(tmp_path: Path) -> None:
    inner = record(a=decimal(9, 2), b={"type": "array", "items": "string"}) | {"name": "Inner"}
    kind = ["null", inner, "bytes", {"type": "array", "items": logical("int", "date")}]
    values = [{"a": Decimal("1.10"), "b": ["é"]}, [date(2024, 2, 29)], b"\xff", None]
    assert column(tmp_path, kind, values)[1] == ['{"a":"1.10","b":["é"]}', '["2024-02-29"]', "ff", None]


def test_nanoseconds_and_durations_are_read_though_the_writers_library_has_none(tmp_path: Path) -> None:
    duration = {"type": "fixed", "name": "D", "size": 12, "logicalType": "duration"}
    schema = record(t=logical("long", "timestamp-nanos"), d=duration, l=logical("long", "local-timestamp-nanos"))
    content = varint(1_700_000_000_123_456_789) + bytes([14, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0]) + varint(1)
    [_, batch] = READER.read(raw_of(tmp_path, container(schema, (1, content))))
    assert batch.columns.column("t").cast(pa.int64()).to_pylist() == [1_700_000_000_123_456_789]
    assert batch.columns.schema.field("t").type == pa.timestamp("ns", "UTC")
    assert batch.columns.schema.field("l").type == pa.timestamp("ns")
    assert batch.columns.column("d").to_pylist() == ["P14M3DT0.001S"]


def test_a_number_with_a_scale_of_its_own_is_text(tmp_path: Path) -> None:
    def cell(number: int, scale: int) -> bytes:
        digits = number.to_bytes(9, "big", signed=True)
        inner = varint(len(digits)) + digits + varint(scale)
        return varint(len(inner)) + inner

    content = cell(-12345678901234567890 // 10, 3) + cell(5, -2) + cell(1, 8)
    found = rows(tmp_path, container(record(x=logical("bytes", "big-decimal")), (3, content)))
    assert [row["x"] for row in found] == ["-1234567890123456.789", "500", "0.00000001"]


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy", "bzip2", "xz"])
def test_every_codec_is_unpacked(codec: str, tmp_path: Path) -> None:
    records = [{"x": number, "s": f"text {number}"} for number in range(3_000)]
    assert rows(tmp_path, written(record(x="long", s="string"), records, codec=codec)) == records


def test_zstandard_is_unpacked_with_and_without_its_size(tmp_path: Path) -> None:
    plain = b"".join(map(varint, range(1_000)))
    packer = zstandard.ZstdCompressor().compressobj()
    packed = [zstandard.compress(plain), packer.compress(plain) + packer.flush()]
    content = container(record(x="int"), *((1_000, one) for one in packed), codec="zstandard")
    assert [row["x"] for row in rows(tmp_path, content)] == [*range(1_000), *range(1_000)]
    with pytest.raises(FormatError, match="zstandard"):
        rows(tmp_path, container(record(x="int"), (1, b"nothing"), codec="zstandard"))


def test_a_codec_that_nobody_knows_is_named(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="packed with 'lzo'"):
        rows(tmp_path, container(record(x="int"), (1, b"\x02"), codec="lzo"))


def test_a_file_of_one_value_a_record_has_a_column_for_it(tmp_path: Path) -> None:
    assert rows(tmp_path, written("string", ["a", "b"])) == [{"value": "a"}, {"value": "b"}]
    union = [record(a="int") | {"name": "A"}, record(b="int") | {"name": "B"}]
    assert rows(tmp_path, written(union, [{"a": 1}, {"b": 2}])) == [{"value": '{"a":1}'}, {"value": '{"b":2}'}]


def test_a_type_is_found_by_its_name_and_namespace(tmp_path: Path) -> None:
    schema = {
        "type": "record",
        "name": "bank.Trade",
        "fields": [
            {"name": "a", "type": {"type": "enum", "name": "Side", "symbols": ["B", "S"]}},
            {"name": "b", "type": ["null", "bank.Side"]},
            {"name": "c", "type": {"type": "array", "items": "Side"}},
        ],
    }
    assert rows(tmp_path, written(schema, [{"a": "B", "b": "S", "c": ["S"]}])) == [{"a": "B", "b": "S", "c": ["S"]}]


SIMPLE = st.sampled_from(["boolean", "int", "long", "float", "double", "bytes", "string"])
KINDS = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        inner.map(lambda kind: kind if isinstance(kind, list) else ["null", kind]),
        inner.map(lambda kind: {"type": "array", "items": kind}),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda kinds: record(**{f"f{at}": k for at, k in enumerate(kinds)})
        ),
    ),
    max_leaves=5,
)


def named(kind: Any, numbers: list[int]) -> Any:
    """Records get a name of their own each."""
    if isinstance(kind, list):
        return [named(branch, numbers) for branch in kind]
    if isinstance(kind, dict) and kind["type"] == "record":
        numbers.append(0)
        name = f"N{len(numbers)}"
        fields = [{**one, "type": named(one["type"], numbers)} for one in kind["fields"]]
        return {"type": "record", "name": name, "fields": fields}
    return {**kind, "items": named(kind["items"], numbers)} if isinstance(kind, dict) else kind


@settings(deadline=None)
@given(data=st.data(), kind=KINDS)
def test_both_decoders_give_the_same(data: st.DataObject, kind: Any) -> None:
    from fastavro.utils import generate_many

    schema = named(record(x=kind), [])
    root = parse_schema(json.dumps(schema), nesting=100, uri="x")
    parsed = fastavro.parse_schema(schema)
    count = data.draw(st.integers(0, 20))
    contents = []
    for value in generate_many(parsed, count):
        out = io.BytesIO()
        fastavro.schemaless_writer(out, parsed, value)
        contents.append(out.getvalue())
    middle = count // 2
    blocks = [Block(len(part), b"".join(part), 0, 0) for part in (contents[:middle], contents[middle:])]
    assert can_decode(root)
    fast, exact = FastDecoder(root).decode(blocks), ExactDecoder(root).decode(blocks)
    assert fast.schema.equals(exact.schema)
    assert str(fast.to_pylist()) == str(exact.to_pylist())


@pytest.mark.parametrize("kind", ["int", {"type": "map", "values": "int"}], ids=["fast", "exact"])
@pytest.mark.parametrize("count", [1, 3], ids=["fewer", "more"])
def test_a_block_whose_count_is_wrong_is_refused(kind: Any, count: int, tmp_path: Path) -> None:
    one = varint(500) if kind == "int" else varint(1) + varint(1) + b"k" + varint(5) + varint(0)
    content = container(record(x=kind), (1, one), (count, one * 2))
    with pytest.raises(FormatError, match=r"a block from byte \d+ on") as caught:
        rows(tmp_path, content)
    assert caught.value.offset_bytes


def test_a_count_that_the_bytes_cannot_hold_is_refused_before_it_costs_anything(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="says that it has 4611686018427387904 records, in 1 bytes"):
        rows(tmp_path, container(record(x="int"), (1 << 62, b"\x02")))
    with pytest.raises(FormatError, match="hold no values"):
        rows(tmp_path, container(record(x="null"), (1 << 62, b"")))


def test_a_block_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = b"".join([packer.compress(bytes(1 << 20)) for _ in range(200)]) + packer.flush()
    with pytest.raises(FormatError, match="unpacks to more than"):
        rows(tmp_path, container(record(x="boolean"), (200 << 20, bomb), codec="deflate"))


@settings(deadline=None)
@given(share=st.floats(0, 0.9999))
def test_a_cut_file_is_refused_unless_it_ends_behind_a_block(share: float, tmp_path_factory: Any) -> None:
    records = [{"x": number} for number in range(2_000)]
    whole = written(record(x="long"), records, block_bytes=500)
    content = whole[: int(len(whole) * share)]
    try:
        found = rows(tmp_path_factory.mktemp("cut"), content)
    except FormatError:
        return
    assert found == records[: len(found)]
    assert content.endswith(whole[-16:])


def test_a_damaged_mark_says_where(tmp_path: Path) -> None:
    content = bytearray(container(record(x="int"), (1, b"\x02"), (1, b"\x04")))
    content[-3] ^= 0xFF
    with pytest.raises(FormatError, match=rf"byte {len(content)}: the mark behind a block"):
        rows(tmp_path, bytes(content))


def test_a_snappy_block_with_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    content = bytearray(written(record(x="long"), [{"x": 1}] * 100, codec="snappy"))
    content[-18] ^= 1
    with pytest.raises(FormatError, match="checksum"):
        rows(tmp_path, bytes(content))


def test_records_that_hold_themselves_are_json_texts(tmp_path: Path) -> None:
    day = {"type": "int", "logicalType": "date"}
    side = {"type": "enum", "name": "Side", "symbols": ["B", "S"]}
    leaf = record(side=side, day=["null", day], inner={"type": "array", "items": "T"}) | {"name": "T"}
    content = written(
        record(id="int", first=leaf, again=["null", "T"], side="Side"),
        [
            {
                "id": 1,
                "first": {"side": "S", "day": date(2024, 2, 29), "inner": [{"side": "B", "day": None, "inner": []}]},
                "again": None,
                "side": "B",
            },
            {
                "id": 2,
                "first": {"side": "B", "day": None, "inner": []},
                "again": {"side": "S", "day": None, "inner": []},
                "side": "S",
            },
        ],
    )
    empty = '{"side":"B","day":null,"inner":[]}'
    first = '{"side":"S","day":"2024-02-29","inner":[' + empty + "]}"
    assert rows(tmp_path, content) == [
        {"id": 1, "first": first, "again": None, "side": "B"},
        {"id": 2, "first": empty, "again": empty.replace("B", "S"), "side": "S"},
    ]


def test_a_chain_of_records_has_its_rest_as_json(tmp_path: Path) -> None:
    content = written(
        record(v="long", next=["null", "R"]), [{"v": 1, "next": {"v": 2, "next": {"v": 3, "next": None}}}]
    )
    assert rows(tmp_path, content) == [{"v": 1, "next": '{"v":2,"next":{"v":3,"next":null}}'}]
    content = written({"type": "array", "items": record(v="long", next=["null", "R"])}, [[{"v": 1, "next": None}], []])
    assert rows(tmp_path, content) == [{"value": '[{"v":1,"next":null}]'}, {"value": "[]"}]


def test_records_that_hold_each_other_are_json_texts(tmp_path: Path) -> None:
    other = record(y="int", a=["null", "A"]) | {"name": "B"}
    one = record(x="int", b=["null", other]) | {"name": "A"}
    content = written(record(a=one, b="B"), [{"a": {"x": 1, "b": {"y": 2, "a": None}}, "b": {"y": 3, "a": None}}])
    assert rows(tmp_path, content) == [{"a": '{"x":1,"b":{"y":2,"a":null}}', "b": '{"y":3,"a":null}'}]


def test_a_chain_that_is_too_long_to_read_is_refused(tmp_path: Path) -> None:
    chain = b"\x02\x02" * 700 + b"\x02\x00"
    with pytest.raises(FormatError, match="holds itself deeper than can be read"):
        rows(tmp_path, container(record(v="long", next=["null", "R"]), (1, chain)))


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (record(x="elsewhere.Type"), "refers to a type 'elsewhere.Type'"),
        ({"type": "record", "name": "R"}, "without fields"),
        ({"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}] * 2}, "two fields of one name"),
        (record(x=[["int"]]), "union in a union"),
        (record(x={"type": "enum", "name": "E", "symbols": []}), "enum without symbols"),
        (record(x={"type": "fixed", "name": "E", "size": -1}), "fixed without a size"),
        (record(x=7), "no type"),
    ],
)
def test_a_schema_that_no_table_has_is_refused_in_words(schema: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=said):
        rows(tmp_path, container(schema, (1, b"\x02")))


def test_a_schema_that_is_made_to_exhaust_is_refused(tmp_path: Path) -> None:
    deep: Any = "int"
    for _ in range(150):
        deep = {"type": "array", "items": deep}
    with pytest.raises(FormatError, match="nested too deep"):
        rows(tmp_path, container(record(x=deep), (1, b"\x00")))
    wide: Any = record(a="int") | {"name": "N0"}
    for number in range(40):
        last = f"N{number}"
        wide = record(a=wide, b=last) | {"name": f"N{number + 1}"}
    with pytest.raises(FormatError, match="too many types"):
        rows(tmp_path, container(wide, (1, b"\x00")))


def test_an_enum_without_such_a_symbol_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="a block from byte"):
        rows(tmp_path, container(record(x=ENUM), (1, varint(2))))


def test_a_decimal_beyond_its_precision_keeps_its_digits(tmp_path: Path) -> None:
    content = container(record(x=decimal(3, 2)), (2, b"\x04\x30\x39" + b"\x02\x01"))
    assert [row["x"] for row in rows(tmp_path, content)] == [Decimal("123.45"), Decimal("0.01")]
    with pytest.raises(FormatError, match="decimal of no bytes"):
        rows(tmp_path, container(record(x=decimal(3, 2)), (1, b"\x00")))


def test_a_decoder_refuses_what_is_no_text(tmp_path: Path) -> None:
    root = parse_schema(json.dumps(record(x="string")), nesting=9, uri="x")
    for decoder in (FastDecoder(root), ExactDecoder(root)):
        with pytest.raises(BadBlock):
            decoder.decode([Block(1, b"\x04\xff\xfe", 0, 0)])


def test_uuids_of_16_bytes_are_texts(tmp_path: Path) -> None:
    kind = {"type": "fixed", "name": "U", "size": 16, "logicalType": "uuid"}
    number = uuid.UUID("3f2504e0-4f89-11d3-9a0c-0305e82c3301")
    assert rows(tmp_path, container(record(x=kind), (1, number.bytes))) == [{"x": str(number)}]


def test_what_is_no_avro_is_refused(tmp_path: Path) -> None:
    for content in (b"PAR1", b"Obj\x01", b"Obj\x01\x00" + SYNC, b"Obj\x01" + b"\xff" * 20, b"x" * 100):
        with pytest.raises(FormatError, match="landing/delivered: "):
            rows(tmp_path, content)


def test_progress_counts_the_bytes_of_the_file(tmp_path: Path) -> None:
    content = written(record(x="string"), [{"x": "x" * 50}] * 300_000)
    batches = list(READER.read(raw_of(tmp_path, content)))
    assert sum(batch.size_bytes for batch in batches) == pytest.approx(len(content), rel=0.01)
    assert [batch.rows[0].as_py() for batch in batches[1:3]] == [1, 65_537]
