"""Where the table of a sheet is: nothing is left out without a word."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finport_ingestion.engine.convert.reading.sheet_grid import Cell, ErrorCell, Sheet, address, place_of, text_of
from finport_ingestion.engine.convert.reading.sheet_layout import Wanted
from finport_ingestion.engine.convert.reading.sheet_table import SheetTable, table_of

_DAY = dt.date(2024, 1, 2)
_RECORDS: list[list[Cell]] = [["ACME", _DAY, 10.5], ["Beta", _DAY, 20.0], ["Gamma", _DAY, 30.0]]


def found(rows: Sequence[Sequence[Cell]], **wanted: Any) -> SheetTable:
    return table_of(Sheet(name="s", rows=[list(row) for row in rows]), wanted=Wanted(**wanted))


def names(table: SheetTable) -> list[str]:
    return list(table.columns.schema.names)


def said(table: SheetTable) -> str:
    return "\n".join([*table.warnings, *table.notes])


HEADER: list[Cell] = ["name", "day", "price"]


def test_a_plain_table_needs_no_word() -> None:
    table = found([HEADER, *_RECORDS])
    assert names(table) == ["name", "day", "price"]
    assert table.columns.num_rows == 3
    assert said(table) == ""


@pytest.mark.parametrize(
    "preamble",
    [
        [["Prices of the day", None, None]],
        [[None, None, None], ["Report", "2024", None], ["", "", ""]],
        [["Back to Contents", "Data 1", None], ["Sourcekey", "A", "B"]],
    ],
)
def test_a_header_below_a_preamble_is_found_and_told(preamble: list[list[Cell]]) -> None:
    table = found([*preamble, HEADER, *_RECORDS])
    assert names(table) == ["name", "day", "price"]
    assert table.columns.num_rows == 3
    assert f"the header is row {len(preamble) + 1}" in said(table)
    assert "above the records left out" in said(table)
    assert table.facts["preamble of 's'"]


def test_units_below_the_names_are_no_record() -> None:
    table = found([HEADER, ["(legal)", "(trade)", "(in USD)"], *_RECORDS])
    assert names(table) == ["name", "day", "price"]
    assert table.columns.num_rows == 3
    assert "row 2 above the records left out: (legal) (trade) (in USD)" in said(table)


def test_a_first_record_without_values_is_a_record() -> None:
    table = found([HEADER, ["New", None, None], ["Late", "n/a", "-"], *_RECORDS])
    assert names(table) == ["name", "day", "price"]
    assert table.columns.num_rows == 5


def test_a_word_that_comes_again_in_its_column_is_no_header() -> None:
    table = found([["name", "price"], ["A", "pending"], ["B", "pending"], ["C", 1.0], ["D", 2.0]])
    assert names(table) == ["name", "price"]
    assert table.columns.column(1).to_pylist() == ["pending", "pending", "1", "2"]


def test_a_list_of_keys_and_values_has_its_first_row_as_header() -> None:
    table = found([["name", "value"], ["Name", "Clippy"], ["Died", _DAY], ["Grams", 0.9]])
    assert names(table) == ["name", "value"]
    assert table.columns.column(1).to_pylist() == ["Clippy", "2024-01-02", "0.9"]


def test_years_and_days_name_columns() -> None:
    table = found([["Country", 2019, 2020, 2021], ["FR", 1.5, 2.5, 3.5], ["DE", 4.5, 5.5, 6.5]])
    assert names(table) == ["Country", "2019", "2020", "2021"]
    month = [dt.date(2024, month, 1) for month in (1, 2, 3)]
    assert names(found([["Fund", *month], ["A", 1.0, 2.0, 3.0]]))[1:] == ["2024-01-01", "2024-02-01", "2024-03-01"]


def test_numbers_from_the_first_row_have_no_header() -> None:
    table = found([[1, 2.5], [2, 3.5]])
    assert names(table) == ["column_1", "column_2"]
    assert table.columns.num_rows == 2
    assert "no header row can be told" in said(table)


def test_blank_rows_above_records_without_a_header_are_told() -> None:
    table = found([[], [], [None, 1, 2], [None, 3, 4]])
    assert table.columns.num_rows == 2
    assert "blank above the records, which begin in row 3" in said(table)


def test_notes_below_are_left_out_and_told_with_their_rows() -> None:
    rows = [HEADER, *_RECORDS, [None, None, None], ["Source: the exchange", None, None], ["* preliminary", None, None]]
    table = found(rows)
    assert table.columns.num_rows == 3
    assert "rows 6, 7 below the records left out: Source: the exchange | * preliminary" in said(table)
    assert found(rows, footer="keep").columns.num_rows == 6


def test_a_sparse_record_at_the_end_is_a_record() -> None:
    rows: list[list[Cell]] = [["id", "a", "b", "c", "d"], *([n, None, None, None, "x"] for n in range(9))]
    assert found([*rows, ["new", None, None, None, None]]).columns.num_rows == 10


def test_a_total_is_kept_out_and_compared() -> None:
    table = found([HEADER, *_RECORDS, ["Total", None, 60.5]])
    assert table.columns.num_rows == 3
    assert "row 5 is a total and is kept out of the records: agrees with the records in 'price'" in said(table)
    wrong = found([HEADER, *_RECORDS, ["GRAND TOTAL:", None, 61.5]])
    assert "differs in 'price' (states 61.5, the records add up to 60.5)" in said(wrong)


def test_a_company_called_total_is_a_record() -> None:
    assert found([HEADER, *_RECORDS, ["Total", _DAY, 1.0]]).columns.num_rows == 4
    assert found([["name", "p"], ["A", 1.0], ["B", 5.0], ["Total SE", 2.0]]).columns.num_rows == 3
    assert found([["name", "country", "p"], ["A", "FR", 1.0], ["Total SE", "FR", 2.0]]).columns.num_rows == 2


def test_blank_rows_within_are_kept_and_told() -> None:
    table = found([HEADER, *_RECORDS, [None, None, None], ["Delta", _DAY, 1.0]])
    assert table.columns.num_rows == 5
    assert "kept as records without values: row 5" in said(table)


def test_tables_side_by_side_are_told() -> None:
    table = found([["a", "b", None, "c", "d"], [1, 2, None, 3, 4], [5, 6, None, 7, 8]])
    assert names(table) == ["a", "b", "c", "d"]
    assert "columns A to B, D to E stand apart" in said(table)


def test_the_document_may_say_where_the_header_is() -> None:
    rows = [["x", "y"], ["a", "b"], [1, 2]]
    assert names(found(rows, header=1)) == ["x", "y"]
    assert names(found(rows, header=2)) == ["a", "b"]
    assert found(rows, header="none").columns.num_rows == 3
    assert names(found([["junk", "junk"], [7, 7], *rows], skip_rows=2)) == ["a", "b"]


def test_names_are_one_line_and_unique_and_the_delivered_ones_are_kept() -> None:
    table = found([["ALL\nBONDS", "price", "Price", None], [1, 2, 3, 4]])
    assert names(table) == ["ALL BONDS", "price", "Price_2", "column_4"]
    assert table.originals == {"ALL BONDS": "ALL\nBONDS", "Price_2": "Price"}


def test_an_error_in_the_first_row_is_data() -> None:
    table = found([[ErrorCell("#REF!")], [ErrorCell("#N/A")]])
    assert table.columns.to_pylist() == [{"column_1": "#REF!"}, {"column_1": "#N/A"}]


@given(row=st.integers(0, 1 << 20), column=st.integers(0, 16_383))
def test_addresses_are_read_back(row: int, column: int) -> None:
    assert place_of(address(row, column)) == (row, column)


_CELLS = st.one_of(
    st.none(),
    st.text(max_size=4),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.dates(dt.date(1900, 3, 1), dt.date(9999, 12, 31)),
    st.times(),
    st.sampled_from([ErrorCell("#N/A"), ErrorCell("#DIV/0!")]),
)


@settings(deadline=None)
@given(rows=st.lists(st.lists(_CELLS, min_size=1, max_size=4), max_size=12))
def test_every_record_keeps_its_exact_cells(rows: list[list[Cell]]) -> None:
    table = found(rows, header="none")
    columns = [column.to_pylist() for column in table.columns.columns]
    width = max(map(len, rows), default=0)
    padded = [[*row, *[None] * (width - len(row))] for row in rows]
    while padded and not any(text_of(cell) for cell in padded[-1]):
        padded.pop()
    start = next((at for at, row in enumerate(padded) if any(text_of(cell) for cell in row)), 0)
    wanted = [list(column) for column in zip(*padded[start:], strict=True) if any(text_of(cell) for cell in column)]
    for made, cells in zip(columns, wanted, strict=True):
        for value, cell in zip(made, cells, strict=True):
            if isinstance(cell, ErrorCell):
                assert value in (None, str(cell))
            else:
                assert text_of(value) == text_of(float(cell) if type(cell) is int else cell)
