"""SAS: data sets and transport files; numbers of IBM exactly, moments by format, every member."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyreadstat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finport_ingestion.engine.convert.interface import Head
from finport_ingestion.engine.convert.reading.counted_moments import Kind, sas_moment
from finport_ingestion.engine.convert.reading.transport import ibm_floats
from finport_ingestion.engine.convert.registry import FORMATS
from finport_ingestion.engine.errors import FormatError
from tests.conformance.formats.samples.statistical import written
from tests.unit.convert.read_bytes import Found, read_bytes

CORPUS = Path(os.environ.get("FINPORT_CORPUS", Path(__file__).parents[4] / "shared" / "data")) / "data" / "sas"
in_the_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="no reference corpus")
BLANK = b" " * 80


def xpt(columns: dict[str, Any], **choices: Any) -> bytes:
    frame = pd.DataFrame(columns)
    return written(lambda path: pyreadstat.write_xport(frame, path, **{"file_format_version": 5, **choices}), ".xpt")


def read(folder: Path, content: bytes, **options: Any) -> Found:
    return read_bytes(folder, content, **{"format": "sas_transport", **options})


def padded(content: bytes) -> bytes:
    return content + b" " * (-len(content) % 80)


def member(name: str, columns: Sequence[tuple[str, str, int, str]], rows: Sequence[bytes]) -> bytes:
    """A member of version 5 whose columns are (name, type, bytes, format)."""
    head = b"HEADER RECORD*******MEMBER  HEADER RECORD!!!!!!!000000000000000001600000000140  "
    head += b"HEADER RECORD*******DSCRPTR HEADER RECORD!!!!!!!000000000000000000000000000000  "
    head += padded(b"SAS     " + name.encode().ljust(8) + b"SASDATA 9.4     ") + BLANK
    head += b"HEADER RECORD*******NAMESTR HEADER RECORD!!!!!!!000000%04d00000000000000000000  " % len(columns)
    described, start = b"", 0
    for number, (column, kind, width, shown) in enumerate(columns, start=1):
        fixed = (2 if kind == "text" else 1, 0, width, number, column.encode().ljust(8), b"".ljust(40))
        rest = (shown.encode().ljust(8), 0, 0, 0, b"", b"".ljust(8), 0, 0, start)
        described += struct.pack(">hhhh8s40s8shhh2s8shhi", *fixed, *rest).ljust(140, b"\0")
        start += width
    obs = b"HEADER RECORD*******OBS     HEADER RECORD!!!!!!!000000000000000000000000000000  "
    return head + padded(described) + obs + padded(b"".join(rows))


def library(*members: bytes) -> bytes:
    first = b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!000000000000000000000000000000  "
    return first + padded(b"SAS     SAS     SASLIB  9.4     ") + BLANK + b"".join(members)


def ibm(value: float) -> bytes:
    """A double as IBM writes it, by whole numbers."""
    if value == 0:
        return bytes(8)
    fraction, exponent = np.frexp(abs(value))
    whole, exponent = int(fraction * (1 << 53)), int(exponent)
    shift = -exponent % 4
    whole = (whole << 3) >> shift if shift <= 3 else whole
    power = (exponent + shift) // 4
    return bytes([(0x80 if value < 0 else 0) | (64 + power)]) + whole.to_bytes(7, "big")


@given(st.floats(min_value=-1e70, max_value=1e70, allow_subnormal=False).filter(lambda x: x == 0 or abs(x) > 1e-70))
def test_a_number_of_ibm_is_the_double_it_was_written_from(value: float) -> None:
    values, missing = ibm_floats(np.frombuffer(ibm(value), np.uint8).reshape(1, 8))
    assert values[0] == value
    assert not missing[0]


def test_short_numbers_zeros_and_missing_values_are_told_apart() -> None:
    cells = [b"\x41\x10", b"\xc1\x10", b"\0\0", b".\0", b"A\0", b"_\0", b"A\x10"]
    values, missing = ibm_floats(np.frombuffer(b"".join(cells), np.uint8).reshape(-1, 2))
    assert values.tolist()[:3] == [1.0, -1.0, 0.0]
    assert missing.tolist() == [False, False, False, True, True, True, False]
    assert values.tolist()[6] == 1.0


def test_every_member_of_a_file_is_a_table(tmp_path: Path) -> None:
    dm = member("DM", [("ID", "text", 5, ""), ("AGE", "number", 8, "")], [b"00123" + ibm(42.0), b"7    " + ibm(0.5)])
    ae = member("AE", [("TERM", "text", 90, "")], [b"headache".ljust(90)])
    found = read(tmp_path, library(dm, ae))
    assert found.rows("DM") == [{"ID": "00123", "AGE": 42.0}, {"ID": "7", "AGE": 0.5}]
    assert found.rows("AE") == [{"TERM": "headache"}]
    assert next(batch.table for batch in found.batches) == "DM"


def test_a_missing_value_is_null_and_its_letter_is_told(tmp_path: Path) -> None:
    rows = [ibm(1.0), b".".ljust(8, b"\0"), b"B".ljust(8, b"\0"), b"_".ljust(8, b"\0")]
    found = read(tmp_path, library(member("A", [("X", "number", 8, "")], rows)))
    assert found.column("X", "A") == [1.0, None, None, None]
    assert [(row["row"], row["code"]) for row in found.rows("missing_values")] == [(3, ".B"), (4, "._")]


@pytest.mark.parametrize(
    ("shown", "stored", "meant"),
    [
        ("DATE9", 12_054.0, date(1993, 1, 1)),
        ("MONNAME3", 12_054.0, date(1993, 1, 1)),
        ("DATE9", 12_054.25, datetime.fromisoformat("1993-01-01 06:00:00")),
        ("DATETIME", 1e9, datetime.fromisoformat("1991-09-09 01:46:40")),
        ("TIME8", 3_661.0, time(1, 1, 1)),
        ("TIME8", 90_000.0, 90_000.0),
        ("TOD8", 3_661.0, time(1, 1, 1)),
        ("TOD8", 90_000.0, datetime.fromisoformat("1960-01-02 01:00:00")),
        ("BEST12", 12_054.0, 12_054.0),
    ],
)
def test_the_format_says_which_moment_a_number_is(tmp_path: Path, shown: str, stored: float, meant: object) -> None:
    content = library(member("A", [("X", "number", 8, shown)], [ibm(stored)]))
    assert read(tmp_path, content).column("X", "A") == [meant]


@pytest.mark.parametrize(
    "shown", ["YYMMDDN8", "WORDDATE18", "E8601DA10", "B8601DA", "MMDDYYS10", "YYQ6", "JULIAN7", "DAY2"]
)
def test_formats_of_dates_are_known_with_their_widths(shown: str) -> None:
    moment = sas_moment(shown)
    assert moment is not None
    assert moment.kind is Kind.DATE


@pytest.mark.parametrize(
    "shown", ["BEST12", "DOLLAR12.2", "COMMA10", "8.2", "F8.2", "$CHAR10", "Z5", "", None, "SSN11"]
)
def test_formats_of_numbers_are_no_moments(shown: str | None) -> None:
    assert sas_moment(shown) is None


def test_version_8_has_long_names_and_labels(tmp_path: Path) -> None:
    long = "net_asset_value_of_the_fund"
    content = xpt({long: [1.25, -1e-30]}, file_format_version=8, column_labels=["L" * 60], table_name="FUNDS")
    found = read(tmp_path, content)
    assert found.column(long, "FUNDS") == [1.25, -1e-30]
    assert found.rows("variables")[0]["label"] == "L" * 60


def test_text_that_states_no_encoding_is_found_out_and_said(tmp_path: Path) -> None:
    content = library(member("A", [("CITY", "text", 8, "")], ["Zürich".encode("cp1252").ljust(8)] * 50))
    found = read(tmp_path, content)
    assert found.column("CITY", "A") == ["Zürich"] * 50
    assert "cp1252" in found.warnings
    assert read(tmp_path, content, encoding="cp850").column("CITY", "A") == ["Z³rich"] * 50


def test_a_row_of_bytes_that_are_no_text_is_set_aside_with_its_place(tmp_path: Path) -> None:
    rows = [b"good".ljust(8), b"b\xff\xffd".ljust(8), b"good".ljust(8)]
    found = read(tmp_path, library(member("A", [("T", "text", 8, "")], rows)), encoding="utf-8")
    assert found.column("T", "A") == ["good", "good"]
    assert found.numbers("A") == [1, 3]
    [bad] = found.bad
    assert bad.row == 2
    assert bad.table == "A"
    assert "byte " in bad.reason
    assert bad.text == "b\\xff\\xffd    "


def test_a_file_cut_in_a_row_is_refused_with_the_place(tmp_path: Path) -> None:
    content = library(member("A", [("T", "text", 100, ""), ("N", "number", 8, "")], [b"x" * 100 + ibm(1.0)] * 9))
    with pytest.raises(FormatError, match="ends in row 9"):
        read(tmp_path, content[: len(content) - 160])
    with pytest.raises(FormatError, match="ends in a header"):
        read(tmp_path, content[:700])


def test_padding_is_no_row_and_blank_rows_before_it_are(tmp_path: Path) -> None:
    columns = [("T", "text", 4, "")]
    found = read(tmp_path, library(member("A", columns, [b"a   ", b"    ", b"b   "])))
    assert found.column("T", "A") == ["a", None, "b"]


def test_files_that_only_sas_reads_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="PROC CPORT") as caught:
        read(tmp_path, b"**COMPRESSED** **COMPRESSED** ".ljust(400, b"x"))
    assert "XPORT" in str(caught.value.hint)


def test_a_file_of_no_rows_shows_its_columns(tmp_path: Path) -> None:
    found = read(tmp_path, library(member("A", [("X", "number", 8, "DATE9")], [])))
    assert found.rows("A") == []
    assert found.batches[0].columns.schema.field("X").type == pa.date32()


def test_columns_are_read_in_their_order_where_positions_contradict_it(tmp_path: Path) -> None:
    content = bytearray(library(member("A", [("X", "number", 8, ""), ("Y", "text", 2, "")], [ibm(1.0) + b"ab"])))
    content[content.index(b"Y       ") - 8 + 84 + 3] = 0
    content[content.index(b"X       ") - 8 + 84 + 3] = 2
    found = read(tmp_path, bytes(content))
    assert found.rows("A") == [{"X": 1.0, "Y": "ab"}]
    assert "contradict their order" in found.warnings


def test_rows_that_version_8_states_are_compared(tmp_path: Path) -> None:
    content = xpt({"t": ["ab"] * 90}, file_format_version=8, table_name="T")
    header = b"HEADER RECORD*******OBSV8   HEADER RECORD!!!!!!!"
    at = content.index(header) + len(header)
    stated = content[:at] + b"%15d" % 90 + content[at + 15 :]
    assert len(read(tmp_path, stated).rows("T")) == 90
    with pytest.raises(FormatError, match="says that it has 90 rows"):
        read(tmp_path, stated[: len(stated) - 80])


@in_the_corpus
def test_data_sets_give_dates_by_format(tmp_path: Path) -> None:
    content = (CORPUS / "productsales.sas7bdat").read_bytes()
    found = read(tmp_path, content, format="sas")
    assert found.column("MONTH")[:2] == [date(1993, 1, 1), date(1993, 2, 1)]
    assert len(found.rows()) == 1440
    with pytest.raises(FormatError):
        read(tmp_path, content[:100_000], format="sas")


@in_the_corpus
def test_data_sets_are_recognised_and_catalogs_are_not() -> None:
    content = (CORPUS / "hadley.sas7bdat").read_bytes()[:4096]
    recognise = FORMATS.get("sas").recognises
    assert recognise(Head(content=content, text="", whole=False)).confidence == 1.0
    catalog = content[:156] + b"CATALOG " + content[164:]
    assert recognise(Head(content=catalog, text="", whole=False)) is None
