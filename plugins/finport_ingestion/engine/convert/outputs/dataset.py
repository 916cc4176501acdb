"""The files of one table: in folders by partition, each of bounded size, in the order of the records."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.convert.outputs.interface import Output, OutputFile
from finport_ingestion.engine.convert.reading.leaves import each_leaf
from finport_ingestion.engine.convert.reading.value_texts import spelled_moments
from finport_ingestion.engine.digest import canonical
from finport_ingestion.engine.errors import ConfigError

_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
_MOST_PARTITIONS = 1000
_MOST_NAME_BYTES = 255  # of a folder, on every file system


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenFile:
    """One finished file."""

    path: Path
    row_count: int
    size_bytes: int


@dataclass(slots=True)
class _Open:
    path: Path
    stream: BinaryIO
    file: OutputFile
    taken_bytes: int = 0  # as they stand in memory: a file is hardly ever larger


@dataclass(slots=True, kw_only=True)
class DatasetWriter:
    """Takes record batches of one schema and spreads them over files below `folder`."""

    folder: Path
    schema: pa.Schema
    output: Output
    partition_by: Sequence[str] = ()
    max_file_bytes: int = 1 << 30
    written: list[WrittenFile] = field(default_factory=list)
    row_count: int = 0
    _open: dict[str, _Open] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = [name for name in self.partition_by if name not in self.schema.names]
        if unknown:
            raise ConfigError(
                f"there is no column '{unknown[0]}' to partition by.", hint=f"known: {', '.join(self.schema.names)}"
            )

    def write(self, batch: pa.RecordBatch) -> None:
        """Add the rows of `batch`, whose schema is the table's."""
        self.row_count += batch.num_rows
        for place, rows in self._parted(batch):
            for piece in self._pieces(rows):
                opened = self._open.get(place) or self._begin(place)
                opened.file.write(piece)
                opened.taken_bytes += piece.nbytes
                if max(opened.file.size_bytes, opened.taken_bytes) >= self.max_file_bytes:
                    self._end(place)

    def _pieces(self, rows: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """The rows in pieces that a file's limit can be kept with."""
        pieces = 1 + 4 * rows.nbytes // self.max_file_bytes
        size = max(rows.num_rows // pieces, 1)
        for start in range(0, rows.num_rows, size):
            yield rows.slice(start, size)

    def close(self) -> None:
        """Finish all files; a table without rows is one file without rows."""
        if not self._counts:
            self._begin("")
        for place in list(self._open):
            self._end(place)

    def relabel(self, schema: pa.Schema) -> bool:
        """Give the finished files the metadata of the fields of `schema`; False where they must be written again."""
        self.schema = schema
        if not all(self.output.relabel(file.path, self._file_schema()) for file in self.written):
            return False
        self.written = [replace(file, size_bytes=file.path.stat().st_size) for file in self.written]
        return True

    def abandon(self) -> None:
        """Give up what is open; whoever owns the folder removes it."""
        for opened in self._open.values():
            opened.file.abandon()
            opened.stream.close()
        self._open.clear()

    def _begin(self, place: str) -> _Open:
        if len(self._open) >= _MOST_PARTITIONS:
            raise ConfigError(
                f"more than {_MOST_PARTITIONS} partitions at once.", hint="partition by a column with fewer values"
            )
        number = self._counts.get(place, 0)
        self._counts[place] = number + 1
        folder = self.folder / place if place else self.folder
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"part-{number:05d}{self.output.suffix}"
        stream = path.open("wb")
        self._open[place] = _Open(path, stream, self.output.open(stream, self._file_schema()))
        return self._open[place]

    def _end(self, place: str) -> None:
        opened = self._open.pop(place)
        opened.file.close()
        opened.stream.close()
        self.written.append(
            WrittenFile(path=opened.path, row_count=opened.file.row_count, size_bytes=opened.path.stat().st_size)
        )

    def _file_schema(self) -> pa.Schema:
        return pa.schema([found for found in self.schema if found.name not in self.partition_by])

    def _parted(self, batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
        """The rows of each partition with its folder, as Hive names it, in order of first appearance."""
        if not self.partition_by:
            yield "", batch
            return
        keys = [
            [canonical(value) for value in each_leaf(batch.column(name), spelled_moments).to_pylist()]
            for name in self.partition_by
        ]
        places = [
            "/".join(_segment(name, text) for name, text in zip(self.partition_by, row, strict=True))
            for row in zip(*keys, strict=True)
        ]
        column = pa.array(places, pa.string())
        rest = batch.select([name for name in self.schema.names if name not in self.partition_by])
        for place in dict.fromkeys(places):
            yield place, rest.filter(pc.equal(column, place))


@contextlib.contextmanager
def writing(writer: DatasetWriter) -> Iterator[DatasetWriter]:
    """Finish the files of `writer` when the block ends well; otherwise give them up."""
    try:
        yield writer
    except BaseException:
        writer.abandon()
        raise
    writer.close()


def _segment(name: str, text: str | None) -> str:
    value = _NO_VALUE if text in (None, "") else quote(str(text), safe=" ")
    found = f"{quote(name, safe=' ')}={'%2E' + value[1:] if value.startswith('.') else value}"
    if len(found) > _MOST_NAME_BYTES:
        raise ConfigError(
            f"column '{name}' has the value '{str(text)[:40]}...', which is too long for the name of a folder.",
            hint="partition by a column of shorter values",
        )
    return found
