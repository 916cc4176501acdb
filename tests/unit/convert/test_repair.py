"""A column that the samples took for something else is read again, alone; the file is as if it had been known."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from upath import UPath

from finport_ingestion.engine.convert import table_files
from finport_ingestion.engine.convert.file_conversion import Wish, convert_file
from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.convert.outputs.parquet import ParquetOutput
from finport_ingestion.engine.convert.reading import delimited
from finport_ingestion.engine.convert.report import FileReport
from tests.unit.convert.deployment import Delivered, Deployment

ROWS = 120_000


def delivery(late: dict[int, str], *, footer: str = "") -> bytes:
    """Records of which one, at a place that no sample sees, holds something else in `n`."""
    lines = [f"r{row},{late.get(row, row % 97)},{row % 13}.{row % 100:02d}" for row in range(ROWS)]
    return ("\n".join(["id,n,price", *lines]) + "\n" + footer).encode()


@pytest.fixture
def unsampled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples of the beginning and end only, so that what stands between them comes as a surprise."""
    monkeypatch.setattr("finport_ingestion.engine.convert.reading.slices._PLACES", 1)
    monkeypatch.setattr(table_files, "slice_size", lambda parts: 3_000)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[frozenset[str] | None]:
    """Which columns each pass over a file asked for."""
    asked: list[frozenset[str] | None] = []
    plain = delimited.read_delimited

    def watched(*arguments: Any, **named: Any) -> Iterator[Batch]:
        asked.append(named.get("only"))
        return plain(*arguments, **named)

    monkeypatch.setattr(delimited, "read_delimited", watched)
    return asked


def converted(folder: Path, content: bytes, *, gathered: bool = False) -> tuple[FileReport, Any]:
    (folder / "in.csv").write_bytes(content)
    raw = RawFile(path=UPath(folder / "in.csv"), uri="in.csv", size_bytes=len(content))
    out = folder / ("gathered" if gathered else "streamed")
    out.mkdir()
    report = convert_file(
        raw, out, wish=Wish(output=ParquetOutput(), threads=2, gathered_bytes=1 << 30 if gathered else 0)
    )
    assert report.error is None
    return report, pq.read_table([part.path for part in report.tables[0].parts])


@pytest.mark.usefixtures("unsampled")
@pytest.mark.parametrize(
    ("late", "kind"), [("00123", "identifier"), ("3.75", "decimal(18,2)"), ("abc", "text"), ("", "integer")]
)
def test_only_the_column_that_failed_is_read_again(
    late: str, kind: str, tmp_path: Path, read: list[frozenset[str] | None]
) -> None:
    row = random.Random(late).randrange(30_000, 50_000)
    content = delivery({row: late})
    report, table = converted(tmp_path, content)
    assert read == ([None] if kind == "integer" else [None, frozenset({"n"})])
    whole_report, whole = converted(tmp_path, content, gathered=True)
    assert report.tables[0].columns == whole_report.tables[0].columns
    assert report.tables[0].columns[1].type == kind
    assert table.equals(whole)
    assert table.schema.equals(whole.schema, check_metadata=True)


@pytest.mark.usefixtures("unsampled")
def test_records_that_were_left_out_the_first_time_stay_left_out(
    tmp_path: Path, read: list[frozenset[str] | None]
) -> None:
    content = delivery({40_000: "3.75", 41_000: "5,6,7,8"}, footer="TRAILER,120001\n")
    report, table = converted(tmp_path, content)
    assert read[-1] == frozenset({"n"})
    assert (report.quarantined, table.num_rows) == (1, ROWS - 1)
    assert table.equals(converted(tmp_path, content, gathered=True)[1])


@pytest.mark.usefixtures("unsampled")
def test_a_run_repairs_a_part_the_same_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("finport_ingestion.engine.convert.step.slice_size", lambda parts: 3_000)
    deployment = Deployment(tmp_path, convert={"format": "csv"})
    converted = deployment.run(Delivered(delivery({40_000: "00123"})))
    rows = converted.rows("id", "n")
    assert len(rows) == ROWS
    assert rows[40_000] == ("r40000", "00123")
    assert rows[40_001] == ("r40001", str(40_001 % 97))


@pytest.mark.usefixtures("unsampled")
def test_a_label_that_not_all_values_bear_out_is_taken_back_without_another_reading(
    tmp_path: Path, read: list[frozenset[str] | None]
) -> None:
    lines = [f"{'US0378331005' if row != 40_000 else 'US0378331004'},{row}" for row in range(ROWS)]
    content = ("\n".join(["security,n", *lines]) + "\n").encode()
    report, table = converted(tmp_path, content)
    assert read == [None]
    assert report.tables[0].columns[0].label != "isin"
    assert table.schema.equals(converted(tmp_path, content, gathered=True)[1].schema, check_metadata=True)


@pytest.mark.usefixtures("unsampled")
def test_a_record_that_breaks_the_contract_behind_a_late_surprise_is_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("finport_ingestion.engine.convert.step.slice_size", lambda parts: 3_000)
    contract = {"columns": [{"name": "n", "type": "decimal(8,2)"}]}
    deployment = Deployment(tmp_path, convert={"format": "csv"}, contract=contract)
    converted = deployment.run(Delivered(delivery({40_000: "3.755", 110_000: "surprise"})))
    assert converted.types["n"] == "decimal(18,3)"
    [reject] = converted.rejects
    assert (reject["row"], reject["column"]) == (110_001, "n")
    assert converted.table.num_rows == ROWS - 1
    assert converted.table.column("n").null_count == 0
