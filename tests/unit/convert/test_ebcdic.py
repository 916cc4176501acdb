from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from finport_ingestion.engine.convert.interface import Head
from finport_ingestion.engine.convert.registry import FORMATS
from finport_ingestion.engine.errors import ConfigError, FormatError
from tests.unit.convert.read_bytes import Found, read_bytes

COLUMNS = [
    {"name": "id", "start": 0, "length": 4},
    {"name": "name", "start": 4, "length": 6},
    {"name": "amount", "start": 10, "length": 4, "kind": "packed", "scale": 2},
    {"name": "count", "start": 14, "length": 3, "kind": "zoned"},
    {"name": "code", "start": 17, "length": 2, "kind": "binary"},
]


def ebcdic(folder: Path, content: bytes, **options: Any) -> Found:
    return read_bytes(folder, content, **{"format": "ebcdic", "columns": COLUMNS, **options})


def packed(number: int, size: int, *, unsigned: bool = False) -> bytes:
    sign = "f" if unsigned else "d" if number < 0 else "c"
    return bytes.fromhex(f"{abs(number):0{2 * size - 1}d}{sign}")


def zoned(number: int, size: int) -> bytes:
    digits = [0xF0 + int(digit) for digit in f"{abs(number):0{size}d}"]
    digits[-1] = digits[-1] - 0xF0 + (0xD0 if number < 0 else 0xC0)
    return bytes(digits)


def record(key: str, name: str, cents: int, count: int, code: int) -> bytes:
    text = f"{key:<4}{name:<6}".encode("cp037")
    return text + packed(cents, 4) + zoned(count, 3) + code.to_bytes(2, "big", signed=True)


GOOD = record("0001", "ALPHA", 123456, 42, 7) + record("0002", "Zürich"[:6], -1, -7, -300)


def test_every_kind_of_field_is_exact(tmp_path: Path) -> None:
    found = ebcdic(tmp_path, GOOD)
    assert found.rows() == [
        {"id": "0001", "name": "ALPHA", "amount": Decimal("1234.56"), "count": 42, "code": 7},
        {"id": "0002", "name": "Zürich", "amount": Decimal("-0.01"), "count": -7, "code": -300},
    ]
    types = found.batches[0].columns.schema
    assert types.field("amount").type == pa.decimal128(18, 2)
    assert types.field("count").type == pa.int64()


def test_half_bytes_that_are_no_digit_set_their_record_aside(tmp_path: Path) -> None:
    bad = bytearray(GOOD + GOOD)
    bad[19 + 11] = 0x1A
    found = ebcdic(tmp_path, bytes(bad))
    assert found.numbers() == [1, 3, 4]
    [fault] = found.bad
    assert (fault.row, fault.column) == (2, "amount")
    assert fault.reason.startswith("record 2, bytes 11-14 (column 'amount'): ")
    assert bytes.fromhex(fault.text) == bytes(bad)[19:38]


@pytest.mark.parametrize(("at", "byte"), [(13, 0x12), (14, 0x31), (16, 0xFA), (16, 0x01)])
def test_signs_and_zones_are_proved(tmp_path: Path, at: int, byte: int) -> None:
    content = bytearray(GOOD)
    content[at] = byte
    assert [bad.row for bad in ebcdic(tmp_path, bytes(content)).bad] == [1]


def test_a_negative_number_in_an_unsigned_field_is_set_aside(tmp_path: Path) -> None:
    columns = [{"name": "n", "start": 0, "length": 2, "kind": "packed", "signed": False}]
    found = ebcdic(tmp_path, packed(5, 2, unsigned=True) + packed(-5, 2), columns=columns)
    assert found.column("n") == [5]
    assert len(found.bad) == 1


@pytest.mark.parametrize("fill", [0x40, 0x00])
def test_number_fields_that_nobody_filled_are_null(tmp_path: Path, fill: int) -> None:
    content = bytearray(GOOD)
    content[10:17] = bytes([fill]) * 7
    assert ebcdic(tmp_path, bytes(content)).rows()[0] | {"id": "", "name": ""} == {
        "id": "",
        "name": "",
        "amount": None,
        "count": None,
        "code": 7,
    }


@pytest.mark.parametrize(
    ("sign", "content", "wanted"),
    [
        ("trailing_separate", "12-", -12),
        ("trailing_separate", "12+", 12),
        ("leading_separate", "-12", -12),
        ("leading_separate", " 12", 12),
    ],
)
def test_signs_of_their_own_are_read(tmp_path: Path, sign: str, content: str, wanted: int) -> None:
    columns = [{"name": "n", "start": 0, "length": 3, "kind": "zoned", "sign": sign}]
    assert ebcdic(tmp_path, content.encode("cp037"), columns=columns).column("n") == [wanted]


def test_a_leading_overpunched_sign_is_read(tmp_path: Path) -> None:
    columns = [{"name": "n", "start": 0, "length": 3, "kind": "zoned", "sign": "leading", "scale": 1}]
    assert ebcdic(tmp_path, b"\xd1\xf2\xf3", columns=columns).column("n") == [Decimal("-12.3")]


@pytest.mark.parametrize(
    ("page", "text"), [("cp037", "[é]"), ("cp500", "[é]"), ("cp273", "ÄÖß"), ("cp1140", "€5"), ("1141", "€Ü")]
)
def test_text_is_of_the_code_page(tmp_path: Path, page: str, text: str) -> None:
    codec = {"1141": "cp273"}.get(page, page)
    content = text.replace("€", "¤" if page == "1141" else "€").encode(codec).ljust(4, b"\x40")
    columns = [{"name": "t", "start": 0, "length": 4}]
    assert ebcdic(tmp_path, content, columns=columns, codePage=page).column("t") == [text]


def test_the_page_of_z_os_unix_has_its_brackets(tmp_path: Path) -> None:
    columns = [{"name": "t", "start": 0, "length": 3}]
    assert ebcdic(tmp_path, b"\xad\xc1\xbd", columns=columns, codePage="cp1047").column("t") == ["[A]"]


def test_a_page_that_is_none_of_ebcdic_is_refused(tmp_path: Path) -> None:
    for page in ("latin-1", "nothing", "cp1252"):
        with pytest.raises(ConfigError, match="no EBCDIC code page"):
            ebcdic(tmp_path, GOOD, codePage=page)


def test_descriptor_words_delimit_records_of_different_length(tmp_path: Path) -> None:
    def worded(content: bytes) -> bytes:
        return (len(content) + 4).to_bytes(2, "big") + b"\0\0" + content

    records = [GOOD[:19], GOOD[19:], GOOD[:10], GOOD[:7]]
    found = ebcdic(tmp_path, b"".join(map(worded, records)), recordFormat="variable")
    assert found.column("id") == ["0001", "0002", "0001", "0001"]
    assert found.column("name")[2:] == ["ALPHA", "ALP"]
    assert found.column("amount")[2:] == [None, None]
    blocks = worded(worded(records[0]) + worded(records[1])) + worded(worded(records[2]))
    assert ebcdic(tmp_path, blocks, recordFormat="variable_blocked").column("id") == ["0001", "0002", "0001"]
    cut_number = ebcdic(tmp_path, worded(GOOD[:12]), recordFormat="variable")
    assert [bad.column for bad in cut_number.bad] == ["amount"]


@pytest.mark.parametrize("content", [b"\0\x08\0\0ab", b"\0\x02\0\0", b"\xf1\xf2\xf3\xf4", b"\0\x08\x01\0abcd", b"\0"])
def test_what_has_no_descriptor_words_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(FormatError, match="byte 0: ") as caught:
        ebcdic(tmp_path, content, recordFormat="variable")
    assert caught.value.offset_bytes == 0


def test_a_file_of_broken_length_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="37 bytes are no whole number of records of 19 bytes"):
        ebcdic(tmp_path, GOOD[:-1])


def test_records_may_be_longer_than_the_layout_and_some_skipped(tmp_path: Path) -> None:
    content = GOOD[:19] + b"\x40" + GOOD[19:] + b"\x40"
    found = ebcdic(tmp_path, content, recordLength=20, skipRows=1)
    assert found.column("id") == ["0002"]
    assert found.numbers() == [2]


def test_an_empty_file_keeps_its_columns(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="is empty"):
        ebcdic(tmp_path, b"")
    found = ebcdic(tmp_path, b"", may_be_empty=True)
    assert found.batches[0].columns.schema.field("amount").type == pa.decimal128(18, 2)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ({"name": "x", "start": 0, "length": 9, "kind": "binary"}, "at most 8 bytes"),
        ({"name": "x", "start": 0, "length": 17, "kind": "packed"}, "at most 31 digits"),
        ({"name": "x", "start": 0, "length": 1, "kind": "zoned", "sign": "leading_separate"}, "leaves no digit"),
    ],
)
def test_a_wrong_layout_is_told_before_a_file_is_read(column: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        FORMATS.get("ebcdic").Options.model_validate({"format": "ebcdic", "columns": [column]})


def test_it_is_recognised_by_its_bytes() -> None:
    text = "CUSTOMER 0000123 JANE DOE     NEW YORK   000000 " * 10
    recognises = FORMATS.get("ebcdic").recognises
    assert recognises(Head(content=text.encode("cp037"), text="", whole=True)) is not None
    for other in (text.encode(), text.encode("utf-16"), "привет мир ".encode("koi8-r") * 40, bytes(range(256)) * 4):
        assert recognises(Head(content=other, text="", whole=True)) is None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(st.integers(-(10**31) + 1, 10**31 - 1), min_size=1, max_size=20),
    scale=st.integers(0, 31),
)
def test_packed_and_zoned_numbers_of_31_digits_come_back_exactly(tmp_path: Path, values: list[int], scale: int) -> None:
    columns = [
        {"name": "p", "start": 0, "length": 16, "kind": "packed", "scale": scale},
        {"name": "z", "start": 16, "length": 31, "kind": "zoned", "scale": scale},
    ]
    found = ebcdic(tmp_path, b"".join(packed(v, 16) + zoned(v, 31) for v in values), columns=columns)
    wanted = [Decimal(f"{v}E-{scale}") for v in values]
    assert found.column("p") == wanted
    assert found.column("z") == wanted


@given(value=st.integers(-(2**63), 2**63 - 1))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_binary_numbers_of_8_bytes_come_back_exactly(tmp_path: Path, value: int) -> None:
    content = value.to_bytes(8, "big", signed=True)
    place = {"start": 0, "length": 8, "kind": "binary"}
    columns = [
        {"name": "s", **place},
        {"name": "u", **place, "signed": False},
        {"name": "d", **place, "scale": 3},
    ]
    [row] = ebcdic(tmp_path, content, columns=columns).rows()
    assert row == {"s": value, "u": Decimal(value % 2**64), "d": Decimal(value).scaleb(-3)}
