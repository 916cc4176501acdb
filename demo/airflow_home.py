"""Airflow's settings for this project on one machine: a home in the work tree and no examples."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
HOME = ROOT / ".airflow"


def settings(home: Path = HOME) -> dict[str, str]:
    """Environment variables that every Airflow process of the demo gets."""
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "GX_ANALYTICS_ENABLED": "False",
    }
