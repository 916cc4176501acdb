"""What the drivers hand to every step: the project's places, state, connections and clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from finport_ingestion.engine.clock import Clock, SystemClock
from finport_ingestion.engine.connections import Connections, EnvironmentConnections
from finport_ingestion.engine.errors import MissingConnection
from finport_ingestion.engine.files import Places
from finport_ingestion.engine.project import STATE_CONNECTION, Project

if TYPE_CHECKING:
    from sqlalchemy import URL

    from finport_ingestion.engine.resilience.gates import Gates
    from finport_ingestion.engine.state.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The surroundings of a run."""

    project: Project
    places: Places
    state: State
    connections: Connections
    clock: Clock
    environment: Mapping[str, str]
    gates: Gates

    @staticmethod
    def of(
        project: Project, connections: Connections | None = None, clock: Clock | None = None, places: str | None = None
    ) -> Services:
        """The services of a project, by its environment and connections."""
        from finport_ingestion.engine.resilience.gates import Gates
        from finport_ingestion.engine.state.state import State

        connections = connections or EnvironmentConnections()
        clock = clock or SystemClock()
        state = State(state_url_of(project, connections), clock)
        return Services(
            project=project,
            places=project.places(places),
            state=state,
            gates=Gates(state.apis, connections, clock),
            connections=connections,
            clock=clock,
            environment=project.environment(),
        )


def state_url_of(project: Project, connections: Connections) -> URL | str:
    """The state database: the connection `finport_state`, or a SQLite file in the project."""
    from finport_ingestion.engine.state.address import state_url

    try:
        return state_url(connections.get(STATE_CONNECTION))
    except MissingConnection:
        return project.default_state_url
