"""Health checks: entered with their time, told when they change, and nothing of a run."""

from __future__ import annotations

import dataclasses
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from finport_ingestion.engine.config.catalog import Catalog, load_catalog
from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.project import Project
from finport_ingestion.engine.workflow.health import check_health, check_intervals, due_sources, round_interval
from finport_ingestion.engine.workflow.registry import known_actions
from finport_ingestion.engine.workflow.services import Services
from tests.clocks import LaterClock
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


def add_source(services: Services, name: str, spec: str = "", *, overrides: str = "") -> None:
    """A copy of `prices`; `spec` and `overrides` in one line each."""
    folder = services.project.folder / "include" / "configs" / "sources"
    text = (folder / "prices.yaml").read_text().replace("{name: prices}", f"{{name: {name}}}")
    text = text.replace("  owner: tests\n", f"  owner: tests\n  {spec}\n", 1)
    (folder / f"{name}.yaml").write_text(text + (f"    {overrides}\n" if overrides else ""))


def later(services: Services, **ahead: int) -> Services:
    return dataclasses.replace(services, clock=LaterClock(timedelta(**ahead)))


def test_sources_that_are_on_and_fallbacks_of_those_at_work_are_asked_on_a_schedule(services: Services) -> None:
    add_source(services, "off", "enabled: false")
    add_source(services, "of-no-workflow")
    add_source(services, "wrong", "enabled: maybe")
    add_source(services, "spare", "enabled: false")
    prices = services.project.folder / "include/configs/sources/prices.yaml"
    prices.write_text(prices.read_text().replace("  owner: tests\n", "  owner: tests\n  fallbacks: [spare]\n"))
    assert list(check_intervals(catalog(services))) == ["of-no-workflow", "prices", "spare"]


def test_the_settings_say_how_often_and_checks_take_a_twentieth_of_a_quota_at_most(services: Services) -> None:
    add_source(services, "seldom", overrides="health: {interval: 1h}")
    add_source(services, "large", overrides="limits: {quota: {requests: 100000}}")
    add_source(services, "small", overrides="limits: {quota: {requests: 25}}")
    intervals = check_intervals(catalog(services))
    assert intervals == {
        "large": timedelta(minutes=15),
        "prices": timedelta(minutes=15),
        "seldom": timedelta(hours=1),
        "small": timedelta(days=1) / 1.25,
    }
    assert round_interval(catalog(services)) == timedelta(minutes=15)


def test_a_round_is_as_long_as_the_shortest_interval(services: Services) -> None:
    add_source(services, "often", overrides="health: {interval: 2m}")
    assert round_interval(catalog(services)) == timedelta(minutes=2)


def test_without_any_source_a_round_is_as_long_as_the_default(services: Services) -> None:
    shutil.rmtree(services.project.folder / "include/configs/sources")
    assert round_interval(catalog(services)) == timedelta(minutes=15)


def test_a_source_is_due_in_the_round_nearest_to_its_interval_the_longest_unasked_first(services: Services) -> None:
    add_source(services, "hourly", overrides="health: {interval: 1h}")
    add_source(services, "new")
    check_health(catalog(services), "hourly", services)
    check_health(catalog(services), "prices", services)
    documents = catalog(services)
    assert due_sources(documents, later(services, minutes=5)) == ["new"]
    assert due_sources(documents, later(services, minutes=14)) == ["new", "prices"]
    assert due_sources(documents, later(services, minutes=45)) == ["new", "prices"]
    assert due_sources(documents, later(services, minutes=59)) == ["new", "hourly", "prices"]


def test_checks_less_than_a_minute_apart_are_refused(services: Services) -> None:
    add_source(services, "hasty", overrides="health: {interval: 59s}")
    (mistake,) = catalog(services).mistakes
    assert str(mistake).endswith("spec.overrides.health.interval: must be at least 1m")
