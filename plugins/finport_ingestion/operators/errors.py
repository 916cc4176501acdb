"""The engine's errors as Airflow's: skip, fail, or retry."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from finport_ingestion.engine.errors import ConfigError, PermanentError, Skipped
from finport_ingestion.engine.workflow.perform import StepFailed

if TYPE_CHECKING:
    from airflow.sdk import Context

SKIPPED_BECAUSE = "skipped_because"
"""The XCom that says why a task was skipped."""


@contextlib.contextmanager
def as_airflow(context: Context | None = None) -> Iterator[None]:
    """Skipped becomes a skip with its reason in an XCom; what no retry can mend fails at once; the rest is retried."""
    try:
        yield
    except Skipped as skipped:
        if context is not None:
            context["ti"].xcom_push(key=SKIPPED_BECAUSE, value=skipped.message)
        raise AirflowSkipException(skipped.message) from skipped
    except StepFailed as failure:
        if failure.decision.again:
            raise
        raise AirflowFailException(str(failure)) from failure.error
    except (ConfigError, PermanentError) as error:
        raise AirflowFailException(str(error)) from error
