from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from upath import UPath

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.registry import FORMATS
from finport_ingestion.engine.errors import ConfigError, FormatError
from finport_ingestion.engine.limits import ReadLimits
from tests.unit.convert.read_bytes import Found, read_bytes, recognised

COLUMNS = [
    {"name": "id", "start": 0, "length": 4},
    {"name": "name", "start": 4, "length": 8},
    {"name": "amount", "start": 12, "length": 8},
]
GOOD = b"0001ALPHA      12.50\n0002BETA       -3.00\n"


def fixed(folder: Path, content: bytes, **options: Any) -> Found:
    may_be_empty = options.pop("may_be_empty", False)
    limits = options.pop("limits", None)
    sample_bytes = options.pop("sample_bytes", None)
    stated = {"format": "fixed_width", "columns": COLUMNS, **options}
    return read_bytes(folder, content, may_be_empty=may_be_empty, limits=limits, sample_bytes=sample_bytes, **stated)


def test_columns_are_cut_by_position_and_trimmed(tmp_path: Path) -> None:
    assert fixed(tmp_path, GOOD).rows() == [
        {"id": "0001", "name": "ALPHA", "amount": "12.50"},
        {"id": "0002", "name": "BETA", "amount": "-3.00"},
    ]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_line_end_is_one(tmp_path: Path, end: bytes) -> None:
    found = fixed(tmp_path, GOOD.replace(b"\n", end))
    assert found.column("amount") == ["12.50", "-3.00"]


def test_positions_may_count_from_one(tmp_path: Path) -> None:
    columns = [{"name": "id", "start": 1, "length": 4}, {"name": "name", "start": 5, "length": 8}]
    assert fixed(tmp_path, GOOD, columns=columns, countFrom=1).column("id") == ["0001", "0002"]


def test_a_layout_that_counts_from_one_unsaid_is_warned_of(tmp_path: Path) -> None:
    found = fixed(tmp_path, GOOD, columns=[{"name": "id", "start": 1, "length": 4}])
    assert "countFrom: 1" in found.warnings


def test_a_line_whose_blanks_were_cut_has_nulls_at_its_end(tmp_path: Path) -> None:
    found = fixed(tmp_path, b"0001ALP\n0002\n0003GAMMA      1.00\n")
    assert [list(row.values()) for row in found.rows()] == [
        ["0001", "ALP", None],
        ["0002", None, None],
        ["0003", "GAMMA", "1.00"],
    ]
    assert not found.bad


def test_a_last_line_that_is_short_and_has_no_end_is_told(tmp_path: Path) -> None:
    found = fixed(tmp_path, GOOD + b"0003GAMMA     1")
    assert found.column("amount")[-1] == "1"
    assert "line 3, the last one, has no end and 15 of 20 characters: the file may be cut" in found.warnings
    assert not fixed(tmp_path, GOOD + b"0003GAMMA       1.00").warnings


def test_text_behind_the_layout_is_said_once_and_blanks_are_not(tmp_path: Path) -> None:
    assert not fixed(tmp_path, GOOD.replace(b"\n", b"     \n")).warnings
    found = fixed(tmp_path, GOOD.replace(b"\n", b" more\n"))
    assert "line 1 (and perhaps others) has text behind the last column, from character 21" in found.warnings
    assert len(found.warnings.splitlines()) == 1


def test_text_behind_the_layout_is_found_among_short_and_broken_lines(tmp_path: Path) -> None:
    lines = [b"0001", b"", b"0002ALPHA      12.50" + b"x" * 300, b"\xff\xfe" * 40, b"0003"] * 3
    found = fixed(tmp_path, b"\n".join(lines), encoding="utf-8", skipRows=0)
    assert "line 3 (and perhaps others)" in found.warnings
    assert found.column("id") == ["0001", "0002", "0003"] * 3
    assert len(found.bad) == 3


def test_blank_lines_are_no_records(tmp_path: Path) -> None:
    found = fixed(tmp_path, b"0001ALPHA      12.50\n\n                    \n0002BETA        1.00\n\x1a")
    assert found.column("id") == ["0001", "0002"]
    assert found.numbers() == [1, 2]


def test_a_preamble_that_no_later_line_is_as_short_as_is_left_out_with_a_warning(tmp_path: Path) -> None:
    content = b"Daily report\nMade today\n\n" + GOOD * 20
    found = fixed(tmp_path, content)
    assert len(found.rows()) == 40
    assert "the first 3 lines" in found.warnings
    assert len(fixed(tmp_path, content, skipRows=0).rows()) == 42
    assert len(fixed(tmp_path, content, skipRows=3).rows()) == 40


def test_short_lines_at_the_beginning_are_records_where_later_ones_are_short_too(tmp_path: Path) -> None:
    found = fixed(tmp_path, b"0001SHORT\n" + GOOD * 20 + b"0009SHORT\n")
    assert len(found.rows()) == 42
    assert not found.warnings


def test_a_header_line_is_left_out(tmp_path: Path) -> None:
    assert fixed(tmp_path, b"ID  NAME    AMOUNT  \n" + GOOD, header=True).column("id") == ["0001", "0002"]


def test_trimming_is_a_choice(tmp_path: Path) -> None:
    line = b" 1   A        5.00  \n"
    assert list(fixed(tmp_path, line, trim="none").rows()[0].values()) == [" 1  ", " A      ", "  5.00  "]
    assert list(fixed(tmp_path, line, trim="left").rows()[0].values()) == ["1  ", "A      ", "5.00  "]
    assert list(fixed(tmp_path, line, trim="right").rows()[0].values()) == [" 1", " A", "  5.00"]


def test_null_texts_are_stated(tmp_path: Path) -> None:
    found = fixed(tmp_path, b"0001N/A        12.50\n0002            1.00\n", nullValues=["", "N/A"])
    assert found.column("name") == [None, None]
    assert fixed(tmp_path, b"0001        \n", nullValues=["0001"]).rows() == [{"id": None, "name": "", "amount": ""}]


def test_positions_count_characters_of_any_encoding(tmp_path: Path) -> None:
    text = "0001Zürich   1234.50\n0002日本      1.00\n"
    for encoding in ("utf-8", "utf-16", "utf-8-sig"):
        found = fixed(tmp_path, text.encode(encoding))
        assert found.column("name") == ["Zürich", "日本"]
        assert found.column("amount") == ["1234.50", "1.00"]
    assert fixed(tmp_path, "0001Zürich   1234.50\n".encode("cp1252")).column("name") == ["Zürich"]


def test_positions_may_count_bytes(tmp_path: Path) -> None:
    text = "0001日本    1234.500\n"
    found = fixed(tmp_path, text.encode("shift_jis"), unit="bytes", encoding="shift_jis")
    assert found.rows() == [{"id": "0001", "name": "日本", "amount": "1234.500"}]


def test_a_character_that_a_position_cuts_sets_its_line_aside(tmp_path: Path) -> None:
    content = "0001日本語 1234.500\n".encode("shift_jis") + "0002ABC日本語34.500\n".encode("shift_jis")
    found = fixed(tmp_path, content, unit="bytes", encoding="shift_jis")
    assert found.column("id") == ["0001"]
    [bad] = found.bad
    assert (bad.row, bad.rule, bad.column) == (2, "encoding", "name")
    assert bad.reason.startswith("line 2, byte 5: ")


def test_bytes_that_are_not_of_the_encoding_cost_their_line_only(tmp_path: Path) -> None:
    found = fixed(tmp_path, GOOD + b"0003\xff\xfeX\n" + GOOD, encoding="utf-8")
    assert found.numbers() == [1, 2, 4, 5]
    [bad] = found.bad
    assert bad.row == 3
    assert bad.reason == "line 3, byte 5: bytes that are not utf-8"
    assert bad.text == r"0003\xff\xfeX"


def test_records_without_line_ends_are_cut_by_length(tmp_path: Path) -> None:
    found = fixed(tmp_path, GOOD.replace(b"\n", b""), recordLength=20)
    assert found.column("name") == ["ALPHA", "BETA"]
    text = "0001Zürich   1234.50" + "0002日本" + "1.00".rjust(14)
    wide = fixed(tmp_path, text.encode(), recordLength=20)
    assert wide.column("amount") == ["1234.50", "1.00"]


def test_a_cut_file_without_line_ends_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"record 2: the file ends inside of it \(9 of 20\)"):
        fixed(tmp_path, GOOD.replace(b"\n", b"")[:29], recordLength=20)


def test_a_record_length_for_a_file_with_line_ends_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="byte 20: a line end") as caught:
        fixed(tmp_path, GOOD, recordLength=20)
    assert "recordLength" in str(caught.value.hint)


def test_without_a_layout_nothing_is_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="without a layout"):
        fixed(tmp_path, GOOD, columns=[])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"columns": [*COLUMNS, {"name": "ID", "start": 1, "length": 1}]}, "twice"),
        ({"columns": COLUMNS, "countFrom": 1}, "starts at 0"),
        ({"columns": COLUMNS, "recordLength": 19}, "shorter"),
        ({"columns": [{"name": "x", "start": 0, "length": 0}]}, "greater than 0"),
    ],
)
def test_a_wrong_layout_is_told_before_a_file_is_read(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        FORMATS.get("fixed_width").Options.model_validate({"format": "fixed_width", **options})


@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_an_empty_file_is_refused_unless_the_policy_takes_it(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(FormatError, match="landing/delivered: "):
        fixed(tmp_path, content)
    assert fixed(tmp_path, content, may_be_empty=True).rows() == []


@pytest.mark.parametrize("content", [b"\x1f\x8b\x08\x00", b"<html><body>x</body></html>", bytes(4096)])
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(FormatError):
        fixed(tmp_path, content)


def test_a_line_beyond_the_limit_stops_the_reading(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="longer than 1000000 bytes"):
        fixed(tmp_path, b"x" * (20 << 20), limits=ReadLimits(recordBytes=1_000_000))


def test_many_windows_keep_order_and_numbers(tmp_path: Path) -> None:
    lines = [f"{number % 10000:04d}{'n' * (number % 9):<8s}{number:>8d}" for number in range(450_000)]
    found = fixed(tmp_path, "\n".join(lines).encode())
    assert len(found.batches) > 1
    assert found.column("amount") == [str(number) for number in range(450_000)]
    assert found.numbers() == list(range(1, 450_001))


def test_reading_ahead_gives_the_same_batches_looked_at(tmp_path: Path) -> None:
    content = "\n".join(f"{number % 10000:04d}NAME    {number:>8d}" for number in range(900_000)).encode()
    path = tmp_path / "delivered"
    path.write_bytes(content)
    raw = RawFile(path=UPath(path), uri="landing/delivered", size_bytes=len(content))
    plugin = FORMATS.get("fixed_width")
    reader = plugin(plugin.Options.model_validate({"format": "fixed_width", "columns": COLUMNS}))
    ahead = list(reader.read_ahead(raw, prepare=lambda columns: dict.fromkeys(columns.schema.names), threads=2))
    plain = list(reader.read(raw))
    assert len(plain) > 2
    assert [batch.columns for batch in ahead] == [batch.columns for batch in plain]
    assert [batch.rows for batch in ahead] == [batch.rows for batch in plain]
    assert all(list(batch.looked) == ["id", "name", "amount"] for batch in ahead)
    # One that is given up in the middle leaves no thread waiting.
    given_up = reader.read_ahead(raw, prepare=lambda columns: {}, threads=2)
    next(given_up)
    given_up.close()


def test_an_error_while_reading_ahead_reaches_the_caller(tmp_path: Path) -> None:
    path = tmp_path / "delivered"
    path.write_bytes(b"<html><body>x</body></html>")
    raw = RawFile(path=UPath(path), uri="landing/delivered", size_bytes=27)
    plugin = FORMATS.get("fixed_width")
    reader = plugin(plugin.Options.model_validate({"format": "fixed_width", "columns": COLUMNS}))
    with pytest.raises(FormatError):
        list(reader.read_ahead(raw, prepare=lambda columns: {}, threads=2))


def test_samples_are_records_of_three_places(tmp_path: Path) -> None:
    lines = [f"{number % 10000:04d}NAME    {number:>8d}" for number in range(10_000)]
    found = fixed(tmp_path, ("\n".join(lines) + "\n").encode(), sample_bytes=2_000).column("amount")
    assert "0" in found
    assert "9999" in found
    assert set(found) <= {str(number) for number in range(10_000)}


def test_lines_of_one_length_look_like_it() -> None:
    lines = "\n".join(f"{number:09d}NAME {'x' * (number % 7):<20s}USD" for number in range(30))
    assert recognised("fixed_width", lines) is not None
    assert recognised("fixed_width", lines.replace("USD", "|U|")) is None
    assert recognised("fixed_width", "one line\nanother one\n") is None


FIELD = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\x85\u2028\u2029"), max_size=8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(FIELD, FIELD, FIELD), min_size=1, max_size=30), cut=st.booleans())
def test_what_is_written_at_positions_comes_back(tmp_path: Path, rows: list[tuple[str, str, str]], cut: bool) -> None:
    lines = [f"{number:04d}" + "".join(field.ljust(8) for field in row) for number, row in enumerate(rows)]
    text = "".join((line.rstrip(" ") if cut else line) + "\n" for line in lines)
    columns = [{"name": "n", "start": 0, "length": 4}]
    columns += [{"name": str(at), "start": 4 + 8 * at, "length": 8} for at in range(3)]
    found = fixed(tmp_path, text.encode(), columns=columns, skipRows=0, encoding="utf-8")
    assert found.column("n") == [f"{number:04d}" for number in range(len(rows))]
    assert [tuple(row.values())[1:] for row in found.rows()] == [
        tuple(field.strip(" \t") or None for field in row) for row in rows
    ]
