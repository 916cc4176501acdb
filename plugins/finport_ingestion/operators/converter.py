"""The actions of `converter`: turns raw bytes into typed records."""

from __future__ import annotations

from finport_ingestion.operators.step import StepOperator


class ConvertOperator(StepOperator):
    """One phase of a step whose agent is `converter`."""

    ui_color = "#e4d4f1"
