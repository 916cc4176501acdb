"""One run of a DAG by Airflow itself, in a process of its own with a database of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_RUN = """
import json, sys
from pathlib import Path
from demo.one_process import load_dag, prepare_database
prepare_database()
run = load_dag(Path(sys.argv[1]), sys.argv[2]).test()
states = [(ti.task_id, ti.rendered_map_index, str(ti.state)) for ti in run.get_task_instances()]
print("RUN " + json.dumps({"run_id": run.run_id, "states": states}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What came of the run; `states` by task and the label of its mapped instance."""

    run_id: str
    states: dict[tuple[str, str | None], str]
    output: str


def run_dag(file: Path, dag_id: str, *, home: Path) -> Told:
    """Run it to its end, with `home` as Airflow's."""
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'plugins'}",
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(file.parent),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
    }
    command = [sys.executable, "-c", _RUN, str(file), dag_id]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    answers = [line for line in done.stdout.splitlines() if line.startswith("RUN ")]
    assert answers, done.stdout[-3000:] + done.stderr[-3000:]
    told = json.loads(answers[0].removeprefix("RUN "))
    states = {(task, label): state for task, label, state in told["states"]}
    return Told(run_id=told["run_id"], states=states, output=done.stdout[-5000:])
