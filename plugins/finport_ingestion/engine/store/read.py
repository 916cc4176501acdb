"""Read a published Parquet dataset: one snapshot, whole, for pyarrow, DuckDB and Polars.

```python
from upath import UPath
from finport_ingestion.engine.store.read import open_snapshot

snapshot = open_snapshot(UPath("s3://bank-data/store/us-stocks"))
snapshot.to_polars().filter(pl.col("symbol") == "AAPL").collect()
```

A snapshot shows the same rows as long as it exists, whatever is published meanwhile. Globbing `data/` is not isolated:
it sees files that no snapshot shows yet, or no longer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs
from upath import UPath

from finport_ingestion.engine.errors import ConfigError, SourceItemMissing
from finport_ingestion.engine.files import Places, local_path
from finport_ingestion.engine.records import LINEAGE_COLUMNS
from finport_ingestion.engine.store import schemas
from finport_ingestion.engine.store.parquet_dataset import partitioning
from finport_ingestion.engine.store.parquet_dataset.log import FOLDER, SnapshotLog, list_folder
from finport_ingestion.engine.store.parquet_dataset.snapshot import DatasetState, StoredFile
from finport_ingestion.engine.store.parts import fitted

if TYPE_CHECKING:
    import duckdb
    import polars as pl

AREA = "store"


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """One state of a dataset. Columns of lineage are hidden unless they are asked for by name or by `lineage`."""

    folder: UPath
    state: DatasetState

    @property
    def number(self) -> int:
        """0 before the first publication."""
        return self.state.number

    @property
    def row_count(self) -> int:
        return sum(file.rows for file in self.state.files())

    @property
    def schema(self) -> pa.Schema:
        """The columns that hold the data."""
        return pa.schema([field for field in self.full_schema if field.name not in LINEAGE_COLUMNS])

    @cached_property
    def full_schema(self) -> pa.Schema:
        """All columns, with those of lineage."""
        return schemas.decode(self.state.schema) if self.state.schema else pa.schema([])

    def to_pyarrow(self, *, lineage: bool = False) -> ds.Dataset | pa.Table:
        """A lazy dataset; a table in memory when a column's type was widened, since pyarrow cannot filter over that."""
        schema = self._schema(None, lineage=lineage)
        if self._widened:
            return self.to_table(lineage=lineage)
        return self._dataset(list(self.state.files()), schema)

    def to_table(
        self, columns: Sequence[str] | None = None, *, limit: int | None = None, lineage: bool = False
    ) -> pa.Table:
        """The rows in memory, or the first `limit` of them."""
        schema = self._schema(columns, lineage=lineage)
        if limit is None and not self._widened:
            return self._dataset(list(self.state.files()), schema).to_table()
        return pa.Table.from_batches(_first(self.scan(columns, lineage=lineage), limit), schema)

    def scan(
        self,
        columns: Sequence[str] | None = None,
        filter: ds.Expression | None = None,  # noqa: A002 - as pyarrow calls it
        *,
        lineage: bool = False,
    ) -> Iterator[pa.RecordBatch]:
        """The rows that pass `filter`, batch by batch, in the order of the files; no more than a few are in memory."""
        schema = self._schema(columns, lineage=lineage)
        whole = self.full_schema
        for files, physical in self._groups():
            if physical is None:
                yield from self._dataset(files, whole).scanner(columns=schema.names, filter=filter).to_batches()
                continue
            # The statistics in these files are of another type than the column, so filters wait for the cast.
            for batch in self._dataset(files, physical).scanner().to_batches():
                rows = fitted(batch, whole)
                yield (rows if filter is None else rows.filter(filter)).select(schema.names)

    def to_duckdb(
        self, connection: duckdb.DuckDBPyConnection, view_name: str, *, lineage: bool = False
    ) -> duckdb.DuckDBPyRelation:
        """Make a view of that name in the connection; queries push their columns and filters into the files."""
        schema = self._schema(None, lineage=lineage)
        if not self._widened:
            connection.register(view_name, self._dataset(list(self.state.files()), schema))
            return connection.view(view_name)
        empty = f"{view_name}__columns"
        connection.register(empty, schema.empty_table())
        types = {row[0]: row[1] for row in connection.execute(f"DESCRIBE {_quoted(empty)}").fetchall()}
        selects = []
        for place, (files, physical) in enumerate(self._groups()):
            group = f"{view_name}__{place}"
            connection.register(group, self._dataset(files, physical or schema))
            present = set(schema.names if physical is None else physical.names)
            casts = (
                f"CAST({_quoted(name) if name in present else 'NULL'} AS {of}) AS {_quoted(name)}"
                for name, of in types.items()
            )
            selects.append(f"SELECT {', '.join(casts)} FROM {_quoted(group)}")  # noqa: S608 - only quoted names
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {_quoted(view_name)} AS {' UNION ALL '.join(selects)}")
        return connection.view(view_name)

    def to_polars(self, *, lineage: bool = False) -> pl.LazyFrame:
        """A lazy frame; queries push their columns and filters into the files. Needs the extra `polars`."""
        import polars as pl

        schema = self._schema(None, lineage=lineage)
        if not self._widened:
            return pl.scan_pyarrow_dataset(self._dataset(list(self.state.files()), schema))
        empty = pl.from_arrow(schema.empty_table())
        frames = []
        for files, physical in self._groups():
            frame = pl.scan_pyarrow_dataset(self._dataset(files, physical or schema))
            present = set(schema.names if physical is None else physical.names)
            frames.append(
                frame.select(
                    (pl.col(name) if name in present else pl.lit(None)).cast(of).alias(name)
                    for name, of in empty.schema.items()  # type: ignore[union-attr]
                )
            )
        return pl.concat(frames)

    @cached_property
    def _widened(self) -> bool:
        return any(physical is not None for _, physical in self._groups())

    def _groups(self) -> list[tuple[list[StoredFile], pa.Schema | None]]:
        """Runs of files with one schema; the schema is None where all its types are the dataset's."""
        groups: list[tuple[list[StoredFile], pa.Schema | None]] = []
        own: dict[str, pa.Schema | None] = {}
        for name in {file.schema for file in self.state.files()}:
            physical = schemas.decode(self.state.schemas[name])
            same = all(field.type == self.full_schema.field(field.name).type for field in physical)
            own[name] = None if same else physical
        for file in self.state.files():
            physical = own[file.schema]
            if not groups or groups[-1][1] is not physical:
                groups.append(([], physical))
            groups[-1][0].append(file)
        return groups

    def _schema(self, columns: Sequence[str] | None, *, lineage: bool) -> pa.Schema:
        if columns is None:
            return self.full_schema if lineage else self.schema
        for name in columns:
            if name not in self.full_schema.names:
                known = ", ".join(self.schema.names)
                raise ConfigError(f"dataset {self.state.dataset} has no column '{name}'.", hint=f"it has {known}")
        return pa.schema([self.full_schema.field(name) for name in columns])

    def _dataset(self, files: Sequence[StoredFile], schema: pa.Schema) -> ds.FileSystemDataset:
        whole = self.full_schema
        paths = [f"{self.folder.path.rstrip('/')}/{file.path}" for file in files]
        return ds.FileSystemDataset.from_paths(
            paths,
            schema=schema,
            format=ds.ParquetFileFormat(),
            filesystem=_file_system(self.folder),
            partitions=[partitioning.expression_of(file.partition, whole) for file in files],
        )


def open_snapshot(folder: UPath, *, number: int | None = None, as_of: datetime | None = None) -> Snapshot:
    """The current state of the dataset in `folder`, a numbered one, or the last before runs later than `as_of` came in.

    Raises:
        SourceItemMissing: There is no such dataset, or no such state any more.
    """
    log = SnapshotLog(folder.name, folder)
    if number is None:
        numbers = log.numbers()
        if not numbers:
            raise SourceItemMissing(f"no dataset in {folder}.", hint="publish something first; 'finport runs' tells")
        number = numbers[-1] if as_of is None else _number_as_of(log, numbers, as_of)
    return Snapshot(folder=folder, state=log.load(number))


def dataset_folder(places: Places, dataset: str) -> UPath:
    """Where a dataset lies."""
    return places.at(f"{AREA}/{dataset}")


def list_datasets(places: Places) -> list[str]:
    """The names of all datasets that have a snapshot."""
    names = sorted(list_folder(places.at(AREA)))
    return [name for name in names if list_folder(dataset_folder(places, name) / FOLDER)]


def _number_as_of(log: SnapshotLog, numbers: Sequence[int], as_of: datetime) -> int:
    last = None
    for number in numbers:
        commit = log.load(number).commit
        if commit and commit.committed_at > as_of:
            break
        last = number
    if last is None:
        raise SourceItemMissing(
            f"dataset {log.dataset} has no state as of {as_of:%Y-%m-%d %H:%M}.", hint="choose a later moment"
        )
    return last


def _first(batches: Iterator[pa.RecordBatch], limit: int | None) -> Iterator[pa.RecordBatch]:
    left = limit
    for batch in batches:
        if left is None:
            yield batch
            continue
        yield batch.slice(0, left)
        left -= batch.num_rows
        if left <= 0:
            return


def _file_system(folder: UPath) -> Any:
    if local_path(folder) is not None:
        return pyarrow.fs.LocalFileSystem()
    return pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(folder.fs))


def _quoted(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'
