"""What schema inference promises: the type, its label, what is told, and what comes of it in the written file."""

from __future__ import annotations

import io
import json
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from upath import UPath

from finport_ingestion.engine.config.models.contract import Contract
from finport_ingestion.engine.convert import table_files
from finport_ingestion.engine.convert.file_conversion import Wish, convert_file
from finport_ingestion.engine.convert.infer import Commas, decide
from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.look import look
from finport_ingestion.engine.convert.outputs.parquet import ParquetOutput
from finport_ingestion.engine.convert.report import FileReport, Outcome
from tests.unit.convert.deployment import Converted, Delivered, Deployment


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["$1,234.50", "$5"], ("decimal(18,2)", "currency $", "number:point")),
        (["1.234,50 €", "5 €"], ("decimal(18,2)", "currency €", "number:comma")),
        (["5 %", "12.5 %"], ("decimal(18,1)", "percent", "number:point")),
        (["(5.00)", "12.00"], ("decimal(18,2)", None, "number:point")),
        (["1'234", "5"], ("integer", None, "number:point")),
        (["1 234,5", "5"], ("decimal(18,1)", None, "number:comma")),
        (["£5", "£7"], ("integer", "currency £", "number:point")),
        (["1,234", "5,678"], ("text", "ambiguous number", None)),
        (["£1,000", "£7"], ("text", "ambiguous number", None)),
        (["1,234.50", "1,5"], ("text", None, None)),
        (["$5", "€7"], ("text", None, None)),
        (["5 %", "7"], ("text", None, None)),
        (["(5)", "(7)"], ("text", None, None)),
    ],
)
def test_marks_of_numbers_are_understood_where_all_values_say_one_thing(
    values: list[str], expected: tuple[str, str | None, str | None]
) -> None:
    decision = decide("x", look(pa.array(values)).evidence)
    assert (str(decision.logical), decision.label, decision.way) == expected


def test_what_could_be_thousands_or_decimals_is_told_and_not_guessed() -> None:
    evidence = look(pa.array(["1,234", "5,678"])).evidence
    note = decide("x", evidence).note
    assert note is not None
    assert "decimalComma" in note
    assert str(decide("x", evidence, commas=Commas.THOUSANDS).logical) == "integer"
    points = look(pa.array(["1.234", "5.678"])).evidence
    assert decide("x", points, commas=Commas.DECIMALS).label == "ambiguous number"
    assert str(decide("x", points).logical) == "decimal(18,3)"


def run(root: Path, *parts: bytes, **settings: Any) -> Converted:
    return Deployment(root, **settings).run(*parts)


def test_types_are_written_as_arrow_types(tmp_path: Path) -> None:
    header = b"n,small,large,huge,day,at,clock,moment,flag,name\n"
    row = b"5,1.25,%s.5,%s.5,2026-01-02,2026-01-02 10:00:00,10:00,2026-01-02T10:00:00+02:00,true,x\n"
    converted = run(tmp_path, header + row % (b"1" * 20, b"1" * 40))
    fields = converted.table.schema
    assert {name: str(fields.field(name).type) for name in header.decode().strip().split(",")} == {
        "n": "int64",
        "small": "decimal128(18, 2)",
        "large": "decimal128(38, 1)",
        "huge": "decimal256(76, 1)",
        "day": "date32[day]",
        "at": "timestamp[us]",
        "clock": "time64[us]",
        "moment": "timestamp[us, tz=UTC]",
        "flag": "bool",
        "name": "string",
    }
    assert converted.rows("day", "at", "clock", "flag") == [
        (date(2026, 1, 2), datetime(2026, 1, 2, 10), time(10), True)  # noqa: DTZ001 - it stays naive
    ]
    assert converted.column("moment")[0].isoformat() == "2026-01-02T08:00:00+00:00"
    assert fields.field("at").metadata[b"label"] == b"naive"
    assert b"label" not in fields.field("moment").metadata


IN_BERLIN = b"id,at\na,2026-07-01 10:00:00\nb,2026-10-25 02:30:00\nc,\n"  # the second: an hour that Berlin has twice


@pytest.mark.parametrize("columns", [[], [{"name": "at", "type": "timestamp(UTC)"}]])
def test_naive_times_are_moments_where_the_source_states_its_zone(tmp_path: Path, columns: list[Any]) -> None:
    converted = run(tmp_path, IN_BERLIN, time_zone="Europe/Berlin", contract={"columns": columns} if columns else {})
    assert converted.types["at"] == "timestamp(UTC)"
    assert [at and at.isoformat() for at in converted.column("at")] == ["2026-07-01T08:00:00+00:00", None]
    assert [reject["row"] for reject in converted.rejects] == [2]


def test_the_zone_that_was_taken_is_told(tmp_path: Path) -> None:
    converted = run(tmp_path, IN_BERLIN, time_zone="Europe/Berlin")
    metadata = converted.table.schema.field("at").metadata
    assert metadata[b"time_zone"] == b"Europe/Berlin"
    assert b"label" not in metadata
    assert converted.rejects[0]["reason"] == "column 'at': an hour that Europe/Berlin has twice or never"


def test_naive_times_of_a_typed_file_are_moments_too(tmp_path: Path) -> None:
    out = io.BytesIO()
    at = pa.array([datetime(2026, 7, 1, 10), datetime(2026, 3, 29, 2, 30)], pa.timestamp("us"))  # noqa: DTZ001
    pq.write_table(pa.table({"id": ["a", "b"], "at": at}), out)
    delivered = Delivered(out.getvalue(), suffix=".parquet")
    converted = Deployment(tmp_path, time_zone="Europe/Berlin").run(delivered)
    assert [at.isoformat() for at in converted.column("at")] == ["2026-07-01T08:00:00+00:00"]
    assert [reject["row"] for reject in converted.rejects] == [2]  # an hour that Berlin never had


def test_a_cursor_of_naive_times_stays_as_it_is_delivered(tmp_path: Path) -> None:
    converted = run(tmp_path, IN_BERLIN, time_zone="Europe/Berlin", incremental={"field": "at"})
    assert converted.types["at"] == "timestamp"


def test_a_late_text_among_naive_times_makes_all_of_them_text(tmp_path: Path) -> None:
    content = b"id,at\n" + b"a,2026-07-01 10:00:00\n" * 12_000 + b"b,soon\n" + b"c,2026-10-25 02:30:00\n" * 12_000
    converted = run(tmp_path, content, time_zone="Europe/Berlin")
    assert converted.types["at"] == "text"
    assert set(converted.column("at")) == {"2026-07-01 10:00:00", "soon", "2026-10-25 02:30:00"}
    assert not converted.rejects


def test_times_that_the_samples_miss_are_moments_all_the_same(tmp_path: Path) -> None:
    content = b"id,at\n" + b"a,\n" * 30_000 + b"b,2026-07-01 10:00:00\nc,2026-10-25 02:30:00\n" + b"a,\n" * 30_000
    converted = run(tmp_path, content, time_zone="Europe/Berlin")
    assert converted.types["at"] == "timestamp(UTC)"
    assert [at.isoformat() for at in converted.column("at") if at] == ["2026-07-01T08:00:00+00:00"]
    assert len(converted.rejects) == 1


def test_a_float_is_what_a_contract_calls_one(tmp_path: Path) -> None:
    content = b"a,b\n1.5,1.5\n2.25,2.25\n"
    contract = {"columns": [{"name": "b", "type": "float"}]}
    converted = run(tmp_path, content, contract=contract)
    assert converted.types == {"a": "decimal(18,2)", "b": "float"}
    assert converted.rows("a", "b") == [(Decimal("1.50"), 1.5), (Decimal("2.25"), 2.25)]


def test_what_looks_like_no_value_is_data_unless_the_format_says_so(tmp_path: Path) -> None:
    marks = ("NA", "N/A", "-", ".", "null")
    content = ("n,x\n" + "".join(f"{at},{text}\n" for at, text in enumerate(("5", *marks, "")))).encode()
    data = run(tmp_path / "data", content, convert={"format": "csv"})
    assert data.column("x") == ["5", *marks, None]
    stated = run(tmp_path / "stated", content, convert={"format": "csv", "nullValues": ["", *marks]})
    assert stated.types["x"] == "integer"
    assert stated.column("x") == [5, None, None, None, None, None, None]


def test_nested_values_stay_nested_and_differ_from_no_other_kind(tmp_path: Path) -> None:
    path = tmp_path / "in.ndjson"
    path.write_bytes(b'{"id":"a","legs":[{"px":1.5}]}\n{"id":"b","legs":[]}\n')
    report = converted(path)
    assert report.tables[0].columns[1].type == "list<item: struct<px: decimal128(18, 1)>>"


def converted(path: Path, **wish: Any) -> FileReport:
    out = path.parent / "out"
    out.mkdir()
    raw = RawFile(path=UPath(path), uri=path.name, size_bytes=path.stat().st_size)
    report = convert_file(raw, out, wish=Wish(output=ParquetOutput(), **wish))
    assert report.error is None
    return report


@pytest.mark.parametrize("at", [2, 30_000, 60_000, 119_990])
def test_samples_are_taken_over_the_whole_file(tmp_path: Path, at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What holds for a stretch of the file is proposed, wherever the stretch lies: nothing has to be read again."""
    asked: list[str] = []
    plain = table_files.settle

    def watched(parts: Any, terms: Any, **options: Any) -> Any:
        found = plain(parts, terms, **options)
        asked.append(found.schema.columns[1].spelling)
        return found

    monkeypatch.setattr(table_files, "settle", watched)
    stretch = range(at, at + 10_000)
    rows = (f"r{row},{row}{'.5' if row in stretch else ''}\n" for row in range(120_000))
    path = tmp_path / "in.csv"
    path.write_text("id,n\n" + "".join(rows))
    monkeypatch.setattr(table_files, "slice_size", lambda parts: 100_000)
    report = converted(path, gathered_bytes=0)
    assert asked == ["decimal(18,1)", "decimal(18,1)"]
    assert report.tables[0].columns[1].type == "decimal(18,1)"


def test_samples_are_taken_of_all_parts(tmp_path: Path) -> None:
    deployment = Deployment(tmp_path)
    deployment.land(b"n,x\n1,1\n", b"n,x\n2,2.25\n", b"n,x\n3,3\n")
    proposed = json.loads(deployment.split().schema or "")
    assert [column["type"] for column in proposed] == ["integer", "decimal(18,2)"]


def test_a_type_is_that_of_every_value_of_every_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("finport_ingestion.engine.convert.reading.slices._PLACES", 1)
    monkeypatch.setattr("finport_ingestion.engine.convert.step.slice_size", lambda parts: 3_000)
    late = [f"r{row},{row if row != 40_000 else '1.125'}\n" for row in range(120_000)]
    deployment = Deployment(tmp_path)
    deployment.land(("id,n\n" + "".join(late)).encode(), b"id,n\na,7\n")
    proposed = json.loads(deployment.split().schema or "")
    deployment.work(0)
    result = deployment.sealed()
    assert [column["type"] for column in proposed] == ["identifier", "integer"]
    assert [column["type"] for column in json.loads(result.result.schema or "")] == ["identifier", "decimal(18,3)"]
    assert result.table.slice(40_000, 1).column("n").to_pylist() == [Decimal("1.125")]
    assert result.tables[1].column("n").to_pylist() == [Decimal("7.000")]


def test_a_departure_from_the_contract_is_told_in_words_by_column(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("id,price,fee\n1,1.125,2\n")
    columns = [{"name": "id", "type": "text"}, {"name": "price", "type": "decimal(8,2)"}, {"name": "d", "type": "date"}]
    report = converted(path, contract=Contract.model_validate({"columns": columns}))
    assert report.outcome is Outcome.OK_WITH_WARNINGS
    assert report.drift == (
        "column 'price' is decimal(18,3), agreed is decimal(8,2)",
        "column 'fee' is new: integer",
        "column 'd' of the contract is not delivered",
    )
    assert pq.read_table(report.tables[0].parts[0].path).column("d").to_pylist() == [None]
