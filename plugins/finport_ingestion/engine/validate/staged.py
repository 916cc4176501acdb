"""The staged parts as one table of a DuckDB that lives for one step: exact, streaming, offline."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Context
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from finport_ingestion.engine.clock import Deadline
from finport_ingestion.engine.errors import PermanentError
from finport_ingestion.engine.files import Places, local_path
from finport_ingestion.engine.records import LINEAGE_COLUMNS, PART_COLUMN, ROW_COLUMN, Part
from finport_ingestion.engine.validate.columns import Kind, staged_columns, wide_key

if TYPE_CHECKING:
    import duckdb
    from upath import UPath

_MEMORY_LIMIT = "1GiB"
"""What DuckDB keeps before it spills to the temporary folder: several steps share one machine."""
_EXACT = Context(prec=100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """The rows of all parts, in order: columns c0.., part_index, position (from 0), landed_part, landed_row.

    A wide decimal column c3 is its sort key, and t3 its text.
    """

    paths: tuple[UPath, ...]
    schema: pa.Schema  # with lineage columns
    connection: duckdb.DuckDBPyConnection
    deadline: Deadline

    @property
    def record_schema(self) -> pa.Schema:
        """Without lineage."""
        return pa.schema([field for field in self.schema if field.name not in LINEAGE_COLUMNS])

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a SELECT over `staged`. Raises DeadlineExceeded."""
        self._refresh()
        with self._bounded():
            return self.connection.execute(sql).fetchall()

    def table(self, sql: str) -> pa.Table:
        """As `query`, as an Arrow table."""
        with self._bounded():
            return self.connection.sql(sql).to_arrow_table()

    def run(self, sql: str) -> None:
        """A statement that may read `staged`."""
        self._refresh()
        with self._bounded():
            self.connection.execute(sql)

    @property
    def through_arrow(self) -> bool:
        """DuckDB reads a decimal of more than 38 digits as a float, so Arrow reads it instead."""
        return any(column.kind is Kind.WIDE for column in staged_columns(self.record_schema).values())

    def _refresh(self) -> None:
        # A stream can be read once, so every statement gets a new one.
        if self.through_arrow:
            batches = _batches(self.paths, self.schema)
            schema = _arrow_schema(self.schema)
            self.connection.register("staged", pa.RecordBatchReader.from_batches(schema, batches))

    @contextlib.contextmanager
    def _bounded(self) -> Iterator[None]:
        import duckdb

        timer = threading.Timer(self.deadline.bound(threading.TIMEOUT_MAX), self.connection.interrupt)
        timer.daemon = True
        timer.start()
        try:
            yield
        except duckdb.InterruptException:
            self.deadline.check()
            raise
        finally:
            timer.cancel()


@contextlib.contextmanager
def open_staged(parts: Sequence[Part], *, places: Places, deadline: Deadline) -> Iterator[Staged]:
    """The parts as a table; the database and its temporary files are gone when the block ends.

    Raises:
        PermanentError: The parts do not have one schema, or no lineage columns.
    """
    import duckdb

    paths = tuple(places.at(part.uri) for part in parts)
    schema = _one_schema(paths)
    with tempfile.TemporaryDirectory(prefix="finport-validate-") as folder, duckdb.connect() as connection:
        # Without these DuckDB spills into the working directory and may look for extensions on the network.
        connection.execute(f"SET temp_directory = '{folder.replace(chr(39), chr(39) * 2)}'")
        connection.execute("SET autoinstall_known_extensions = false")
        connection.execute("SET autoload_known_extensions = false")
        connection.execute(f"SET memory_limit = '{_MEMORY_LIMIT}'")
        connection.execute("SET TimeZone = 'UTC'")
        # Parquet's statistics leave NaN out, and DuckDB skips row groups by them: it would miss every NaN.
        connection.execute("SET disabled_optimizers = 'filter_pushdown,statistics_propagation'")
        staged = Staged(paths=paths, schema=schema, connection=connection, deadline=deadline)
        if paths and not staged.through_arrow:
            _create_view(staged)
        yield staged


def _one_schema(paths: Sequence[UPath]) -> pa.Schema:
    schemas = [_schema(path) for path in paths]
    if not schemas:
        return pa.schema([])
    for path, schema in zip(paths, schemas, strict=True):
        if not schema.equals(schemas[0]):
            raise PermanentError(
                f"{path}: its columns are not those of {paths[0]}.",
                hint="run the conversion again; all parts of a run have one schema",
            )
    missing = [name for name in LINEAGE_COLUMNS if name not in schemas[0].names]
    if missing:
        raise PermanentError(f"{paths[0]}: there is no column {missing[0]}.", hint="run the conversion again")
    return schemas[0]


def _schema(path: UPath) -> pa.Schema:
    with path.open("rb") as file:
        return pq.read_schema(file)


def _create_view(staged: Staged) -> None:
    # Positional aliases: names that differ in case only, or are called like a column of DuckDB's own, cannot collide.
    aliases = _aliases(staged.schema)
    if any(local_path(path) is None for path in staged.paths):
        staged.connection.register_filesystem(staged.paths[0].fs)
    files = ", ".join("'" + _globless(path).replace("'", "''") + "'" for path in staged.paths)
    staged.connection.execute(
        f"CREATE VIEW staged AS SELECT {', '.join(aliases)},"  # noqa: S608
        " CAST(file_index AS INTEGER) AS part_index, file_row_number AS position"
        f" FROM read_parquet([{files}], hive_partitioning=false) AS t({', '.join(aliases)})"
    )


def _globless(path: UPath) -> str:
    local = local_path(path)
    text = str(local) if local is not None else str(path)
    return "".join(f"[{letter}]" if letter in "[*?" else letter for letter in text)


def _aliases(schema: pa.Schema) -> list[str]:
    lineage = {PART_COLUMN: "landed_part", ROW_COLUMN: "landed_row"}
    numbers = iter(range(len(schema)))
    return [lineage.get(name) or f"c{next(numbers)}" for name in schema.names]


def _arrow_schema(schema: pa.Schema) -> pa.Schema:
    fields = []
    for alias, field in zip(_aliases(schema), schema, strict=True):
        wide = pa.types.is_decimal256(field.type)
        fields.append(pa.field(alias, pa.binary() if wide else field.type))
        if wide:
            fields.append(pa.field(f"t{alias[1:]}", pa.string()))
    return pa.schema([*fields, pa.field("part_index", pa.int32()), pa.field("position", pa.int64())])


def _batches(paths: Sequence[UPath], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    target = _arrow_schema(schema)
    for index, path in enumerate(paths):
        position = 0
        with path.open("rb") as file:
            for batch in pq.ParquetFile(file).iter_batches():
                arrays = [array for column in batch.columns for array in _sortable(column)]
                arrays.append(pa.repeat(pa.scalar(index, pa.int32()), len(batch)))
                arrays.append(pa.array(range(position, position + len(batch)), pa.int64()))
                position += len(batch)
                yield pa.RecordBatch.from_arrays(arrays, schema=target)


def _sortable(array: pa.Array) -> list[pa.Array]:
    if not pa.types.is_decimal256(array.type):
        return [array]
    scale = array.type.scale
    values = array.to_pylist()
    keys = [None if value is None else wide_key(int(value.scaleb(scale, _EXACT))) for value in values]
    texts = [None if value is None else f"{value:f}" for value in values]
    return [pa.array(keys, pa.binary()), pa.array(texts, pa.string())]
