"""Large sheets: the fast way gives what the cells give, and leaves what it cannot prove to them."""

from __future__ import annotations

import datetime as dt
import functools
import io
import re
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pyarrow as pa
import pytest
from upath import UPath

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.reading.calamine_cells import cells_of, open_workbook
from finport_ingestion.engine.convert.reading.office_zip import open_package
from finport_ingestion.engine.convert.reading.sheet_fast import LargeSheet, read_fast
from finport_ingestion.engine.convert.reading.sheet_grid import Sheet
from finport_ingestion.engine.convert.reading.sheet_layout import Wanted
from finport_ingestion.engine.convert.reading.sheet_table import SheetTable, table_of
from tests.unit.convert.test_spreadsheet import changed

_PART = "xl/worksheets/sheet1.xml"
_COUNT = 600


_TOTAL = (
    f'<row r="{_COUNT}"><c r="B{_COUNT}" t="inlineStr"><is><t>Total</t></is></c>'
    f'<c r="F{_COUNT}"><v>22462.375</v></c></row>'
)


@functools.cache
def _styled() -> bytes:
    made = openpyxl.Workbook()
    made.active.append([dt.date(2024, 1, 2)])
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def record(n: int) -> str:
    texts = "".join(
        f'<c r="{column}{n}" t="inlineStr"><is><t>{text}</t></is></c>'
        for column, text in (("B", f"00{n}"), ("C", "BUY"))
    )
    return (
        f'<row r="{n}"><c r="A{n}"><v>{n}</v></c>{texts}<c r="D{n}" s="1"><v>{45_000 + n}</v></c>'
        f'<c r="E{n}" s="1"><v>{45_000.25 + n}</v></c><c r="F{n}"><v>{n / 8}</v></c>'
        f'<c r="G{n}" t="b"><v>{n % 2}</v></c></row>'
    )


def large(*, rows: dict[int, str] | None = None, last: str = "") -> bytes:
    names = ["n", "account", "side", "day", "at", "price", "ok"]
    head = "".join(
        f'<c r="{c}1" t="inlineStr"><is><t>{name}</t></is></c>' for c, name in zip("ABCDEFG", names, strict=True)
    )
    body = "".join((rows or {}).get(n, record(n)) for n in range(2, _COUNT))

    def change(xml: bytes) -> bytes:
        start, end = xml.index(b"<sheetData>") + 11, xml.index(b"</sheetData>")
        return xml[:start] + f'<row r="1">{head}</row>{body}{last}'.encode() + xml[end:]

    return changed(_styled(), _PART, change)


def both(folder: Path, content: bytes) -> tuple[SheetTable | None, SheetTable]:
    """The same sheet, read both ways."""
    path = folder / "x.xlsx"
    path.write_bytes(content)
    raw = RawFile(path=UPath(path), uri="landing/x", size_bytes=len(content))
    with open_package(path, raw) as package:
        sheet = LargeSheet(name="Sheet", number=0, part=_PART, hidden=False)
        fast = read_fast(sheet, path=path, package=package, raw=raw, wanted=Wanted())
    rows, merges = cells_of(open_workbook(content, raw), "Sheet", errors={}, raw=raw)
    return fast, table_of(Sheet(name="Sheet", rows=rows, merges=merges), wanted=Wanted())


def test_it_gives_what_the_cells_give(tmp_path: Path) -> None:
    fast, slow = both(tmp_path, large())
    assert fast is not None
    assert fast.columns.equals(slow.columns)
    assert (fast.warnings, fast.notes, fast.facts, fast.originals) == (
        slow.warnings,
        slow.notes,
        slow.facts,
        slow.originals,
    )
    kinds = ["int64", "string", "string", "date32[day]", "timestamp[us]", "double", "bool"]
    assert [str(kind) for kind in fast.columns.schema.types] == kinds


@pytest.mark.parametrize(
    "last",
    [
        _TOTAL,
        f'<row r="{_COUNT + 1}"><c r="B{_COUNT + 1}" t="inlineStr"><is><t>Source: the exchange</t></is></c></row>',
        f'<row r="{_COUNT}"><c r="C{_COUNT}" t="inlineStr"><is><t>SELL</t></is></c></row>',
    ],
    ids=["total", "note", "sparse record"],
)
def test_what_stands_below_is_told_as_the_cells_tell_it(tmp_path: Path, last: str) -> None:
    fast, slow = both(tmp_path, large(last=last))
    assert fast is not None
    assert fast.columns.equals(slow.columns)
    assert fast.warnings == slow.warnings


def cell(column: str, attributes: str, content: str) -> Callable[[int], str]:
    """A record of which one cell is another."""

    def made(n: int) -> str:
        return re.sub(rf'<c r="{column}{n}".*?</c>', f'<c r="{column}{n}"{attributes}>{content}</c>', record(n))

    return made


@pytest.mark.parametrize(
    "odd",
    [
        cell("A", ' t="e"', "<v>#DIV/0!</v>"),
        cell("C", ' t="e"', "<v>#N/A</v>"),
        cell("A", ' t="inlineStr"', "<is><t>7</t></is>"),
        cell("A", ' t="b"', "<v>1</v>"),
        cell("B", "", "<v>7</v>"),
        cell("C", ' t="b"', "<v>1</v>"),
        cell("C", ' s="1"', "<v>45000</v>"),
        cell("D", "", "<v>45000</v>"),
        cell("D", ' s="1"', "<v>0.5</v>"),
        cell("D", ' s="1"', "<v>2958466</v>"),
        cell("D", ' s="1"', "<v>-5</v>"),
        cell("G", "", "<v>1</v>"),
        cell("G", ' t="str"', "<v>true</v>"),
    ],
)
def test_one_odd_cell_anywhere_sends_the_sheet_to_the_cells(tmp_path: Path, odd: Callable[[int], str]) -> None:
    fast, _ = both(tmp_path, large(rows={450: odd(450)}))
    assert fast is None


def test_blanks_and_formulas_without_result_are_told(tmp_path: Path) -> None:
    without = cell("F", "", "<f>A450*2</f>")(450)
    fast, _ = both(tmp_path, large(rows={450: without, 451: '<row r="451"></row>'}))
    assert fast is not None
    assert fast.columns.column("price").null_count == 2
    assert any("1 formulas have no stored result, the first in F450" in sentence for sentence in fast.warnings)
    assert any("kept as records without values: row 451" in sentence for sentence in fast.warnings)


def test_texts_of_digits_stay_texts(tmp_path: Path) -> None:
    digits = {n: cell("B", ' t="inlineStr"', f"<is><t>{n}</t></is>")(n) for n in range(2, _COUNT)}
    fast, slow = both(tmp_path, large(rows=digits))
    assert fast is not None
    assert fast.columns.schema.field("account").type == pa.string()
    assert fast.columns.equals(slow.columns)


def test_empty_texts_are_no_values(tmp_path: Path) -> None:
    empty = {n: cell("B", ' t="str"', "<f>A1</f><v></v>")(n) for n in range(2, _COUNT, 3)}
    side = {n: cell("C", ' t="str"', "<v></v>")(n) for n in range(2, _COUNT, 7)}
    fast, slow = both(tmp_path, large(rows=empty | side))
    assert fast is not None
    assert fast.columns.column("account").null_count >= 170
    assert fast.columns.equals(slow.columns)
