"""Which rows an item stands for: a slice as text in a listing, and the same as conditions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from finport_ingestion.engine.logical import LogicalType, parse_logical
from finport_ingestion.engine.sources.database.dialect import Dialect
from finport_ingestion.engine.sources.database.relation import Column, Relation

SINCE, UNTIL, DECIMALS = "since", "until", "decimals"
FROM, BELOW, TO, NULL = "from", "below", "to", "null"


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """The columns that slices are cut along."""

    relation: Relation
    dialect: Dialect
    cursor: Column | None
    partition: Column | None

    def conditions(self, part: Mapping[str, str]) -> list[sa.ColumnElement[bool]]:
        """The rows of a slice: both its ends included, but for `below`."""
        found: list[sa.ColumnElement[bool]] = []
        if self.cursor:
            found += self._compared(self.cursor, part, {SINCE: ">=", UNTIL: "<="})
        if self.partition:
            found += self._compared(self.partition, part, {FROM: ">=", BELOW: "<", TO: "<="})
            found += [self.partition.ordered.is_(None)] if NULL in part else []
        return found

    def _compared(
        self, column: Column, part: Mapping[str, str], ends: Mapping[str, str]
    ) -> list[sa.ColumnElement[bool]]:
        return [
            column.ordered.op(operator, is_comparison=True)(self.dialect.bound(part[key], column))
            for key, operator in ends.items()
            if key in part
        ]


def is_range(part: Mapping[str, str]) -> bool:
    """Whether the slice is one of several that belong together."""
    return FROM in part or NULL in part


def spell_decimals(types: Mapping[str, LogicalType]) -> dict[str, str]:
    """The entry of a slice that fixes the types of all items of a run."""
    return {DECIMALS: json.dumps({name: str(kind) for name, kind in sorted(types.items())})} if types else {}


def fixed_decimals(part: Mapping[str, str]) -> dict[str, LogicalType]:
    """What `spell_decimals` wrote."""
    return {name: parse_logical(text) for name, text in json.loads(part.get(DECIMALS, "{}")).items()}


def undeclared(columns: Sequence[Column]) -> list[Column]:
    """The decimals whose digits nobody declared."""
    return [column for column in columns if column.type is None]
