"""A workflow compiled: what will be done, for which sources, with which settings; whole, so that it can be stored."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from graphlib import TopologicalSorter
from typing import Any

from pydantic import Field

from finport_ingestion.engine.config.models.contract import Contract
from finport_ingestion.engine.config.models.documentation import Rights
from finport_ingestion.engine.config.models.documents import AnyAuth, AnyFormat, AnySource, Incremental, Schedule
from finport_ingestion.engine.config.models.settings import Settings
from finport_ingestion.engine.model import Duration, Spec, deep_merge, plain


class PlannedStep(Spec):
    """One step of the workflow; `name` is its place in the run's folders."""

    name: str
    agent: str
    action: str
    timeout: Duration
    retries: int
    parallel: int | None = None
    depends_on: tuple[str, ...] = ()
    pool: str | None = None
    priority: int = 1
    overrides: Settings = Field(default_factory=Settings)


class PlannedSource(Spec):
    """One source with everything it refers to filled in."""

    name: str
    description: str
    owner: str
    labels: Mapping[str, str] = Field(default_factory=dict)
    source: AnySource
    auth: AnyAuth | None = None
    convert: AnyFormat | None = None
    dataset: str
    contract: Contract
    item_columns: str | None = None
    incremental: Incremental | None = None
    settings: Settings
    frequency: str | None = None
    depends_on: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()
    merge_keys: tuple[str, ...] = ()
    time_zone: str | None = None
    rights: Rights | None = None
    fallbacks: tuple[PlannedSource, ...] = ()
    # What a run fills in when this one stands in for another (standins.py):
    stands_in_for: str | None = None
    served_by: str | None = None
    known_items: tuple[str, ...] = ()
    only_after: str | None = None

    @property
    def folder(self) -> str:
        """The name of its folders: what a stand-in delivers lies apart, and each row's part says so."""
        return f"{self.stands_in_for}~{self.served_by}" if self.stands_in_for else self.name

    @property
    def service_facts(self) -> dict[str, str]:
        """What manifests say of who delivered in the place of whom."""
        return {"served_by": self.served_by, "stands_in_for": self.stands_in_for} if self.stands_in_for else {}  # type: ignore[dict-item]

    @property
    def rights_facts(self) -> dict[str, str]:
        """What manifests and events say of the use of the data; nothing where the document says nothing."""
        if self.rights is None:
            return {}
        return {"entitlement": self.rights.entitlement, "redistribution": self.rights.redistribution}


class Plan(Spec):
    """Everything a run needs of the documents."""

    workflow: str
    description: str
    owner: str
    tags: tuple[str, ...] = ()
    schedule: Schedule
    timeout: Duration
    layout: str = "dag"
    max_active_runs: int = 1
    steps: tuple[PlannedStep, ...]
    sources: tuple[PlannedSource, ...]

    @property
    def dag_id(self) -> str:
        return self.workflow.replace("-", "_")

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the plan: equal digests are equal plans."""
        return hashlib.sha256(self.to_json()).hexdigest()

    def to_json(self) -> bytes:
        """What `from_json` reads back; only what differs from a model's default is written."""
        return self.model_dump_json(by_alias=True, exclude_unset=True).encode()

    @staticmethod
    def from_json(document: bytes) -> Plan:
        return Plan.model_validate_json(document)

    def source(self, name: str) -> PlannedSource:
        return next(source for source in self.sources if source.name == name)

    def step(self, name: str) -> PlannedStep:
        return next(step for step in self.steps if step.name == name)

    def source_order(self) -> tuple[str, ...]:
        """The names of the sources, each after those of this plan that provide what it depends on."""
        after = {source.name: self.providers(source) for source in self.sources}
        return tuple(TopologicalSorter(after).static_order())

    def providers(self, source: PlannedSource) -> tuple[str, ...]:
        """The sources of this plan that provide what `source` depends on."""
        return tuple(other.name for other in self.sources if set(other.provides) & set(source.depends_on))

    def before(self, name: str) -> tuple[str, ...]:
        """The steps that `name` comes after, nearest first."""
        nearest: list[str] = []
        waiting = list(self.step(name).depends_on)
        while waiting:
            step = waiting.pop(0)
            if step not in nearest:
                nearest.append(step)
                waiting.extend(self.step(step).depends_on)
        return tuple(nearest)

    def settings(self, source: PlannedSource, step: PlannedStep) -> Settings:
        """The source's settings with the step's own above them."""
        if not step.overrides.model_fields_set:
            return source.settings
        merged: dict[str, Any] = deep_merge(plain(source.settings), plain(step.overrides))
        return Settings.model_validate(merged)
