"""The schema that the parts of a run are written with: each column's type, where it comes from, how it is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pyarrow as pa

from finport_ingestion.engine.convert.typed import type_from_text, type_to_text
from finport_ingestion.engine.logical import LogicalType, parse_logical
from finport_ingestion.engine.records import PART_COLUMN, ROW_COLUMN

LABEL, ORIGINAL, WRITTEN, ZONE = b"label", b"original_name", b"format", b"time_zone"
"""Keys of Arrow field metadata."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetColumn:
    """One column as it is written."""

    name: str
    type: pa.DataType
    spelling: str  # the logical type, or Arrow's name of a nested one
    keys: tuple[str, ...] = ()  # the names that it has in parts; none: it is not delivered
    way: str | None = None  # how its moments (moments.py) or its marked numbers (decorated.py) are written
    label: str | None = None  # e.g. "identifier", "enumeration", "naive", "ambiguous date"
    original: str | None = None  # the name as delivered, where it was changed
    agreed: bool = False  # by the contract or the format
    declared: str | None = None  # the logical type that the format itself gives the column
    mark: str | None = None  # that each of its numbers is agreed to carry
    zone: str | None = None  # that its naive times are taken to be in, by inference

    @property
    def logical(self) -> LogicalType:
        return parse_logical(self.spelling)

    @property
    def naive(self) -> TargetColumn:
        """The column with its times as they are delivered."""
        return self if self.zone is None else replace(self, type=pa.timestamp("us"), spelling="timestamp", zone=None)

    def in_zone(self, zone: str) -> TargetColumn:
        """The column of naive times as moments, by the source's own clock."""
        return replace(self, type=pa.timestamp("us", "UTC"), spelling="timestamp(UTC)", label=None, zone=zone)

    @property
    def kept_as(self) -> str:
        """How its values are written: an identifier is a text that is told to be one."""
        return "text" if self.spelling == "identifier" else self.spelling

    @property
    def ordered(self) -> bool:
        """Whether its values have an order that an increment can follow."""
        return self.spelling != "boolean" and not pa.types.is_nested(self.type) and self._is_logical()

    def field(self) -> pa.Field:
        metadata = {LABEL: self.label, ORIGINAL: self.original, WRITTEN: self.way, ZONE: self.zone}
        told = {key: value.encode() for key, value in metadata.items() if value}
        return pa.field(self.name, self.type, metadata=told or None)

    def _is_logical(self) -> bool:
        try:
            return bool(self.logical)
        except ValueError:
            return False

    def to_plain(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "arrow": type_to_text(self.type),
            "type": self.spelling,
            "keys": list(self.keys),
            "way": self.way,
            "label": self.label,
            "original": self.original,
            "agreed": self.agreed,
            "declared": self.declared,
            "mark": self.mark,
            "zone": self.zone,
        }

    @staticmethod
    def from_plain(fields: Mapping[str, Any]) -> TargetColumn:
        return TargetColumn(
            name=fields["name"],
            type=type_from_text(fields["arrow"]),
            spelling=fields["type"],
            keys=tuple(fields["keys"]),
            way=fields["way"],
            label=fields["label"],
            original=fields["original"],
            agreed=fields["agreed"],
            declared=fields["declared"],
            mark=fields["mark"],
            zone=fields["zone"],
        )


@dataclass(frozen=True)
class TargetSchema:
    """The columns of a run, in order, and the delivered names that are left out of it."""

    columns: tuple[TargetColumn, ...]
    dropped: frozenset[str] = frozenset()

    @cached_property
    def data(self) -> pa.Schema:
        """The columns without their lineage."""
        return pa.schema([column.field() for column in self.columns])

    @cached_property
    def arrow(self) -> pa.Schema:
        """What is written: the columns and their lineage."""
        lineage = [pa.field(PART_COLUMN, pa.string()), pa.field(ROW_COLUMN, pa.int64())]
        return pa.schema([*(column.field() for column in self.columns), *lineage])

    @cached_property
    def known(self) -> frozenset[str]:
        """Every delivered name that has a place, or is left out on purpose."""
        return self.dropped.union(*(column.keys for column in self.columns))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of names, types and what is told of them; the same for every part of a run."""
        plain = [[c.name, str(c.type), c.spelling, c.label, c.original, c.way, c.zone] for c in self.columns]
        return hashlib.sha256(json.dumps(plain, ensure_ascii=False).encode()).hexdigest()

    def layout(self, delivered: Collection[str]) -> str:
        """SHA-256 of how the values of a part are written: the same for two schemas that differ but in labels.

        Args:
            delivered: The names of the part's columns.
        """
        plain = [
            [c.name, str(c.type), c.kept_as, c.way, c.agreed, c.zone, [key for key in c.keys if key in delivered]]
            for c in self.columns
        ]
        return hashlib.sha256(json.dumps(plain, ensure_ascii=False).encode()).hexdigest()

    def find_folded(self, name: str) -> TargetColumn | None:
        """The column called so, without regard to case."""
        return next((column for column in self.columns if column.name.casefold() == name.casefold()), None)

    def described(self) -> list[dict[str, str | None]]:
        """Name, type and label of each column, for people and events."""
        return [{"name": c.name, "type": c.spelling, "label": c.label} for c in self.columns]

    def to_plain(self) -> dict[str, Any]:
        return {"columns": [column.to_plain() for column in self.columns], "dropped": sorted(self.dropped)}

    @staticmethod
    def from_plain(fields: Mapping[str, Any]) -> TargetSchema:
        columns = tuple(TargetColumn.from_plain(column) for column in fields["columns"])
        return TargetSchema(columns, frozenset(fields["dropped"]))
