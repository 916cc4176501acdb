"""Columns of few values, each of them often: labelled, never typed, and by every value."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from upath import UPath

from finport_ingestion.engine.convert import enumerations, table_files
from finport_ingestion.engine.convert.file_conversion import Wish, convert_file
from finport_ingestion.engine.convert.infer import decide
from finport_ingestion.engine.convert.interface import Origin, RawFile
from finport_ingestion.engine.convert.look import look
from finport_ingestion.engine.convert.outputs.parquet import ParquetOutput
from finport_ingestion.engine.convert.outputs.registry import OUTPUTS
from finport_ingestion.engine.convert.report import ColumnReport
from tests.unit.convert.deployment import Delivered, Deployment


def told(values: list[str | None], name: str = "value", origin: Origin = Origin.FIELD) -> tuple[str, str | None]:
    decision = decide(name, look(pa.array(values, pa.string()), origins=frozenset({origin})).evidence)
    return str(decision.logical), decision.label


_CURRENCIES: list[str | None] = ["EUR", "USD", "CHF", None]
_ALIKE = ["US0378331005", "US5949181045"]
_ENUMERATION = ("text", "enumeration")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["BUY", "SELL"] * 10, _ENUMERATION),
        (_CURRENCIES * 10, _ENUMERATION),
        (["30/360", "ACT/360"] * 10, _ENUMERATION),
        (["3M", "1Y"] * 10, _ENUMERATION),
        (["0", "1", "A"] * 10, _ENUMERATION),  # of FIX: one character is a code
        (["gültig", "storniert"] * 10, _ENUMERATION),
        (["BUY", "SELL"] * 9, ("text", None)),  # too few to say
        (["BUY"] * 1000, ("text", None)),  # a constant
        ([f"name {n}" for n in range(65)] * 20, ("text", None)),
        ([f"name {n}" for n in range(64)] * 20, _ENUMERATION),
        (["x" * 41, "y"] * 50, ("text", None)),
        (["1", "2"] * 500, ("integer", None)),
        (["12", "n/a"] * 500, ("text", None)),  # numbers and a mark
        (["1.5", "n/a"] * 500, ("text", None)),
        (["2026-01-02", "n/a"] * 500, ("text", None)),
        (["true", "false"] * 500, ("boolean", None)),
        (["01/02/2026", "03/04/2026"] * 500, ("text", "ambiguous date")),
        (_ALIKE * 500, ("identifier", "isin")),
        (["007", "008"] * 500, ("identifier", "identifier")),
    ],
)
def test_few_short_values_that_come_again_are_labelled(
    values: list[str | None], expected: tuple[str, str | None]
) -> None:
    assert told(values) == expected


def test_a_name_that_says_identifier_wins() -> None:
    assert told(["A1", "B2"] * 50, "account code") == ("identifier", "identifier")


def test_strings_of_a_document_are_labelled_too() -> None:
    assert told(["BUY", "SELL"] * 10, origin=Origin.STRING) == _ENUMERATION
    assert told(["1", "2"] * 10, origin=Origin.STRING) == _ENUMERATION
    assert told(["10", "20"] * 10, origin=Origin.STRING) == ("text", None)


_SHORT = st.sampled_from(["BUY", "SELL", "", "B", "é", "x\0", "\0", "EUR", "USD", "12345678", "123456789", None])


@settings(max_examples=150, deadline=None)
@given(
    head=st.lists(_SHORT, min_size=1, max_size=3),
    late=st.lists(_SHORT, max_size=2),
    start=st.integers(0, 3),
    times=st.sampled_from([1, 700, 9_000]),
)
def test_the_distinct_values_are_those_of_python(
    head: list[str | None], late: list[str | None], start: int, times: int
) -> None:
    values = [*head * times, *late, *head][start:]
    array = pa.array([*["never"] * 2, *values], pa.string()).slice(2)
    expected = {value for value in values if value is not None}
    possible = all(map(enumerations.could_be, expected))
    assert enumerations.distinct(array) == (expected if possible else None)


def test_a_blank_text_is_no_null() -> None:
    values = pa.array([None, *["BUY", "SELL"] * 20_000, ""], pa.string())
    assert enumerations.distinct(values) == {"BUY", "SELL", ""}


def convert(folder: Path, content: bytes, *, gathered: bool) -> tuple[tuple[ColumnReport, ...], pa.Schema]:
    (folder / "in.csv").write_bytes(content)
    raw = RawFile(path=UPath(folder / "in.csv"), uri="in.csv", size_bytes=len(content))
    wish = Wish(output=ParquetOutput(), threads=2, gathered_bytes=1 << 30 if gathered else 0)
    out = folder / ("gathered" if gathered else "streamed")
    out.mkdir()
    report = convert_file(raw, out, wish=wish)
    assert report.error is None
    [table] = report.tables
    return table.columns, pq.read_schema(table.parts[0].path)


def rows(count: int, late: dict[int, str]) -> bytes:
    sides = ("BUY", "SELL", "SHORT")
    return ("n,side\n" + "".join(f"{n},{late.get(n, sides[n % 3])}\n" for n in range(count))).encode()


@pytest.mark.parametrize(
    ("late", "label"),
    [
        ({}, "enumeration"),
        ({59_998: "HOLD"}, "enumeration"),
        ({59_998: "2.50"}, None),
        ({n: f"kind {n}" for n in range(59_900, 59_962)}, None),
    ],
)
def test_a_streamed_file_is_labelled_by_every_value(tmp_path: Path, late: dict[int, str], label: str | None) -> None:
    content = rows(120_000, late)
    columns, schema = convert(tmp_path, content, gathered=False)
    assert (columns[1].type, columns[1].label) == ("text", label)
    assert (schema.field("side").metadata or {}).get(b"label") == (label.encode() if label else None)
    whole_columns, whole = convert(tmp_path, content, gathered=True)
    assert columns == whole_columns
    assert schema.equals(whole, check_metadata=True)


@pytest.mark.parametrize("name", ["parquet", "orc", "avro", "jsonl"])
@pytest.mark.parametrize("partition_by", [(), ("side",)])
def test_a_label_that_goes_late_takes_no_record_along(
    tmp_path: Path, name: str, partition_by: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_files, "slice_size", lambda parts: 3_000)
    lines = [f"{n},S{n % 2},{'2.50' if n == 10_001 else f'K{n % 3}'}" for n in range(20_000)]
    content = ("\n".join(["n,side,kind", *lines]) + "\n").encode()
    (tmp_path / "in.csv").write_bytes(content)
    raw = RawFile(path=UPath(tmp_path / "in.csv"), uri="in.csv", size_bytes=len(content))
    wish = Wish(output=OUTPUTS.get(name)(), partition_by=partition_by, gathered_bytes=0)
    (tmp_path / "out").mkdir()
    report = convert_file(raw, tmp_path / "out", wish=wish)
    [table] = report.tables
    assert [column.label for column in table.columns] == [None, "enumeration", None]
    assert (table.rows, sum(part.rows for part in table.parts)) == (20_000, 20_000)
    assert [part.bytes for part in table.parts] == [Path(part.path).stat().st_size for part in table.parts]


def test_the_values_of_all_parts_count(tmp_path: Path) -> None:
    def names(start: int) -> bytes:
        return ("kind,n\n" + "".join(f"kind {n},{n}\n" for n in range(start, start + 40)) * 30).encode()

    def label(name: str, *parts: bytes) -> str | None:
        [kind, _] = Deployment(tmp_path / name).run(*parts).manifest.facts["schema"]
        assert kind["type"] == "text"
        return kind["label"]  # type: ignore[no-any-return]

    assert label("one", names(0)) == "enumeration"
    assert label("more", names(0), names(40)) is None
    assert label("united", names(0), names(20), b"kind,n\n,1\n", b"kind,n\n") == "enumeration"


def test_a_label_that_the_samples_saw_and_not_all_values_is_gone_from_every_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("finport_ingestion.engine.convert.reading.slices._PLACES", 1)
    monkeypatch.setattr("finport_ingestion.engine.convert.step.slice_size", lambda parts: 3_000)
    deployment = Deployment(tmp_path, convert={"format": "csv"}, parallel=2)
    landed = deployment.land(
        Delivered(rows(120_000, {})), Delivered(rows(120_000, {n: f"kind {n}" for n in range(50_000, 50_062)}))
    )
    for batch in range(deployment.split().batches or 0):
        deployment.work(batch)
    for part in landed.parts:
        (tmp_path / part.uri).unlink()  # nothing is read again
    converted = deployment.sealed()
    schemas = [table.schema for table in converted.tables]
    assert schemas[0].equals(schemas[1], check_metadata=True)
    assert schemas[0].field("side").metadata is None
    assert len({part.schema for part in converted.manifest.parts}) == 1
    assert converted.table.num_rows == 240_000
