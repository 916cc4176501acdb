"""What a statistics file says about its columns: tables of their own beside the data, so that codes stay codes.

`variables` has the label and display format of each column, `value_labels` the meaning of codes, and `missing_values`
the code behind each null that the file itself declares to be a missing value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from finport_ingestion.engine.convert.interface import Batch

VARIABLES = "variables"
VALUE_LABELS = "value_labels"
MISSING_VALUES = "missing_values"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A column, as its file describes it."""

    name: str
    label: str = ""
    shown: str = ""  # the display format
    labels: Mapping[str, str] = field(default_factory=dict)  # meaning by code


@dataclass(slots=True)
class MissingValues:
    """Values that are null because the file declares their code to be a missing value."""

    rows: list[int] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    given: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, column: str, rows: Sequence[int], codes: Sequence[str]) -> None:
        """Take the codes of `column` in `rows`, which are 1-based."""
        if len(rows):
            self.rows.extend(rows)
            self.columns.extend([column] * len(rows))
            self.codes.extend(codes)
            self.counts[column] = self.counts.get(column, 0) + len(rows)

    def batches(self, variables: Sequence[Variable]) -> Iterator[Batch]:
        """The rows that were gathered since the last call, in the order of the data."""
        if not self.rows:
            return
        meanings = {variable.name: variable.labels for variable in variables}
        order = np.argsort(np.asarray(self.rows), kind="stable").tolist()
        columns = [self.columns[at] for at in order]
        codes = [self.codes[at] for at in order]
        labels = [meanings.get(column, {}).get(code) for column, code in zip(columns, codes, strict=True)]
        yield _table(
            MISSING_VALUES,
            {
                "row": pa.array([self.rows[at] for at in order], pa.int64()),
                "column": pa.array(columns, pa.string()),
                "code": pa.array(codes, pa.string()),
                "label": pa.array(labels, pa.string()),
            },
            after=self.given,
        )
        self.given += len(order)
        self.rows, self.columns, self.codes = [], [], []

    def notes(self) -> tuple[str, ...]:
        """A sentence about each column that has some."""
        return tuple(
            f"column '{column}': {count} values are missing by the file's own definition: they are null, and table "
            f"'{MISSING_VALUES}' has their codes"
            for column, count in self.counts.items()
        )


def label_tables(variables: Sequence[Variable]) -> Iterator[Batch]:
    """What the file says about its columns; nothing where it says nothing."""
    if any(variable.label for variable in variables):
        yield _table(
            VARIABLES,
            {
                "column": _texts(variable.name for variable in variables),
                "label": _texts(variable.label or None for variable in variables),
                "format": _texts(variable.shown or None for variable in variables),
            },
        )
    meanings = [(variable.name, *meaning) for variable in variables for meaning in variable.labels.items()]
    if meanings:
        names = ("column", "code", "label")
        yield _table(VALUE_LABELS, {name: _texts(row[at] for row in meanings) for at, name in enumerate(names)})


def spelled(code: object) -> str:
    """A code as a person writes it: 3, not 3.0."""
    if isinstance(code, float) and code.is_integer() and abs(code) < 1e15:
        return str(int(code))
    return str(code)


def _texts(values: Iterator[str | None]) -> pa.StringArray:
    return pa.array(list(values), pa.string())


def _table(name: str, columns: Mapping[str, pa.Array], *, after: int = 0) -> Batch:
    batch = pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
    rows = pa.array(np.arange(after + 1, after + batch.num_rows + 1))
    return Batch(columns=batch, rows=rows, table=name)
