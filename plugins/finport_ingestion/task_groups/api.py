"""The API manager as a task group: wait until the API answers, see whether its quota suffices, then ingest.

```python
from airflow.sdk import DAG
from finport_ingestion.task_groups.api import ApiTaskGroup

with DAG("prices_by_hand", schedule="@daily"):
    ApiTaskGroup("prices", source="prices", workflow="prices-workflow")
```

Limits, circuit, sessions and fallbacks hold inside it as everywhere: they lie in the engine, not in the group.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import TaskGroup

from finport_ingestion.operators.api import IngestOperator, QuotaForecastOperator
from finport_ingestion.sensors.api_health import ApiHealthSensor


class ApiTaskGroup(TaskGroup):
    """`healthy` >> `forecast` >> `ingest`.

    Args:
        source: Name of the Source document.
        workflow: Name of the Workflow document whose steps are done.
        wait: How long to wait for an answer. When it is over the group goes on all the same: the source's fallbacks
            are asked then.
        poke_interval: Time between two questions.
        skip_when_short: Skip the ingestion when the day's requests do not suffice.
    """

    def __init__(
        self,
        group_id: str,
        *,
        source: str,
        workflow: str,
        wait: timedelta = timedelta(minutes=10),
        poke_interval: timedelta = timedelta(minutes=1),
        skip_when_short: bool = True,
        **arguments: Any,
    ) -> None:
        super().__init__(group_id=group_id, **arguments)
        with self:
            # Its end is no condition: a source that stays down has fallbacks, and degraded mode.
            healthy = ApiHealthSensor(
                task_id="healthy", source=source, timeout=wait, poke_interval=poke_interval, soft_fail=True
            )
            forecast = QuotaForecastOperator(
                task_id="forecast", source=source, skip_when_short=skip_when_short, trigger_rule="all_done"
            )
            healthy >> forecast >> IngestOperator(task_id="ingest", workflow=workflow, sources=[source])
