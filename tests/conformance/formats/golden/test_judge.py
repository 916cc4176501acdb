"""The judge of the reference test is worth something if it calls damage: each kind, in each format of the corpus."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from finport_ingestion.engine.convert.report import Outcome
from tests.conformance.formats.golden.converted import Converted, OurTable, converted
from tests.conformance.formats.golden.corpus import CORPUS, GoldenFile, corpus_files
from tests.conformance.formats.golden.judge import differences

HELD = {
    "bai2": ("transactions", ["amount"]),
    "fedwire": ("tags", ["as_delivered"]),
    "fix": ("fields", ["value"]),
    "iso20022": ("", ["amount"]),  # of its first table: entries, payments
    "mt940": ("transactions", ["value_date", "amount", "bank_reference"]),
    "nacha": ("entries", ["amount"]),
    "ofx": ("transactions", ["trnamt"]),
    "qif": ("records", ["L"]),
    "swift_mt": ("messages", ["field_20"]),
    "xbrl": ("facts", ["value"]),
}
"""The table that the golden facts are about, and columns that have to be held to them; elsewhere the first table."""
MANY = 2
pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no reference corpus at {CORPUS}")


def smallest_of_each_format() -> list[GoldenFile]:
    found: dict[str, GoldenFile] = {}
    for file in sorted(corpus_files(), key=lambda file: file.delivered.stat().st_size):
        if file.outcome == "ok" and any(table.rows > MANY for table in file.tables):
            found.setdefault(file.format, file)
    return list(found.values())


def held(ours: Converted) -> tuple[OurTable, int]:
    """A table that the golden facts are about, and that of its columns with the most different values."""
    name, columns = HELD.get(ours.report.format or "", ("", []))
    table = max((table for table in ours.tables if name in ("", table.name)), key=lambda table: table.rows > 1)
    names = table.data.column_names
    index = max(map(names.index, columns or names), key=lambda index: _distinct(table.data.column(index)))
    if _distinct(table.data.column(index)) < MANY:
        pytest.skip("this file has no two values that differ")
    return table, index


def _distinct(column: pa.ChunkedArray) -> int:
    try:
        return len({str(value) for value in column.to_pylist()})
    except OverflowError:  # moments that Python does not know
        return 0


def with_column(table: OurTable, index: int, values: Sequence[Any]) -> pa.Table:
    field = table.data.schema.field(index)
    return table.data.set_column(index, field, pa.chunked_array([pa.array(list(values), field.type)]))


def changed(value: Any) -> Any:
    """The value beside it."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, Decimal):
        return value + Decimal(1).scaleb(int(value.as_tuple().exponent))
    if isinstance(value, date):
        return value + timedelta(days=1)
    if isinstance(value, (int, float)):
        return value + 1
    return value + b"x" if isinstance(value, bytes) else f"{value}x"


def last_row_lost(table: OurTable, index: int) -> pa.Table:
    return table.data.slice(0, table.rows - 1)


def first_row_doubled_over_another(table: OurTable, index: int) -> pa.Table:
    other = _another(table.data.column(index).to_pylist())
    return table.data.take(pa.array([0 if row == other else row for row in range(table.rows)]))


def two_values_exchanged(table: OurTable, index: int) -> pa.Table:
    values = table.data.column(index).to_pylist()
    other = _another(values)
    values[0], values[other] = values[other], values[0]
    return with_column(table, index, values)


def _another(values: Sequence[Any]) -> int:
    """The last row that is unlike the first."""
    return next(row for row in reversed(range(len(values))) if str(values[row]) != str(values[0]))


def one_value_made_null(table: OurTable, index: int) -> pa.Table:
    values = table.data.column(index).to_pylist()
    row = next(row for row, value in enumerate(values) if value not in (None, ""))
    return with_column(table, index, [*values[:row], None, *values[row + 1 :]])


def one_value_changed(table: OurTable, index: int) -> pa.Table:
    values = table.data.column(index).to_pylist()
    row = next(row for row in reversed(range(table.rows)) if values[row] not in (None, ""))
    if isinstance(values[row], (list, dict)):
        return with_column(table, index, [*values[:row], None, *values[row + 1 :]])
    return with_column(table, index, [*values[:row], changed(values[row]), *values[row + 1 :]])


DAMAGES = [
    last_row_lost,
    first_row_doubled_over_another,
    two_values_exchanged,
    one_value_made_null,
    one_value_changed,
]


@pytest.mark.parametrize("file", smallest_of_each_format(), ids=lambda file: str(file.format))
def test_damage_is_called(file: GoldenFile, tmp_path: Path) -> None:
    ours = right(file, tmp_path)
    table, index = held(ours)
    for damage in DAMAGES:
        assert is_called(file, damaged(ours, table, damage(table, index))), damage.__name__


def right(file: GoldenFile, folder: Path) -> Converted:
    ours = converted(file, folder)
    if list(differences(file, ours)):
        pytest.skip("what is wrong already is told by the reference test")
    return ours


def is_called(file: GoldenFile, ours: Converted) -> bool:
    """A difference is told, or an adapter cannot go on: either fails the reference test."""
    try:
        return bool(list(differences(file, ours)))
    except (AssertionError, AttributeError, LookupError, TypeError, ValueError):
        return True


def damaged(ours: Converted, table: OurTable, data: pa.Table) -> Converted:
    """The same, and a report that knows nothing of it."""
    tables = [dataclasses.replace(found, data=data) if found is table else found for found in ours.tables]
    told = [
        dataclasses.replace(found, rows=data.num_rows) if found.name == table.name else found
        for found in ours.report.tables
    ]
    return Converted(dataclasses.replace(ours.report, tables=tuple(told)), tables, ours.files)


def first(wanted: Callable[[GoldenFile], bool]) -> GoldenFile:
    found = next((file for file in corpus_files() if wanted(file)), None)
    return found or pytest.skip("this corpus has no such file")


def has_identifier(file: GoldenFile) -> bool:
    columns = [column for table in file.tables if not table.is_grid for column in table.columns]
    return (
        file.format == "csv" and file.outcome == "ok" and any(column.get("kind") == "identifier" for column in columns)
    )


def test_a_lost_zero_is_called(tmp_path: Path) -> None:
    file = first(has_identifier)
    ours = right(file, tmp_path)
    [table] = ours.tables
    index = next(i for i, column in enumerate(file.tables[0].columns) if column.get("kind") == "identifier")
    texts = [text or "" for text in table.data.column(index).to_pylist()]
    as_text, as_number = (
        [text.lstrip("0") for text in texts],
        [int(text) if text.isdecimal() else None for text in texts],
    )
    for lost in (pa.array(as_text), pa.array(as_number), pa.array(as_number, pa.decimal128(38, 2))):
        field = pa.field(table.data.column_names[index], lost.type)
        assert list(differences(file, damaged(ours, table, table.data.set_column(index, field, lost))))


def test_a_file_left_behind_after_a_refusal_is_called(tmp_path: Path) -> None:
    file = first(lambda file: file.outcome == "reject")
    ours = right(file, tmp_path)
    assert list(differences(file, dataclasses.replace(ours, files=[tmp_path / "part.parquet"])))


def test_a_warning_that_is_not_there_is_called(tmp_path: Path) -> None:
    file = first(lambda file: file.outcome == "ok_with_warnings" and bool(file.tables))
    ours = right(file, tmp_path)
    silent = dataclasses.replace(ours.report, outcome=Outcome.OK, warnings=())
    assert list(differences(file, dataclasses.replace(ours, report=silent)))


def test_a_wrong_number_of_bad_rows_is_called(tmp_path: Path) -> None:
    file = first(lambda file: bool(file.bad_rows) and file.format == "csv")
    ours = right(file, tmp_path)
    assert list(differences(dataclasses.replace(file, bad_rows=[*file.bad_rows, 99]), ours))


def test_a_wrong_fact_is_called(tmp_path: Path) -> None:
    file = first(lambda file: file.format == "swift-mt940" and bool(file.facts))
    ours = right(file, tmp_path)
    for name in ("statements", "tag61"):
        assert list(differences(dataclasses.replace(file, facts={**file.facts, name: 0}), ours))
    assert list(differences(dataclasses.replace(file, facts={**file.facts, "unknown": 0}), ours))
