"""Health checks: entered with their time, told when they change, and nothing of a run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from finport_ingestion.engine.config.catalog import Catalog, load_catalog
from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.project import Project
from finport_ingestion.engine.workflow.health import check_health
from finport_ingestion.engine.workflow.registry import known_actions
from finport_ingestion.engine.workflow.services import Services
from tests.crash.small_project import write_project


@pytest.fixture
def services(tmp_path: Path) -> Services:
    folder = write_project(tmp_path / "project")
    (folder / ".finport").mkdir()
    services = Services.of(Project(folder))
    services.state.upgrade()
    return services


def catalog(services: Services) -> Catalog:
    return load_catalog(services.project.folder, known_actions=known_actions())


def told(services: Services) -> list[str]:
    return [event.type.removeprefix("io.finport.api.") for event in services.state.claim_events("log", 100)]


def test_only_a_change_of_health_is_an_event(services: Services) -> None:
    drop = services.project.folder / "drop"
    check_health(catalog(services), "prices", services)
    shutil.move(drop, drop.with_name("away"))
    for _ in range(2):
        check, error = check_health(catalog(services), "prices", services)
        assert not check.healthy
        assert error is not None
        assert check.error_kind == type(error).__name__
    shutil.move(drop.with_name("away"), drop)
    check_health(catalog(services), "prices", services)
    assert told(services) == ["source_unhealthy", "source_healthy"]
    assert [check.healthy for check in services.state.apis.checks("prices")] == [True, False, False, True]


def test_a_check_is_no_run(services: Services) -> None:
    check_health(catalog(services), "prices", services)
    assert services.state.runs() == []
    assert services.state.apis.requests("prices") == []


def test_a_source_that_no_document_describes_is_refused(services: Services) -> None:
    with pytest.raises(ConfigError, match="unknown"):
        check_health(catalog(services), "unknown", services)
