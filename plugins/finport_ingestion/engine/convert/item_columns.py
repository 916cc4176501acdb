"""Columns whose value stands in the name of the item: the index in `sp500.csv`, the day in `nav-2026-03-02.csv`."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping

import pyarrow as pa

from finport_ingestion.engine.convert.interface import Batch, Prepare, RawFile, Reader, read_ahead
from finport_ingestion.engine.errors import ConfigError


def item_values(pattern: str | None, item: str, *, source: str) -> Mapping[str, str]:
    """The named groups of `pattern` in the item's id, by name.

    Raises:
        ConfigError: The id does not match.
    """
    if pattern is None:
        return {}
    match = re.search(pattern, item)
    if match is None:
        raise ConfigError(
            f"{source}: item '{item}' does not match itemColumns.", hint=f"let the expression {pattern} match each item"
        )
    return {name: value for name, value in match.groupdict().items() if value is not None}


class WithItemColumns:
    """A reader whose batches also have the columns that the item's name gives."""

    def __init__(self, reader: Reader, values: Mapping[str, str]) -> None:
        self._reader, self._values = reader, values
        self.typed = reader.typed
        self.whole_file, self.isolated, self.main_table = reader.whole_file, reader.isolated, reader.main_table

    def read(self, raw: RawFile) -> Iterator[Batch]:
        """As the reader does, with the columns added."""
        return (self._with(batch) for batch in self._reader.read(raw))

    def read_ahead(self, raw: RawFile, *, prepare: Prepare, threads: int) -> Iterator[Batch]:
        """As the reader does, with the columns added."""
        return (self._with(batch) for batch in read_ahead(self._reader, raw, prepare=prepare, threads=threads))

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        """As the reader does, with the columns added."""
        return (self._with(batch) for batch in self._reader.sample(raw, size_bytes=size_bytes))

    def _with(self, batch: Batch) -> Batch:
        columns = batch.columns
        taken = [name for name in self._values if name in columns.schema.names]
        if taken:
            raise ConfigError(
                f"column '{taken[0]}' is delivered, and itemColumns names it too.",
                hint="rename the group",
            )
        for name, value in self._values.items():
            columns = columns.append_column(name, pa.repeat(pa.scalar(value), columns.num_rows))
        return dataclasses.replace(batch, columns=columns)
