"""What was measured: samples in rounds, ratios of pairs, and goals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Seconds of one contestant in one round; `imports` are counted apart."""

    wall: float
    cpu: float
    imports_wall: float = 0.0
    imports_cpu: float = 0.0
    parts: Mapping[str, float] = field(default_factory=dict)
    """CPU seconds of each part of the work, where the contestant tells them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A ratio that is to be reached: CPU seconds of `contestant` by those of `reference`, at most `at_most`."""

    contestant: str
    reference: str
    at_most: float

    def reached(self, outcome: Outcome) -> bool:
        return outcome.ratio(self.contestant, self.reference) <= self.at_most


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One benchmark's samples by contestant. The samples at one index were taken in one round, one after the other."""

    title: str
    samples: Mapping[str, Sequence[Sample]]
    goals: Sequence[Goal] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    """What was compared: sizes and versions."""

    def ratio(self, contestant: str, reference: str) -> float:
        """The median over rounds of CPU by CPU: a slow minute of the machine hits both halves of a pair."""
        pairs = zip(self.samples[contestant], self.samples[reference], strict=True)
        return median(mine.cpu / other.cpu for mine, other in pairs)

    @property
    def references(self) -> tuple[str, ...]:
        """The contestants that the goals name, in their order."""
        return tuple(dict.fromkeys(goal.reference for goal in self.goals))
