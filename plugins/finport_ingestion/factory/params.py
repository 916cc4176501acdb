"""The trigger form: which sources, and what to leave out (OF-12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Param

from finport_ingestion.engine.step import Flags

if TYPE_CHECKING:
    from collections.abc import Mapping

    from finport_ingestion.engine.workflow.plan import Plan

_SWITCHES = {
    "force_run_all": "Take everything again: no frequency, dependency or change check, no watermark.",
    "skip_frequency_check": "Run sources that were taken in this period already.",
    "skip_dependency_check": "Run sources whose dependencies have not changed.",
    "skip_change_detection": "Fetch items that look unchanged.",
    "skip_data_quality": "Publish without the quality gate.",
    "dry_run": "Contact the sources, say what would be done, and write nothing.",
}


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
    return {"sources": selection, **switches}


def flags_of(params: Mapping[str, Any]) -> Flags:
    """What a run's parameters ask for."""
    switches: dict[str, Any] = {name: bool(params.get(name, False)) for name in _SWITCHES}
    return Flags(**switches)


def selected(params: Mapping[str, Any], source: str) -> bool:
    """Whether a run works on `source`."""
    chosen = params.get("sources") or []
    return not chosen or source in chosen
