"""`finport read`: rows of a snapshot, in the form that is asked for."""

from __future__ import annotations

import csv
import io
import json

import pyarrow.parquet as pq
import pytest

from tests.cli.project import ProjectFolder


def test_rows_are_shown_with_what_they_are_of(ran: ProjectFolder) -> None:
    result = ran.run("read", "closing-prices")
    assert result.stdout.splitlines()[0].split() == ["SYMBOL", "DATE", "CLOSE", "VOLUME"]
    assert len(result.stdout.splitlines()) == 5
    assert result.stderr == "4 row(s) of closing-prices, snapshot 1 (4 rows)\n"


def test_only_some_rows_and_columns(ran: ProjectFolder) -> None:
    rows = ran.json("read", "closing-prices", "--columns", "symbol, close", "--where", "close > 220 AND volume < 2000")
    assert rows == [{"symbol": "AAPL", "close": "243.8500"}, {"symbol": "AMZN", "close": "220.2200"}]
    assert len(ran.json("read", "closing-prices", "--limit", 2)) == 2
    assert len(ran.json("read", "closing-prices", "--where", "true", "--limit", 2)) == 2


def test_a_condition_over_columns_that_are_not_shown(ran: ProjectFolder) -> None:
    assert ran.json("read", "closing-prices", "-c", "symbol", "--where", "volume = 500") == [{"symbol": "ORCL"}]


@pytest.mark.parametrize("more", [[], ["--where", "volume = 500"]])
def test_lineage_says_which_landed_row_it_was(ran: ProjectFolder, more: list[str]) -> None:
    row = ran.json("read", "closing-prices", "--lineage", *more)[-1 if more else 2]
    assert row["_finport_part"] == "landing/daily/prices/first/00000-2026-01-02.csv/00000.csv"
    assert row["_finport_row"] == 4


def test_an_earlier_snapshot_stays_as_it_was(ran: ProjectFolder) -> None:
    ran.deliver("2026-01-05.csv", "symbol,date,close,volume\nAAPL,2026-01-05,245.00,10\n")
    ran.done("ingest", "prices")
    assert len(ran.json("read", "closing-prices")) == 5
    assert len(ran.json("read", "closing-prices", "--snapshot", 1)) == 4
    assert "has no snapshot 9" in ran.refused("read", "closing-prices", "--snapshot", 9)


def test_rows_as_csv_on_the_screen(ran: ProjectFolder) -> None:
    rows = list(csv.DictReader(io.StringIO(ran.done("read", "closing-prices", "--format", "csv"))))
    assert rows[0] == {"symbol": "AAPL", "date": "2026-01-02", "close": "243.8500", "volume": "1000"}


@pytest.mark.parametrize("name", ["rows.csv", "rows.json", "rows.parquet"])
def test_rows_in_a_file_of_the_form_that_its_name_tells(ran: ProjectFolder, name: str) -> None:
    told = ran.done("read", "closing-prices", "--out", name)
    file = ran.folder / name
    assert told == f"4 row(s) of closing-prices, snapshot 1 (4 rows) in {name}\n"
    if name.endswith("parquet"):
        assert str(pq.read_table(file).schema.field("close").type) == "decimal128(18, 4)"
    elif name.endswith("json"):
        assert json.loads(file.read_text())[0]["close"] == "243.8500"
    else:
        assert len(file.read_text().splitlines()) == 5


def test_what_cannot_be_written_is_refused(ran: ProjectFolder) -> None:
    assert "name a file: --out FILE" in ran.refused("read", "closing-prices", "--format", "parquet")
    assert "tells no format" in ran.refused("read", "closing-prices", "--out", "rows.xlsx")


def test_what_is_not_there_is_refused_with_what_was_meant(ran: ProjectFolder) -> None:
    assert "did you mean 'closing-prices'?" in ran.refused("read", "closing-price")
    assert "did you mean 'close'?" in ran.refused("read", "closing-prices", "--columns", "clos")
    assert "no column 'clos'" in ran.refused("read", "closing-prices", "-c", "clos", "--where", "true")
    assert "--where is not understood" in ran.refused("read", "closing-prices", "--where", "clos > 1")


def test_reading_needs_no_state_database(ran: ProjectFolder) -> None:
    (ran.folder / ".finport/state.db").unlink()
    assert len(ran.json("read", "closing-prices")) == 4
