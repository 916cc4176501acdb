"""SPSS: codes as stored, missing values that the file defines, moments to the microsecond."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyreadstat
import pytest

from finport_ingestion.engine.convert.interface import Head
from finport_ingestion.engine.convert.reading.counted_moments import spss_moment
from finport_ingestion.engine.convert.registry import FORMATS
from finport_ingestion.engine.errors import FormatError
from tests.conformance.formats.samples.statistical import written
from tests.unit.convert.read_bytes import Found, read_bytes

DAY_OF_2020 = 13_797_216_000.0  # 2020-01-01 in seconds from 1582-10-14


def sav(columns: dict[str, Any], **choices: Any) -> bytes:
    return written(lambda path: pyreadstat.write_sav(pd.DataFrame(columns), path, **choices), ".sav")


def read(folder: Path, content: bytes, **options: Any) -> Found:
    return read_bytes(folder, content, **{"format": "spss", **options})


def test_codes_stay_codes_and_their_labels_stand_beside(tmp_path: Path) -> None:
    content = sav({"sex": [1.0, 2.0]}, variable_value_labels={"sex": {1: "male", 2: "female"}})
    found = read(tmp_path, content)
    assert found.column("sex") == [1.0, 2.0]
    assert found.rows("value_labels") == [
        {"column": "sex", "code": "1", "label": "male"},
        {"column": "sex", "code": "2", "label": "female"},
    ]


ANSWERS = {"income": [10.0, 98.0, 99.0, None, 101.0], "name": ["a", "NA", "b", "", "c"]}
RANGES: dict[str, Any] = {"income": [{"lo": 98, "hi": 99}, 101], "name": ["NA"]}


def test_codes_that_the_file_calls_missing_are_null_and_told(tmp_path: Path) -> None:
    found = read(tmp_path, sav(ANSWERS, missing_ranges=RANGES))
    assert found.column("income") == [10.0, None, None, None, None]
    assert found.column("name") == ["a", None, "b", None, "c"]
    told = [(row["row"], row["column"], row["code"]) for row in found.rows("missing_values")]
    assert told == [(2, "income", "98"), (2, "name", "NA"), (3, "income", "99"), (5, "income", "101")]


def test_codes_that_the_file_calls_missing_are_kept_where_the_format_says_so(tmp_path: Path) -> None:
    found = read(tmp_path, sav(ANSWERS, missing_ranges=RANGES), userMissing="keep")
    assert found.column("income") == [10.0, 98.0, 99.0, None, 101.0]
    assert found.column("name") == ["a", "NA", "b", None, "c"]
    assert found.tables == {""}


@pytest.mark.parametrize(
    ("shown", "stored", "meant"),
    [
        ("DATE11", DAY_OF_2020, date(2020, 1, 1)),
        ("ADATE10", 0.0, date(1582, 10, 14)),
        ("MOYR8", DAY_OF_2020, date(2020, 1, 1)),
        ("DATETIME23.3", DAY_OF_2020 + 0.123, datetime.fromisoformat("2020-01-01 00:00:00.123000")),
        ("EDATE10", DAY_OF_2020 + 60, datetime.fromisoformat("2020-01-01 00:01:00")),
        ("TIME8", 36_610.5, time(10, 10, 10, 500_000)),
        ("TIME8", 90_000.0, 90_000.0),
        ("MONTH9", 3.0, 3.0),
        ("F8.2", DAY_OF_2020, DAY_OF_2020),
    ],
)
def test_the_format_says_which_moment_a_number_is(tmp_path: Path, shown: str, stored: float, meant: object) -> None:
    found = read(tmp_path, sav({"when": [stored, None]}, variable_format={"when": shown}))
    assert found.column("when") == [meant, None]


def test_a_duration_of_more_than_a_day_is_told(tmp_path: Path) -> None:
    found = read(tmp_path, sav({"took": [3_600.0, 90_000.0]}, variable_format={"took": "TIME8"}))
    assert found.column("took") == [3_600.0, 90_000.0]
    assert "'took' has format TIME8, and stays a number" in found.warnings


def test_a_code_for_missing_does_not_make_a_date_a_number(tmp_path: Path) -> None:
    content = sav({"d": [DAY_OF_2020, 7.5]}, variable_format={"d": "DATE11"}, missing_ranges={"d": [7.5]})
    assert read(tmp_path, content).column("d") == [date(2020, 1, 1), None]


def test_compressed_files_and_long_texts_read_alike(tmp_path: Path) -> None:
    columns = {"t": ["x" * 700, "Zürich  ", "日本"], "n": [1e-300, -0.1, 12345678901234.5]}
    for choices in ({"compress": True}, {"row_compress": True}, {}):
        found = read(tmp_path, sav(columns, **choices))
        assert found.rows() == [
            {"t": "x" * 700, "n": 1e-300},
            {"t": "Zürich", "n": -0.1},
            {"t": "日本", "n": 12345678901234.5},
        ]


def test_portable_files_read_alike(tmp_path: Path) -> None:
    frame = pd.DataFrame({"CODE": [1.0, 2.5, None], "NAME": ["a", "b", ""]})
    content = written(lambda path: pyreadstat.write_por(frame, path, column_labels={"CODE": "of the fund"}), ".por")
    found = read(tmp_path, content, format="spss_portable")
    assert found.rows() == [{"CODE": 1.0, "NAME": "a"}, {"CODE": 2.5, "NAME": "b"}, {"CODE": None, "NAME": None}]
    assert found.rows("variables")[0]["label"] == "of the fund"
    head = Head(content=content[:4096], text=content[:4096].decode("latin-1"), whole=False)
    assert FORMATS.get("spss_portable").recognises(head).confidence == 1.0
    assert FORMATS.get("spss").recognises(head) is None


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    content = sav({"n": [float(n) for n in range(500)], "t": [f"t{n}" for n in range(500)]})
    for share in (0.2, 0.6, 0.97):
        with pytest.raises(FormatError, match="landing/delivered"):
            read(tmp_path, content[: int(len(content) * share)])


def test_text_of_another_encoding_is_refused_with_the_fix(tmp_path: Path) -> None:
    content = sav({"t": ["abcdefgh"]}).replace(b"abcdefgh", b"\xff\xfe\xfd\xfcefgh")
    with pytest.raises(FormatError) as caught:
        read(tmp_path, content)
    assert "'encoding'" in str(caught.value.hint)


def test_every_number_is_a_float_whatever_its_format(tmp_path: Path) -> None:
    found = read(tmp_path, sav({"n": [1.0, 2.0]}, variable_format={"n": "F8.0"}))
    assert found.batches[0].columns.schema.field("n").type == pa.float64()


def test_formats_that_show_no_moment_are_none() -> None:
    assert [spss_moment(shown) for shown in ("F8.2", "A10", "DOLLAR8", "WKDAY9", None)] == [None] * 5
