"""Which format a part is of."""

from __future__ import annotations

import contextlib
import gzip
import io
import random
import time
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import pyzipper
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from upath import UPath

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.recognise import ENOUGH, Recognition, head_of, options_of, reader_of, recognise
from finport_ingestion.engine.errors import AccessDenied, FinportError, FormatError
from finport_ingestion.engine.records import Part


def taken(tmp_path: Path, content: bytes, name: str = "delivery", media_type: str | None = None) -> Recognition:
    path = tmp_path / "x"
    path.write_bytes(content)
    return recognise(RawFile(path=UPath(path), uri=f"landing/{name}", size_bytes=len(content)), media_type)


def recognised(
    tmp_path: Path, content: bytes, *, suffix: str = "", media_type: str | None = None, landed_as: str = "raw"
) -> str:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(content)
    part = Part(
        uri=f"x{suffix}",
        format=landed_as,
        size_bytes=len(content),
        sha256="",
        item="x",
        sequence=0,
        media_type=media_type,
    )
    raw = RawFile(path=UPath(path), uri=part.uri, size_bytes=len(content))
    return options_of(part, raw=raw, stated=None).format


def _parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({"a": [1]}), out)
    return out.getvalue()


def test_content_that_is_sure_beats_the_name(tmp_path: Path) -> None:
    assert recognised(tmp_path, _parquet(), suffix=".csv") == "parquet"
    assert recognised(tmp_path, b'{"a":1}\n{"a":2}\n', suffix=".json", media_type="application/json") == "ndjson"


@pytest.mark.parametrize(
    ("content", "suffix", "media_type", "expected"),
    [
        (b"a,b\n1,2\n", ".csv", None, "csv"),
        (b"a;b\n1;2\n", "", "text/csv; charset=utf-8", "csv"),
        (b"a\tb\n1\t2\n", ".tsv", None, "tsv"),
        (b"a\tb\n1\t2\n", "", None, "tsv"),
        (b"a|b\n1|2\n", "", None, "psv"),
        (b'[{"a":1}]', "", None, "json"),
        (b'{"data":[]}', "", "application/vnd.api+json", "json"),
        (b'{"a":1}', ".jsonl", None, "ndjson"),
        (b"", ".csv", None, "csv"),
        (b"one\n001\n", ".csv", None, "csv"),
    ],
)
def test_media_type_name_and_content_tell(
    tmp_path: Path, content: bytes, suffix: str, media_type: str | None, expected: str
) -> None:
    assert recognised(tmp_path, content, suffix=suffix, media_type=media_type) == expected


def test_rows_of_a_query_are_parquet_whatever_is_stated(tmp_path: Path) -> None:
    assert recognised(tmp_path, _parquet(), landed_as="parquet") == "parquet"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04", "zip archive has no directory"),
        (b"7z\xbc\xaf\x27\x1c\x00\x04", "7z"),
        (b"Rar!\x1a\x07\x01\x00", "RAR"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"Service unavailable", "nothing tells"),
        (b"", "nothing tells"),
    ],
)
def test_what_nothing_reads_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        recognised(tmp_path, content)


def test_stated_options_are_taken(tmp_path: Path) -> None:
    from finport_ingestion.engine.convert.formats.delimited import CsvOptions

    stated = CsvOptions.model_validate({"format": "csv", "delimiter": ";"})
    path = tmp_path / "x"
    path.write_bytes(b"a;b\n1;2\n")
    part = Part(uri="x", format="raw", size_bytes=8, sha256="", item="x", sequence=0)
    raw = RawFile(path=UPath(path), uri="x", size_bytes=8)
    options = options_of(part, raw=raw, stated=stated)
    assert options is stated
    assert [batch.columns.num_columns for batch in reader_of(options).read(raw)] == [2, 2]


def test_the_answer_carries_its_reasons_and_a_warning_where_it_is_not_sure(tmp_path: Path) -> None:
    sure = taken(tmp_path, b"id,name,ccy\n1,a,USD\n2,b,EUR\n3,c,CHF\n", "a.csv")
    assert sure.confidence >= ENOUGH
    assert sure.warning is None
    assert sure.reasons == ("4 of the first 4 records have 3 fields between commas", "its name ends in .csv")
    assert sure.encoding == "utf-8"
    unsure = taken(tmp_path, b"id\n001\n002\n")
    assert unsure.format == "csv"
    assert unsure.warning == (
        "taken for csv with a confidence of 0.40 only (lines of one word each): state 'format' if it is another one"
    )


def test_a_name_against_the_content_is_said(tmp_path: Path) -> None:
    found = taken(tmp_path, _parquet(), "a.csv")
    assert found.format == "parquet"
    assert found.reasons == ("begins with PAR1", "its name ends in .csv, against its content")


def test_it_looks_through_compression_and_archives(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.ndjson.gz", gzip.compress(b'{"a":1}\n{"a":2}\n'))
    found = taken(tmp_path, out.getvalue(), "x.zip", "application/zip")
    assert (found.format, found.compression) == ("ndjson", "gzip+zip")
    assert "its name ends in .ndjson" in found.reasons


def test_an_encrypted_file_needs_its_password(tmp_path: Path) -> None:
    out = io.BytesIO()
    with pyzipper.AESZipFile(out, "w", encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(b"secret")
        archive.writestr("a", _parquet())
    path = tmp_path / "x.zip"
    path.write_bytes(out.getvalue())
    raw = RawFile(path=UPath(path), uri="x.zip", size_bytes=path.stat().st_size)
    with pytest.raises(AccessDenied, match="no password"):
        recognise(raw)
    assert recognise(raw, password=lambda: "secret").format == "parquet"


def test_an_empty_file_is_what_its_name_says(tmp_path: Path) -> None:
    found = taken(tmp_path, b"", "a.tsv")
    assert (found.format, found.confidence) == ("tsv", 0.6)
    assert found.reasons == ("its name ends in .tsv", "the file is empty")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id;Länge;Währung\n1;2,5;€\n2;3,5;€\n3;4,5;€\n", "csv"),
        ("a\tb\tc\n1\t2,5\tx\n2\t3,5\ty\n3\t4,5\tz\n", "tsv"),
        ("a|b|c\n1|2,5|x\n2|3,5|y\n3|4,5|z\n", "psv"),
        ('{"a": 1}\n{"a": 2}\n', "ndjson"),
        ('[\n {"a": 1, "b": 2},\n {"a": 1, "b": 2},\n {"a": 1, "b": 2}\n]\n', "json"),
        ("<?xml version='1.0'?><rows><row>1</row></rows>", "xml"),
        (
            ":20:STARTUMS\r\n:25:10020030/1234567\r\n:28C:1/1\r\n:60F:C240101EUR1,00\r\n:62F:C240101EUR1,00\r\n-",
            "mt940",
        ),
    ],
)
def test_the_encoding_does_not_matter(text: str, expected: str, encoding: str, tmp_path: Path) -> None:
    assert taken(tmp_path, text.encode(encoding)).format == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Report of the day\n\nid,name,ccy\n1,a,USD\n2,b,EUR\n3,c,CHF\n", "csv"),
        ('id,note\n1,"several\nlines, with commas"\n2,"x"\n3,y\n', "csv"),
        ("#id,name\n1,a\n2,b\n3,c\n", "csv"),
        ("id,a|b\n1,x|y\n2,z|w\n3,u|v\n4,u|v\n", None),
        ("code;list\n1;a,b\n2;c,d\n3;e,f\n", "csv"),
        ("a b c\n1 2 3\n4 5 6\n7 8 9\n1 2 4\n", "csv"),
    ],
)
def test_delimited_text_is_told_by_records_of_as_many_fields(text: str, expected: str | None, tmp_path: Path) -> None:
    found = taken(tmp_path, text.encode())
    assert found.format == (expected or found.format)
    assert expected or found.warning


@pytest.mark.parametrize(
    "text",
    [
        "Dear sirs, please find enclosed, as agreed, the file.\nWith kind regards, yours\n",
        "Service unavailable, try again later",
        "Internal error\nat module.py line 3\nat main.py line 9\n",
    ],
)
def test_prose_is_no_table(text: str, tmp_path: Path) -> None:
    try:
        found = taken(tmp_path, text.encode())
    except FormatError:
        return
    assert found.warning


@pytest.mark.parametrize(
    "byte", [b"<!-- -->", b"<", b"1", b" ", b"\n", b'"', b"{", b"[", b",", b"\0", b"\xff", b"-", b":20:", b"8=FIX"]
)
@pytest.mark.parametrize("begin", [b"", b"<?xml ", b"{1:F01", b"<OFX", b"- "])
def test_a_look_takes_no_time_whatever_the_bytes(begin: bytes, byte: bytes, tmp_path: Path) -> None:
    content = begin + byte * (65_536 // len(byte))
    started = time.process_time()
    with contextlib.suppress(FormatError):
        taken(tmp_path, content)
    assert time.process_time() - started < 2


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
def test_any_bytes_give_an_answer_or_a_refusal(content: bytes, tmp_path: Path) -> None:
    with contextlib.suppress(FinportError):
        assert taken(tmp_path, content).reasons


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<TICKER>,<DATE>,<OPEN>\nAAPL.US,20240102,1.5\nAAPL.US,20240103,1.6\n", "csv"),
        ("sep=|\nid|name\n1|a\n2|b\n", "csv"),
        ("id^name\n1^a\n2^b\n3^c\n", "csv"),
        ("id\x01name\n1\x01a\n2\x01b\n3\x01c\n", "csv"),
        ("a,b,c\n1,2,x\n3,4,y\tz\n", "csv"),
        ("a;b;c\n1;2;x\n3;4;y\tz\n5;6;y\tz\n", "csv"),
    ],
    ids=[
        "names in brackets",
        "a stated delimiter",
        "carets",
        "0x01",
        "a tab in the last text",
        "tabs in the last texts",
    ],
)
def test_delimited_text_of_seldom_kinds(text: str, expected: str, tmp_path: Path) -> None:
    assert taken(tmp_path, text.encode()).format == expected


@pytest.mark.parametrize("begin", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"{\\rtf1\\ansi text\n"])
def test_images_and_documents_are_refused_by_name(begin: bytes, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"an image|a document"):
        taken(tmp_path, begin + b"00000000")


def test_a_name_that_is_used_for_anything_is_not_said_to_be_against_the_content(tmp_path: Path) -> None:
    assert not any("against" in reason for reason in taken(tmp_path, b"a|b\n1|2\n3|4\n", "feed.txt").reasons)


def test_bytes_of_all_kinds_are_no_text_whatever_their_name(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="binary"):
        taken(tmp_path, random.Random(1).randbytes(5000), "delivery.csv")


def _packed(begin: bytes) -> bytes:
    """Bytes as compression leaves them: few enough are control characters to pass for text."""
    return begin + random.Random(3).randbytes(60_000)


@pytest.mark.parametrize("begin", [b"\xd0\xcf\x11\xe0", b"ORC\x08\x03"])
def test_packed_bytes_are_taken_for_no_text_of_any_encoding(begin: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(_packed(begin))
    assert head_of(RawFile(path=UPath(path), uri="x", size_bytes=path.stat().st_size)).text == ""


def test_text_that_begins_as_a_signature_is_text(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"ORCL,price\nORCL,1.50\n" * 10)
    assert head_of(RawFile(path=UPath(path), uri="x", size_bytes=path.stat().st_size)).text.startswith("ORCL,price")
