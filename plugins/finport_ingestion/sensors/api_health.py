"""Waits until a source answers, and keeps the history of its answers (`finport health`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator, PokeReturnValue
from airflow.sdk.exceptions import AirflowFailException

from finport_ingestion.engine.errors import ConfigError, PermanentError
from finport_ingestion.engine.project import Project
from finport_ingestion.engine.workflow.health import CHECK_SECONDS, check_health
from finport_ingestion.factory.dags import catalog_of
from finport_ingestion.operators.errors import as_airflow
from finport_ingestion.operators.surroundings import services_of

if TYPE_CHECKING:
    from airflow.sdk import Context


class ApiHealthSensor(BaseSensorOperator):
    """Asks a source whether it answers. It gives its slot back between two questions.

    What no waiting can mend (a refused login, a wrong document) fails at once.

    Args:
        source: Name of the Source document.
        check_seconds: How long one question may take.
    """

    template_fields: Sequence[str] = ("source",)
    ui_color = "#e2efda"

    def __init__(self, *, source: str, check_seconds: float = CHECK_SECONDS, **arguments: Any) -> None:
        super().__init__(**{"mode": "reschedule", "poke_interval": 60, "timeout": 3600, **arguments})
        self.source = source
        self.check_seconds = check_seconds

    def poke(self, context: Context) -> PokeReturnValue:
        """Whether the source answers; what it said becomes the XCom."""
        services = services_of(self)
        with as_airflow(context):
            catalog = catalog_of(Project.around(Path(self.dag.fileloc).parent))
            check, error = check_health(catalog, self.source, services, seconds=self.check_seconds)
        if isinstance(error, ConfigError | PermanentError):
            raise AirflowFailException(str(error)) from error
        if error is not None:
            self.log.warning("%s does not answer: %s", self.source, error)
        told = {"healthy": check.healthy, "seconds": round(check.seconds, 3), "detail": check.detail}
        return PokeReturnValue(is_done=check.healthy, xcom_value=told)
