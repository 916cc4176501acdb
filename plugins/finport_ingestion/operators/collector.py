"""The actions of `collector`: lists and lands what a source has."""

from __future__ import annotations

from finport_ingestion.operators.step import StepOperator


class CollectOperator(StepOperator):
    """One phase of a step whose agent is `collector`."""

    ui_color = "#f1ead4"
