"""What is agreed of a dataset's columns, and what happens when the data departs from it."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from finport_ingestion.engine.logical import parse_logical
from finport_ingestion.engine.model import Spec


def _logical(text: str) -> str:
    return str(parse_logical(text))


LogicalName = Annotated[
    str, AfterValidator(_logical), Field(examples=["text", "decimal(18,4)", "date", "timestamp(UTC)"])
]


class ContractMode(StrEnum):
    """What a departure from the contract costs."""

    EVOLVE = "evolve"  # new columns are added and types widen; a value that fits no type is quarantined
    FREEZE = "freeze"  # any departure fails the run
    DISCARD_ROW = "discardRow"  # the record is quarantined; unknown columns are dropped
    DISCARD_VALUE = "discardValue"  # the value becomes null and is reported; unknown columns are dropped


class Column(Spec):
    """One agreed column."""

    name: str = Field(description="As the source delivers it.", min_length=1)
    type: LogicalName = Field(description="A logical type.")
    nullable: bool = Field(default=True, description="Whether the value may be missing.")
    description: str | None = Field(default=None, description="What the column means.")
    unique: bool = Field(default=False, description="No two records of a delivery share a value.")
    minimum: Decimal | None = Field(default=None, description="Smallest allowed value.")
    maximum: Decimal | None = Field(default=None, description="Largest allowed value.")
    future: bool = Field(default=True, description="Whether dates and times may lie after the day of the run.")
    allowed: tuple[str, ...] | None = Field(default=None, description="The closed list of values.")
    pattern: str | None = Field(default=None, description="A regular expression that the whole text matches.")
    mark: Literal["$", "€", "£", "¥", "%"] | None = Field(
        default=None,
        description="That every number carries in texts; 12.5 % is 12.5. By default any one of them, which is told.",
    )

    @model_validator(mode="after")
    def _marks_a_number(self) -> Self:
        if self.mark and parse_logical(self.type).kind not in ("integer", "decimal"):
            raise ValueError(f"a mark is of an integer or a decimal, and '{self.name}' is {self.type}")
        return self


class Expectation(Spec):
    """One checkable statement over records, by the name Great Expectations gives it."""

    type: str = Field(description="e.g. expect_column_pair_values_a_to_be_greater_than_b", pattern=r"^expect_[a-z_]+$")
    arguments: dict[str, Any] = Field(default_factory=dict, description="Its keyword arguments.")
    severity: Literal["reject", "warn"] = Field(default="reject", description="Quarantine the records, or only say so.")


class Contract(Spec):
    """The agreed columns, their key and rules."""

    mode: ContractMode = Field(default=ContractMode.EVOLVE, description="What a departure costs.")
    columns: tuple[Column, ...] = Field(default=(), description="The agreed columns; others are new.")
    key: tuple[str, ...] = Field(default=(), description="The columns that name one record.")
    version: str | None = Field(
        default=None,
        description="A column that grows with each correction of a record (amended, cancelled): a number or a time."
        " Where records are upserted, a smaller one never takes the place of a greater one, whichever comes first."
        " Needs `key`.",
    )
    expectations: tuple[Expectation, ...] = Field(default=(), description="Rules over records.")

    @model_validator(mode="after")
    def _versions_of_something(self) -> Self:
        if self.version and not self.key:
            raise ValueError("'version' tells corrections of one record apart, so it needs 'key', which names a record")
        if self.version in self.key:
            raise ValueError(f"'{self.version}' is part of the key, so no two versions share a key")
        return self
