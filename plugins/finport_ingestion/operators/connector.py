"""The actions of `connector`: connects and logs in."""

from __future__ import annotations

from finport_ingestion.operators.step import StepOperator


class ConnectOperator(StepOperator):
    """One phase of a step whose agent is `connector`."""

    ui_color = "#f1dcd4"
