"""The actions of `base-data-storage`: publishes what passed."""

from __future__ import annotations

from finport_ingestion.operators.step import StepOperator


class StorageOperator(StepOperator):
    """One phase of a step whose agent is `base-data-storage`."""

    ui_color = "#d4e4f1"
