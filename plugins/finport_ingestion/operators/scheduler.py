"""The actions of `scheduler`: says whether a source is due and answers."""

from __future__ import annotations

from finport_ingestion.operators.step import StepOperator


class ScheduleOperator(StepOperator):
    """One phase of a step whose agent is `scheduler`."""

    ui_color = "#dddddd"
