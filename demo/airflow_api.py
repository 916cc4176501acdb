"""The few requests to Airflow's REST API that starting and trying it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

import httpx

HEALTHY: Final = "healthy"
# The first request of a kind imports modules, which takes long on a busy machine.
_SECONDS: Final = 60.0


class AirflowApi:
    """A logged-in client of one Airflow; use it in a `with` block."""

    def __init__(self, url: str, *, user: str, password: str) -> None:
        self._login = {"username": user, "password": password}
        # No proxy and no foreign CA between us and our own machine.
        self._client = httpx.Client(base_url=url, timeout=_SECONDS, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def health(self) -> Mapping[str, str]:
        """Status by component; empty while the API does not answer. Needs no login."""
        try:
            answer = self._client.get("/api/v2/monitor/health")
        except httpx.TransportError:
            return {}
        if answer.status_code != httpx.codes.OK:
            return {}
        return {name: str((about or {}).get("status")) for name, about in answer.json().items()}

    def is_healthy(self) -> bool:
        """Whether all of metadata database, scheduler, triggerer and DAG processor are."""
        health = self.health()
        return bool(health) and set(health.values()) == {HEALTHY}

    def log_in(self) -> None:
        """Get a token and send it from now on.

        Raises:
            httpx.HTTPStatusError: User or password are wrong.
        """
        answer = self._client.post("/auth/token", json=self._login)
        answer.raise_for_status()
        self._client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def get(self, path: str, **query: str | int) -> Any:
        """The JSON below `/api/v2`."""
        answer = self._client.get(f"/api/v2{path}", params=query)
        answer.raise_for_status()
        return answer.json()

    def send(self, method: str, path: str, body: Mapping[str, Any]) -> httpx.Response:
        """Send JSON to a path below `/api/v2`; the answer, whatever its status."""
        return self._client.request(method, f"/api/v2{path}", json=dict(body))

    def dag_ids(self) -> set[str]:
        """All DAGs that Airflow knows and could run."""
        return {dag["dag_id"] for dag in self.get("/dags", limit=100)["dags"]}

    def import_errors(self) -> Sequence[Mapping[str, Any]]:
        """`filename` and `stack_trace` of each file that could not be parsed."""
        found: Sequence[Mapping[str, Any]] = self.get("/importErrors")["import_errors"]
        return found

    def set_paused(self, dag_id: str, *, paused: bool) -> None:
        """Pause or unpause a DAG; a DAG with a schedule runs at once when it is unpaused."""
        self.send("PATCH", f"/dags/{dag_id}", {"is_paused": paused}).raise_for_status()
