"""How delimited files are really written: titles above, remarks below, names that miss, quotes that quote nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from finport_ingestion.engine.convert.reading.dialect import find_delimiter
from tests.unit.convert.read_bytes import Found, read_bytes


def read(folder: Path, text: str, **options: Any) -> Found:
    return read_bytes(folder, text.encode(), **{"format": "csv", **options})


@pytest.mark.parametrize(
    ("text", "names", "rows"),
    [
        ("Monthly report,,\n,,\nid,a,b\n1,2,3\n4,5,6\n", ["id", "a", "b"], 2),
        ("Title:,Foo\nUnits:,%\n\nDATE,VALUE\n2020-01-01,1.5\n2020-02-01,2.5\n", ["DATE", "VALUE"], 2),
        ("Von:;1.1.\nBis:;2.1.\nStand:;3\na;b;c;d;e;f\n1;2;3;4;5;6\n1;2;3;4;5;6\n", list("abcdef"), 2),
        ("HDR|20240102|FEED\n1|2|3|4\n4|5|6|7\n", [f"column_{at}" for at in range(1, 5)], 2),
    ],
    ids=["filled up with delimiters", "a word and a value", "as long as the table", "a record that says of which day"],
)
def test_what_stands_above_a_table_is_left_out_with_a_warning(
    text: str, names: list[str], rows: int, tmp_path: Path
) -> None:
    found = read(tmp_path, text)
    assert found.batches[0].columns.schema.names == names
    assert len(found.rows()) == rows
    assert "something else" in found.warnings


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a,b\n1,x\n2,y\na,b\n3,z\n", ["a", "b"]),
        (
            "date,0.25,0.5,1,2\n2024-01-02,5.1,5.2,5.3,5.4\n2024-01-03,5.1,5.2,5.3,5.4\n",
            ["date", "0.25", "0.5", "1", "2"],
        ),
        ("geo;2020 ;2019 ;2018 \nAT;1.6 f;3.0;: \nBE;1.6 f;10.0;: c\n", ["geo", "2020", "2019", "2018"]),
    ],
    ids=["repeated below", "years to maturity", "years of which one column is of numbers"],
)
def test_names_are_found_above_columns_of_numbers(text: str, names: list[str], tmp_path: Path) -> None:
    assert read(tmp_path, text).batches[0].columns.schema.names == names


def test_numbers_that_do_not_rise_are_no_names(tmp_path: Path) -> None:
    found = read(tmp_path, "n/a,5.1,5.3,5.2\n2024-01-02,5.1,5.2,5.3\n2024-01-03,5.1,5.2,5.3\n")
    assert len(found.rows()) == 3


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a,b\n1,2,\n3,4,\n", ["a", "b", "column_3"]),
        ("a,b,\n1,2\n3,4\n", ["a", "b"]),
        ("mpg;cyl\nMazda;21;6\nDatsun;22;4\n", ["column_1", "mpg", "cyl"]),
    ],
    ids=["records end with one", "the header ends with one", "names of rows as R writes them"],
)
def test_a_header_of_another_width_than_all_records_costs_none(text: str, names: list[str], tmp_path: Path) -> None:
    found = read(tmp_path, text)
    assert not found.bad
    assert found.batches[0].columns.schema.names == names
    assert len(found.rows()) == 2
    assert "header" in found.warnings


def test_a_number_that_its_comma_cuts_moves_no_column(tmp_path: Path) -> None:
    found = read(tmp_path, "day,rate\n2024-01-02,1,5\n2024-01-03,2,5\n")
    assert len(found.bad) == 2
    assert not found.rows()


@pytest.mark.parametrize("mark", ["^", "~", "\x01", "\x1f", "¦", "§"])
def test_seldom_delimiters_are_found_out(mark: str) -> None:
    assert find_delimiter(f"id{mark}name\n1{mark}a\n2{mark}b\n", quote='"') == mark


def test_the_first_line_may_state_the_delimiter(tmp_path: Path) -> None:
    assert read(tmp_path, "sep=;\r\nid;name\r\n1;a,b\r\n").rows() == [{"id": "1", "name": "a,b"}]


def test_blanks_and_tabs_cut_alike_though_some_lines_have_a_tab(tmp_path: Path) -> None:
    found = read(tmp_path, "day key rate\n1  A \t1.5\n2 B 2.5\n3\tC 3.5\n4 D 4.5\n")
    assert [row["rate"] for row in found.rows()] == ["1.5", "2.5", "3.5", "4.5"]


def test_the_last_record_of_a_short_file_counts_though_it_goes_over_lines(tmp_path: Path) -> None:
    assert read(tmp_path, 'a;b;c\n1;"x, ""y""\nz, z";2').rows() == [{"a": "1", "b": 'x, "y"\nz, z', "c": "2"}]


BARS = 'id|name|price\n1|ACME|1.5\n2|{}|2.5\n3|OTHER 5"|3.5\n4|LAST|4.5\n'


@pytest.mark.parametrize("name", ['"ACME CONV', '"ACME" CONV'])
def test_quotes_that_quote_nothing_are_characters_where_bars_cut(name: str, tmp_path: Path) -> None:
    found = read(tmp_path, BARS.format(name), format="psv")
    assert found.column("name") == ["ACME", name, 'OTHER 5"', "LAST"]
    assert not found.bad


@pytest.mark.parametrize("names", [['"ACME CONV'], ['"ACME CONV', 'OTHER 5"'], ['"X" Y']])
def test_they_are_so_behind_the_beginning_too_and_swallow_no_line(names: list[str], tmp_path: Path) -> None:
    many = [f"PLAIN NAME {number}" for number in range(20_000)]
    wanted = [*many, *names, "LAST"]
    text = "id|name|price\n" + "".join(f"{at}|{name}|1.5\n" for at, name in enumerate(wanted))
    found = read(tmp_path, text, format="psv")
    assert found.column("name") == wanted
    assert "quotes that quote nothing" in found.warnings


@pytest.mark.parametrize("field", ['"a|b"', '"a\nb"'])
def test_a_quoted_field_late_in_a_file_of_bars_is_still_one(field: str, tmp_path: Path) -> None:
    text = "id|name\n" + "".join(f"{at}|PLAIN NAME\n" for at in range(20_000)) + f"x|{field}\n"
    assert read(tmp_path, text, format="psv").column("name")[-1] == field.strip('"')


@pytest.mark.parametrize(
    "text",
    ["id,name\n1,'Smith, J'\n2,'Doe, K'\n", 'id, name\n1, "Smith, J"\n2, "Doe, K"\n'],
    ids=["apostrophes", "quotes behind blanks"],
)
def test_other_ways_of_quoting_are_found_where_they_alone_cut_alike(text: str, tmp_path: Path) -> None:
    found = read(tmp_path, text)
    assert found.column("name") == ["Smith, J", "Doe, K"]
    assert found.batches[0].notes


def test_a_stated_quote_is_believed(tmp_path: Path) -> None:
    found = read(tmp_path, 'id|name\n1|"x\n2|y\n', format="psv", quote='"')
    assert found.column("name") == ["y"]
    assert [bad.rule for bad in found.bad] == ["unclosed_quote"]


def test_apostrophes_that_hold_no_delimiter_are_text(tmp_path: Path) -> None:
    assert read(tmp_path, "id,name\n1,'Smith'\n2,'t Hooft\n").column("name") == ["'Smith'", "'t Hooft"]


@pytest.mark.parametrize(
    ("footer", "said"),
    [
        ("File Creation Time: 0102202421:30||", "File Creation Time"),
        ("(2 rows)", "its count of 2 records is right"),
        ("3 rows selected.", "it counts 3 records, but there are 2"),
        ("2", "its count of 2 records is right"),
        ("Summe|7|9", "its sums are right"),
        ("Итого|7|9", "its sums are right"),
    ],
)
def test_remarks_below_the_last_record_are_left_out_and_told(footer: str, said: str, tmp_path: Path) -> None:
    found = read(tmp_path, f"key|a|b\nx|2|3\ny|5|6\n{footer}\n", format="psv")
    assert [row["key"] for row in found.rows()] == ["x", "y"]
    assert not found.bad
    assert said in found.warnings


def test_a_last_record_of_another_number_is_no_count(tmp_path: Path) -> None:
    assert len(read(tmp_path, "key|a|b\nx|2|3\ny|5|6\n7\n", format="psv").bad) == 1


def test_a_trailer_at_fixed_positions_is_compared_and_left_out(tmp_path: Path) -> None:
    columns = [{"name": "a", "start": 0, "length": 9}, {"name": "b", "start": 9, "length": 9}, *_more()]
    lines = ["one      12.50    x  y", "two      1.25     x  y", "TRAILER  0000002"]
    found = read_bytes(tmp_path, "\n".join(lines).encode() + b"\n", format="fixed_width", columns=columns)
    assert found.column("a") == ["one", "two"]
    assert "its count of 2 records is right" in found.warnings


def _more() -> list[dict[str, Any]]:
    return [{"name": "c", "start": 18, "length": 3}, {"name": "d", "start": 21, "length": 3}]


def test_a_line_of_blanks_is_no_record(tmp_path: Path) -> None:
    found = read(tmp_path, "a,b\n  \n1,2\n\t\n3,4\n")
    assert found.numbers() == [1, 2]
    assert not found.bad


def test_a_header_that_no_record_fits_is_told(tmp_path: Path) -> None:
    assert "none of the first records" in read(tmp_path, "day,rate\n2024-01-02,1,5\n2024-01-03,2,5\n").warnings
    assert not read(tmp_path, "day,rate\n2024-01-02,1,5\n2024-01-03,2\n").warnings


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("x;1,5;2,5\ny;2,5;3,5\nz;2,7;3,7\n", ";"),
        ("x;-1,5;2.500,5\ny;2,5;3,5\n", ";"),
        ("a|1,234|5,678\nb|1,234|5,679\n", "|"),
        ("Town, country;n\nBerlin, DE;1\nParis, FR;2\n", ";"),
        ("a,b\n1,x;y\n2,z;w\n", ","),
        ("1,2,3\n4,5,6\n", ","),
    ],
    ids=["decimals", "with points", "thousands", "words", "semicolons in a text", "numbers between commas"],
)
def test_commas_within_numbers_and_behind_words_cut_nothing(text: str, mark: str) -> None:
    assert find_delimiter(text, quote='"') == mark
