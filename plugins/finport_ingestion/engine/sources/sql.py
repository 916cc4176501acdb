"""Tables and queries of a SQL database, through SQLAlchemy.

```yaml
source:
  protocol: sql
  connection: warehouse
  table: market.prices
  partitions: {column: id, count: 4}
```
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from finport_ingestion.engine.model import Spec
from finport_ingestion.engine.options import SourceOptions


class Partitions(Spec):
    """Read in slices of a number, date or time column, side by side."""

    column: str = Field(description="Its values are dealt into ranges.")
    count: int = Field(default=4, gt=1, le=1024, description="How many ranges.")


class SqlOptions(SourceOptions):
    """A table or a query."""

    protocol: Literal["sql"]
    table: str | None = Field(default=None, description="Table or view, with its schema where it has one.")
    query: str | None = Field(default=None, description="A SELECT, instead of `table`.")
    partitions: Partitions | None = Field(default=None, description="Read in slices.")
    fetch_rows: int = Field(default=50_000, gt=0, description="Rows of a batch.")

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.table is None) == (self.query is None):
            raise ValueError("state either 'table' or 'query'")
        return self


class SqlSource:
    """See the module."""

    Options = SqlOptions
