"""The items of a relation in one picture: what stands at and behind a watermark, dealt into ranges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from finport_ingestion.engine.errors import FormatError, PermanentError
from finport_ingestion.engine.records import SourceItem, Watermark
from finport_ingestion.engine.sources.database.slices import (
    BELOW,
    FROM,
    NULL,
    SINCE,
    TO,
    UNTIL,
    Axes,
    spell_decimals,
    undeclared,
)
from finport_ingestion.engine.sources.database.values import check_ordered, cuts, mark_of, parsed
from finport_ingestion.engine.sources.interface import Access


@dataclass(frozen=True, slots=True, kw_only=True)
class _Extent:
    """What one query says of the rows from the watermark on."""

    count: int
    until: Any  # the highest value of the cursor column
    low: Any  # of the partition column
    high: Any
    nulls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Lists a relation over one connection."""

    connection: sa.Connection
    axes: Axes
    access: Access
    name: str  # the items' ids begin with it
    ranges: int = 1

    def items(self, after: Watermark | None) -> Iterator[SourceItem]:
        """One item, or one a range; none where nothing stands at or behind the watermark.

        Raises:
            ConfigError: A column is not there, or its values have no order.
            PermanentError: The cursor column holds nulls: such rows would never be taken.
        """
        since = self._since(after)
        shared = {SINCE: since} if since is not None else {}
        where = self.axes.conditions(shared)
        extent = self._extent(where)
        if extent.count == 0 and after is not None:
            return
        if extent.until is not None:
            shared[UNTIL] = self.axes.dialect.spelled(extent.until)
        if undeclared(self.axes.relation.columns):
            shared |= spell_decimals(self.axes.dialect.decimal_types(self.connection, self.axes.relation, where))
        name = self.name if since is None else f"{self.name}?since={since}"
        slices = [shared] if extent.count == 0 else [{**shared, **part} for part in self._ranges(extent)]
        for number, (part, count) in enumerate(zip(slices, self._counts(slices, extent), strict=True), start=1):
            part_id = name if len(slices) == 1 else f"{name}/{'null' if NULL in part else f'{number:04d}'}"
            yield SourceItem(id=part_id, record_count=count, slice=part)

    def _since(self, after: Watermark | None) -> str | None:
        cursor, relation = self.axes.cursor, self.axes.relation
        if cursor is None:
            return None
        what = f"{self.access.source}: column '{cursor.name}' of {relation.name}"
        check_ordered(cursor.kind, what=what)
        nulls = self.connection.scalar(
            sa.select(sa.func.count()).select_from(relation.rows).where(cursor.ordered.is_(None))
        )
        if nulls:
            raise PermanentError(
                f"{what} is null in {nulls} row(s), which an incremental source would never take.",
                hint="use a column without nulls, or a query that fills them in or leaves such rows out",
            )
        mark = mark_of(after, self.access.start, cursor.type, what=what)
        return None if mark is None else self.axes.dialect.spelled(mark)

    def _extent(self, where: Sequence[sa.ColumnElement[bool]]) -> _Extent:
        cursor, partition = self.axes.cursor, self.axes.partition
        asked: dict[str, sa.ColumnElement[Any]] = {"count": sa.func.count()}
        if cursor:
            asked["until"] = sa.func.max(cursor.ordered)
        if partition:
            asked |= {"low": sa.func.min(partition.ordered), "high": sa.func.max(partition.ordered)}
            asked["filled"] = sa.func.count(partition.ordered)
        statement = sa.select(*asked.values()).select_from(self.axes.relation.rows).where(*where)
        found = dict(zip(asked, self.connection.execute(statement).one(), strict=True))
        count, filled = found["count"], found.get("filled")
        return _Extent(
            count=count,
            until=found.get("until"),
            low=found.get("low"),
            high=found.get("high"),
            nulls=0 if filled is None else count - filled,
        )

    def _ranges(self, extent: _Extent) -> list[dict[str, str]]:
        """Ranges that hold every row of the picture once; rows that come later at either end are in none."""
        partition = self.axes.partition
        if partition is None:
            return [{}]
        spelled = self.axes.dialect.spelled
        nulls = [{NULL: "true"}] if extent.nulls else []
        if extent.low is None:
            return nulls
        what = f"{self.access.source}: column '{partition.name}' of {self.axes.relation.name}"
        check_ordered(partition.kind, what=what, split=True)
        low, high = (_value(end, partition.kind, what=what) for end in (extent.low, extent.high))
        points = [spelled(point) for point in cuts(low, high, self.ranges)]
        starts = [spelled(extent.low), *points]
        ends = [{BELOW: point} for point in points] + [{TO: spelled(extent.high)}]
        return [{FROM: start, **end} for start, end in zip(starts, ends, strict=True)] + nulls

    def _counts(self, slices: Sequence[dict[str, str]], extent: _Extent) -> list[int]:
        if len(slices) == 1:
            return [extent.count]
        within = [sa.and_(*self.axes.conditions(part)) for part in slices]
        row = self.connection.execute(
            sa.select(*(sa.func.count(sa.case((inside, sa.literal_column("1")))) for inside in within)).select_from(
                self.axes.relation.rows
            )
        ).one()
        return list(row)


def _value(end: Any, kind: str, *, what: str) -> Any:
    """A database without types of its own gives text; ranges are computed on values."""
    try:
        return parsed(end, kind) if isinstance(end, str) else end
    except ValueError as error:
        raise FormatError(f"{what} holds a value that is no {kind}.", hint="correct it in the database") from error
