"""Formats whose golden tables are the tables of the file itself: rows, places, values, sums."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tests.conformance.formats.golden.canonical import canonical
from tests.conformance.formats.golden.converted import Converted, OurTable, normal_name
from tests.conformance.formats.golden.corpus import GoldenFile, GoldenTable
from tests.conformance.formats.golden.spellings import matches


def differences(file: GoldenFile, ours: Converted) -> Iterator[str]:
    """What is not as the golden tables say, a sentence each."""
    for golden in file.tables:
        table = our_table(golden, file.tables, ours)
        if table is None:
            yield f"no table '{golden.name}' among {[found.name for found in ours.tables]}"
        elif file.holds_bad_rows and table.rows != golden.rows:
            yield from _good_cells(golden, table)
        else:
            yield from table_differences(golden, table, ours)


def our_table(golden: GoldenTable, all_golden: Sequence[GoldenTable], ours: Converted) -> OurTable | None:
    """The table of that name; a file of one table may call it otherwise."""
    named = [table for table in ours.tables if normal_name(table.name) == normal_name(golden.name)]
    if named or len(all_golden) > 1:
        return named[0] if named else None
    return ours.tables[0] if ours.tables else None


def table_differences(golden: GoldenTable, table: OurTable, ours: Converted) -> Iterator[str]:
    if table.rows != golden.rows:
        yield f"table '{table.name}' has {table.rows} rows, not {golden.rows}"
        return
    for place, column in enumerate(golden.columns):
        index = _index(golden, place, table)
        if index is None:
            yield f"column '{column['name']}' is not there"
        else:
            yield from _name_differences(str(column["name"]), place, table.data.schema.field(index), ours)
            yield from _column_differences(column, table.data.schema.field(index), table.data.column(index))
    if table.data.num_columns < len(golden.columns):
        yield f"table '{table.name}' has {table.data.num_columns} columns, not {len(golden.columns)}"


def _index(golden: GoldenTable, place: int, table: OurTable) -> int | None:
    """By place where the tables are as wide; otherwise by name."""
    if table.data.num_columns == len(golden.columns):
        return place
    named = {normal_name(name): index for index, name in enumerate(table.data.column_names)}
    return named.get(normal_name(golden.names[place]))


def _name_differences(golden: str, place: int, field: pa.Field, ours: Converted) -> Iterator[str]:
    """A name is as delivered, trimmed and made unique; columns without one are numbered, and keys of objects too."""
    if re.fullmatch(r"_key(_\d+)?", field.name):
        return
    if re.fullmatch(r"column_\d+", field.name):
        said = any("no header" in warning or "blank" in warning for warning in ours.report.warnings)
        if normal_name(golden) and not said:
            yield f"column {place} is numbered, not named '{golden}'"
        return
    unique = re.sub(r"_\d+$", "", field.name)
    if normal_name(golden) not in (normal_name(field.name), normal_name(unique)):
        yield f"column {place} is named '{field.name}', not '{golden}'"


def _column_differences(golden: Mapping[str, Any], field: pa.Field, column: pa.ChunkedArray) -> Iterator[str]:
    said = f"column '{golden['name']}' ({golden.get('kind')}), ours '{field.name}' ({field.type})"
    if "microseconds_since_epoch" in golden:
        if not _same_moments(golden["microseconds_since_epoch"], column):
            yield f"{said}: other moments"
        return
    if golden.get("kind") == "identifier" and not _is_text(field.type):
        yield f"{said}: an identifier has to stay text"
    if not matches(golden, field, column):
        yield f"{said}: other values"
    if "nulls" in golden and golden.get("kind") not in ("text", "mixed", "nested"):
        yield from _sum_differences(said, golden, field, column)


def _same_moments(microseconds: Sequence[int | None], column: pa.ChunkedArray) -> bool:
    if not pa.types.is_timestamp(column.type) or column.type.unit == "ns":
        return False
    exact = column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64())
    return bool(exact.to_pylist() == list(microseconds))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _sum_differences(said: str, golden: Mapping[str, Any], field: pa.Field, column: pa.ChunkedArray) -> Iterator[str]:
    """The sum of a column of exact numbers, by Arrow: a second way that knows nothing of canonical texts."""
    if "sum" not in golden or not (pa.types.is_decimal(field.type) or pa.types.is_integer(field.type)):
        return
    wide = column.cast(pa.decimal256(76, getattr(field.type, "scale", 0)))
    total = pc.sum(wide).as_py()
    if total != Decimal(golden["sum"]):
        yield f"{said}: the sum is {total}, not {golden['sum']}"


def _good_cells(golden: GoldenTable, table: OurTable) -> Iterator[str]:
    """Where the golden table holds the bad rows too: how many are left, and the told cells of these."""
    if table.rows + table.quarantined != golden.rows:
        yield f"{table.rows} rows and {table.quarantined} set aside, not {golden.rows} together"
        return
    aside = {row - 1 for row in table.set_aside.column("row").to_pylist()} if table.set_aside is not None else set()
    kept = {row: index for index, row in enumerate(row for row in range(golden.rows) if row not in aside)}
    for place, name in enumerate(golden.names):
        index = _index(golden, place, table)
        values = table.data.column(index).to_pylist() if index is not None else []
        for row, wanted in golden.cell_values(name).items():
            if row in kept and canonical(values[kept[row]]) != canonical(wanted):
                yield f"row {row}, column '{name}': {canonical(values[kept[row]])}, not {canonical(wanted)}"
