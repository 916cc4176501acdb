"""Cells of workbooks as typed columns: exact, never silently null, or refused."""

from __future__ import annotations

import datetime as dt
import io
import struct
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
import xlwt
from upath import UPath

from finport_ingestion.engine.convert.formats.spreadsheet import XlsxFormat, XlsxOptions
from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.errors import FormatError
from finport_ingestion.engine.limits import ReadLimits
from tests.conformance.formats.samples.spreadsheets import _record, ods_package, xlsb_package

Cells = Sequence[Sequence[Any]]


def book(*sheets: Cells, change: Callable[[openpyxl.Workbook], None] | None = None) -> bytes:
    """An XLSX whose sheets are `s1`, `s2` ..."""
    made = openpyxl.Workbook()
    made.remove(made.active)
    for at, rows in enumerate(sheets, start=1):
        sheet = made.create_sheet(f"s{at}")
        for row in rows:
            sheet.append(row)
    if change:
        change(made)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def changed(content: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """The package with one of its parts changed."""
    plain, out = zipfile.ZipFile(io.BytesIO(content)), io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name in plain.namelist():
            package.writestr(name, change(plain.read(name)) if name == part else plain.read(name))
    return out.getvalue()


def old_book(rows: Cells) -> bytes:
    made = xlwt.Workbook()
    sheet = made.add_sheet("s1")
    for at, row in enumerate(rows):
        for column, cell in enumerate(row):
            if isinstance(cell, str) and cell.startswith("#"):
                sheet.row(at).set_cell_error(column, {"#N/A": "#N/A!"}.get(cell, cell))
            elif cell is not None:
                sheet.write(at, column, cell)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def read(folder: Path, content: bytes, *, limits: ReadLimits | None = None, **options: Any) -> list[Batch]:
    path = folder / "delivered"
    path.write_bytes(content)
    raw = RawFile(path=UPath(path), uri="landing/x", size_bytes=len(content), limits=limits or ReadLimits())
    return list(XlsxFormat(XlsxOptions.model_validate({"format": "xlsx", **options})).read(raw))


def table(batches: Sequence[Batch], name: str = "s1") -> pa.Table:
    return pa.Table.from_batches([batch.columns for batch in batches if batch.table == name])


def told(batches: Sequence[Batch]) -> str:
    return "\n".join(sentence for batch in batches for sentence in (*batch.warnings, *batch.notes))


def test_each_column_has_the_type_of_its_cells(tmp_path: Path) -> None:
    day, moment = dt.date(2024, 2, 29), dt.datetime(2024, 2, 29, 23, 59, 59)  # noqa: DTZ001
    rows = [
        ["n", "price", "day", "at", "clock", "ok", "text"],
        [1, 0.1, day, moment, dt.time(9, 30), True, "007"],
        [2**53, 3, day, day, dt.time(23, 59, 59), False, " x "],
        [None, None, None, None, None, None, None],
        [-5, 1e300, day, moment, dt.time(0, 1), True, "NULL"],
    ]
    found = table(read(tmp_path, book(rows)))
    kinds = ["int64", "double", "date32[day]", "timestamp[us]", "time64[us]", "bool", "string"]
    assert [str(kind) for kind in found.schema.types] == kinds
    assert found.column("n").to_pylist() == [1, 2**53, None, -5]
    assert found.column("price").to_pylist() == [0.1, 3.0, None, 1e300]
    assert found.column("clock").to_pylist() == [dt.time(9, 30), dt.time(23, 59, 59), None, dt.time(0, 1)]
    assert found.column("text").to_pylist() == ["007", " x ", None, "NULL"]


def test_integers_beyond_what_a_spreadsheet_keeps_stay_binary_numbers(tmp_path: Path) -> None:
    assert table(read(tmp_path, book([["n"], [2**53 + 2], [1]]))).schema.field("n").type == pa.float64()


def test_numbers_that_identify_become_digits(tmp_path: Path) -> None:
    batches = read(tmp_path, book([["account_no", "rate id", "amount"], [123, 1.5, 1], [4111111111111111, 2, 2]]))
    assert table(batches).column("account_no").to_pylist() == ["123", "4111111111111111"]
    assert table(batches).schema.field("rate id").type == pa.float64()


def test_a_mixed_column_is_exact_text_with_the_address_of_the_first_odd_cell(tmp_path: Path) -> None:
    rows = [["k", "v"], ["a", 1], ["b", 2.50], ["c", True], ["d", dt.date(2024, 1, 2)], ["e", "n/a"]]
    batches = read(tmp_path, book(rows))
    assert table(batches).column("v").to_pylist() == ["1", "2.5", "true", "2024-01-02", "n/a"]
    assert "column 'v' mixes booleans, dates, numbers and text; it is kept as text: B4 is the first boolean" in told(
        batches
    )


def test_durations_are_told_from_days(tmp_path: Path) -> None:
    batches = read(tmp_path, book([["a", "took"], [1, dt.timedelta(hours=255, minutes=10)]]))
    assert table(batches).column("took").to_pylist() == ["10 days, 15:10:00"]
    assert "holds durations" in told(batches)


def test_days_count_from_1904_where_the_workbook_says_so(tmp_path: Path) -> None:
    def since_1904(made: openpyxl.Workbook) -> None:
        made.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904

    rows = [["d"], [dt.date(2021, 1, 1)]]
    assert table(read(tmp_path, book(rows, change=since_1904))).column("d").to_pylist() == [dt.date(2021, 1, 1)]


def test_the_day_that_never_was_is_told(tmp_path: Path) -> None:
    content = book([["d"], [dt.date(1900, 3, 1)]])
    batches = read(tmp_path, changed(content, "xl/worksheets/sheet1.xml", lambda xml: xml.replace(b">61<", b">60<")))
    assert "A2 is read as 28 February 1900" in told(batches)


@pytest.mark.parametrize("make", [book, old_book], ids=["xlsx", "xls"])
def test_error_cells_are_told_with_their_address_and_never_silently_null(tmp_path: Path, make: Any) -> None:
    rows = [["n", "t"], [1, "x"], ["#DIV/0!", "#N/A"], [3, "y"]]
    batches = read(tmp_path, make(rows))
    assert table(batches).column("n").to_pylist() == [1, None, 3]
    assert table(batches).column("t").to_pylist() == ["x", "#N/A", "y"]
    assert "column 'n' has 1 error cells, made null: A3 #DIV/0!" in told(batches)
    assert "column 't' has 1 error cells, kept as text: B3 #N/A" in told(batches)


def test_errors_that_no_library_knows_cost_their_cell_and_not_the_workbook(tmp_path: Path) -> None:
    lines = (
        '<row r="1"><c r="A1" t="inlineStr"><is><t>n</t></is></c><c r="B1" t="inlineStr"><is><t>t</t></is></c></row>'
        '<row r="2"><c r="A2"><v>1</v></c><c r="B2" t="str"><v>#SPILL!</v></c></row>'
        '<row r="3"><c r="A3" t="e"><v>#SPILL!</v></c><c r="B3" t="e"><f>X()</f><v>#GETTING_DATA</v></c></row>'
    )
    content = changed(book([["x"]]), "xl/worksheets/sheet1.xml", lambda xml: _with_rows(xml, lines))
    batches = read(tmp_path, content)
    assert table(batches).to_pylist() == [{"n": 1, "t": "#SPILL!"}, {"n": None, "t": "#GETTING_DATA"}]
    assert "column 'n' has 1 error cells, made null: A3 #SPILL!" in told(batches)


@pytest.mark.parametrize("shared", [True, False], ids=["shared", "inline"])
def test_blanks_at_the_ends_of_texts_are_kept_without_their_mark(tmp_path: Path, shared: bool) -> None:
    texts = [" both ", "end\n", " ", "<marked> ", "none"]
    content = book([["t"], *([text] for text in texts)])
    if not shared:
        cells = "".join(
            f'<row r="{at}"><c r="A{at}" t="inlineStr"><is><t>{text.replace("<", "&lt;")}</t></is></c></row>'
            for at, text in enumerate(["t", *texts], start=1)
        )
        content = changed(content, "xl/worksheets/sheet1.xml", lambda xml: _with_rows(xml, cells))
    content = changed(
        content,
        "xl/sharedStrings.xml",
        lambda xml: xml.replace(b' xml:space="preserve"', b"").replace(b"end\n", b"end&#xA;"),
    )
    assert table(read(tmp_path, content)).column("t").to_pylist() == texts


def test_a_number_below_zero_that_is_shown_as_a_date_is_that_number(tmp_path: Path) -> None:
    def change(made: openpyxl.Workbook) -> None:
        for row in (2, 3, 4):
            made["s1"].cell(row, 1).number_format = "yyyy-mm-dd"

    batches = read(tmp_path, book([["d", "n"], [45_000, -1], [-1.5, -2], [45_001, 3]], change=change))
    assert table(batches).column("d").to_pylist() == ["2023-03-15", "-1.5", "2023-03-16"]
    assert "mixes dates and numbers; it is kept as text: A3 is the first number" in told(batches)
    assert table(batches).column("n").to_pylist() == [-1, -2, 3]


def test_error_cells_of_xlsb_are_told(tmp_path: Path) -> None:
    def row(at: int) -> bytes:
        return _record(0, struct.pack("<I", at) + bytes(21))

    number = _record(5, struct.pack("<IId", 0, 0, 2.0))
    error = _record(3, struct.pack("<IIB", 0, 0, 42))
    text = _record(6, struct.pack("<III", 0, 0, 1) + "n".encode("utf-16-le"))
    size = _record(148, struct.pack("<IIII", 0, 2, 0, 0))
    cells = b"".join([_record(129), size, _record(145), row(0), text, row(1), number, row(2), error])
    batches = read(tmp_path, xlsb_package(cells + _record(146) + _record(130)))
    assert table(batches, "prices").to_pylist() == [{"n": 2}, {"n": None}]
    assert "A3 #N/A" in told(batches)


def test_an_error_of_ods_is_told_and_repeated_cells_are_repeated(tmp_path: Path) -> None:
    rows = (
        "<table:table-row><table:table-cell office:value-type='string'><text:p>a</text:p></table:table-cell>"
        "<table:table-cell office:value-type='string'><text:p>b</text:p></table:table-cell></table:table-row>"
        "<table:table-row table:number-rows-repeated='2'>"
        "<table:table-cell office:value-type='percentage' office:value='0.5' table:number-columns-repeated='2'/>"
        "</table:table-row><table:table-row><table:table-cell/>"
        "<table:table-cell office:value-type='string' calcext:value-type='error'><text:p>#DIV/0!</text:p>"
        "</table:table-cell></table:table-row><table:table-row table:number-rows-repeated='1048000'>"
        "<table:table-cell table:number-columns-repeated='1024'/></table:table-row>"
    )
    batches = read(tmp_path, ods_package(rows))
    assert table(batches, "prices").to_pylist() == [{"a": 0.5, "b": 0.5}] * 2 + [{"a": None, "b": None}]
    assert "B4 #DIV/0!" in told(batches)


def ods_column(*cells: str) -> bytes:
    """A sheet of the columns `id` and `v`: each of the cells is a record."""
    names = "".join(
        f"<table:table-cell office:value-type='string'><text:p>{n}</text:p></table:table-cell>" for n in ("id", "v")
    )
    records = "".join(
        f"<table:table-row><table:table-cell office:value-type='float' office:value='{at}'/>{cell}</table:table-row>"
        for at, cell in enumerate(cells)
    )
    return ods_package(f"<table:table-row>{names}</table:table-row>{records}")


def test_a_duration_of_ods_is_one_in_the_words_of_the_file(tmp_path: Path) -> None:
    words = ["PT36H00M00S", "-PT01H00M00S", "P2DT1H"]
    cells = [f"<table:table-cell office:value-type='time' office:time-value='{text}'/>" for text in words]
    batches = read(tmp_path, ods_column(*cells))
    assert table(batches, "prices").column("v").to_pylist() == words
    assert "column 'v' holds durations; they are kept as text" in told(batches)
    clock = "<table:table-cell office:value-type='time' office:time-value='PT09H30M00S'/>"
    batches = read(tmp_path, ods_column(clock, cells[0]))
    assert table(batches, "prices").column("v").to_pylist() == ["09:30:00", "PT36H00M00S"]
    assert "mixes durations and times" in told(batches)


def test_a_moment_of_ods_with_a_zone_keeps_it(tmp_path: Path) -> None:
    cell = "<table:table-cell office:value-type='date' office:date-value='2024-02-29T10:00:00+01:00'/>"
    found = table(read(tmp_path, ods_column(cell)), "prices")
    assert found.column("v").to_pylist() == ["2024-02-29T10:00:00+01:00"]


def test_text_of_ods_is_kept_wherever_its_cell_has_it(tmp_path: Path) -> None:
    found = table(
        read(
            tmp_path,
            ods_column(
                "<table:table-cell office:value-type='string'><text:list><text:list-item><text:p>listed</text:p>"
                "</text:list-item></text:list></table:table-cell>",
                "<table:table-cell><text:p>of no type</text:p></table:table-cell>",
                "<table:covered-table-cell office:value-type='string'><text:p>covered</text:p>"
                "</table:covered-table-cell>",
                "<table:table-cell office:value-type='string'><office:annotation><text:p>a note</text:p>"
                "</office:annotation><text:p>noted</text:p></table:table-cell>",
                "<table:table-cell/>",
            ),
        ),
        "prices",
    )
    assert found.column("v").to_pylist() == ["listed", "of no type", "covered", "noted", None]


def test_a_formula_without_a_stored_result_is_told(tmp_path: Path) -> None:
    batches = read(tmp_path, book([["a", "b"], [1, "=A2*2"], [2, "=A3*2"]]))
    assert "2 formulas have no stored result, the first in B2" in told(batches)


def test_hidden_and_empty_sheets_and_merged_cells_are_told(tmp_path: Path) -> None:
    def change(made: openpyxl.Workbook) -> None:
        made["s2"].sheet_state = "veryHidden"
        made["s1"].merge_cells("A2:A3")

    batches = read(tmp_path, book([["a", "b"], [1, 2], [None, 3]], [["x", "y"], [1, 2]], [], change=change))
    assert [batch.table for batch in batches if batch.columns.num_rows] == ["s1", "s2"]
    assert "sheet 's2': is hidden" in told(batches)
    assert "left out: 's3'" in told(batches)
    assert "merged cells are not filled: the value stands in the first cell only (A2:A3)" in told(batches)


def test_a_workbook_without_any_cell_is_an_empty_table(tmp_path: Path) -> None:
    [batch] = read(tmp_path, book([]))
    assert (batch.table, batch.columns.num_rows, batch.columns.num_columns) == ("s1", 0, 0)


@pytest.mark.parametrize("sheet", ["s2", 2])
def test_a_sheet_is_chosen_by_name_or_number(tmp_path: Path, sheet: str | int) -> None:
    content = book([["a", "b"], [1, 2]], [["c", "d"], [3, 4]])
    assert [batch.table for batch in read(tmp_path, content, sheet=sheet)] == ["s2"]
    with pytest.raises(FormatError, match="has no sheet 's9'; its sheets are 's1', 's2'"):
        read(tmp_path, content, sheet="s9")


def test_many_rows_come_in_batches(tmp_path: Path) -> None:
    lines = "".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c></row>' for n in range(1, 70_001))
    content = changed(book([["x"]]), "xl/worksheets/sheet1.xml", lambda xml: _with_rows(xml, lines))
    batches = read(tmp_path, content)
    assert [batch.columns.num_rows for batch in batches] == [65_536, 4_464]
    assert batches[1].rows[0].as_py() == 65_537


def _with_rows(xml: bytes, rows: str) -> bytes:
    start, end = xml.index(b"<sheetData>") + 11, xml.index(b"</sheetData>")
    return xml[:start] + rows.encode() + xml[end:]


# What is no workbook, or a hostile one.


def test_a_cell_far_out_asks_for_no_memory(tmp_path: Path) -> None:
    far = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    content = changed(book([["x"]]), "xl/worksheets/sheet1.xml", lambda xml: _with_rows(xml, far))
    with pytest.raises(FormatError, match="spans 1048576 rows and 16384 columns"):
        read(tmp_path, content)


def test_a_cell_outside_of_every_sheet_asks_for_no_time(tmp_path: Path) -> None:
    cell = _record(5, struct.pack("<IId", 4_000_000, 0, 2.0))
    cells = b"".join([_record(129), _record(145), _record(0, bytes(25)), cell])
    with pytest.raises(FormatError, match="spans 1 rows and 4000001 columns"):
        read(tmp_path, xlsb_package(cells + _record(146) + _record(130)))


def test_cells_repeated_without_end_ask_for_no_memory(tmp_path: Path) -> None:
    bomb = (
        "<table:table-row table:number-rows-repeated='1000000'><table:table-cell office:value-type='float' "
        "office:value='1' table:number-columns-repeated='16384'/></table:table-row>"
    )
    with pytest.raises(FormatError, match="by repeating some"):
        read(tmp_path, ods_package(bomb))


def test_a_package_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    content = changed(book([["x"]]), "xl/worksheets/sheet1.xml", lambda xml: xml + b" " * (120 << 20))
    with pytest.raises(FormatError, match=r"unpack from \d+ to \d+ bytes.*unpackRatio"):
        read(tmp_path, content)


def test_a_directory_that_lies_about_a_size_is_refused(tmp_path: Path) -> None:
    content = bytearray(book([["x", "y"], [1, 2]]))
    name = b"xl/worksheets/sheet1.xml"
    entry = content.index(b"PK\x01\x02", content.rindex(name) - 60)
    struct.pack_into("<I", content, entry + 24, 10)
    with pytest.raises(FormatError, match=r"sheet1.xml' is damaged"):
        read(tmp_path, bytes(content))


def test_entities_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret")
    entity = f'<!DOCTYPE w [<!ENTITY x SYSTEM "file://{secret}">]>'.encode()

    def change(xml: bytes) -> bytes:
        return entity + xml.replace(b'name="s1"', b'name="s1" note="x"')

    try:
        batches = read(tmp_path, changed(book([["a", "b"], [1, 2]]), "xl/workbook.xml", change))
    except FormatError:
        return
    assert "s3cret" not in str(batches)


def test_a_password_is_told(tmp_path: Path) -> None:
    corpus = Path("/work/shared/data/data/malformed/password_protected.xlsx")
    if not corpus.exists():
        pytest.skip("no reference corpus")
    with pytest.raises(FormatError, match="encrypted with a password"):
        read(tmp_path, corpus.read_bytes())


def test_an_encrypted_ods_is_told(tmp_path: Path) -> None:
    out = io.BytesIO(ods_package(""))
    with zipfile.ZipFile(out, "a") as package:
        package.writestr("META-INF/manifest.xml", "<manifest:manifest><manifest:encryption-data/></manifest:manifest>")
    with pytest.raises(FormatError, match="encrypted with a password"):
        read(tmp_path, out.getvalue())


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
def test_a_cut_old_workbook_is_refused(tmp_path: Path, share: float) -> None:
    content = old_book([["a", "b"], *([n, f"text {n}"] for n in range(2_000))])
    with pytest.raises(FormatError, match="landing/x: "):
        read(tmp_path, content[: int(len(content) * share)])


def test_sizes_that_no_sheet_has_ask_for_no_memory(tmp_path: Path) -> None:
    content = bytearray(old_book([["a", "b"], [1, 2]]))
    at = content.index(struct.pack("<HH", 0x0200, 14)) + 4
    struct.pack_into("<IIHH", content, at, 0xFF0000, 2, 0, 0xFFFF)
    with pytest.raises(FormatError, match="lies outside of every sheet"):
        read(tmp_path, bytes(content))


def test_an_old_document_of_another_kind_is_refused(tmp_path: Path) -> None:
    content = old_book([["a"], [1]]).replace("Workbook".encode("utf-16-le"), "Workword".encode("utf-16-le"))
    with pytest.raises(FormatError, match="no workbook: it holds"):
        read(tmp_path, content)


def test_more_than_the_limit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="wholeFileBytes"):
        read(tmp_path, book([["a"], [1]]), limits=ReadLimits(wholeFileBytes=100))


def test_macros_are_neither_run_nor_kept(tmp_path: Path) -> None:
    out = io.BytesIO(book([["a", "b"], [1, 2]]))
    with zipfile.ZipFile(out, "a") as package:
        package.writestr("xl/vbaProject.bin", b"macro")
    assert "macros are neither run nor kept" in told(read(tmp_path, out.getvalue()))
