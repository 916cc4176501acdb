"""What goes wrong at night: each ends in an error that names the source and the remedy, with nothing half-published."""

from __future__ import annotations

import json
import multiprocessing
import resource
import signal
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from finport_ingestion.engine.config.catalog import load_catalog
from finport_ingestion.engine.errors import FinportError, SchemaOutdated, Skipped
from finport_ingestion.engine.project import Project
from finport_ingestion.engine.records import StepResult
from finport_ingestion.engine.step import RunKey
from finport_ingestion.engine.store.read import list_datasets
from finport_ingestion.engine.workflow.compile import compile_plan
from finport_ingestion.engine.workflow.driver import Ingest
from finport_ingestion.engine.workflow.lifecycle import Outcome
from finport_ingestion.engine.workflow.perform import StepFailed, Unit
from finport_ingestion.engine.workflow.registry import known_actions
from finport_ingestion.engine.workflow.services import Services
from tests.crash.small_project import SOURCE, WORKFLOW, write_project
from tests.services.web import WebServer
from tests.services.web_replies import Answer, Hang, Reply, error_reply, html_page, too_many_requests

CONNECTION = "AIRFLOW_CONN_VENDOR"


@dataclass
class Night:
    """A run of the small project, and what it told."""

    folder: Path
    failures: list[tuple[Unit, StepFailed]] = field(default_factory=list)

    def run(self, report: Any = None) -> Outcome:
        services = self.services()
        services.state.upgrade()
        plan = compile_plan(load_catalog(self.folder, known_actions=known_actions()), WORKFLOW)
        key = RunKey(workflow=WORKFLOW, run_id="night", run_after=datetime(2026, 2, 1, tzinfo=UTC))
        return Ingest(plan=plan, run=key, services=services, report=report or self.note)()

    def services(self) -> Services:
        (self.folder / ".finport").mkdir(exist_ok=True)
        return Services.of(Project(self.folder))

    def note(self, unit: Unit, ending: StepResult | Skipped | StepFailed) -> None:
        if isinstance(ending, StepFailed):
            self.failures.append((unit, ending))

    def published(self) -> list[str]:
        return list(list_datasets(self.services().places))

    def reason(self) -> str:
        """What the ledger says of the source."""
        (outcome,) = self.services().state.run("night").sources
        assert outcome.status == "failed"
        return outcome.reason or ""


def _check(night: Night, *, tries: int, words: tuple[str, ...]) -> None:
    assert night.run().status == "failed"
    assert len(night.failures) == tries, [str(failure) for _, failure in night.failures]
    assert night.published() == []
    for word in (SOURCE, *words):
        assert word in night.reason(), f"'{word}' is not in: {night.reason()}"
    assert all("s3cret-word" not in str(failure) for _, failure in night.failures)


def _api(night_folder: Path, server: WebServer, monkeypatch: pytest.MonkeyPatch) -> Night:
    monkeypatch.setenv(
        CONNECTION,
        json.dumps(
            {
                "conn_type": "finport_http",
                "host": server.url(),
                "login": "bank",
                "password": "s3cret-word",
                "extra": {"ca_file": str(server.ca_path)},
            }
        ),
    )
    source = "{protocol: http, connection: vendor, path: /prices}"
    project = write_project(night_folder, source=source, convert="{format: json}")
    path = project / "include/configs/sources/prices.yaml"
    path.write_text(
        path.read_text().replace("retry: {delay: 0s}", "retry: {delay: 0s}\n    limits: {requestTimeout: 1s}")
    )
    return Night(project)


@pytest.mark.parametrize(
    ("reply", "tries", "words"),
    [
        pytest.param(error_reply(401), 1, ("credentials", "vendor"), id="wrong password"),
        pytest.param(error_reply(404), 1, ("/prices",), id="404"),
        pytest.param(too_many_requests(retry_after_seconds=0), 3, ("429",), id="429"),
        pytest.param(error_reply(500), 3, ("500",), id="500"),
        pytest.param(html_page(), 1, ("HTML",), id="HTML instead of JSON"),
        pytest.param(Hang(), 3, ("requestTimeout",), id="hanging server"),
    ],
)
def test_an_api_that_fails(
    reply: Reply,
    tries: int,
    words: tuple[str, ...],
    web_server: WebServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    web_server.add("/prices", reply)
    _check(_api(tmp_path / "project", web_server, monkeypatch), tries=tries, words=words)


def test_an_api_that_recovers_is_taken_by_a_retry(
    web_server: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"isin": "XS0000000001", "date": "2026-01-02", "price": 101.25}]
    answers = iter([error_reply(503)])
    web_server.add("/prices", lambda request: next(answers, Answer(json.dumps(rows).encode())))
    night = _api(tmp_path / "project", web_server, monkeypatch)
    assert night.run().status == "succeeded"
    assert len(night.failures) == 1


def test_a_missing_folder(tmp_path: Path) -> None:
    source = f'{{protocol: file, path: "{tmp_path}/nowhere"}}'
    night = Night(write_project(tmp_path / "project", source=source))
    assert night.run().status == "failed"
    assert night.published() == []
    assert "nowhere" in night.reason()


def test_an_empty_file(tmp_path: Path) -> None:
    night = Night(write_project(tmp_path / "project"))
    for path in (night.folder / "drop").glob("*.csv"):
        path.write_text("")
    _check(night, tries=1, words=("empty",))


def test_a_file_of_another_format(tmp_path: Path) -> None:
    night = Night(write_project(tmp_path / "project"))
    (night.folder / "drop" / "first.csv").write_text("<!DOCTYPE html><html><title>Maintenance</title></html>")
    _check(night, tries=1, words=("HTML",))


def _run_on_a_small_disk(folder: Path, answer: Any) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    night = Night(folder)
    night.services().state.upgrade()
    size = (night.services().project.folder / ".finport" / "state.db").stat().st_size
    # Larger than the state and the manifests, smaller than the file that is landed.
    resource.setrlimit(resource.RLIMIT_FSIZE, (size * 4, size * 4))
    answer.send((night.run().status.value, [str(failure) for _, failure in night.failures]))


def test_a_full_disk(tmp_path: Path) -> None:
    project = write_project(tmp_path / "project")
    line = "XS0000000009,2026-01-05,1.00\n"
    (project / "drop" / "large.csv").write_text("isin,date,price\n" + line * 200_000)
    here, there = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=_run_on_a_small_disk, args=(project, there))
    process.start()
    there.close()
    status, failures = here.recv()
    process.join(60)
    assert status == "failed"
    assert any("disk is full" in failure and "finport clean" in failure for failure in failures), failures
    assert Night(project).published() == []


def test_a_state_database_that_is_gone(tmp_path: Path) -> None:
    night = Night(write_project(tmp_path / "project"))

    def lose_the_state(unit: Unit, ending: object) -> None:
        if unit.step == "connect":
            for path in (night.folder / ".finport").glob("state.db*"):
                path.unlink()

    with pytest.raises(FinportError, match="finport db upgrade") as raised:
        night.run(lose_the_state)
    assert isinstance(raised.value, SchemaOutdated)
    assert night.published() == []
