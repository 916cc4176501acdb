"""Retry as the engine decided when the try failed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import RetryDecision, RetryPolicy

from finport_ingestion.engine.workflow.perform import StepFailed

if TYPE_CHECKING:
    from airflow.sdk import Context


class FinportRetryPolicy(RetryPolicy):
    """Waits as long as the source or its policy asks. Asks no database: an error here would mean plain retries."""

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        if isinstance(exception, StepFailed) and exception.decision.delay_seconds is not None:
            delay = timedelta(seconds=exception.decision.delay_seconds)
            return RetryDecision.retry(delay=delay, reason=exception.decision.reason[:500])
        return RetryDecision.default()

    def serialize(self) -> dict[str, Any]:
        return {}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> FinportRetryPolicy:
        return cls()
