"""One Airflow for all end-to-end tests: its own home and project, PostgreSQL, free ports."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from demo.airflow_site import AirflowSite, connection_variable, secrets_of
from demo.folder import DemoFolder
from tests.conformance.sources.access import PLANTED_SECRET
from tests.e2e.project import DAG_IDS, EVERY_MINUTE, QUOTES, csv_text, write_project
from tests.e2e.system import AirflowSystem, running, wait_until
from tests.services.process import free_port
from tests.services.web_replies import Reply, Request, SlowReply, error_reply, text_reply

if TYPE_CHECKING:
    from tests.services.postgresql import PostgresqlServer
    from tests.services.web import WebServer, WebServers

_SETTINGS = {
    "AIRFLOW__CORE__PARALLELISM": "4",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "5",
    # A killed task is noticed soon; a busy machine may still be late with a heartbeat.
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "3",
}


@dataclass
class Quotes:
    """The route of the slow source: its first GET takes seconds, the later ones do not."""

    gets: list[Request] = field(default_factory=list)

    def __call__(self, request: Request) -> Reply:
        answer = text_reply(csv_text(QUOTES), content_type="text/csv")
        if request.method != "GET":
            return answer
        self.gets.append(request)
        return SlowReply(answer, pause_seconds=0.5, chunk_bytes=400) if len(self.gets) == 1 else answer


@pytest.fixture(scope="package")
def quotes() -> Quotes:
    """What the slow source was asked."""
    return Quotes()


def guarded(request: Request) -> Reply:
    """Records for whoever logs in."""
    login = b64encode(f"reader:{PLANTED_SECRET}".encode()).decode()
    if request.headers.get("authorization") != f"Basic {login}":
        return error_reply(401)
    return text_reply(csv_text(QUOTES), content_type="text/csv")


def refused(request: Request) -> Reply:
    """Repeats the key that it does not like, as some servers do."""
    return text_reply(f"<html><title>bad key {request.query}</title></html>", content_type="text/html")


@pytest.fixture(scope="package")
def quotes_server(web_servers: WebServers, quotes: Quotes) -> Iterator[WebServer]:
    """The web server of the slow source."""
    with web_servers.serve() as server:
        server.add("/quotes.csv", quotes)
        server.add("/guarded.csv", guarded)
        server.add("/refused.csv", refused)
        yield server


@pytest.fixture(scope="package")
def airflow_system(
    tmp_path_factory: pytest.TempPathFactory, postgresql: PostgresqlServer, quotes_server: WebServer
) -> Iterator[AirflowSystem]:
    """A healthy Airflow that knows the project's DAGs; all but the scheduled one are unpaused."""
    project = write_project(tmp_path_factory.mktemp("project"))
    folder = DemoFolder(tmp_path_factory.mktemp("airflow"))
    folder.prepare()
    metadata, state = postgresql.create_database(), postgresql.create_database()
    address = {"host": postgresql.host, "port": postgresql.port, "login": postgresql.user}
    address |= {"schema": state, "password": postgresql.password}
    ca = {"ca_file": str(quotes_server.ca_path)}
    quotes_connection = {"conn_type": "finport_http", "host": quotes_server.url(), "extra": ca}
    site = AirflowSite(
        folder=folder,
        port=free_port(),
        metadata_url=postgresql.url(metadata),
        connections={
            **connection_variable("finport_state", {"conn_type": "finport_state", **address}),
            **connection_variable("e2e_quotes", quotes_connection),
            **connection_variable("e2e_guarded", {**quotes_connection, "login": "reader", "password": PLANTED_SECRET}),
            **connection_variable("e2e_refused", {**quotes_connection, "password": f"{PLANTED_SECRET}, mistyped"}),
        },
        secrets=secrets_of(folder),
    )
    variables = {**site.variables(), **_SETTINGS, "AIRFLOW__CORE__DAGS_FOLDER": str(project / "dags")}
    with running(site, variables, project=project, state_url=postgresql.url(state)) as system:
        wait_until(lambda: system.api.dag_ids() >= DAG_IDS, what="the DAGs")
        for dag_id in DAG_IDS - {EVERY_MINUTE}:
            system.api.set_paused(dag_id, paused=False)
        yield system


@pytest.fixture
def unpaused(airflow_system: AirflowSystem) -> Iterator[Callable[[str], None]]:
    """Unpauses a DAG for one test."""
    paused_again: list[str] = []

    def unpause(dag_id: str) -> None:
        paused_again.append(dag_id)
        airflow_system.api.set_paused(dag_id, paused=False)

    yield unpause
    for dag_id in paused_again:
        airflow_system.api.set_paused(dag_id, paused=True)
