"""What Airflow's provider manager makes of the package, and how the engine's decisions reach Airflow."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from finport_ingestion.engine.errors import AccessDenied, MissingConnection, Skipped, SourceUnavailable
from finport_ingestion.engine.resilience.retry import Decision
from finport_ingestion.engine.workflow.perform import StepFailed
from finport_ingestion.provider_info import get_provider_info

CONNECTION_TYPES = ("finport_file", "finport_http", "finport_state")


def test_the_installed_package_is_a_provider_with_connection_types() -> None:
    from airflow.providers_manager import ProvidersManager
    from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime

    assert get_provider_info()["package-name"] in ProvidersManager().providers
    hooks = ProvidersManagerTaskRuntime().hooks
    for name in CONNECTION_TYPES:
        assert hooks[name].connection_type == name


def test_the_forms_of_the_connections_have_their_fields() -> None:
    stated = {entry["connection-type"]: entry for entry in get_provider_info()["connection-types"]}
    assert set(stated) == set(CONNECTION_TYPES)
    assert set(stated["finport_http"]["conn-fields"]) == {"ca_file", "proxy"}
    assert "password" in stated["finport_file"]["ui-field-behaviour"]["hidden-fields"]


def test_the_hook_of_a_folder_says_whether_it_can_be_read(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from finport_ingestion.hooks.connection_types import FileConnectionHook

    monkeypatch.setenv("AIRFLOW_CONN_DROP", f'{{"conn_type": "finport_file", "extra": {{"path": "{tmp_path}"}}}}')
    assert FileConnectionHook("drop").test_connection() == (True, f"{tmp_path} can be read")
    monkeypatch.setenv("AIRFLOW_CONN_DROP", '{"conn_type": "finport_file", "extra": {"path": "/nowhere"}}')
    works, told = FileConnectionHook("drop").test_connection()
    assert not works
    assert "/nowhere is no folder" in told


def test_both_ways_to_a_connection_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    from finport_ingestion.engine.connections import EnvironmentConnections
    from finport_ingestion.hooks.connections import AirflowConnections

    monkeypatch.setenv(
        "AIRFLOW_CONN_WAREHOUSE",
        '{"conn_type": "postgres", "host": "db.example", "port": 5432, "schema": "market", "login": "reader", '
        '"password": "s3cret-word", "extra": {"sslmode": "verify-full"}}',
    )
    one, other = AirflowConnections().get("warehouse"), EnvironmentConnections().get("warehouse")
    assert one == other
    assert one.secret() == other.secret() == "s3cret-word"
    assert "s3cret-word" not in repr(one)


def test_a_connection_that_is_nowhere_is_missing() -> None:
    from finport_ingestion.hooks.connections import AirflowConnections

    with pytest.raises(MissingConnection, match="AIRFLOW_CONN_NOWHERE"):
        AirflowConnections().get("nowhere")


def test_a_retry_waits_as_long_as_the_engine_decided() -> None:
    from finport_ingestion.retry.policy import FinportRetryPolicy

    failure = StepFailed(
        SourceUnavailable("busy"), Decision(delay_seconds=7.5, reason="the source asked for this wait")
    )
    decision = FinportRetryPolicy().evaluate(failure, 1, 3)
    assert (decision.retry_delay, decision.reason) == (timedelta(seconds=7.5), "the source asked for this wait")


def test_what_no_retry_mends_fails_at_once_and_nothing_to_do_is_a_skip() -> None:
    from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

    from finport_ingestion.operators.errors import as_airflow

    given_up = StepFailed(AccessDenied("prices: refused."), Decision(delay_seconds=None, reason="cannot help"))
    with pytest.raises(AirflowFailException, match="prices: refused"), as_airflow():
        raise given_up
    with pytest.raises(AirflowSkipException, match="nothing new"), as_airflow():
        raise Skipped("nothing new")
    again = StepFailed(SourceUnavailable("busy"), Decision(delay_seconds=1.0, reason="backoff"))
    with pytest.raises(StepFailed), as_airflow():
        raise again
