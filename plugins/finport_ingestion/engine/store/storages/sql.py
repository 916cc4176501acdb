"""A table of a SQL database, written by COPY in one transaction with its commit row.

```yaml
store: {storage: sql, connection: warehouse, table: market.prices, mode: upsert}
```
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.options import StorageOptions

if TYPE_CHECKING:
    import pyarrow as pa

    from finport_ingestion.engine.records import Publication, Watermark
    from finport_ingestion.engine.store.interface import Expired, Opening, PublishRequest
    from finport_ingestion.engine.store.sql_table.publishing import SqlDataset


class SqlStorageOptions(StorageOptions):
    """Which table, and how records meet those that are there."""

    storage: Literal["sql"]
    connection: str = Field(description="Airflow connection id of a PostgreSQL database.")
    table: str | None = Field(
        default=None, description="With its schema where it has one; the dataset's name by default."
    )
    mode: Literal["append", "upsert"] = Field(default="append", description="Upsert needs the contract's `key`.")

    @property
    def upserts(self) -> bool:
        return self.mode == "upsert"


class SqlStorage:
    """A table, its history, and the commit log of its schema: `finport_commits` and `finport_items`."""

    Options = SqlStorageOptions

    def __init__(self, options: SqlStorageOptions, opening: Opening) -> None:
        self._options = options
        self._opening = opening

    @property
    def place(self) -> str:
        """The table's name."""
        return f"postgresql table {self._options.table or self._opening.dataset}"

    def publish(self, request: PublishRequest) -> Publication:
        """Copy, replace, insert and log in one transaction."""
        from finport_ingestion.engine.store.sql_table.publishing import publish

        return publish(self._dataset(), request)

    def publications(self, source: str | None = None) -> list[Publication]:
        """Every commit that was not taken back, oldest first."""
        dataset = self._dataset()
        with dataset.connect() as connection:
            catalog = dataset.catalog(connection)
            return catalog.publications(source) if catalog.exists() else []

    def find(self, run_id: str, source: str) -> Publication | None:
        """The last publication of that run of the source which was not taken back."""
        return next((found for found in reversed(self.publications(source)) if found.run_id == run_id), None)

    def watermark(self, source: str) -> Watermark | None:
        """Where the source stands by the commit log."""
        dataset = self._dataset()
        with dataset.connect() as connection:
            catalog = dataset.catalog(connection)
            return catalog.watermark(source) if catalog.exists() else None

    def retract(self, source: str, run_id: str) -> bool:
        """Delete the rows of that run and bring back from the history what they replaced."""
        from finport_ingestion.engine.store.sql_table.retracting import retract

        return retract(self._dataset(), source=source, run_id=run_id)

    def expire(self, before: datetime, *, dry_run: bool = False) -> Expired:
        """Delete replaced rows from the history."""
        from finport_ingestion.engine.store.sql_table.expiry import expire

        return expire(self._dataset(), before=before, dry_run=dry_run)

    def read(
        self, columns: Sequence[str] | None = None, *, limit: int | None = None, lineage: bool = False
    ) -> pa.Table:
        """Rows of the table, in the order of their publication."""
        from finport_ingestion.engine.store.sql_table.reading import read

        return read(self._dataset(), columns, limit=limit, lineage=lineage)

    def _dataset(self) -> SqlDataset:
        from finport_ingestion.engine.store.sql_table.names import TableName
        from finport_ingestion.engine.store.sql_table.publishing import SqlDataset

        options, opening = self._options, self._opening
        if options.mode == "upsert" and not opening.key:
            raise ConfigError(
                f"{opening.dataset}: mode 'upsert' needs to know what names a record.",
                hint="state 'key' in the source's contract, or use mode 'append'",
            )
        return SqlDataset(
            opening=opening,
            connection=opening.connections.get(options.connection),
            table=TableName.parse(options.table or opening.dataset),
            key=opening.key if options.mode == "upsert" else (),
            version=opening.version if options.mode == "upsert" else None,
        )
