"""Whether the project, its state, its places and what its sources name are there and can be used."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from finport_ingestion.cli import surroundings
from finport_ingestion.cli.checks.check import Check, fail, failed_by, ok, warn
from finport_ingestion.cli.connections import CommandLineConnections, airflow_is_set_up
from finport_ingestion.engine.errors import ConfigError, FinportError
from finport_ingestion.engine.files import local_path, write_bytes
from finport_ingestion.engine.project import PLACES_VARIABLE

if TYPE_CHECKING:
    from finport_ingestion.engine.config.catalog import Catalog
    from finport_ingestion.engine.project import Project
    from finport_ingestion.engine.state.state import State

_EXTRAS = {"s3": "aws", "s3a": "aws", "gs": "gcp", "gcs": "gcp", "abfs": "azure", "abfss": "azure", "az": "azure"}


def project_checks() -> Iterator[Check]:
    """Every check of this module; those that need what is missing are left out."""
    try:
        project = surroundings.project()
    except ConfigError as error:
        yield failed_by("project", error)
        return
    yield ok("project", str(project.folder))
    documents = surroundings.catalog(project)
    yield _documents(documents)
    connections = CommandLineConnections()
    yield from _state(project, connections)
    places = _places(project)
    yield places
    yield from _sources(documents, project, connections)
    if places.level != "fail":
        yield from _executor(project, connections)


def _documents(documents: Catalog) -> Check:
    mistakes = len(documents.mistakes)
    told = f"{len(documents.documents)} documents, {len(documents.usable_workflows)} workflows can run"
    if mistakes:
        return fail("documents", f"{told}, {mistakes} mistake(s)", "'finport validate' shows each with its fix")
    return ok("documents", told)


def _state(project: Project, connections: CommandLineConnections) -> Iterator[Check]:
    try:
        state = _state_of(project, connections)
        state.check()
        yield ok("state", f"{state} answers and is up to date")
        waiting = {relay: count for relay, count in state.backlog().items() if count}
    except FinportError as error:
        yield failed_by("state", error)
        return
    for relay, count in waiting.items():
        told = f"{count} event(s) wait for relay {relay}"
        yield warn("events", told, "they are sent at the end of the next run; see that the relay can be reached")
    dead = [saga for saga in state.open_sagas() if saga.is_dead(datetime.now(UTC))]
    if dead:
        yield warn("runs", f"{len(dead)} source(s) of dead runs are not settled", "'finport recover' settles them")


def _places(project: Project) -> Check:
    named = os.environ.get(PLACES_VARIABLE) or "the project's own folder"
    try:
        root = project.places().root
        probe = root / f".doctor-{uuid.uuid4().hex}"
        write_bytes(probe, b"")
        probe.unlink()
    except FinportError as error:
        return failed_by("places", error)
    except ImportError as error:
        return fail("places", f"{named}: {error}", _install(named.partition(":")[0]))
    except Exception as error:
        told = f"{named} cannot be written: {type(error).__name__}: {error}".splitlines()[0]
        return fail("places", told, f"check {PLACES_VARIABLE} and the credentials for it")
    return ok("places", f"{root} can be written")


def _install(protocol: str) -> str:
    extra = _EXTRAS.get(protocol)
    return f"pip install 'airflow-provider-finport-ingestion[{extra}]'" if extra else "install the library for it"


def _sources(documents: Catalog, project: Project, connections: CommandLineConnections) -> Iterator[Check]:
    for document in documents.documents_of("Source"):
        if document.name is None or document in documents.wrong or document.spec.get("enabled") is False:
            continue
        what = f"source {document.name}"
        missing = [*_missing_variables(documents, document.name, project)]
        names = _connection_ids(documents, document.name)
        for name in names:
            try:
                connections.get(name)
            except FinportError as error:
                missing.append((error.message, error.hint or ""))
        if missing:
            yield warn(what, " ".join(told for told, _ in missing), "; ".join(fix for _, fix in missing))
        else:
            yield ok(what, f"has what it names{f': {chr(44).join(names)}' if names else ''}")


def _connection_ids(documents: Catalog, source: str) -> list[str]:
    spec = documents.source(source).spec
    parts = [spec.source, documents.settings(source).settings.store]
    if spec.authentication:
        parts.append(documents.authentication(spec.authentication).spec.auth)
    names = (getattr(part, "connection", None) for part in parts)
    return list(dict.fromkeys(name for name in names if name))


def _missing_variables(documents: Catalog, source: str, project: Project) -> Iterator[tuple[str, str]]:
    from finport_ingestion.engine.config.environment import fill

    spec = documents.source(source).spec
    auth = documents.authentication(spec.authentication).spec.auth if spec.authentication else None
    for part, key in ((spec.source, "source"), (auth, "auth"), (documents.settings(source).settings, "settings")):
        try:
            fill(part, project.environment(), key=key)
        except ConfigError as error:
            yield error.message, error.hint or ""


def _executor(project: Project, connections: CommandLineConnections) -> Iterator[Check]:
    if not airflow_is_set_up(os.environ):
        yield ok("executor", "Airflow has no home here: nothing to compare with the places")
        return
    from finport_ingestion.factory.placement import check_placement, leaves_the_machine

    try:
        check_placement(project)
    except ConfigError as error:
        yield failed_by("executor", error)
        return
    if leaves_the_machine() and surroundings.is_local(_state_of(project, connections)):
        yield fail(
            "executor",
            "tasks run on other machines, but the state is a SQLite file",
            "make a connection 'finport_state' to a PostgreSQL database",
        )
        return
    where = "this machine" if local_path(project.places().root) is not None else "an object store"
    yield ok("executor", f"fits the places, which lie on {where}")


def _state_of(project: Project, connections: CommandLineConnections) -> State:
    from finport_ingestion.engine.clock import SystemClock
    from finport_ingestion.engine.state.state import State
    from finport_ingestion.engine.workflow.services import state_url_of

    return State(state_url_of(project, connections), SystemClock())
