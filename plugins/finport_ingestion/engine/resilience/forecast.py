"""Before a run: whether the requests that are left of the day suffice for it, as far as earlier runs tell."""

from __future__ import annotations

from dataclasses import dataclass

FORECAST_RUNS = 5
"""The most that any of so many runs needed is what the next one is expected to need."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Requests of a day, those used, and those that a run is expected to need (None: none has been counted yet)."""

    quota: int
    used: int
    needed: int | None

    @property
    def left(self) -> int:
        return max(0, self.quota - self.used)

    @property
    def suffices(self) -> bool | None:
        """None where nothing is known of earlier runs."""
        return None if self.needed is None else self.needed <= self.left

    def __str__(self) -> str:
        stands = f"{self.left} of {self.quota} requests are left today"
        if self.needed is None:
            return f"{stands}; no earlier run tells how many this one needs"
        verdict = "that suffices" if self.suffices else "that does not suffice"
        return f"{stands}; a run needs about {self.needed}: {verdict}"
