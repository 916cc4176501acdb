"""A table of a SQL database, written by COPY in one transaction with its commit row.

```yaml
store: {storage: sql, connection: warehouse, table: market.prices, mode: upsert}
```
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from finport_ingestion.engine.options import StorageOptions


class SqlStorageOptions(StorageOptions):
    """Which table, and how records meet those that are there."""

    storage: Literal["sql"]
    connection: str = Field(description="Airflow connection id of a PostgreSQL database.")
    table: str | None = Field(
        default=None, description="With its schema where it has one; the dataset's name by default."
    )
    mode: Literal["append", "upsert"] = Field(default="append", description="Upsert needs the contract's `key`.")


class SqlStorage:
    """See the module."""

    Options = SqlStorageOptions
