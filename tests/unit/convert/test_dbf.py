"""dBASE: amounts digit for digit, deleted records counted, each field type, code pages, cut and damaged files."""

from __future__ import annotations

import struct
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finport_ingestion.engine.convert.interface import Head, Origin
from finport_ingestion.engine.convert.registry import FORMATS
from finport_ingestion.engine.errors import FormatError
from tests.conformance.formats.samples.statistical import dbf
from tests.unit.convert.deployment import Delivered, Deployment
from tests.unit.convert.read_bytes import Found, read_bytes

FOXPRO = 0x30


def read(folder: Path, content: bytes, **options: object) -> Found:
    return read_bytes(folder, content, format="dbf", **options)


def one_field(kind: str, width: int, decimals: int, *values: bytes, version: int = 3, page: int = 0) -> bytes:
    return dbf(
        [("X", kind, width, decimals)], [b" " + value.ljust(width) for value in values], version=version, page=page
    )


@pytest.mark.parametrize(
    ("delivered", "meant"),
    [
        (b"      1.10", "1.10"),
        (b"-123456.78", "-123456.78"),
        (b"0000012.50", "0000012.50"),
        (b"1.5E+03   ", "1500"),
        (b"1.25e-05  ", "0.0000125"),
        (b"       .5 ", ".5"),
        (b"    +12.50", "12.50"),
        (b"        5.", "5"),
        (b"          ", None),
        (b"         .", None),
        (b"\0" * 10, None),
    ],
)
def test_numbers_are_given_digit_for_digit(tmp_path: Path, delivered: bytes, meant: str | None) -> None:
    found = read(tmp_path, one_field("N", 10, 2, delivered))
    assert found.column("X") == [meant]
    assert found.bad == []


@given(st.lists(st.decimals(min_value=-(10**9), max_value=10**9, places=4), min_size=1, max_size=20))
def test_amounts_come_back_equal(tmp_path_factory: pytest.TempPathFactory, amounts: list[Decimal]) -> None:
    content = one_field("N", 16, 4, *(format(amount, "f").rjust(16).encode() for amount in amounts))
    found = read(tmp_path_factory.mktemp("dbf"), content)
    assert [Decimal(text) for text in found.column("X")] == amounts
    assert found.batches[0].types == {"X": "decimal(18,4)"}


def test_whole_numbers_keep_their_zeros_for_inference(tmp_path: Path) -> None:
    found = read(tmp_path, one_field("N", 8, 0, b"00012345", b"      42"))
    assert found.column("X") == ["00012345", "42"]
    assert found.batches[0].types == {}
    assert found.batches[0].origins == {"X": frozenset({Origin.NUMBER})}


def test_a_number_that_did_not_fit_its_field_is_null_and_told(tmp_path: Path) -> None:
    found = read(tmp_path, one_field("N", 4, 0, b"****", b"  12", b"****"))
    assert found.column("X") == [None, "12", None]
    assert "'X': 2 numbers did not fit" in found.warnings


def test_a_field_of_letters_where_a_number_stands_costs_its_record(tmp_path: Path) -> None:
    found = read(tmp_path, one_field("N", 6, 2, b"  1.00", b"  1,5x", b"  2.00"))
    assert found.column("X") == ["1.00", "2.00"]
    assert found.numbers() == [1, 3]
    [bad] = found.bad
    assert (bad.row, bad.column, bad.text) == (2, "X", "   1,5x")
    assert bad.reason.startswith("record 2, byte 72: ")


@pytest.mark.parametrize(
    ("kind", "width", "stored", "meant"),
    [
        ("D", 8, b"20240229", "2024-02-29"),
        ("D", 8, b"        ", None),
        ("D", 8, b"00000000", None),
        ("L", 1, b"T", "true"),
        ("L", 1, b"n", "false"),
        ("L", 1, b"?", None),
        ("I", 4, struct.pack("<i", -7), "-7"),
        ("Y", 8, struct.pack("<q", -12_345), "-1.2345"),
        ("B", 8, struct.pack("<d", 0.1), "0.1"),
        ("T", 8, struct.pack("<2i", 2_460_370, 3_723_000), "2024-02-29T01:02:03.000"),
        ("T", 8, bytes(8), None),
        ("M", 4, struct.pack("<i", 9), None),
    ],
)
def test_every_type_of_field_is_read(tmp_path: Path, kind: str, width: int, stored: bytes, meant: str | None) -> None:
    found = read(tmp_path, dbf([("X", kind, width, 0)], [b" " + stored], version=FOXPRO))
    assert found.column("X") == [meant]
    assert found.bad == []


def test_counters_of_dbase_7_have_their_sign_turned(tmp_path: Path) -> None:
    described = struct.pack("<32scBB13x", b"ID", b"+", 4, 0)
    head = struct.pack("<4BI2H20x36x", 4, 124, 2, 29, 2, 68 + 48 + 1, 5)
    content = head + described + b"\r" + b" \x80\x00\x00\x05" + b" \x7f\xff\xff\xff" + b"\x1a"
    assert read(tmp_path, content).column("ID") == ["5", "-1"]


def test_texts_of_memos_are_said_to_lie_elsewhere(tmp_path: Path) -> None:
    found = read(tmp_path, one_field("M", 10, 0, b"         1", version=0x83))
    assert found.column("X") == [None]
    assert "'X' is a memo, which lies in another file" in found.warnings


def test_null_flags_and_short_texts_of_visual_foxpro_are_followed(tmp_path: Path) -> None:
    field = struct.Struct("<11sc4xBBB13x")
    fields = [
        field.pack(b"N", b"N", 3, 0, 2),
        field.pack(b"V", b"V", 5, 0, 2),
        field.pack(b"_NullFlags", b"0", 1, 0, 5),
    ]
    head = struct.pack("<4BI2H20x", FOXPRO, 124, 2, 29, 3, 32 + 96 + 1, 1 + 3 + 5 + 1)
    # Bit 0: N is null; bit 1: V is shorter than 5, its last byte says how long; bit 2: V is null.
    records = [b"  12abcde\x00", b"  34ab\0\0\x02\x02", b"   0\0\0\0\0\0\x05"]
    content = head + b"".join(fields) + b"\r" + b"".join(records) + b"\x1a"
    assert read(tmp_path, content).rows() == [
        {"N": "12", "V": "abcde"},
        {"N": "34", "V": "ab"},
        {"N": None, "V": None},
    ]


def test_deleted_records_are_left_out_and_counted(tmp_path: Path) -> None:
    found = read(tmp_path, dbf([("X", "C", 1, 0)], [b" a", b"*b", b" c", b"*d"]))
    assert found.column("X") == ["a", "c"]
    assert found.numbers() == [1, 3]
    assert found.batches[-1].notes == ("2 records are marked as deleted, and left out",)


def test_a_record_without_mark_is_set_aside(tmp_path: Path) -> None:
    found = read(tmp_path, dbf([("X", "C", 1, 0)], [b" a", b"xb", b" c"]))
    assert found.column("X") == ["a", "c"]
    assert [(bad.row, bad.rule) for bad in found.bad] == [(2, "deletion_mark")]


@pytest.mark.parametrize(
    ("page", "encoding"), [(0x03, "cp1252"), (0x02, "cp850"), (0xC8, "cp1250"), (0x57, "cp1252"), (0x7B, "cp932")]
)
def test_texts_are_of_the_code_page_that_is_stated(tmp_path: Path, page: int, encoding: str) -> None:
    text = "日本" if encoding == "cp932" else "München"
    found = read(tmp_path, one_field("C", 10, 0, text.encode(encoding), page=page))
    assert found.column("X") == [text]
    assert found.batches[0].facts["encoding"] == encoding


def test_a_code_page_that_is_not_stated_is_found_out_and_said(tmp_path: Path) -> None:
    content = one_field("C", 10, 0, *["Zürich".encode("cp1252")] * 30)
    found = read(tmp_path, content)
    assert found.column("X") == ["Zürich"] * 30
    assert "taken for cp1252" in found.warnings
    assert read(tmp_path, content, encoding="cp437").column("X")[0] != "Zürich"


def test_a_code_page_that_python_does_not_have_is_said(tmp_path: Path) -> None:
    found = read(tmp_path, one_field("C", 8, 0, b"\x98\xd7\x88\x89\xe7\xf5\x9e", page=0x69))
    assert "code page 0x69, which is not known" in found.warnings
    assert "cp500" not in found.warnings


def test_a_nul_for_a_deletion_mark_is_a_blank(tmp_path: Path) -> None:
    assert read(tmp_path, dbf([("X", "C", 1, 0)], [b"\0a", b" b"])).column("X") == ["a", "b"]


def test_a_text_that_is_not_of_the_code_page_costs_its_record(tmp_path: Path) -> None:
    found = read(tmp_path, one_field("C", 4, 0, b"ok", b"\xff\xfe", b"ok"), encoding="utf-8")
    assert found.column("X") == ["ok", "ok"]
    assert "not utf-8 text" in found.bad[0].reason


def test_a_long_text_of_clipper_has_its_length_in_two_bytes(tmp_path: Path) -> None:
    text = b"y" * 300
    head = struct.pack("<4BI2H20x", 3, 124, 2, 29, 1, 65, 301)
    content = head + struct.pack("<11sc4xBB14x", b"X", b"C", 300 % 256, 300 // 256) + b"\r " + text + b"\x1a"
    assert read(tmp_path, content).column("X") == [text.decode()]


def test_a_cut_file_is_refused_with_the_record(tmp_path: Path) -> None:
    content = one_field("C", 10, 0, *[b"text"] * 20)
    with pytest.raises(FormatError, match="20 records, and ends in record 11"):
        read(tmp_path, content[: 65 + 11 * 10 + 3])
    with pytest.raises(FormatError, match="header"):
        read(tmp_path, content[:40])


def test_bytes_of_more_records_than_are_stated_are_told(tmp_path: Path) -> None:
    content = one_field("C", 3, 0, b"a", b"b")
    content = content[:4] + struct.pack("<I", 1) + content[8:]
    found = read(tmp_path, content)
    assert found.column("X") == ["a"]
    assert "the bytes of 1 more" in found.warnings


def test_fields_that_do_not_add_up_are_refused(tmp_path: Path) -> None:
    content = bytearray(one_field("C", 3, 0, b"a"))
    content[10] = 9
    with pytest.raises(FormatError, match="its fields have 4 bytes, and its records 9"):
        read(tmp_path, bytes(content))


def test_many_records_come_in_bounded_batches(tmp_path: Path) -> None:
    content = one_field("C", 8, 0, *(b"%08d" % number for number in range(70_000)))
    found = read(tmp_path, content)
    assert found.column("X") == [f"{number:08d}" for number in range(70_000)]
    assert max(batch.columns.num_rows for batch in found.batches) <= 65_536


def test_dbase_is_recognised_by_its_header_and_nothing_else_is() -> None:
    recognise = FORMATS.get("dbf").recognises
    content = one_field("C", 10, 0, *[b"text"] * 20)
    assert recognise(Head(content=content[:64], text="", whole=False)).confidence >= 0.9
    for other in (bytes(4096), b"\x03" * 4096, b"0,1\n" * 99, b"\x30\x82" + bytes(range(256)) * 4):
        assert recognise(Head(content=other, text="", whole=False)) is None


def test_a_run_gives_exact_types(tmp_path: Path) -> None:
    fields = [("ACCOUNT", "C", 10, 0), ("AMOUNT", "N", 12, 2), ("DAY", "D", 8, 0), ("OPEN", "L", 1, 0)]
    content = dbf(fields, [b" 0012345   " + b"     1234.50" + b"20240229T"])
    converted = Deployment(tmp_path, convert={"format": "dbf"}).run(Delivered(content, suffix=".dbf"))
    kinds = {field.name: field.type for field in converted.table.schema}
    assert kinds["AMOUNT"] == pa.decimal128(18, 2)
    assert (kinds["DAY"], kinds["OPEN"], kinds["ACCOUNT"]) == (pa.date32(), pa.bool_(), pa.string())
    assert converted.rows("ACCOUNT", "AMOUNT")[0] == ("0012345", Decimal("1234.50"))
