"""Delimited text: every record as it stands, the broken ones set aside alone."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from upath import UPath

from finport_ingestion.engine.convert.interface import BadRecord, Batch, RawFile
from finport_ingestion.engine.convert.reading import delimited_exact, delimited_fast
from finport_ingestion.engine.convert.reading.delimited import read_delimited
from finport_ingestion.engine.convert.reading.dialect import Dialect, find_delimiter
from finport_ingestion.engine.convert.reading.windows import find_cut
from finport_ingestion.engine.errors import FormatError

COMMA = Dialect(delimiter=",")


def raw(tmp_path: Path, content: bytes, **fields: Any) -> RawFile:
    path = tmp_path / "in.csv"
    path.write_bytes(content)
    return RawFile(path=UPath(path), uri="in.csv", size_bytes=len(content), **fields)


def read(
    tmp_path: Path, content: bytes, dialect: Dialect = COMMA, *, window_bytes: int = 1 << 20
) -> tuple[list[dict[str, Any]], list[BadRecord]]:
    """Rows (with their number as `#`) and bad records."""
    rows: list[dict[str, Any]] = []
    bad: list[BadRecord] = []
    for batch in read_delimited(raw(tmp_path, content), dialect, window_bytes=window_bytes):
        rows.extend(_rows(batch))
        bad.extend(batch.bad)
    return rows, bad


def _rows(batch: Batch) -> Iterator[dict[str, Any]]:
    for number, row in zip(batch.rows.to_pylist(), batch.columns.to_pylist(), strict=True):
        yield {"#": number, **row}


def test_texts_stay_as_delivered(tmp_path: Path) -> None:
    rows, bad = read(tmp_path, b"cusip,price,ticker,blank\n037833100,1E2,NA, x \n00123,1.50,nan,\n")
    assert rows == [
        {"#": 1, "cusip": "037833100", "price": "1E2", "ticker": "NA", "blank": " x "},
        {"#": 2, "cusip": "00123", "price": "1.50", "ticker": "nan", "blank": None},
    ]
    assert bad == []


def test_ragged_records_are_set_aside_with_their_place_and_the_others_go_on(tmp_path: Path) -> None:
    rows, bad = read(tmp_path, b"a,b\n1,2\n3\n4,5,6\n7,8\n")
    assert [(row["#"], row["a"]) for row in rows] == [(1, "1"), (4, "7")]
    assert [(found.row, found.rule, found.text) for found in bad] == [
        (2, "field_count", "3"),
        (3, "field_count", "4,5,6"),
    ]
    assert bad[0].reason == "line 3, byte 8: 1 field where 2 are expected"


def test_an_unclosed_quote_costs_its_own_line(tmp_path: Path) -> None:
    rows, bad = read(tmp_path, b'a,b\n1,"oops\n3,4\n5,6\n')
    assert [row["a"] for row in rows] == ["3", "5"]
    assert [(found.row, found.rule, found.text) for found in bad] == [(1, "unclosed_quote", '1,"oops')]


def test_text_behind_a_closing_quote_is_not_glued_to_it(tmp_path: Path) -> None:
    rows, bad = read(tmp_path, b'a,b\n"1"x,2\n3,4\n')
    assert [row["a"] for row in rows] == ["3"]
    assert bad[0].rule == "broken_quote"


def test_a_quote_inside_an_unquoted_field_is_text(tmp_path: Path) -> None:
    rows, bad = read(tmp_path, b'a,b\n5" pipe,x\n6,"quoted, with ""doubled"" and\nnewline"\n')
    assert [(row["a"], row["b"]) for row in rows] == [('5" pipe', "x"), ("6", 'quoted, with "doubled" and\nnewline')]
    assert bad == []


def test_a_stray_quote_does_not_move_later_cuts_into_quoted_newlines(tmp_path: Path) -> None:
    content = b'a,b\n5" pipe,x\n' + b'1,"two\nlines"\n' * 50
    rows, bad = read(tmp_path, content, window_bytes=64)
    assert len(rows) == 51
    assert {row["b"] for row in rows[1:]} == {"two\nlines"}
    assert bad == []


def test_only_line_ends_end_lines(tmp_path: Path) -> None:
    rows, _ = read(tmp_path, "a,b\nx\u2028y,1\x0b2\n".encode())
    assert rows == [{"#": 1, "a": "x\u2028y", "b": "1\x0b2"}]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("window_bytes", [1 << 20, 7])
def test_every_line_end_works_at_every_window(tmp_path: Path, end: str, window_bytes: int) -> None:
    content = end.join(["a,b", "1,2", '"x, y",3', "4,5"]) + end
    rows, bad = read(tmp_path, content.encode(), window_bytes=window_bytes)
    assert [(row["a"], row["b"]) for row in rows] == [("1", "2"), ("x, y", "3"), ("4", "5")]
    assert [row["#"] for row in rows] == [1, 2, 3]
    assert bad == []


def test_the_last_line_needs_no_end(tmp_path: Path) -> None:
    assert [row["a"] for row in read(tmp_path, b"a,b\n1,2\n3,4")[0]] == ["1", "3"]


def test_blank_lines_are_no_records(tmp_path: Path) -> None:
    rows, bad = read(tmp_path, b"\n\na,b\n\n1,2\r\n\r\n3,4\n\n")
    assert [row["#"] for row in rows] == [1, 2]
    assert bad == []


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252", "cp1251", "gb18030"]
)
def test_encodings_are_found_out(tmp_path: Path, encoding: str) -> None:
    texts = {"cp1251": "Продажа облигаций федерального займа", "gb18030": "中国人民银行授权中国外汇交易中心公布"}
    text = texts.get(encoding, "Zürich Übernahme façade größer")
    content = "\n".join(["name,n", *(f"{text},{number}" for number in range(40))])
    rows, bad = read(tmp_path, content.encode(encoding), window_bytes=101)
    assert {row["name"] for row in rows} == {text}
    assert len(rows) == 40
    assert bad == []


def test_the_declared_encoding_wins(tmp_path: Path) -> None:
    rows, _ = read(tmp_path, "a\nzł\n".encode("cp1250"), Dialect(delimiter=",", encoding="cp1250"))
    assert rows[0]["a"] == "zł"


def test_bytes_that_are_not_of_the_encoding_cost_their_record(tmp_path: Path) -> None:
    rows, bad = read(tmp_path, "n,é\n1,ö\n".encode() + b"2,\xff\xfe\n" + "3,ü\n".encode())
    assert [row["n"] for row in rows] == ["1", "3"]
    assert [(found.row, found.rule, found.text) for found in bad] == [(2, "encoding", "2,\\xff\\xfe")]


def test_a_nul_costs_its_record(tmp_path: Path) -> None:
    rows, bad = read(tmp_path, b"a,b\n1,2\n\x00,3\n")
    assert len(rows) == 1
    assert bad[0].rule == "nul_character"


def test_names_are_unique_and_the_delivered_ones_are_told(tmp_path: Path) -> None:
    batch = next(iter(read_delimited(raw(tmp_path, b"\xef\xbb\xbfdate, price ,price,,PRICE\n1,2,3,4,5\n"), COMMA)))
    assert batch.columns.schema.names == ["date", "price", "price_2", "column_4", "PRICE_3"]
    assert batch.originals == {"price": " price ", "price_2": "price", "column_4": "", "PRICE_3": "PRICE"}
    assert "price_2, column_4, PRICE_3" in batch.warnings[0]


def test_a_file_without_header_takes_the_stated_names(tmp_path: Path) -> None:
    rows, _ = read(tmp_path, b"1,2\n3,4\n", Dialect(delimiter=",", header=False, names=("x", "y")))
    assert [row["x"] for row in rows] == ["1", "3"]
    with pytest.raises(FormatError, match="2 fields, but 3 columns"):
        read(tmp_path, b"1,2\n", Dialect(delimiter=",", header=False, names=("x", "y", "z")))
    rows, _ = read(tmp_path, b"1,2\n", Dialect(delimiter=",", header=False))
    assert rows == [{"#": 1, "column_1": "1", "column_2": "2"}]


def test_lines_above_the_header_are_skipped(tmp_path: Path) -> None:
    rows, bad = read(tmp_path, b"Report, of today\nx\na,b\n1,2\n,9,9\n", Dialect(delimiter=",", skip_lines=2))
    assert [row["a"] for row in rows] == ["1"]
    assert bad[0].reason.startswith("line 5,")


def test_without_quoting_a_quote_is_a_character(tmp_path: Path) -> None:
    rows, _ = read(tmp_path, b'a|b\n"1|2"\n', Dialect(delimiter="|", quote=""))
    assert rows == [{"#": 1, "a": '"1', "b": '2"'}]


def test_delimiters_beyond_ascii_work(tmp_path: Path) -> None:
    rows, _ = read(tmp_path, 'a§b\n1§"x\ny"\n'.encode(), Dialect(delimiter="§"), window_bytes=4)
    assert rows == [{"#": 1, "a": "1", "b": "x\ny"}]


def test_stated_nulls_are_null_and_quoted_empty_is_too(tmp_path: Path) -> None:
    rows, _ = read(tmp_path, b'a,b,c\n.,"",x\n', Dialect(delimiter=",", nulls=("", ".")))
    assert rows == [{"#": 1, "a": None, "b": None, "c": "x"}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n\r\n\n", "only blank lines"),
        (b"  <!DOCTYPE html><html><body>Login</body></html>", "an HTML page"),
        (b"<html>503</html>", "an HTML page"),
        (b'{"error": "rate limit"}', "JSON, not delimited text"),
        (b'[{"a": 1}]', "JSON, not delimited text"),
        (b"PAR1....", "a Parquet file"),
        (b"PK\x03\x04....", "a zip archive"),
        (b"\x1f\x8b\x08....", "gzip-compressed"),
        (b"<?xml version='1.0'?><a/>", "XML"),
        (bytes(range(32)) * 10, "binary"),
    ],
)
def test_what_is_no_delimited_text_is_refused_by_name(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read(tmp_path, content)


def test_an_empty_file_is_a_valid_file_of_nothing_where_the_policy_says_so(tmp_path: Path) -> None:
    assert list(read_delimited(raw(tmp_path, b"", may_be_empty=True), COMMA)) == []


def test_a_header_alone_has_no_rows(tmp_path: Path) -> None:
    assert read(tmp_path, b"a,b\n") == ([], [])


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("a,b\n1,2\n", ","),
        ("a;b\n1,5;2,5\n3,5;4,5\n", ";"),
        ("a\tb\n1\t2\n", "\t"),
        ("a|b|c\n1|2|x, y\n", "|"),
        ("alone\nx\ny\n", ","),
        ('"a;b",c\n"1;2",3\n', ","),
    ],
)
def test_the_delimiter_is_found_out(text: str, delimiter: str) -> None:
    assert find_delimiter(text, quote='"') == delimiter


def test_very_long_fields_are_read(tmp_path: Path) -> None:
    long = "x" * 300_000
    rows, bad = read(tmp_path, f'a,b\n"{long}",1\ny"z,2\n'.encode(), window_bytes=100_000)
    assert rows[0]["a"] == long
    assert rows[1]["a"] == 'y"z'
    assert bad == []


_FIELD = st.text(st.sampled_from('ab1 .,;"\n\r\té€😀N'), max_size=6)
_TABLE = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(_FIELD, min_size=width, max_size=width), min_size=1, max_size=12)
)


def _quoted_ends(table: list[list[str]]) -> list[list[str]]:
    """The standard library's writer leaves a lone CR without quotes, which makes another table of it."""
    return [[field.replace("\r", "\r\n") for field in fields] for fields in table]


def _written(table: list[list[str]], *, end: str, quoting: Any) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=end, quoting=quoting).writerows(table)
    return out.getvalue()


@settings(max_examples=120, deadline=None)
@given(table=_TABLE, end=st.sampled_from(["\n", "\r\n"]), quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_the_fast_and_the_exact_way_agree(table: list[list[str]], end: str, quoting: Any) -> None:
    text = _written(table, end=end, quoting=quoting)
    window = text.encode()
    cut = find_cut(window, delimiter=",", quote='"', final=True)
    assert cut.size == len(window)
    fast = delimited_fast.parse(window, COMMA, width=len(table[0])) if cut.proved else None
    exact = [record.fields for record in delimited_exact.records(delimited_exact.Lines(text), COMMA, final=True)]
    wanted = [fields for fields in csv.reader(io.StringIO(text, newline=""), strict=True) if fields]
    assert exact == wanted
    if fast is not None:
        found = [[value or "" for value in row.values()] for row in fast.to_pylist()]
        assert found == exact


@settings(max_examples=120, deadline=None)
@given(text=st.text(st.sampled_from('a1,"\n\r'), max_size=40))
def test_whatever_the_text_the_fast_way_never_disagrees(text: str) -> None:
    window = text.encode()
    if not find_cut(window, delimiter=",", quote='"', final=True).proved:
        return
    exact = list(delimited_exact.records(delimited_exact.Lines(text), COMMA, final=True))
    widths = {len(record.fields) if record.fields is not None else 0 for record in exact}
    width = min(widths, default=1) or 1
    fast = delimited_fast.parse(window, COMMA, width=width)
    if fast is not None:
        assert [list(row.values()) for row in fast.to_pylist()] == [
            [field or None for field in record.fields or ["broken"]] for record in exact
        ]


@settings(max_examples=80, deadline=None)
@given(table=_TABLE.map(_quoted_ends), window_bytes=st.integers(1, 40), end=st.sampled_from(["\n", "\r\n"]))
def test_windows_lose_and_invent_nothing(
    tmp_path_factory: pytest.TempPathFactory, table: list[list[str]], window_bytes: int, end: str
) -> None:
    width = len(table[0])
    header = [f"c{number}" for number in range(width)]
    text = _written([header, *table], end=end, quoting=csv.QUOTE_MINIMAL)
    rows, bad = read(tmp_path_factory.mktemp("windows"), text.encode(), window_bytes=window_bytes)
    wanted = [fields for fields in list(csv.reader(io.StringIO(text, newline="")))[1:] if fields]
    assert bad == []
    assert [[row[name] or "" for name in header] for row in rows] == wanted
    assert [row["#"] for row in rows] == list(range(1, len(wanted) + 1))


def test_the_end_mark_of_old_systems_is_no_record(tmp_path: Path) -> None:
    batches = list(read_delimited(raw(tmp_path, b"a,b\n1,2\n\x1a"), COMMA))
    assert [row for batch in batches for row in batch.columns.to_pylist()] == [{"a": "1", "b": "2"}]
    assert [bad for batch in batches for bad in batch.bad] == []
    assert any("1A" in note.upper() for batch in batches for note in batch.notes)
