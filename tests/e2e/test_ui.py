"""The UI and the API answer, and only who logs in gets in."""

from __future__ import annotations

import httpx
import pytest

from demo.airflow_site import ADMIN
from tests.e2e.system import AirflowSystem

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def browser(airflow_system: AirflowSystem) -> httpx.Client:
    """A client without a login."""
    return httpx.Client(base_url=airflow_system.site.url, trust_env=False, timeout=20)


def test_every_component_is_healthy(airflow_system: AirflowSystem) -> None:
    health = airflow_system.api.health()
    assert set(health) == {"metadatabase", "scheduler", "triggerer", "dag_processor"}
    assert set(health.values()) == {"healthy"}


def test_the_page_and_its_login_load(browser: httpx.Client) -> None:
    page = browser.get("/")
    assert page.status_code == 200
    assert '<div id="root"' in page.text
    login = browser.get("/auth/login", follow_redirects=True)
    assert login.status_code == 200
    assert "text/html" in login.headers["content-type"]


def test_the_login_form_gives_a_token_that_opens_the_api(browser: httpx.Client, airflow_system: AirflowSystem) -> None:
    form = {"username": ADMIN, "password": airflow_system.site.secrets.admin_password}
    answer = browser.post("/auth/token", data=form)
    assert answer.status_code == 201
    token = answer.json()["access_token"]
    assert browser.get("/api/v2/dags", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    # The pages of the UI send it as a cookie.
    assert browser.get("/ui/auth/me", cookies={"_token": token}).json()["username"] == ADMIN


def test_a_wrong_password_is_refused(browser: httpx.Client) -> None:
    assert browser.post("/auth/token", json={"username": ADMIN, "password": "guessed"}).status_code == 401
    assert browser.get("/api/v2/dags").status_code == 401


def test_the_plugin_and_the_connection_types_are_there(airflow_system: AirflowSystem) -> None:
    assert airflow_system.api.get("/plugins/importErrors")["import_errors"] == []
    providers = {row["package_name"] for row in airflow_system.api.get("/providers", limit=100)["providers"]}
    assert "airflow-provider-finport-ingestion" in providers
