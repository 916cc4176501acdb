"""Registers the plugin where the package is not installed; an installed package registers it by its entry point."""

from __future__ import annotations

from importlib.metadata import entry_points

if not any(found.name == "finport_ingestion" for found in entry_points(group="airflow.plugins")):
    from finport_ingestion.plugin import FinportPlugin  # noqa: F401
