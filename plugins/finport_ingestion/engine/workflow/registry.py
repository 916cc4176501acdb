"""The actions that a workflow's step may name, each with the agent that does it.

What the factory draws from stands in the entry, so that parsing a DAG imports no step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from finport_ingestion.engine.registry import Entry, Registry
from finport_ingestion.engine.step import ParallelStep, Phase, Step


@dataclass(frozen=True, slots=True)
class Action(Entry):
    """Where the step lives, how its work is cut, and which events tell of it."""

    split: str | None = None
    """The name of the split task of a parallel action; None for an action that is one unit."""
    seal: str | None = None
    """The name of the task that closes it."""
    announces: Mapping[Phase, tuple[str, ...]] = field(default_factory=dict)
    """Event types by the phase whose end they tell of."""
    announces_failure: str | None = None
    asks: tuple[Phase, ...] = ()
    """The phases that ask the source before anything is listed: another source may answer in its place."""
    publishes: bool = False
    """Whether its end updates the assets that the source provides."""

    @property
    def parallel(self) -> bool:
        return self.split is not None


def action_key(agent: str, action: str) -> str:
    """The name of an action in the registry."""
    return f"{agent}/{action}"


_ENTRIES: dict[str, Action] = {
    "base-data-quality/validate_data_quality": Action("finport_ingestion.engine.validate.step:ValidateStep"),
    "base-data-storage/store_validated_data": Action(
        "finport_ingestion.engine.store.step:StoreStep",
        publishes=True,
    ),
    "collector/collect_data_from_source": Action(
        "finport_ingestion.engine.collect.step:CollectStep",
        split="discover",
        seal="land",
        announces={Phase.SPLIT: ("collection_started",), Phase.SEAL: ("collection_completed",)},
        announces_failure="collection_failed",
        asks=(Phase.SPLIT,),
    ),
    "connector/establish_secure_connection": Action(
        "finport_ingestion.engine.workflow.steps.connect:ConnectStep", asks=(Phase.RUN,)
    ),
    "converter/convert_to_standard_format": Action(
        "finport_ingestion.engine.convert.step:ConvertStep",
        split="infer",
        seal="reconcile",
        # What the samples propose at the split is no fact yet: the schema is known when every value was seen.
        announces={Phase.SEAL: ("schema_inferred", "format_converted")},
    ),
    "scheduler/validate_source_availability": Action(
        "finport_ingestion.engine.workflow.steps.availability:AvailabilityStep", asks=(Phase.RUN,)
    ),
}

ACTIONS: Registry[type[Step | ParallelStep]] = Registry("action", _ENTRIES)


def action(agent: str, name: str) -> Action:
    """The entry of an action.

    Raises:
        UnknownPlugin: No agent has such an action.
    """
    key = action_key(agent, name)
    if key not in _ENTRIES:
        ACTIONS.get(key)  # raises, and names the nearest
    return _ENTRIES[key]


def known_actions() -> frozenset[tuple[str, str]]:
    """Every (agent, action)."""
    pairs = (key.split("/", 1) for key in _ENTRIES)
    return frozenset((agent, name) for agent, name in pairs)
