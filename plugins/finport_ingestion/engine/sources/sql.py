"""Tables and queries of a SQL database, through SQLAlchemy.

```yaml
source:
  protocol: sql
  connection: warehouse
  table: market.prices
  partitions: {column: id, count: 4}
```

The type of the connection says which database it is: `postgres`, `mysql`, `mariadb`, `oracle`, `mssql`, `sqlite` or
`duckdb`; the last two are files (`path` in its extra). A server is reached over TLS, its certificate is verified, a
private authority is named by `ca_file`, and nothing in the connection turns that off.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from finport_ingestion.engine.model import Spec
from finport_ingestion.engine.options import SourceOptions
from finport_ingestion.engine.records import Replaces, SourceItem, Watermark
from finport_ingestion.engine.sources.interface import Access

if TYPE_CHECKING:
    import pyarrow as pa
    import sqlalchemy as sa

    from finport_ingestion.engine.sources.database.dialect import Dialect
    from finport_ingestion.engine.sources.database.slices import Axes


class Partitions(Spec):
    """Read in slices of a number, date or time column, side by side."""

    column: str = Field(description="Its values are dealt into ranges.")
    count: int = Field(default=4, gt=1, le=1024, description="How many ranges.")


class RelationOptions(SourceOptions):
    """A table or a query."""

    table: str | None = Field(default=None, description="Table or view, with its schema where it has one.")
    query: str | None = Field(default=None, description="A SELECT, instead of `table`.")
    partitions: Partitions | None = Field(default=None, description="Read in slices.")
    fetch_rows: int = Field(default=50_000, gt=0, description="Rows of a batch.")

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.table is None) == (self.query is None):
            raise ValueError("state either 'table' or 'query'")
        return self


class SqlOptions(RelationOptions):
    """A table or a query."""

    protocol: Literal["sql"]


class SqlSource:
    """See the module. An item is the relation, what it holds from the watermark on, or a range of that."""

    Options = SqlOptions

    def __init__(self, options: RelationOptions, access: Access, *, dialect: Dialect | None = None) -> None:
        """Contacts nobody.

        Args:
            dialect: Instead of that of the connection's type.

        Raises:
            UnknownPlugin: No such kind of database is known, or its driver is not installed.
        """
        from finport_ingestion.engine.sources.database.kinds import dialect_of

        self._options = options
        self._access = access
        self._dialect = dialect or dialect_of(access)
        self._name = options.table or "query"

    def check(self) -> str:
        """Log in and look at the columns. Raises as the protocol of sources says."""
        from finport_ingestion.engine.sources.database.session import snapshot

        with snapshot(self._access, self._dialect, relation=self._name) as connection:
            relation = self._axes(connection).relation
            protection = self._dialect.protection(connection)
        return f"{self._access.source}: {relation.name} has {len(relation.columns)} columns, read {protection}."

    def replaces(self, after: Watermark | None) -> Replaces:
        """The whole relation stands in for what was taken before; an increment for nothing."""
        return Replaces.SOURCE if after is None else Replaces.NOTHING

    def discover(self, after: Watermark | None) -> Iterator[SourceItem]:
        """The items, in the order of their ranges, all out of one picture of the relation."""
        from finport_ingestion.engine.sources.database.listing import Listing
        from finport_ingestion.engine.sources.database.session import snapshot

        ranges = self._options.partitions.count if self._options.partitions else 1
        with snapshot(self._access, self._dialect, relation=self._name) as connection:
            listing = Listing(
                connection=connection,
                axes=self._axes(connection),
                access=self._access,
                name=self._name,
                ranges=ranges,
            )
            items = list(listing.items(after))
        yield from items

    def read(self, item: SourceItem) -> Iterator[pa.RecordBatch]:
        """The rows of an item; at least one batch, maybe empty, and all of one schema.

        Raises:
            FormatError: A value is not of its column's type.
            SourceItemChanged: A range does not hold the rows it was listed with.
        """
        from finport_ingestion.engine.sources.database.reading import Reading
        from finport_ingestion.engine.sources.database.session import snapshot

        with snapshot(self._access, self._dialect, relation=self._name) as connection:
            reading = Reading(
                connection=connection,
                axes=self._axes(connection),
                access=self._access,
                fetch_rows=self._options.fetch_rows,
            )
            yield from reading.batches(item)

    def _axes(self, connection: sa.Connection) -> Axes:
        from finport_ingestion.engine.sources.database.slices import Axes

        source, partitions = self._access.source, self._options.partitions
        relation = self._dialect.relation(connection, self._options, source=source)
        cursor = self._access.cursor
        return Axes(
            relation=relation,
            dialect=self._dialect,
            cursor=relation.column(cursor, source=source) if cursor else None,
            partition=relation.column(partitions.column, source=source) if partitions else None,
        )
