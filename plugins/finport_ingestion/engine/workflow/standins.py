"""Another source in the place of one that is down: which one, under what name, and what becomes of its records.

`docs/adr/0017-shared-limits-and-stand-ins.md` says why it is done so.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from finport_ingestion.engine.digest import canonical
from finport_ingestion.engine.errors import CircuitOpen, RateLimited, SourceUnavailable
from finport_ingestion.engine.logical import parse_logical
from finport_ingestion.engine.ordered import comparable
from finport_ingestion.engine.state.keys import StepKey
from finport_ingestion.engine.step import Phase

if TYPE_CHECKING:
    from finport_ingestion.engine.records import Watermark
    from finport_ingestion.engine.step import RunKey
    from finport_ingestion.engine.workflow.plan import Plan, PlannedSource
    from finport_ingestion.engine.workflow.services import Services

DOWN = (SourceUnavailable, RateLimited)
"""Failures that another source may help over; a refused login or a wrong document needs a person."""
_CHECKPOINT = "served_by"
_OF_THE_STAND_IN = ("limits", "circuit", "security", "downloads", "changes", "reading")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Who serves a source in a run; kept with the run, so that every task knows."""

    served_by: str
    own_name: bool = True  # published under its own name beside the primary's records, not in place of them
    start: str | None = None  # of an increment: where the primary's records end
    known: tuple[str, ...] = ()  # items that the primary has published
    after: str | None = None  # of items: when the primary published last


def choice(run: RunKey, source: PlannedSource, services: Services) -> Choice | None:
    """Who stands in for `source` in this run; None where it serves itself."""
    kept: dict[str, Any] | None = services.state.load_checkpoint(_key(run, source), _CHECKPOINT)
    return Choice(**{**kept, "known": tuple(kept["known"])}) if kept else None


def choose(run: RunKey, source: PlannedSource, services: Services, chosen: Choice | None) -> None:
    """Keep who serves for the rest of the run."""
    value = dataclasses.asdict(chosen) if chosen else None
    services.state.save_checkpoint(_key(run, source), _CHECKPOINT, value)


def served(plan: Plan, run: RunKey, source: str, services: Services) -> PlannedSource:
    """The source that is worked on in this run: the one of that name, or who stands in for it."""
    primary = plan.source(source)
    if not primary.fallbacks:
        return primary
    chosen = choice(run, primary, services)
    return in_place(primary, chosen) if chosen else primary


def in_place(primary: PlannedSource, chosen: Choice) -> PlannedSource:
    """The stand-in with the primary's dataset, storage and rules for quality."""
    other = fallback(primary, chosen.served_by)
    settings = primary.settings.model_copy(update={name: getattr(other.settings, name) for name in _OF_THE_STAND_IN})
    incremental = other.incremental
    if incremental and chosen.start:
        incremental = incremental.model_copy(update={"start": chosen.start})
    return other.model_copy(
        update={
            "name": other.name if chosen.own_name else primary.name,
            "dataset": primary.dataset,
            "provides": primary.provides,
            "contract": other.contract if other.contract.columns else primary.contract,
            "settings": settings,
            "incremental": incremental,
            "merge_keys": primary.merge_keys,
            "stands_in_for": primary.name,
            "served_by": other.name,
            "known_items": chosen.known,
            "only_after": chosen.after,
        }
    )


def fallback(primary: PlannedSource, name: str) -> PlannedSource:
    """The fallback of that name."""
    return next(other for other in primary.fallbacks if other.name == name)


def may_stand_in(primary: PlannedSource, other: PlannedSource) -> str | None:
    """Why `other` cannot stand in for `primary`, if so."""
    if (primary.incremental is None) is not (other.incremental is None):
        return "one of them is incremental and the other is not"
    if other.dataset == primary.dataset:
        return "it publishes into the same dataset itself"
    return None


def candidates(primary: PlannedSource, current: Choice | None) -> Iterator[PlannedSource]:
    """The fallbacks that come after the one that serves now."""
    names = [other.name for other in primary.fallbacks]
    first = names.index(current.served_by) + 1 if current else 0
    yield from primary.fallbacks[first:]


def is_given_up(error: BaseException, *, again: bool) -> bool:
    """Whether another source is to be asked: the circuit is open, or no further try is made."""
    return isinstance(error, DOWN) and (isinstance(error, CircuitOpen) or not again)


def next_after(mark: Watermark | None) -> str | None:
    """The least value behind a mark: the primary's rows at the mark are there, and the stand-in's look different."""
    if mark is None:
        return None
    logical = parse_logical(mark.type)
    value = comparable(mark.value, logical, logical)
    if isinstance(value, datetime):
        return canonical(value + timedelta(microseconds=1))
    if isinstance(value, date):
        return canonical(value + timedelta(days=1))
    if isinstance(value, int | Decimal) and not isinstance(value, bool) and value == int(value):
        return canonical(int(value) + 1)
    return mark.value


def _key(run: RunKey, source: PlannedSource) -> StepKey:
    return StepKey(run=run, source=source.name, dataset=source.dataset, step="", phase=Phase.RUN)
