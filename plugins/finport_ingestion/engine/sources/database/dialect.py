"""What a kind of database has to know to be a source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import sqlalchemy as sa

from finport_ingestion.engine.clock import Deadline
from finport_ingestion.engine.errors import FinportError
from finport_ingestion.engine.logical import LogicalType
from finport_ingestion.engine.sources.database.relation import Column, Relation
from finport_ingestion.engine.sources.interface import Access

if TYPE_CHECKING:
    from finport_ingestion.engine.sources.sql import SqlOptions


class Dialect(Protocol):
    """One kind of database."""

    def engine(self, access: Access) -> sa.Engine:
        """Connects without a pool. Raises what can be said of the address without connecting."""
        ...

    def begin(self, connection: sa.Connection, deadline: Deadline) -> None:
        """Make this transaction a read-only picture of one moment, bounded by the deadline."""
        ...

    def relation(self, connection: sa.Connection, options: SqlOptions, *, source: str) -> Relation:
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
