"""The actions of `base-data-quality`: checks records against contract and policy."""

from __future__ import annotations

from finport_ingestion.operators.step import StepOperator


class QualityOperator(StepOperator):
    """One phase of a step whose agent is `base-data-quality`."""

    ui_color = "#e8f1d4"
