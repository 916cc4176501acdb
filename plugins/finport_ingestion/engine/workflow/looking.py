"""A source outside its workflows: opened as a run opens it, within the limits of its credential, and nothing kept."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from upath import UPath

from finport_ingestion.engine.clock import Deadline
from finport_ingestion.engine.config.environment import fill
from finport_ingestion.engine.errors import AccessDenied, SchemaOutdated, StateUnavailable
from finport_ingestion.engine.events.event import EventType
from finport_ingestion.engine.files import Places
from finport_ingestion.engine.sources.opening import tell
from finport_ingestion.engine.step import RunKey, StepContext
from finport_ingestion.engine.workflow.compile import plan_to_look

if TYPE_CHECKING:
    from finport_ingestion.engine.config.catalog import Catalog
    from finport_ingestion.engine.records import Fingerprint, Watermark
    from finport_ingestion.engine.resilience.watch import Watch
    from finport_ingestion.engine.workflow.services import Services

LOOK_SECONDS = 300.0


class NothingKnown:
    """The memory of a source that never ran."""

    def fingerprints(self, source: str, dataset: str) -> Mapping[str, Fingerprint]:
        return {}

    def watermark(self, source: str, dataset: str) -> Watermark | None:
        return None

    def published_at(self, source: str, dataset: str) -> datetime | None:
        return None

    def dataset_updated_at(self, dataset: str) -> datetime | None:
        return None


@contextlib.contextmanager
def looking_at(
    catalog: Catalog, source: str, services: Services, *, seconds: float = LOOK_SECONDS
) -> Iterator[StepContext]:
    """The source as its first step has it; what it writes lies in a folder that is gone afterwards.

    Without a state database (of a project that is new) only this process counts its requests.

    Raises:
        ConfigError: No such source, something is wrong with it, or a variable that it names is not set.
    """
    plan = plan_to_look(catalog, source)
    planned = plan.source(source).model_copy(update={"fallbacks": ()})
    with tempfile.TemporaryDirectory(prefix="finport-look-") as folder, _watched(services) as watch:
        context = StepContext(
            plan=plan,
            source=fill(planned, services.environment, key=f"source {source}"),
            step=plan.step("collect"),
            run=RunKey(workflow=plan.workflow, run_id="look", run_after=services.clock.now()),
            batch=None,
            deadline=Deadline.after(seconds, clock=services.clock, what=f"the look at {source}"),
            places=Places(UPath(folder)),
            connections=services.connections,
            memory=NothingKnown(),
            clock=services.clock,
            gates=watch,
            vault=services.state.tokens,
        )
        try:
            yield context
        except AccessDenied as error:
            tell(context, EventType.ACCESS_REFUSED, error=type(error).__name__)
            raise


@contextlib.contextmanager
def _watched(services: Services) -> Iterator[Watch | None]:
    try:
        services.state.check()
    except (SchemaOutdated, StateUnavailable):
        yield None
        return
    with services.gates.watched() as watch:
        yield watch
