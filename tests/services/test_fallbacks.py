"""A source that is down: another stands in, nothing is lost or doubled, and every switch is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from finport_ingestion.cli.run_story import tell
from tests.services.process import free_port
from tests.services.standing_in import MIRROR, PRIMARY, Api, Deployment, cut
from tests.services.web import WebServers
from tests.services.web_replies import Answer, Reply, error_reply

_QUICK = """\
apiVersion: finport.io/v1
kind: Policy
metadata: {name: default}
spec: {description: For all., owner: tests, settings: {limits: {rate: 100/second, globalRate: 1000/second}}}
"""
Made = Callable[..., Deployment]


@pytest.fixture
def made(web_servers: WebServers, tmp_path: Path) -> Iterator[Made]:
    with web_servers.serve() as first, web_servers.serve() as second:

        def make(**fields: object) -> Deployment:
            primary, mirror = Api(first, "1.0000"), Api(second, "2.0000")
            return Deployment(tmp_path / "project", primary, mirror, **fields).write()  # type: ignore[arg-type]

        yield make


def test_while_the_source_is_down_its_fallback_serves_the_dataset_and_the_run_says_so(made: Made) -> None:
    deployment = made()
    deployment.primary.days, deployment.mirror.days = ["2026-01-05"], ["2026-01-05", "2026-01-06"]
    assert deployment.run("run-1").status == "succeeded", deployment.told
    deployment.primary.down = True
    assert deployment.run("run-2").status == "succeeded", deployment.told
    assert deployment.stored() == [("2026-01-05", "2.0000"), ("2026-01-06", "2.0000")]
    assert deployment.parts() == {f"{PRIMARY}~{MIRROR}"}
    assert "source_switched" in deployment.events("run-2")
    assert any(f"{MIRROR} stands in for {PRIMARY}" in note for note in deployment.notes("run-2"))
    places = tell("run-2", deployment.services).places
    assert any(f"{PRIMARY}~{MIRROR}" in row["where"] for row in places)
    (service,) = deployment.services.state.apis.services()
    assert (service.served_by, service.stale_since) == (MIRROR, None)


def test_when_the_source_is_back_its_own_records_take_the_place_of_the_fallbacks(made: Made) -> None:
    deployment = made()
    deployment.primary.days, deployment.mirror.days = ["2026-01-05"], ["2026-01-05", "2026-01-06"]
    deployment.run("run-1")
    deployment.primary.down = True
    deployment.run("run-2")
    deployment.primary.down = False
    deployment.primary.days = ["2026-01-05", "2026-01-06", "2026-01-07"]
    assert deployment.run("run-3").status == "succeeded", deployment.told
    assert deployment.stored() == [(f"2026-01-0{day}", "1.0000") for day in (5, 6, 7)]
    assert "source_returned" in deployment.events("run-3")
    assert deployment.services.state.apis.services() == []


def test_increments_of_a_fallback_go_on_where_the_source_ended_and_go_when_it_is_back(made: Made) -> None:
    deployment = made(incremental=True)
    deployment.primary.days = ["2026-01-05", "2026-01-06"]
    deployment.mirror.days = ["2026-01-05", "2026-01-06", "2026-01-07"]
    assert deployment.run("run-1").status == "succeeded", deployment.told
    deployment.primary.down = True
    assert deployment.run("run-2").status == "succeeded", deployment.told
    both = [("2026-01-05", "1.0000"), ("2026-01-06", "1.0000"), ("2026-01-07", "2.0000")]
    assert deployment.stored() == both
    deployment.mirror.days.append("2026-01-08")
    assert deployment.run("run-3").status == "succeeded", deployment.told
    assert deployment.stored() == [*both, ("2026-01-08", "2.0000")]
    deployment.primary.down = False
    deployment.primary.days += ["2026-01-07", "2026-01-08", "2026-01-09"]
    assert deployment.run("run-4").status == "succeeded", deployment.told
    assert deployment.stored() == [(f"2026-01-0{day}", "1.0000") for day in (5, 6, 7, 8, 9)]


def test_an_open_circuit_lets_the_fallback_serve_at_once_although_tries_are_left(made: Made) -> None:
    deployment = made(overrides="    circuit: {failures: 1, openFor: 10m}\n", retries=3)
    deployment.primary.days = deployment.mirror.days = ["2026-01-05"]
    deployment.primary.down = True
    assert deployment.run("run-1").status == "succeeded", deployment.told
    asked = len(deployment.primary.server.requests)
    assert {"api.circuit_opened", "source_switched"} <= set(deployment.events("run-1"))
    deployment.mirror.days.append("2026-01-06")
    assert deployment.run("run-2").status == "succeeded", deployment.told
    assert len(deployment.primary.server.requests) == asked
    assert deployment.stored() == [("2026-01-05", "2.0000"), ("2026-01-06", "2.0000")]


def test_with_the_store_of_the_rates_down_the_run_goes_on_and_says_so(made: Made) -> None:
    nobody = f"redis://127.0.0.1:{free_port()}/0"
    deployment = made(more_connections={"AIRFLOW_CONN_FINPORT_LIMITS": nobody}, policy=_QUICK)
    deployment.primary.days = ["2026-01-05"]
    assert deployment.run("run-1").status == "succeeded", deployment.told
    assert deployment.stored() == [("2026-01-05", "1.0000")]
    assert "api.limiter_lost" in deployment.events("run-1")
    assert any("'finport_limits') cannot be used now" in note for note in deployment.notes("run-1"))


def test_a_source_that_answers_again_without_anything_new_is_not_stale_any_more(made: Made) -> None:
    deployment = made()
    deployment.primary.days = ["2026-01-05"]
    deployment.run("run-1")
    deployment.primary.down = deployment.mirror.down = True
    deployment.run("run-2")
    deployment.primary.down = False
    assert deployment.run("run-3").status == "skipped", deployment.told
    assert deployment.services.state.apis.services() == []


def test_what_a_former_fallback_brought_goes_as_well_when_the_source_is_back(made: Made) -> None:
    deployment = made(incremental=True)
    deployment.primary.days, deployment.mirror.days = ["2026-01-05"], ["2026-01-05", "2026-01-06"]
    deployment.run("run-1")
    deployment.primary.down = True
    assert deployment.run("run-2").status == "succeeded", deployment.told
    document = deployment.folder / "include" / "configs" / "sources" / f"{PRIMARY}.yaml"
    document.write_text(document.read_text().replace(f"  fallbacks: [{MIRROR}]\n", ""))
    deployment.primary.down = False
    deployment.primary.days.append("2026-01-06")
    assert deployment.run("run-3").status == "succeeded", deployment.told
    assert deployment.stored() == [("2026-01-05", "1.0000"), ("2026-01-06", "1.0000")]


def test_a_fallback_that_cannot_be_used_is_told_and_the_sources_own_error_is_raised(made: Made) -> None:
    deployment = made()
    deployment.primary.days = ["2026-01-05"]
    deployment.run("run-1")
    deployment.primary.down = True
    document = deployment.folder / "include" / "configs" / "sources" / f"{MIRROR}.yaml"
    document.write_text(document.read_text().replace("connection: prices_mirror", "connection: nobody_made_it"))
    assert deployment.run("run-2").status == "failed"
    assert "prices: " in deployment.told[-1]
    decisions = [note.text for step in deployment.services.state.steps("run-2") for note in step.notes]
    assert any(f"fallback {MIRROR}: " in text and "nobody_made_it" in text for text in decisions)


def test_a_fallback_with_nothing_new_is_told_as_well(made: Made) -> None:
    deployment = made(incremental=True)
    deployment.primary.days, deployment.mirror.days = ["2026-01-05"], ["2026-01-05", "2026-01-06"]
    deployment.run("run-1")
    deployment.primary.down = True
    deployment.run("run-2")
    assert deployment.run("run-3").status in ("skipped", "succeeded"), deployment.told
    assert deployment.stored() == [("2026-01-05", "1.0000"), ("2026-01-06", "2.0000")]
    assert "source_switched" in deployment.events("run-3")


def test_with_no_answer_from_anybody_the_run_fails_and_the_records_are_marked_as_stale(made: Made) -> None:
    deployment = made()
    deployment.primary.days = ["2026-01-05"]
    deployment.run("run-1")
    deployment.primary.down = deployment.mirror.down = True
    assert deployment.run("run-2").status == "failed"
    assert deployment.stored() == [("2026-01-05", "1.0000")]
    assert "dataset_stale" in deployment.events("run-2")
    (service,) = deployment.services.state.apis.services()
    assert service.stale_since is not None
    deployment.primary.down = False
    deployment.primary.days.append("2026-01-06")
    assert deployment.run("run-3").status == "succeeded", deployment.told
    assert deployment.services.state.apis.services() == []


def test_a_download_that_breaks_for_good_fails_the_run_and_marks_the_records_as_stale(made: Made) -> None:
    deployment = made(retries=1, overrides="    degraded: {serveStale: true}\n")
    deployment.primary.days, deployment.mirror.days = ["2026-01-05"], ["2026-01-05", "2026-01-06"]
    deployment.run("run-1")
    deployment.primary.days.append("2026-01-06")
    deployment.primary.broken_downloads = 99
    asked = len(deployment.mirror.server.requests)
    assert deployment.run("run-2").status == "failed"
    assert [told.partition(":")[0] for told in deployment.told] == ["collect", "collect"]
    assert deployment.stored() == [("2026-01-05", "1.0000")]
    assert len(deployment.mirror.server.requests) == asked
    assert deployment.events("run-2").count("dataset_stale") == 1
    (service,) = deployment.services.state.apis.services()
    assert (service.served_by, service.reason) == (PRIMARY, "SourceUnavailable")
    assert service.stale_since is not None


def test_a_download_that_a_second_try_brings_marks_nothing_as_stale(made: Made) -> None:
    deployment = made(retries=2)
    deployment.primary.days = ["2026-01-05"]
    deployment.run("run-1")
    deployment.primary.days.append("2026-01-06")
    deployment.primary.broken_downloads = 1
    assert deployment.run("run-2").status == "succeeded", deployment.told
    assert len(deployment.told) == 1
    assert "dataset_stale" not in deployment.events("run-2")
    assert deployment.services.state.apis.services() == []


@pytest.mark.parametrize("broken", [cut, lambda _: error_reply(HTTPStatus.SERVICE_UNAVAILABLE)], ids=["cut", "503"])
def test_after_a_download_that_broke_an_open_circuit_lets_the_next_run_ask_the_fallback_at_once(
    made: Made, broken: Callable[[Answer], Reply]
) -> None:
    deployment = made(overrides="    circuit: {failures: 1, share: 0, openFor: 10m}\n")
    deployment.primary.days, deployment.mirror.days = ["2026-01-05"], ["2026-01-05", "2026-01-06"]
    deployment.primary.broken = broken
    deployment.run("run-1")
    deployment.primary.days.append("2026-01-06")
    deployment.primary.broken_downloads = 99
    assert deployment.run("run-2").status == "failed"
    (service,) = deployment.services.state.apis.services()
    assert service.stale_since is not None
    asked = len(deployment.primary.server.requests)
    assert deployment.run("run-3").status == "succeeded", deployment.told
    assert len(deployment.primary.server.requests) == asked
    assert deployment.stored() == [("2026-01-05", "2.0000"), ("2026-01-06", "2.0000")]
    (service,) = deployment.services.state.apis.services()
    assert (service.served_by, service.stale_since) == (MIRROR, None)


def test_degraded_mode_serves_the_last_good_records_and_says_since_when_they_are_stale(made: Made) -> None:
    deployment = made(overrides="    degraded: {serveStale: true}\n")
    deployment.primary.days = ["2026-01-05"]
    deployment.run("run-1")
    deployment.primary.down = deployment.mirror.down = True
    assert deployment.run("run-2").status == "skipped"
    assert f"{PRIMARY} is stale since" in deployment.told[-1]
    assert deployment.stored() == [("2026-01-05", "1.0000")]


def test_a_lower_protection_is_told_and_counted_once_a_run(made: Made) -> None:
    deployment = made()
    deployment.primary.days = ["2026-01-05"]
    deployment.run("run-1")
    assert deployment.events("run-1").count("protection_lowered") == 1
    (lowered,) = deployment.services.state.apis.lowered()
    assert (lowered.source, lowered.measure, lowered.runs) == (PRIMARY, "allowPrivateNetwork", 1)


def test_the_requests_of_a_run_are_counted(made: Made) -> None:
    deployment = made()
    deployment.primary.days = ["2026-01-05"]
    deployment.run("run-1")
    (requests,) = deployment.services.state.apis.requests(PRIMARY)
    assert requests.sent == len(deployment.primary.server.requests)
    assert (requests.failed, requests.limited) == (0, 0)
