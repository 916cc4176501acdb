"""Stata: integers by storage, missing values with their letters, moments by format; nothing is rounded."""

from __future__ import annotations

import io
import math
import struct
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyreadstat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finport_ingestion.engine.convert.interface import Head
from finport_ingestion.engine.convert.registry import FORMATS
from finport_ingestion.engine.errors import FormatError
from tests.conformance.formats.samples.statistical import written
from tests.unit.convert.read_bytes import Found, read_bytes


def dta(columns: dict[str, Any], **choices: Any) -> bytes:
    return written(lambda path: pyreadstat.write_dta(pd.DataFrame(columns), path, **choices), ".dta")


def read(folder: Path, content: bytes, **options: Any) -> Found:
    return read_bytes(folder, content, format="stata", **options)


def schema(found: Found) -> dict[str, pa.DataType]:
    return {field.name: field.type for field in found.batches[0].columns.schema}


def test_integers_are_integers_by_their_storage_and_floats_stay_floats(tmp_path: Path) -> None:
    found = read(tmp_path, dta({"id": pd.array([1, 2], "int32"), "price": [1.5, 2.0], "name": ["a ", ""]}))
    assert schema(found) == {"id": pa.int64(), "price": pa.float64(), "name": pa.string()}
    assert found.rows() == [{"id": 1, "price": 1.5, "name": "a "}, {"id": 2, "price": 2.0, "name": None}]
    assert found.numbers() == [1, 2]


def test_a_missing_value_is_null_and_its_letter_is_told(tmp_path: Path) -> None:
    content = dta(
        {"answer": [1, "a", None, "z"], "n": [1, 2, 3, 4]},
        missing_user_values={"answer": ["a", "z"]},
        variable_value_labels={"answer": {"a": "refused", 1: "yes"}},
    )
    found = read(tmp_path, content)
    assert found.column("answer") == [1, None, None, None]
    assert found.rows("missing_values") == [
        {"row": 2, "column": "answer", "code": ".a", "label": "refused"},
        {"row": 4, "column": "answer", "code": ".z", "label": None},
    ]
    assert {"column": "answer", "code": "1", "label": "yes"} in found.rows("value_labels")
    assert any("'answer': 2 values are missing" in note for batch in found.batches for note in batch.notes)


def test_labels_of_columns_stand_in_a_table_of_their_own(tmp_path: Path) -> None:
    found = read(tmp_path, dta({"rate": [1.0]}, column_labels={"rate": "Zinssatz für 10 Jahre"}))
    [variable] = found.rows("variables")
    assert (variable["column"], variable["label"]) == ("rate", "Zinssatz für 10 Jahre")


@pytest.mark.parametrize(
    ("shown", "stored", "meant"),
    [
        ("%td", -1, date(1959, 12, 31)),
        ("%tdDD/NN/CCYY", 23_742, date(2025, 1, 1)),
        ("%d", 0, date(1960, 1, 1)),
        ("%tc", 1_764_558_855_123.0, datetime.fromisoformat("2015-12-01 03:14:15.123000")),
        ("%tw", -1, date(1959, 12, 24)),
        ("%tm", 721, date(2020, 2, 1)),
        ("%tq", -1, date(1959, 10, 1)),
        ("%th", 121, date(2020, 7, 1)),
        ("%ty", 2024, date(2024, 1, 1)),
        ("%9.0g", 721, 721),
    ],
)
def test_the_format_says_which_moment_a_number_is(tmp_path: Path, shown: str, stored: float, meant: object) -> None:
    found = read(tmp_path, dta({"when": [stored, None]}, variable_format={"when": shown}))
    assert found.column("when") == [meant, None]


def test_a_date_with_a_time_of_day_keeps_it(tmp_path: Path) -> None:
    found = read(tmp_path, dta({"when": [0.5, 1.0]}, variable_format={"when": "%td"}))
    assert found.column("when") == [
        datetime.fromisoformat("1960-01-01 12:00:00"),
        datetime.fromisoformat("1960-01-02 00:00:00"),
    ]


@pytest.mark.parametrize(("shown", "why"), [("%tC", "leap seconds"), ("%tbnyse", "calendar")])
def test_what_cannot_be_told_from_the_file_stays_a_number_and_is_said(tmp_path: Path, shown: str, why: str) -> None:
    found = read(tmp_path, dta({"when": [1_000.0]}, variable_format={"when": shown}))
    assert found.column("when") == [1_000.0]
    assert why in found.warnings


def test_a_date_that_no_calendar_has_stays_a_number_and_is_said(tmp_path: Path) -> None:
    found = read(tmp_path, dta({"when": [1e300, 1.0]}, variable_format={"when": "%td"}))
    assert found.column("when") == [1e300, 1.0]
    assert "'when'" in found.warnings


@pytest.mark.parametrize("version", [114, 117, 118, 119])
def test_every_release_reads_alike(tmp_path: Path, version: int) -> None:
    out = io.BytesIO()
    frame = pd.DataFrame({"id": pd.array([1, 2], "int16"), "day": pd.to_datetime(["2024-02-29", "1899-12-31"])})
    frame.to_stata(out, version=version, write_index=False, convert_dates={"day": "td"})  # type: ignore[call-overload]
    assert read(tmp_path, out.getvalue()).rows() == [
        {"id": 1, "day": date(2024, 2, 29)},
        {"id": 2, "day": date(1899, 12, 31)},
    ]


def test_long_texts_come_back(tmp_path: Path) -> None:
    out = io.BytesIO()
    frame = pd.DataFrame({"note": ["x" * 5_000, "ü"]})
    frame.to_stata(out, version=118, write_index=False, convert_strl=["note"])
    assert read(tmp_path, out.getvalue()).column("note") == ["x" * 5_000, "ü"]


def test_texts_of_old_files_are_of_the_stated_encoding(tmp_path: Path) -> None:
    out = io.BytesIO()
    pd.DataFrame({"name": ["Zurich"]}).to_stata(out, version=114, write_index=False)
    content = out.getvalue().replace(b"Zurich", b"Z\x81rich")
    assert read(tmp_path, content, encoding="cp850").column("name") == ["Zürich"]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, max_value=8e307, min_value=-8e307), min_size=1))
def test_doubles_come_back_bit_for_bit(tmp_path_factory: pytest.TempPathFactory, values: list[float]) -> None:
    found = read(tmp_path_factory.mktemp("dta"), dta({"x": values})).column("x")
    assert [struct.pack("<d", value) for value in found] == [struct.pack("<d", value) for value in values]


def test_many_rows_come_in_order_over_several_pieces(tmp_path: Path) -> None:
    count = 140_000
    found = read(tmp_path, dta({"n": range(count), "day": [n % 20_000 for n in range(count)]}))
    assert found.column("n") == list(range(count))
    assert found.numbers() == list(range(1, count + 1))
    assert max(batch.columns.num_rows for batch in found.batches) <= 65_536


def test_samples_are_rows_of_the_file_with_the_types_of_all_of_it(tmp_path: Path) -> None:
    content = dta({"when": [1.0] * 9_999 + [0.5]}, variable_format={"when": "%td"})
    found = read(tmp_path, content, sample_bytes=80)
    assert 0 < len(found.rows()) < 100
    assert schema(found)["when"] == pa.timestamp("us")


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    content = dta({"n": range(100), "t": ["abc"] * 100})
    for share in (0.1, 0.5, 0.9):
        with pytest.raises(FormatError, match="landing/delivered"):
            read(tmp_path, content[: int(len(content) * share)])


def test_a_file_cut_in_its_labels_is_refused(tmp_path: Path) -> None:
    labels = {"x": {1: "one", 2: "two"}}
    content = dta({"x": [1, 2]}, variable_value_labels=labels)
    assert read(tmp_path, content + b"\n").rows("value_labels")
    for size in (1, 12, 30, len(content) - content.index(b"<value_labels>") - 20):
        with pytest.raises(FormatError, match=r"it does not end with </stata_dta>|landing/delivered"):
            read(tmp_path, content[:-size])


def test_a_file_of_no_rows_shows_its_columns(tmp_path: Path) -> None:
    out = io.BytesIO()
    pd.DataFrame({"x": [1.0]}).iloc[:0].to_stata(out, write_index=False)
    found = read(tmp_path, out.getvalue())
    assert found.rows() == []
    assert list(schema(found)) == ["x"]


def test_names_that_differ_in_case_only_are_both_kept(tmp_path: Path) -> None:
    found = read(tmp_path, dta({"Px": [1.0], "px": [2.0]}))
    assert found.rows() == [{"Px": 1.0, "px_2": 2.0}]
    assert found.batches[0].originals == {"px_2": "px"}


def test_stata_is_recognised_by_its_first_bytes() -> None:
    recognise = FORMATS.get("stata").recognises
    out = io.BytesIO()
    pd.DataFrame({"x": [1.0]}).to_stata(out, version=114, write_index=False)
    for content in (dta({"x": [1.0]}), out.getvalue()):
        assert recognise(Head(content=content[:4096], text="", whole=False)).confidence >= 0.9
    assert recognise(Head(content=b"rate;day\n" * 20, text="rate;day\n" * 20, whole=False)) is None


def test_a_float_is_given_as_the_double_of_its_value(tmp_path: Path) -> None:
    found = read(tmp_path, dta({"x": pd.array([3.14], "float32")}))
    assert math.isclose(found.column("x")[0], 3.140000104904175, rel_tol=0, abs_tol=0)
