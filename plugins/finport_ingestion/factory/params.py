"""The trigger form: which sources, and what to leave out (OF-12)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import Param

from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.step import Flags

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk import Context

    from finport_ingestion.engine.workflow.plan import Plan

_SWITCHES = {
    "force_run_all": "Take everything again: no frequency, dependency or change check, no watermark.",
    "skip_frequency_check": "Run sources that were taken in this period already.",
    "skip_dependency_check": "Run sources whose dependencies have not changed.",
    "skip_change_detection": "Fetch items that look unchanged.",
    "skip_data_quality": "Publish without the quality gate.",
    "dry_run": "Contact the sources, say what would be done, and write nothing.",
}

_WINDOW = {
    "backfill_from": "Take the records from this value of the incremental field on again; the watermark stays.",
    "backfill_until": "The end of that window, which is not part of it.",
}

Window = tuple[datetime, datetime]


def trigger_params(plan: Plan) -> dict[str, Param]:
    """The parameters of a plan's DAG."""
    names = [source.name for source in plan.sources]
    selection = Param(
        default=[],
        type="array",
        title="Sources",
        description="The sources to work on; all when none is chosen.",
        items={"type": "string", "enum": names},
        examples=names,
    )
    switches = {
        name: Param(default=False, type="boolean", title=name.replace("_", " ").capitalize(), description=text)
        for name, text in _SWITCHES.items()
    }
    window = {
        name: Param(default=None, type=["null", "string"], title=name.replace("_", " ").capitalize(), description=text)
        for name, text in _WINDOW.items()
    }
    return {"sources": selection, **switches, **window}


def flags_of(params: Mapping[str, Any], window: Window | None = None) -> Flags:
    """What a run's parameters ask for.

    Args:
        window: What a run of `airflow backfill` stands for, where the parameters state none.
    """
    switches: dict[str, Any] = {name: bool(params.get(name, False)) for name in _SWITCHES}
    stated: dict[str, Any] = {name: params.get(name) or None for name in _WINDOW}
    if window is not None and not any(stated.values()):
        stated = dict(zip(_WINDOW, (moment.isoformat() for moment in window), strict=True))
    return Flags(**switches, **stated)


def window_of(context: Context) -> Window | None:
    """The data interval of a run that `airflow backfill` has made; None for any other, or where parameters state one.

    Raises:
        ConfigError: Its schedule gives the run no interval.
    """
    run = context["dag_run"]
    if run.run_type != "backfill" or any(context["params"].get(name) for name in _WINDOW):
        return None
    start, end = run.data_interval_start, run.data_interval_end
    if start is None or end is None or start >= end:
        raise ConfigError(
            f"run {run.run_id} of a backfill stands for no interval of time.",
            hint="state backfill_from and backfill_until: airflow backfill create --dag-run-conf"
            ' \'{"backfill_from": "2026-01-01", "backfill_until": "2026-02-01"}\' ...',
        )
    return start, end


def selected(params: Mapping[str, Any], source: str) -> bool:
    """Whether a run works on `source`."""
    chosen = params.get("sources") or []
    return not chosen or source in chosen
