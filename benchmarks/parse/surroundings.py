"""The processes that the contestants run in: which Python, which Airflow home, which packages."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.measured import Sample

ROOT = Path(__file__).parents[2]
DAG_FACTORY = "1.1.0"
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "finport" / "benchmarks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """A module of `contestants`, the Python that runs it, and its two inputs: one to warm up, one to measure."""

    module: str
    python: Path
    warm_up: Path
    measured: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a contestant: its times, and what it made."""

    sample: Sample
    counts: dict[str, int]
    shape: str


def run(contestant: Contestant, home: Path) -> Run:
    """Run a contestant in a fresh process.

    Raises:
        RuntimeError: It failed; the message ends with what it wrote.
    """
    module = f"benchmarks.parse.contestants.{contestant.module}"
    command = [str(contestant.python), "-m", module, str(contestant.warm_up), str(contestant.measured)]
    done = subprocess.run(command, cwd=ROOT, env=_environment(home), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{contestant.module} ended with {done.returncode}:\n{done.stderr[-4000:]}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    counts, shape = told.pop("counts"), told.pop("shape")
    return Run(sample=Sample(**told), counts=counts, shape=shape)


def airflow_version() -> str:
    """The version of Airflow that all contestants run on."""
    return version("apache-airflow-core")


def dag_factory_python() -> Path:
    """The Python of dag-factory's virtual environment, which is made when it is not there.

    It is kept apart because dag-factory registers a plugin in every Airflow process that can import it. Everything else
    in it has the versions of our lock file.
    """
    folder = _CACHE / f"dag-factory-{DAG_FACTORY}-airflow-{airflow_version()}-python-{sys.version_info.minor}"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        print(f"installing dag-factory {DAG_FACTORY} into {folder} ...", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        uv = Path(sys.executable).with_name("uv")
        wanted = [f"dag-factory=={DAG_FACTORY}", f"apache-airflow-core=={airflow_version()}"]
        locked = ["--constraint", str(ROOT / "requirements.lock.txt"), "--compile-bytecode"]
        subprocess.run([uv, "venv", "-q", "--python", sys.executable, folder], check=True)
        subprocess.run([uv, "pip", "install", "-q", "--python", python, *locked, *wanted], check=True)
        (folder / "complete").touch()
    return python


def _environment(home: Path) -> dict[str, str]:
    """Airflow with a home of its own and no examples; bytecode is kept, as an installation keeps it."""
    own = ("AIRFLOW", "_AIRFLOW", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    return {
        **kept,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        "DO_NOT_TRACK": "true",
        "PYTHONPYCACHEPREFIX": str(_CACHE / "bytecode"),
    }
