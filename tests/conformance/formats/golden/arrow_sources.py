"""Arrow files: their golden facts are counts and first numbers of Arrow's own JSON, the values those of its reader."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc as ipc

from tests.conformance.formats.golden.canonical import canonical
from tests.conformance.formats.golden.converted import Converted
from tests.conformance.formats.golden.corpus import GoldenFile, GoldenTable

_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_SECONDS_PER_DAY = 86_400


def has_no_digests(golden: GoldenTable) -> bool:
    return any("json_data_sha256" in column for column in golden.columns)


def differences(file: GoldenFile, ours: Converted) -> Iterator[str]:
    [golden], [table] = file.tables, ours.tables
    source = _source(file.delivered)
    if (table.rows, table.data.num_columns) != (golden.rows, len(golden.columns)):
        yield f"{table.rows} rows and {table.data.num_columns} columns, not {golden.rows} and {len(golden.columns)}"
        return
    for place, column in enumerate(golden.columns):
        said = f"column {place}, '{column['name']}' ({source.schema.field(place).type})"
        given, made = source.column(place), table.data.column(place)
        if _member_names(given.type) != _member_names(made.type):
            yield f"{said}: its members are {_member_names(made.type)}, not {_member_names(given.type)}"
        yield from (f"{said}: {found}" for found in _golden_differences(column, given))
        yield from (f"{said}: {found}" for found in _value_differences(given, made, ours))


def _source(path: Path) -> pa.Table:
    content = path.read_bytes()
    return (ipc.open_file(content) if content.startswith(b"ARROW1") else ipc.open_stream(content)).read_all()


def _golden_differences(golden: Mapping[str, Any], given: pa.ChunkedArray) -> Iterator[str]:
    """The reader is held to what the manifest tells: it is no witness by itself."""
    if given.null_count != golden["nulls"]:
        yield f"{given.null_count} nulls, not {golden['nulls']}"
    told = golden.get("first_data") or ()
    if pa.types.is_dictionary(given.type) or pa.types.is_nested(given.type):
        return  # of these the manifest tells no values
    for row, (value, number) in enumerate(zip(_counts(given), told, strict=False)):
        # What stands below a null means nothing.
        if value is not None and str(value) != str(number):
            yield f"row {row} is {value}, not {number}"


def _value_differences(given: pa.ChunkedArray, made: pa.ChunkedArray, ours: Converted) -> Iterator[str]:
    if pa.types.is_dictionary(given.type):
        given = given.cast(given.type.value_type)
    if pa.types.is_date64(given.type) and any(
        value is not None and value.denominator > 1 for value in _exact_moments(given)
    ):
        # Arrow forbids a time of day in a date: what its own cast makes of it, and a warning.
        given = given.cast(pa.date32(), safe=False)
        if not any("hold a time" in warning for warning in ours.report.warnings):
            yield "the time of a date is lost, and nothing says so"
    if pa.types.is_temporal(given.type) and pa.types.is_temporal(made.type):
        wanted, found = _exact_moments(given), _exact_moments(made)
    else:
        wanted, found = ([canonical(value) for value in _plain(side)] for side in (given, made))
    rows = [row for row, (one, other) in enumerate(zip(wanted, found, strict=True)) if one != other]
    if rows:
        yield f"row {rows[0]} is {found[rows[0]]}, not {wanted[rows[0]]}; {len(rows)} rows differ"


def _member_names(kind: pa.DataType) -> list[str]:
    return [kind.field(place).name for place in range(kind.num_fields)] if pa.types.is_struct(kind) else []


def _counts(column: pa.ChunkedArray) -> list[Any]:
    """As Arrow's JSON has them: moments and decimals are whole numbers of their unit."""
    if pa.types.is_temporal(column.type):
        narrow = pa.int32() if column.type.bit_width == 32 else pa.int64()
        return list(column.cast(narrow).to_pylist())
    if pa.types.is_decimal(column.type):
        return [None if value is None else _unscaled(value) for value in column.to_pylist()]
    return list(column.to_pylist())


def _unscaled(value: Decimal) -> int:
    """Every digit: arithmetic of decimals would round to its context."""
    sign, digits, _ = value.as_tuple()
    return int("".join(map(str, digits))) * (-1 if sign else 1)


def _exact_moments(column: pa.ChunkedArray) -> list[Any]:
    """Exact fractions of a day, whatever the unit: Python's own moments end at the year 9999."""
    kind = column.type
    if pa.types.is_date32(kind):
        per_day = 1
    elif pa.types.is_date64(kind):
        per_day = _SECONDS_PER_DAY * 1000
    else:
        per_day = _SECONDS_PER_DAY * _PER_SECOND[kind.unit]
    return [None if value is None else Fraction(value, per_day) for value in _counts(column)]


def _plain(column: pa.ChunkedArray) -> list[Any]:
    """Structs by place: their member names may repeat in Arrow."""
    if not pa.types.is_struct(column.type):
        return list(column.to_pylist())
    array = column.combine_chunks()
    members = [array.field(place).to_pylist() for place in range(array.type.num_fields)]
    return [list(row) for row in zip(*members, strict=True)]
