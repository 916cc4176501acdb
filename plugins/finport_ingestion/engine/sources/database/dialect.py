"""What a kind of database has to know to be a source."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import sqlalchemy as sa

from finport_ingestion.engine.clock import Deadline
from finport_ingestion.engine.errors import FinportError
from finport_ingestion.engine.logical import LogicalType
from finport_ingestion.engine.sources.database.relation import Column, Relation
from finport_ingestion.engine.sources.interface import Access

if TYPE_CHECKING:
    import pyarrow as pa

    from finport_ingestion.engine.sources.sql import RelationOptions


class Dialect(Protocol):
    """One kind of database."""

    def engine(self, access: Access) -> sa.Engine:
        """Connects without a pool, and to no other address than was checked. Raises what can be said before that."""
        ...

    def begin(self, connection: sa.Connection, deadline: Deadline) -> None:
        """Make this transaction a read-only picture of one moment, bounded by the deadline."""
        ...

    def relation(self, connection: sa.Connection, options: RelationOptions, *, source: str) -> Relation:
        """What the document names.

        Raises:
            SourceItemMissing: No such table.
        """
        ...

    def decimal_types(
        self, connection: sa.Connection, relation: Relation, where: Sequence[sa.ColumnElement[bool]]
    ) -> dict[str, LogicalType]:
        """The types of the decimals that nobody declared, out of their values in the rows of `where`."""
        ...

    def columnar(
        self, connection: sa.Connection, statement: sa.Select[Any], *, access: Access, what: str, rows: int | None
    ) -> Generator[pa.RecordBatch, None, None] | None:
        """The rows of `statement` as columns in the order selected: of their types, or as text that spells them.

        Args:
            what: Source and relation, for messages.
            rows: How many are expected, where that is known.

        Returns:
            None where rows are all that the driver gives.
        """
        ...

    def spelled(self, value: Any) -> str:
        """A value of a number, date, time or text column, as `bound` reads it."""
        ...

    def bound(self, text: str, column: Column) -> Any:
        """What stands beside `column.ordered` in a comparison."""
        ...

    def protection(self, connection: sa.Connection) -> str:
        """How the connection is protected, e.g. `over TLSv1.3`."""
        ...

    def translated(self, error: BaseException, *, what: str, connection_id: str) -> FinportError:
        """The driver's error as ours; `what` names source and relation."""
        ...
