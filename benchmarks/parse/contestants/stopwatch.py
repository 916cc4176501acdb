"""Times one contestant in this process. Imports only the standard library: dag-factory's process uses it too."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

Moment = tuple[float, float]


def now() -> Moment:
    """Wall and CPU seconds."""
    return time.perf_counter(), time.process_time()


def compare(begun: Moment, load: Callable[[str], Mapping[str, Any]], *, one_dag: bool = False) -> None:
    """Warm up on a project of one workflow, so that every import is done; then time `load` and print the sample.

    Args:
        begun: When the process began to import.
        load: From the input's path to the DAGs by id.
        one_dag: The work is to make one DAG out of the whole input.
    """
    warm_up, measured = sys.argv[1:3]
    load(warm_up)
    imported = now()
    parts = dict.fromkeys(_PARTS, 0.0)
    _PARTS.clear()
    begin = now()
    dags = load(measured)
    end = now()
    told = {
        "wall": end[0] - begin[0],
        "cpu": end[1] - begin[1],
        "imports_wall": imported[0] - begun[0],
        "imports_cpu": imported[1] - begun[1],
        "parts": parts | _PARTS,
        "counts": _counts(dags),
        "shape": "" if one_dag else shape(dags),
    }
    print(json.dumps(told))


_PARTS: dict[str, float] = {}


def part(name: str, work: Callable[..., Any], *arguments: Any) -> Any:
    """What `work` returns; its CPU seconds are added to the part called `name`."""
    begin = time.process_time()
    result = work(*arguments)
    _PARTS[name] = _PARTS.get(name, 0.0) + time.process_time() - begin
    return result


def _counts(dags: Mapping[str, Any]) -> dict[str, int]:
    tasks = [task for dag in dags.values() for task in dag.tasks]
    dependencies = sum(len(task.downstream_task_ids) for task in tasks)
    mapped = sum(bool(getattr(task, "is_mapped", False)) for task in tasks)
    return {"DAGs": len(dags), "tasks": len(tasks), "dependencies": dependencies, "mapped": mapped}


def shape(dags: Mapping[str, Any]) -> str:
    """A digest of all that makes these DAGs what they are; equal digests are equal DAGs.

    Only the digest of the plan is left out, and the documentation that repeats it.
    """
    told = [(dag_id, _dag(dag), [_task(task) for task in dag.tasks]) for dag_id, dag in sorted(dags.items())]
    return hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()


def _dag(dag: Any) -> list[Any]:
    params = {name: param.dump() for name, param in sorted(dag.params.items_as_params())} if _has_params(dag) else {}
    groups = sorted((str(name), group.tooltip) for name, group in dag.task_group.get_task_group_dict().items())
    return [
        dag.description,
        type(dag.timetable).__name__,
        getattr(dag.timetable, "expression", None),
        str(dag.start_date),
        str(dag.dagrun_timeout),
        dag.max_active_runs,
        dag.catchup,
        sorted(dag.tags),
        params,
        groups,
        len(dag.doc_md or "") if params else 0,
    ]


def _has_params(dag: Any) -> bool:
    return hasattr(dag.params, "items_as_params")


_OWN = ("workflow", "source", "step", "phase")
_STATED = (
    "owner",
    "retries",
    "retry_delay",
    "retry_exponential_backoff",
    "max_retry_delay",
    "execution_timeout",
    "priority_weight",
    "pool",
    "trigger_rule",
)


def _task(task: Any) -> list[Any]:
    mapped = getattr(task, "partial_kwargs", {})
    own = [mapped.get(name, getattr(task, name, None)) for name in _OWN]
    stated = [str(getattr(task, name, None)) for name in _STATED]
    outlets = sorted(asset.uri for asset in task.outlets)
    params = sorted(task.params)
    return [task.task_id, task.task_type, sorted(task.downstream_task_ids), bool(mapped), own, stated, outlets, params]
