"""A plan's schedule as Airflow's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetAll, AssetAny, AssetOrTimeSchedule, CronTriggerTimetable, DeltaTriggerTimetable

if TYPE_CHECKING:
    from finport_ingestion.engine.config.models.documents import Schedule


def asset(name: str) -> Asset:
    """The asset called `name`; its uri holds no place and no environment, so it is the same everywhere."""
    return Asset(name=name, uri=f"finport://dataset/{name}")


def airflow_schedule(schedule: Schedule) -> Any:
    """What DAG(schedule=...) takes; None for a workflow that is started by hand."""
    assets = _assets(schedule)
    if schedule.cron:
        timetable = CronTriggerTimetable(schedule.cron, timezone=schedule.time_zone)
        return AssetOrTimeSchedule(timetable=timetable, assets=assets) if assets else timetable
    if schedule.interval:
        return DeltaTriggerTimetable(schedule.interval)
    return "@continuous" if schedule.continuous else assets


def _assets(schedule: Schedule) -> AssetAll | AssetAny | None:
    if schedule.all_assets:
        return AssetAll(*(asset(name) for name in schedule.all_assets))
    return AssetAny(*(asset(name) for name in schedule.any_assets)) if schedule.any_assets else None
