"""dag-factory: one file for each DAG, loaded by its own function. Runs in its own virtual environment."""

from __future__ import annotations

import importlib
from typing import Any

from benchmarks.parse.contestants.stopwatch import compare, now

if __name__ == "__main__":
    begun = now()
    dagfactory = importlib.import_module("dagfactory")

    def load(folder: str) -> dict[str, Any]:
        """The DAGs that dag-factory puts into a DAG file's globals."""
        found: dict[str, Any] = {}
        dagfactory.load_yaml_dags(found, dags_folder=folder, defaults_config_path=folder)
        return found

    compare(begun, load)
