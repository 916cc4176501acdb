"""What a suite is made of: rules by their Great Expectations names, each with the way it is checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any, TypeAlias

from finport_ingestion.engine.validate.columns import number


class Severity(StrEnum):
    """What breaking a rule costs."""

    REJECT = "reject"  # the record goes to quarantine
    DISCARD = "discard"  # the value becomes null
    WARN = "warn"  # it is said
    GATE = "gate"  # the run fails


class Origin(StrEnum):
    """Who asked for a rule."""

    COLUMN = "contract.columns"
    KEY = "contract.key"
    EXPECTATION = "contract.expectations"
    POLICY = "quality"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """A range of numbers; an end that is None is open."""

    minimum: Decimal | None = None
    maximum: Decimal | None = None
    strict_minimum: bool = False
    strict_maximum: bool = False

    @staticmethod
    def of(arguments: Mapping[str, Any]) -> Bounds:
        """The range that an expectation's `min_value` and `max_value` state. Raises ValueError for no number."""
        ends = [arguments.get("min_value"), arguments.get("max_value")]
        minimum, maximum = (None if end is None else number(end) for end in ends)
        return Bounds(
            minimum=minimum,
            maximum=maximum,
            strict_minimum=bool(arguments.get("strict_min")),
            strict_maximum=bool(arguments.get("strict_max")),
        )

    def hold(self, value: Decimal | float | None) -> bool:
        """Whether `value` lies in the range, compared exactly; no value lies in none."""
        if value is None or value != value:
            return False
        exact = Fraction(value)
        above = self.minimum is None or exact > self.minimum or (exact == self.minimum and not self.strict_minimum)
        below = self.maximum is None or exact < self.maximum or (exact == self.maximum and not self.strict_maximum)
        return above and below


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCheck:
    """A statement about single records: SQL that is true for a record that breaks it."""

    columns: tuple[str, ...]
    failing: str
    considered: str  # SQL: the record takes part


@dataclass(frozen=True, slots=True, kw_only=True)
class UniqueCheck:
    """No two records share the values of the columns."""

    columns: tuple[str, ...]
    considered: str  # SQL: the record takes part


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateCheck:
    """A statement about one number (or other value) of the whole table."""

    columns: tuple[str, ...]
    value: str  # SQL
    holds: str | None = None  # SQL; or
    bounds: Bounds = field(default_factory=Bounds)


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaCheck:
    """A statement about the columns alone: already decided."""

    holds: bool
    observed: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class GxCheck:
    """A statement that only Great Expectations itself can check, on pandas."""

    columns: tuple[str, ...]
    everything: bool = False  # it may look at other columns too


@dataclass(frozen=True, slots=True, kw_only=True)
class Impossible:
    """A statement that cannot be checked on this data."""

    problem: str


Check: TypeAlias = RecordCheck | UniqueCheck | AggregateCheck | SchemaCheck | GxCheck | Impossible


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One expectation of the suite."""

    id: str  # unique in the suite
    type: str  # of Great Expectations
    arguments: Mapping[str, Any]  # of Great Expectations, as the author wrote them
    severity: Severity
    origin: Origin
    check: Check

    @property
    def mostly(self) -> Fraction:
        """The least share of records that must hold; the decimal that its author wrote."""
        return Fraction(number(self.arguments.get("mostly", 1)))

    @property
    def columns(self) -> tuple[str, ...]:
        return () if isinstance(self.check, SchemaCheck | Impossible) else self.check.columns
