"""Which format a part is of."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from upath import UPath

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.recognise import options_of, reader_of
from finport_ingestion.engine.errors import FormatError
from finport_ingestion.engine.records import Part


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
        (b"<html><h1>Login</h1></html>", "an HTML page"),
        (b"PK\x03\x04", "a zip archive"),
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
