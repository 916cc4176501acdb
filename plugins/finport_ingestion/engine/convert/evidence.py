"""What is known of a column of texts: which hypotheses every value of it has left, and what they need of a type.

`Evidence` of two halves of a column merges to the evidence of the whole, whatever the cut, so a type inferred while
converting is the type that all values give. Samples only propose; this proves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from finport_ingestion.engine.convert import enumerations, identifiers, moments
from finport_ingestion.engine.convert.decorated import DEAD, Decor
from finport_ingestion.engine.convert.interface import Origin
from finport_ingestion.engine.convert.nested import Shape

INTEGER, DECIMAL, DIGITS, BOOLEAN, DECORATED = "integer", "decimal", "digits", "boolean", "decorated"
ENUMERATION = "enumeration"  # as far as the values go; how often they stand there decides
SIMPLE = frozenset({INTEGER, DECIMAL, DIGITS, BOOLEAN, DECORATED, ENUMERATION})
HYPOTHESES = frozenset({*SIMPLE, *moments.WAYS, *identifiers.KINDS})


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of the values of a column so far."""

    values: int = 0  # not null
    nulls: int = 0
    alive: frozenset[str] = HYPOTHESES  # what every value is
    digits: int = 0  # most before the point, while DECIMAL is alive
    scale: int = 0  # most behind it
    origins: frozenset[Origin] = field(default_factory=frozenset)
    decor: Decor = field(default_factory=Decor)  # while DECORATED is alive
    # Of a column that the contract may mean: what its fitting values need.
    fits: Mapping[str, int] = field(default_factory=dict)  # values by way of writing moments
    agreed_digits: int = 0
    agreed_scale: int = 0
    agreed_decor: Decor = field(default_factory=Decor)
    shape: Shape = field(default_factory=Shape)  # of lists and objects, where there is nothing else
    few: frozenset[str] | None = frozenset()  # of what looks like an identifier: see identifiers.distinct
    choices: frozenset[str] = frozenset()  # the distinct values, while ENUMERATION is alive

    def __add__(self, other: Evidence) -> Evidence:
        alive = self.alive & other.alive
        choices = enumerations.merged(self.choices, other.choices) if ENUMERATION in alive else None
        if choices is None:
            alive -= {ENUMERATION}
        number = DECIMAL in alive
        return Evidence(
            self.values + other.values,
            self.nulls + other.nulls,
            alive,
            max(self.digits, other.digits) if number else 0,
            max(self.scale, other.scale) if number else 0,
            self.origins | other.origins,
            self.decor + other.decor if DECORATED in alive else DEAD,
            {way: self.fits.get(way, 0) + other.fits.get(way, 0) for way in {**self.fits, **other.fits}},
            max(self.agreed_digits, other.agreed_digits),
            max(self.agreed_scale, other.agreed_scale),
            self.agreed_decor + other.agreed_decor,
            self.shape + other.shape,
            identifiers.merged(self.few, other.few) if identifiers.counts_values(alive) else frozenset(),
            choices or frozenset(),
        )

    def to_plain(self) -> dict[str, Any]:
        return {
            "values": self.values,
            "nulls": self.nulls,
            "alive": None if self.alive == HYPOTHESES else sorted(self.alive),
            "digits": self.digits,
            "scale": self.scale,
            "origins": sorted(self.origins),
            "decor": self.decor.to_plain(),
            "fits": dict(sorted(self.fits.items())),
            "agreed": [self.agreed_digits, self.agreed_scale, self.agreed_decor.to_plain()],
            "shape": self.shape.to_plain(),
            "few": None if self.few is None else sorted(self.few),
            "choices": sorted(self.choices),
        }

    @staticmethod
    def from_plain(fields: dict[str, Any]) -> Evidence:
        alive = HYPOTHESES if fields["alive"] is None else frozenset(fields["alive"])
        origins = frozenset(Origin(origin) for origin in fields["origins"])
        numbers = (fields["values"], fields["nulls"], alive, fields["digits"], fields["scale"])
        decor, shape = Decor.from_plain(fields["decor"]), Shape.from_plain(fields["shape"])
        digits, scale, *marks = fields["agreed"]
        agreed = (digits, scale, Decor.from_plain(*marks) if marks else Decor())
        few = None if fields["few"] is None else frozenset(fields["few"])
        choices = frozenset(fields.get("choices", ()))
        return Evidence(*numbers, origins, decor, fields["fits"], *agreed, shape, few, choices)


@dataclass(frozen=True, slots=True)
class Look:
    """The evidence of some values, and what the tests made of them on the way, by hypothesis."""

    evidence: Evidence
    cast: Mapping[str, pa.Array] = field(default_factory=dict)  # of a decimal, by its spelling
