"""A real Airflow for tests: the components of `make start` in a folder of their own, and what tests ask of it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from upath import UPath

from demo.airflow_api import AirflowApi
from demo.airflow_site import ADMIN, COMMANDS, AirflowSite, airflow_command, inherited
from demo.components import Component, Components
from finport_ingestion.engine.clock import SystemClock
from finport_ingestion.engine.files import Places
from finport_ingestion.engine.state.state import State
from finport_ingestion.engine.store.read import Snapshot, open_snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping

READY_SECONDS = 150
RUN_SECONDS = 150
POLL_SECONDS = 0.2
TERMINAL = {"success", "failed"}


@dataclass(kw_only=True)
class AirflowSystem:
    """A running Airflow with a project."""

    project: Path
    site: AirflowSite
    variables: Mapping[str, str]
    components: Components
    api: AirflowApi
    state: State
    state_url: str

    @property
    def places(self) -> Places:
        """Where its runs land, stage and publish."""
        return Places(UPath(self.variables["AIRFLOW__FINPORT__PLACES"]))

    def snapshot(self, dataset: str) -> Snapshot:
        """What readers of a dataset see now."""
        return open_snapshot(self.places.at(f"store/{dataset}"))

    def trigger(self, dag_id: str, **conf: Any) -> str:
        """Start a run by REST; its id."""
        answer = self.api.send("POST", f"/dags/{dag_id}/dagRuns", {"logical_date": None, "conf": conf})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["dag_run_id"])

    def command(self, *words: str) -> str:
        """What `airflow WORDS` prints."""
        done = subprocess.run(
            airflow_command(*words),
            env={**inherited(), **self.variables},
            cwd=self.project,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """A run as the API tells of it."""
        found: dict[str, Any] = self.api.get(f"/dags/{dag_id}/dagRuns/{run_id}")
        return found

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """The runs of a DAG."""
        found: list[dict[str, Any]] = self.api.get(f"/dags/{dag_id}/dagRuns")["dag_runs"]
        return found

    def wait_for_run(self, dag_id: str, run_id: str) -> str:
        """How the run ended."""
        wait_until(lambda: self.run(dag_id, run_id)["state"] in TERMINAL, what=f"the end of {run_id}")
        return str(self.run(dag_id, run_id)["state"])

    def tasks(self, dag_id: str, run_id: str) -> dict[str, dict[str, Any]]:
        """Task instances by task id, mapped ones by `task_id[index]`."""
        rows = self.api.get(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances")["task_instances"]
        return {_name(row): row for row in rows}

    def states(self, dag_id: str, run_id: str) -> dict[str, str]:
        """The state of each task."""
        return {name: row["state"] for name, row in self.tasks(dag_id, run_id).items()}

    def log(self, dag_id: str, run_id: str, task_id: str, *, try_number: int = 1) -> str:
        """A task's log as the UI shows it."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{try_number}"
        return str(self.api.get(path, full_content="true"))

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str) -> Any:
        """A value that a task left."""
        return self.api.get(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/{key}")["value"]

    def describe(self, dag_id: str, run_id: str) -> str:
        """The tasks of a run and the errors in the ledger, for the message of a failed assertion."""
        lines = [f"{name}: {state}" for name, state in self.states(dag_id, run_id).items()]
        steps = self.state.steps(run_id)
        lines += [f"{step.source} {step.step} {step.phase}: {step.reason}" for step in steps if step.reason]
        return "\n".join(lines)

    def process_of(self, task: dict[str, Any]) -> psutil.Process | None:
        """The process that executes a task instance; Airflow names it after the task instance's id."""
        for process in self.components.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                if " ".join(process.cmdline()).strip() == f"airflow worker -- {task['id']}":
                    return process
        return None


@contextlib.contextmanager
def running(
    site: AirflowSite, variables: Mapping[str, str], *, project: Path, state_url: str
) -> Iterator[AirflowSystem]:
    """Run a site until the block ends. Afterwards no process of it is left, or the last assertion fails."""
    site.prepare()
    components = Components(site.folder)
    with AirflowApi(site.url, user=ADMIN, password=site.secrets.admin_password) as api:
        system = AirflowSystem(
            project=project,
            site=site,
            variables=variables,
            components=components,
            api=api,
            state=_state_at(state_url),
            state_url=state_url,
        )
        try:
            system.command("db", "migrate")
            for component in site.components(variables):
                components.start(_tied(component))
            components.wait_for(api.is_healthy, what="Airflow", seconds=READY_SECONDS)
            api.log_in()
            yield system
        finally:
            _stop(components)


def _state_at(url: str) -> State:
    """A migrated state database."""
    state = State(url, SystemClock())
    state.upgrade()
    return state


def kill(process: psutil.Process) -> None:
    """SIGKILL, which no handler sees."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGKILL)


def wait_until(reached: Callable[[], Any], *, what: str, seconds: float = RUN_SECONDS) -> Any:
    """Poll until `reached` gives something true; that."""
    deadline = time.monotonic() + seconds
    while not (found := reached()):
        assert time.monotonic() < deadline, f"{what} did not come within {seconds:g} s"
        time.sleep(POLL_SECONDS)
    return found


def _stop(components: Components) -> None:
    for names in (tuple(COMMANDS)[:-1], tuple(COMMANDS)[-1:]):
        components.stop(names, seconds=15)
    left = [process.cmdline() for process in components.processes()]
    components.clear()
    assert left == []


def _tied(component: Component) -> Component:
    """A component that the kernel ends when the test run is killed and cannot clean up."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return component
    return dataclasses.replace(component, command=(setpriv, "--pdeathsig=TERM", *component.command))


def _name(row: dict[str, Any]) -> str:
    task_id: str = row["task_id"]
    return task_id if row["map_index"] < 0 else f"{task_id}[{row['map_index']}]"
