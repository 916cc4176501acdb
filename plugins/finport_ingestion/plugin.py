"""The Airflow plugin."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin


class FinportPlugin(AirflowPlugin):
    """What FinPort adds to Airflow beside its provider."""

    name = "finport_ingestion"
