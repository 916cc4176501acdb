"""What was measured: samples in rounds, ratios of pairs, and goals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median
from typing import TypeAlias


class By(StrEnum):
    """What contestants are compared by."""

    CPU = "CPU"
    WALL = "wall"
    PEAK = "peak"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Seconds of one contestant in one round; `imports` are counted apart."""

    wall: float
    cpu: float
    imports_wall: float = 0.0
    imports_cpu: float = 0.0
    parts: Mapping[str, float] = field(default_factory=dict)
    """CPU seconds of each part of the work, where the contestant tells them."""
    work: float = 1.0
    """How much was done, in the unit of the outcome: ratios are those of the seconds for the same work."""
    peak_bytes: int = 0
    """Most memory of the process and its children at one time; 0 where it was not measured."""

    def cost(self, by: By) -> float:
        """Seconds for a unit of work, or bytes of memory."""
        if by is By.PEAK:
            return self.peak_bytes
        return (self.cpu if by is By.CPU else self.wall) / self.work


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A ratio that is to be reached: what `contestant` costs by what `reference` costs, at most `at_most`."""

    contestant: str
    reference: str
    at_most: float
    by: By = By.CPU

    def reached(self, outcome: Outcome) -> bool:
        return outcome.ratio(self.contestant, self.reference, by=self.by) <= self.at_most

    def told(self, outcome: Outcome) -> str:
        """The goal and what was found, for a person."""
        what = "" if self.by is By.CPU and not outcome.unit else f"{self.by}: "
        found = outcome.ratio(self.contestant, self.reference, by=self.by)
        return f"{what}{self.contestant} at most {round(self.at_most, 3):g}x {self.reference}: {found:.2f}x"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """A peak of memory that no round is to exceed."""

    contestant: str
    peak_bytes: int
    by: By = By.PEAK

    def reached(self, outcome: Outcome) -> bool:
        return self._found(outcome) <= self.peak_bytes

    def told(self, outcome: Outcome) -> str:
        """The goal and what was found, for a person."""
        most, found = self.peak_bytes / 1e6, self._found(outcome) / 1e6
        return f"peak: {self.contestant} at most {most:.0f} MB: {found:.0f} MB"

    def _found(self, outcome: Outcome) -> int:
        return max(sample.peak_bytes for sample in outcome.samples[self.contestant])


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """A speed that is to be reached, in units of work by seconds of wall time."""

    contestant: str
    per_second: float
    by: By = By.WALL

    def reached(self, outcome: Outcome) -> bool:
        return outcome.per_second(self.contestant) >= self.per_second

    def told(self, outcome: Outcome) -> str:
        """The goal and what was found, for a person."""
        least, found = (outcome.speed(rate) for rate in (self.per_second, outcome.per_second(self.contestant)))
        return f"speed: {self.contestant} at least {least}: {found}"


AnyGoal: TypeAlias = Goal | Ceiling | Floor


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One benchmark's samples by contestant. The samples at one index were taken in one round, one after the other."""

    title: str
    samples: Mapping[str, Sequence[Sample]]
    goals: Sequence[AnyGoal] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    """What was compared: sizes and versions."""
    unit: str = ""
    """Of work: "bytes" or "files"; empty where every contestant does the same and no speed is told."""

    def ratio(self, contestant: str, reference: str, *, by: By = By.CPU) -> float:
        """The median of `pairs`."""
        return median(self.pairs(contestant, reference, by=by))

    def pairs(self, contestant: str, reference: str, *, by: By = By.CPU) -> list[float]:
        """Cost by cost within each round: a slow minute of the machine hits both halves of a pair."""
        pairs = zip(self.samples[contestant], self.samples[reference], strict=True)
        return [mine.cost(by) / other.cost(by) for mine, other in pairs]

    def per_second(self, contestant: str) -> float:
        """The median of the work done in a second of wall time."""
        return median(1 / sample.cost(By.WALL) for sample in self.samples[contestant])

    def speed(self, per_second: float) -> str:
        """A speed for a person."""
        return f"{per_second / 1e6:.1f} MB/s" if self.unit == "bytes" else f"{per_second:.1f} {self.unit}/s"

    @property
    def compared(self) -> tuple[tuple[str, By], ...]:
        """The contestants that the goals name, in their order, and what by."""
        return tuple(dict.fromkeys((goal.reference, goal.by) for goal in self.goals if isinstance(goal, Goal)))
