"""The tables of an SQLite file as typed batches, in the order of their rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from finport_ingestion.engine.convert.interface import BadRecord, Batch, RawFile
from finport_ingestion.engine.convert.names import unique_names
from finport_ingestion.engine.convert.reading.sqlite_guarded import Column, Tables, opened, quoted, refused, tables_of
from finport_ingestion.engine.convert.reading.sqlite_types import (
    Choice,
    Classes,
    Value,
    choose,
    decimal_texts,
    moments,
)
from finport_ingestion.engine.errors import FormatError
from finport_ingestion.engine.logical import LogicalType
from finport_ingestion.engine.sqlite_declarations import declared_type

_ROWS = 65_536
_BATCH_BYTES = 32 << 20
_STEP = 256  # rows between two looks at their size
_SAMPLE_ROWS = 1_000
_COLUMNS_AT_ONCE = 100
_TEXTS = frozenset({str, type(None)})

Row = tuple[Value, ...]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """A table that is being read."""

    name: str
    columns: Sequence[Column]
    names: Sequence[str]  # unique without regard to case
    choices: Sequence[Choice]
    rows: int

    @property
    def select(self) -> str:
        # By the table itself, since an index has another order.
        listed = ", ".join(quoted(column.name) for column in self.columns)
        return f"SELECT {listed} FROM main.{quoted(self.name)} NOT INDEXED"  # noqa: S608 - names are quoted


@dataclass(slots=True)
class Surveys:
    """What was found of the tables of a file: a sample needs it of all rows, and so does the reading that follows."""

    raw: RawFile | None = None
    tables: dict[str, _Table] = field(default_factory=dict)

    def of(self, raw: RawFile) -> dict[str, _Table]:
        """Of this very file; landed files do not change."""
        if self.raw is not raw:
            self.raw, self.tables = raw, {}
        return self.tables


def read_sqlite(raw: RawFile, surveys: Surveys) -> Iterator[Batch]:
    """Every row of every plain table of `raw`.

    Raises:
        FormatError: It is no SQLite file, cut or damaged, or has no table.
    """
    yield from _read(raw, surveys.of(raw), rows=None)


def sample_sqlite(raw: RawFile, surveys: Surveys) -> Iterator[Batch]:
    """The first rows of every table, with the types that all of them have."""
    yield from _read(raw, surveys.of(raw), rows=_SAMPLE_ROWS)


def _read(raw: RawFile, surveyed: dict[str, _Table], *, rows: int | None) -> Iterator[Batch]:
    with opened(raw) as (connection, warnings):
        found = tables_of(connection)
        if not found.plain and not raw.may_be_empty:
            raise FormatError(f"{raw.uri}: it has no tables.", hint="let the source say which file holds the data")
        for number, (name, columns) in enumerate(found.plain.items()):
            table = surveyed.get(name) or _surveyed(connection, name, columns)
            surveyed[name] = table
            told = (warnings, found) if number == 0 else ((), Tables({}, ()))
            yield _nothing(table, *told)
            with refused(raw):
                yield from _rows(connection, table, raw, most=rows)


def _surveyed(connection: sqlite3.Connection, name: str, columns: Sequence[Column]) -> _Table:
    source = f"main.{quoted(name)} NOT INDEXED"
    [(rows,)] = connection.execute(f"SELECT sum(1) FROM {source}")  # noqa: S608 - names are quoted
    choices: list[Choice] = []
    for start in range(0, len(columns), _COLUMNS_AT_ONCE):
        some = columns[start : start + _COLUMNS_AT_ONCE]
        asked = ", ".join(_ends(quoted(column.name)) for column in some)
        [ends] = connection.execute(f"SELECT {asked} FROM {source}")  # noqa: S608 - names are quoted
        for column, first, last in zip(some, ends[::2], ends[1::2], strict=True):
            declared = declared_type(column.declared)
            one = first == last and declared.kind != "boolean"
            classes = Classes.only(first) if one else _counted(connection, column, source)
            question = f"SELECT {quoted(column.name)} FROM {source}"  # noqa: S608 - names are quoted
            choices.append(_choice(connection, declared, classes, question))
    names = unique_names([column.name for column in columns])
    return _Table(name=name, columns=columns, names=names, choices=choices, rows=rows or 0)


def _ends(column: str) -> str:
    """Asks for the first and the last class, by name, of the values of a column: most have one."""
    kind = f"CASE WHEN {column} IS NOT NULL THEN typeof({column}) END"
    return f"min({kind}), max({kind})"


def _counted(connection: sqlite3.Connection, column: Column, source: str) -> Classes:
    name = quoted(column.name)
    kinds = ", ".join(f"sum(typeof({name}) = '{kind}')" for kind in ("integer", "real", "text", "blob"))
    integers = f"CASE typeof({name}) WHEN 'integer' THEN {name} END"
    question = f"SELECT {kinds}, min({integers}), max({integers}) FROM {source}"  # noqa: S608 - names are quoted
    [counts] = connection.execute(question)
    integer, real, text, blob, least, most = (count or 0 for count in counts)
    return Classes(integer=integer, real=real, text=text, blob=blob, least=least, most=most)


def _choice(connection: sqlite3.Connection, declared: LogicalType, classes: Classes, question: str) -> Choice:
    def values() -> Iterator[list[Value]]:
        cursor = connection.execute(question)
        while rows := cursor.fetchmany(_ROWS):
            yield [value for (value,) in rows if value is not None]

    return choose(declared, classes, values)


def _nothing(table: _Table, warnings: Sequence[str], found: Tables) -> Batch:
    """No rows: it shows the columns, and says what a person should know."""
    told = [
        f"column '{name}' of table '{table.name}' {choice.warning}"
        for name, choice in zip(table.names, table.choices, strict=True)
        if choice.warning
    ]
    arrays = [pa.array([], choice.type) for choice in table.choices]
    return _batch(table, arrays, np.arange(0), warnings=(*warnings, *told), notes=found.notes)


def _rows(connection: sqlite3.Connection, table: _Table, raw: RawFile, *, most: int | None) -> Iterator[Batch]:
    share = raw.size_bytes // max(table.rows, 1) if most is None else 0
    done = 0
    for rows in _pieces(connection, table, most=most):
        numbers = np.arange(done + 1, done + len(rows) + 1)
        done += len(rows)
        try:
            yield _batch(table, _arrays(table, rows), numbers, size_bytes=share * len(rows))
        except UnicodeEncodeError:
            yield _without_bad(table, rows, numbers, size_bytes=share * len(rows))


def _without_bad(table: _Table, rows: Sequence[Row], numbers: Numbers, **told: Any) -> Batch:
    """The rows whose texts are of the database's encoding, and the others set aside."""
    wrong = [_undecoded(row) for row in rows]
    good = [at for at, column in enumerate(wrong) if column < 0]
    bad = tuple(_bad(table, int(numbers[at]), column, rows[at]) for at, column in enumerate(wrong) if column >= 0)
    return _batch(table, _arrays(table, [rows[at] for at in good]), numbers[good], bad=bad, **told)


def _arrays(table: _Table, rows: Sequence[Row]) -> list[pa.Array]:
    columns: Iterable[Sequence[Value]] = zip(*rows, strict=True) if rows else [()] * len(table.columns)
    return [column_of(values, choice.type) for values, choice in zip(columns, table.choices, strict=True)]


def _pieces(connection: sqlite3.Connection, table: _Table, *, most: int | None) -> Iterator[list[Row]]:
    """The rows in order, in pieces of bounded size; texts that cannot be decoded come with surrogates."""
    done, limit = 0, -1 if most is None else most
    careful, connection.text_factory = connection.text_factory, str  # much faster, and stops at a text that is none
    cursor = connection.execute(f"{table.select} LIMIT {limit}")
    try:
        while rows := _fetch(cursor, table):
            yield rows
            done += len(rows)
    except sqlite3.OperationalError as error:
        if "decode" not in str(error).lower():
            raise
    else:
        return
    finally:
        connection.text_factory = careful
    cursor = connection.execute(f"{table.select} LIMIT {limit if limit < 0 else limit - done} OFFSET {done}")
    while rows := _fetch(cursor, table):
        yield rows


def _fetch(cursor: sqlite3.Cursor, table: _Table) -> list[Row]:
    """The next rows: so many, or so many bytes."""
    found: list[Row] = []
    size = 0
    sized = [at for at, choice in enumerate(table.choices) if choice.type in (pa.string(), pa.binary())]
    while len(found) < _ROWS and size < _BATCH_BYTES and (rows := cursor.fetchmany(_STEP)):
        found += rows
        size += sum(_size(map(itemgetter(at), rows)) for at in sized)
    return found


def _size(values: Iterable[Value]) -> int:
    given = list(values)
    try:
        return sum(map(len, filter(None, given)))  # type: ignore[arg-type]
    except TypeError:  # numbers among the texts
        return sum(len(value) for value in given if isinstance(value, str | bytes))


def _undecoded(row: Row) -> int:
    """The first column whose text was not of the database's encoding; -1 for none."""
    for at, value in enumerate(row):
        if isinstance(value, str) and not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
            return at
    return -1


def _bad(table: _Table, row: int, column: int, values: Sequence[Value]) -> BadRecord:
    text = repr(tuple(values)).encode("utf-8", "backslashreplace").decode()
    name = table.names[column]
    reason = f"table '{table.name}' row {row}: the text of column '{name}' is not UTF-8"
    return BadRecord(row=row, rule="encoding", reason=reason, text=text, column=name, table=table.name)


def column_of(values: Sequence[Value], kind: pa.DataType) -> pa.Array:
    """`values` as `kind`, which holds them all."""
    if pa.types.is_decimal(kind):
        return decimal_texts(values).cast(kind)
    if pa.types.is_boolean(kind):
        return pa.array(values, pa.int64()).cast(kind)
    if pa.types.is_temporal(kind):
        return moments(pa.array(values, pa.string()), kind)
    if pa.types.is_floating(kind):
        return pa.array(values, kind)
    if kind == pa.string() and not _TEXTS.issuperset(map(type, values)):
        return pa.array([_spelled(value) for value in values], kind)
    return pa.array(values, kind)


def _spelled(value: Value) -> str | None:
    """A value of a column of several classes as text; blobs as SQL writes them."""
    if value is None or isinstance(value, str):
        return value
    return f"X'{value.hex().upper()}'" if isinstance(value, bytes) else repr(value)


def _batch(table: _Table, arrays: Sequence[pa.Array], rows: np.ndarray, **told: Any) -> Batch:
    pairs = zip(table.names, table.columns, strict=True)
    return Batch(
        columns=pa.RecordBatch.from_arrays(list(arrays), names=list(table.names)),
        rows=pa.array(rows, pa.int64()),
        table=table.name,
        originals={name: column.name for name, column in pairs if name != column.name},
        **told,
    )
