"""Tables of web pages: the data, not the layout; every cell as its text."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from upath import UPath

from finport_ingestion.engine.convert.formats.html_tables import HtmlFormat, HtmlOptions
from finport_ingestion.engine.convert.interface import Batch, Head, RawFile
from finport_ingestion.engine.errors import FormatError
from tests.conformance.formats.samples.web_pages import page

_HEAD = "<tr><th>bank</th><th>cert</th></tr>"
_BODY = "<tr><td>First</td><td>001</td></tr><tr><td>Second</td><td>002</td></tr>"


def read(folder: Path, content: bytes | str, *, may_be_empty: bool = False, **options: Any) -> list[Batch]:
    path = folder / "delivered"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    raw = RawFile(path=UPath(path), uri="landing/x", size_bytes=path.stat().st_size, may_be_empty=may_be_empty)
    return list(HtmlFormat(HtmlOptions.model_validate({"format": "html", **options})).read(raw))


def told(batches: Sequence[Batch]) -> str:
    return "\n".join(sentence for batch in batches for sentence in (*batch.warnings, *batch.notes))


def rows(batch: Batch) -> list[list[str | None]]:
    return [list(row.values()) for row in batch.columns.to_pylist()]


def test_the_real_table_inside_a_layout_is_the_table(tmp_path: Path) -> None:
    inner = f"<table id='banks'>{_HEAD}{_BODY}</table>"
    menu = "<table><tr><td>Home</td></tr></table>"
    layout = f"<html><table><tr><td>{menu}</td><td>{inner}</td></tr><tr><td>a</td><td>b</td></tr></table></html>"
    [batch] = read(tmp_path, layout)
    assert batch.table == "banks"
    assert batch.columns.schema.names == ["bank", "cert"]
    assert rows(batch) == [["First", "001"], ["Second", "002"]]
    assert "2 tables of the page's layout are left out" in told([batch])


def test_tables_are_named_by_id_caption_or_number(tmp_path: Path) -> None:
    made = [
        f"<table{which}{_HEAD}{_BODY}</table>" for which in (" id=a>", "><caption>B <i>c</i></caption>", ">", " id=a>")
    ]
    assert [batch.table for batch in read(tmp_path, "".join(made))] == ["a", "B c", "table_3", "a_2"]


def test_spans_are_expanded_and_told(tmp_path: Path) -> None:
    body = "<tr><td rowspan=2>A</td><td>1</td></tr><tr><td>2</td></tr><tr><td>B</td><td>3</td></tr>"
    [batch] = read(tmp_path, f"<table>{_HEAD}{body}</table>")
    assert rows(batch) == [["A", "1"], ["A", "2"], ["B", "3"]]
    assert "1 cells span several" in told([batch])


def test_a_header_of_two_rows_is_joined_and_told(tmp_path: Path) -> None:
    head = "<thead><tr><th rowspan=2>fund</th><th colspan=2>2024</th></tr><tr><th>low</th><th>high</th></tr></thead>"
    [batch] = read(tmp_path, f"<table>{head}<tr><td>A</td><td>1</td><td>2</td></tr></table>")
    assert batch.columns.schema.names == ["fund", "2024 low", "2024 high"]
    assert "the header is rows 1, 2, and its words are joined" in told([batch])


def test_a_cell_that_spans_all_rows_ends_with_its_group_of_rows(tmp_path: Path) -> None:
    eu = "<tbody><tr><td rowspan=0>EU</td><td>1</td></tr><tr><td>2</td></tr></tbody>"
    us = "<tbody><tr><td rowspan=9>US</td><td>3</td></tr></tbody><tbody><tr><td>UK</td><td>4</td></tr></tbody>"
    [batch] = read(tmp_path, f"<table><thead><tr><th rowspan=3>area</th><th>n</th></tr></thead>{eu}{us}</table>")
    assert rows(batch) == [["EU", "1"], ["EU", "2"], ["US", "3"], ["UK", "4"]]


def test_a_cell_that_is_hidden_moves_no_other(tmp_path: Path) -> None:
    hidden = '<td style="display: none">key</td>'
    body = f"<tr>{hidden}<td>A</td><td>1</td></tr><tr>{hidden}<td>B</td><td>2</td></tr>"
    [batch] = read(tmp_path, f"<table><tr><th>name</th><th>n</th></tr>{body}</table>")
    assert batch.columns.to_pylist() == [{"name": "A", "n": "1"}, {"name": "B", "n": "2"}]
    assert "2 cells that are hidden on the screen are left out" in told([batch])


def test_without_header_cells_the_first_row_of_words_is_the_header(tmp_path: Path) -> None:
    body = "<tr><td>bank<td>assets</tr><tr><td>First<td>1,234.50</tr><tr><td>Second<td>(7)</tr>"
    [batch] = read(tmp_path, f"<table>{body}</table>")
    assert batch.columns.schema.names == ["bank", "assets"]
    assert rows(batch) == [["First", "1,234.50"], ["Second", "(7)"]]
    [batch] = read(tmp_path, f"<table>{body}</table>", header="none")
    assert batch.columns.num_rows == 3


def test_footers_headings_and_totals_are_left_out_and_told(tmp_path: Path) -> None:
    body = "<tr><td colspan=2>Region east</td></tr><tr><td>B</td><td>3</td></tr><tr><td>Total</td><td>9</td></tr>"
    [batch] = read(tmp_path, f"<table>{_HEAD}{_BODY}{body}<tfoot><tr><td>Source</td><td>x</td></tr></tfoot></table>")
    assert rows(batch) == [["First", "001"], ["Second", "002"], ["B", "3"]]
    assert "row 4 that are headings left out: Region east" in told([batch])
    assert "rows 6, 7 below the records left out: Total 9 | Source x" in told([batch])


def test_only_what_is_seen_counts(tmp_path: Path) -> None:
    cell = "<span style='display: none'>0001</span> a&nbsp;<b>b</b>\n c<script>x()</script><!-- no -->"
    [batch] = read(tmp_path, f"<table>{_HEAD}<tr><td>{cell}</td><td>&lt;&amp;&euro;</td></tr></table>")
    assert rows(batch) == [["a b c", "<&€"]]


def test_a_line_break_between_words_is_told_or_spelled(tmp_path: Path) -> None:
    content = f"<table>{_HEAD}<tr><td>First<br>Bank</td><td>a <br>b</td></tr></table>"
    [batch] = read(tmp_path, content)
    assert rows(batch) == [["FirstBank", "a b"]]
    assert "in 1 cells a line break stands between two words" in told([batch])
    assert rows(read(tmp_path, content, lineBreak=" / ")[0]) == [["First / Bank", "a b"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "koi8-r"])
def test_the_encoding_is_what_the_page_or_its_mark_says(tmp_path: Path, encoding: str) -> None:
    word = "банк" if encoding == "koi8-r" else "Zürich"
    said = (
        "" if encoding.startswith("utf") else f"<meta charset='{'iso-8859-1' if encoding == 'cp1252' else encoding}'>"
    )
    [batch] = read(tmp_path, f"<html>{said}<table>{_HEAD}<tr><td>{word}</td></tr></table></html>".encode(encoding))
    assert rows(batch) == [[word, None]]


def test_bytes_that_are_not_of_the_encoding_are_told(tmp_path: Path) -> None:
    content = f"<meta charset=utf-8><table>{_HEAD}".encode() + b"<tr><td>Z\xfcrich</td><td>1</td></tr></table>"
    assert "not of the page's encoding" in told(read(tmp_path, content))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty"),
        (b"<html><body>Please log in</body></html>", "an HTML page without a table"),
        (b"<html><script>'<table><tr>'</script></html>", "without a table"),
        (b"a,b\n1,2\n", "no HTML page"),
        (b"PK\x03\x04", "a zip archive"),
        (b"<table></table>", "whose tables have no rows"),
        (f"<html><table>{_HEAD}{_BODY}".encode(), "ends within a table"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, what: str) -> None:
    with pytest.raises(FormatError, match=f"landing/x: .*{what}") as caught:
        read(tmp_path, content)
    assert caught.value.hint


def test_an_empty_file_is_no_records_where_it_may_be_empty(tmp_path: Path) -> None:
    assert read(tmp_path, b"", may_be_empty=True) == []


def test_spans_and_nesting_without_end_cost_little(tmp_path: Path) -> None:
    started = time.process_time()
    wide = "<tr>" + "<td colspan=1000 rowspan=65534>x</td>" * 40 + "</tr>" + "<tr><td>y</td></tr>" * 2_000
    with pytest.raises(FormatError, match="spans more than"):
        read(tmp_path, f"<table>{wide}</table>")
    deep = "<div>" * 50_000 + f"<table>{_HEAD}{_BODY}</table>"
    nested = "<table><tr><td>" * 5_000 + f"<table>{_HEAD}{_BODY}</table>" + "</table>" * 5_000 + "</html>"
    for content in (deep, nested):
        try:
            read(tmp_path, content)
        except FormatError:
            continue
    assert time.process_time() - started < 30


def test_a_page_is_recognised_and_a_filing_is_not(tmp_path: Path) -> None:
    def likeness(text: str) -> float:
        found = HtmlFormat.recognises(Head(content=text.encode(), text=text, whole=True))
        return found.confidence if found else 0.0

    assert likeness("<!DOCTYPE html><html><body><table>") > 0.9
    assert likeness('<?xml version="1.0"?>\n<html xmlns="http://www.w3.org/1999/xhtml">') > 0.8
    assert likeness("<table><tr><td>1") > 0.9
    assert likeness('<html xmlns:ix="http://www.xbrl.org/2013/inlineXBRL"><table>') == 0
    assert likeness("<?xml version='1.0'?><Document>") == 0
    assert likeness("a,b\n<table>,2\n") == 0


_TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\xa0"), min_size=1, max_size=8)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.lists(st.lists(_TEXT, min_size=3, max_size=3), min_size=1, max_size=8))
def test_what_is_written_is_read(tmp_path: Path, body: list[list[str]]) -> None:
    wanted = [dict(zip(("id", "name", "amount"), (f"x{text}x" for text in row), strict=True)) for row in body]
    [batch] = read(tmp_path, page(wanted))
    assert batch.columns.to_pylist() == wanted
