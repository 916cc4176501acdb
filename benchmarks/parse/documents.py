"""A project of many workflows, written into a folder: as our documents, and as dag-factory's files.

The six steps are those of the standard workflow: name, agent, action, minutes, retries, batches at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Tree = dict[str, Any]

_STEPS: tuple[tuple[str, str, str, int, int, int | None], ...] = (
    ("validate", "scheduler", "validate_source_availability", 5, 3, None),
    ("connect", "connector", "establish_secure_connection", 2, 5, None),
    ("collect", "collector", "collect_data_from_source", 30, 3, 4),
    ("convert", "converter", "convert_to_standard_format", 15, 2, 4),
    ("quality", "base-data-quality", "validate_data_quality", 10, 2, None),
    ("store", "base-data-storage", "store_validated_data", 20, 3, None),
)
_AROUND = {"collect": ("discover", "land"), "convert": ("infer", "reconcile")}
_OPERATOR = "airflow.providers.standard.operators.bash.BashOperator"
_COLUMNS = (
    {"name": "symbol", "type": "identifier", "nullable": False, "pattern": "[A-Z]{1,5}", "description": "Ticker."},
    {"name": "date", "type": "date", "nullable": False, "description": "Trading day."},
    {"name": "open", "type": "decimal(18,4)", "minimum": 0},
    {"name": "high", "type": "decimal(18,4)", "minimum": 0},
    {"name": "low", "type": "decimal(18,4)", "minimum": 0},
    {"name": "close", "type": "decimal(18,4)", "nullable": False, "minimum": 0},
    {"name": "volume", "type": "integer", "minimum": 0},
    {"name": "currency", "type": "identifier", "allowed": ["EUR", "GBP", "JPY", "USD"]},
    {"name": "venue", "type": "text", "description": "Where it was traded."},
    {"name": "updated_at", "type": "timestamp(UTC)"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many workflows, and how many sources in each; `name` begins the name of each of them."""

    name: str
    workflows: int
    sources: int


def write_documents(folder: Path, size: Size) -> Path:
    """A project of ours below `folder`: a file for each workflow, and one for its sources. Returns its DAG file."""
    configs = folder / "include" / "configs"
    _write(configs / "policies" / "policies.yaml", _policies())
    _write(configs / "formats" / "formats.yaml", [_format()])
    for number in range(size.workflows):
        name = f"{size.name}-{number:03}"
        _write(configs / "workflows" / f"{name}.yaml", [_workflow(name)])
        _write(configs / "sources" / f"{name}.yaml", (_source(name, index) for index in range(size.sources)))
    dag_file = folder / "dags" / "workflows.py"
    dag_file.parent.mkdir(parents=True)
    dag_file.touch()
    return dag_file


def write_dag_factory(folder: Path, size: Size) -> Path:
    """The same DAGs for dag-factory, each in a file of its own, which it reads faster than one for all."""
    for number in range(size.workflows):
        name = f"{size.name}_{number:03}"
        _write(folder / f"{name}.yaml", [{name: _dag_factory_dag(name, size.sources)}])
    return folder


def _write(path: Path, documents: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.dump_all(documents, Dumper=yaml.CSafeDumper, sort_keys=False))


def _document(kind: str, name: str, labels: Tree, spec: Tree) -> Tree:
    metadata = {"name": name, "labels": labels} if labels else {"name": name}
    return {"apiVersion": "finport.io/v1", "kind": kind, "metadata": metadata, "spec": spec}


def _policies() -> Iterator[Tree]:
    settings = {"retry": {"strategy": "exponential", "delay": "10s", "maxDelay": "10m"}, "quality": {"minScore": 80}}
    told = {"description": "What holds for every source.", "owner": "data-platform"}
    yield _document("Policy", "default", {}, {**told, "settings": settings})
    yield _document("Policy", "market-data", {}, {**told, "settings": {"quality": {"minCompleteness": 0.98}}})


def _format() -> Tree:
    spec = {"description": "CSV with a header.", "owner": "data-platform", "convert": {"format": "csv"}}
    return _document("Format", "csv-default", {}, spec)


def _source(workflow: str, index: int) -> Tree:
    name = f"{workflow}-source-{index}"
    spec = {
        "description": f"Daily prices, part {index}, dropped as CSV files into a folder.",
        "owner": "market-data",
        "source": {"protocol": "file", "connection": "files", "pattern": f"{name}-*.csv"},
        "format": "csv-default",
        "incremental": {"field": "date"},
        "dataset": f"{name}-prices",
        "contract": {"mode": "evolve", "key": ["symbol", "date"], "columns": [dict(each) for each in _COLUMNS]},
        "policy": "market-data",
        "overrides": {"store": {"storage": "parquet", "partitionBy": ["symbol"]}},
    }
    return _document("Source", name, {"workflow": workflow, "group": "market-data"}, spec)


def _workflow(name: str) -> Tree:
    spec = {
        "description": "Collects its sources, converts, checks and stores them.",
        "owner": "data-platform",
        "schedule": {"cron": "0 */6 * * *", "timeZone": "UTC"},
        "sources": {"matchLabels": {"workflow": name}},
        "timeout": "2h",
        "tags": ["standard"],
        "steps": [_step(*step) for step in _STEPS],
    }
    return _document("Workflow", name, {"tier": "standard"}, spec)


def _step(name: str, agent: str, action: str, *limits: int | None) -> Tree:
    minutes, retries, parallel = limits
    step = {"name": name, "agent": agent, "action": action, "timeout": f"{minutes}m", "retries": retries}
    return {**step, "parallel": parallel} if parallel else step


def _dag_factory_dag(name: str, sources: int) -> Tree:
    groups = [f"{name.replace('_', '-')}-source-{index}" for index in range(sources)]
    tasks: Tree = {"begin": {"operator": _OPERATOR, "bash_command": "true"}}
    for group in groups:
        tasks |= _dag_factory_group(group)
    ends = [f"store-{group}" for group in groups]
    tasks["finish"] = {"operator": _OPERATOR, "bash_command": "true", "trigger_rule": "all_done", "dependencies": ends}
    return {
        "description": "Collects its sources, converts, checks and stores them.",
        "schedule": "0 */6 * * *",
        "start_date": "2024-01-01",
        "catchup": False,
        "max_active_runs": 1,
        "dagrun_timeout": _duration(120),
        "tags": ["standard", "finport"],
        "default_args": {"owner": "market-data", "retry_exponential_backoff": True, "retry_delay": _duration(1)},
        "task_groups": {group: {"tooltip": "Daily prices."} for group in groups},
        "tasks": tasks,
    }


def _dag_factory_group(group: str) -> Tree:
    """The tasks of one source. Their names hold the group's: dag-factory wants them unique in the DAG."""
    tasks: Tree = {}
    before = "begin"
    for step, _, _, minutes, retries, parallel in _STEPS:
        first, last = _AROUND.get(step, (step, step))
        for part in (first, step, last) if parallel else (step,):
            task: Tree = {
                "operator": _OPERATOR,
                "bash_command": "true",
                "task_group_name": group,
                "retries": retries,
                "execution_timeout": _duration(minutes),
                "dependencies": [before],
            }
            before = f"{part}-{group}"
            if parallel and part == step:
                task["expand"] = {"env": f"{group}.{first}-{group}.output"}
            tasks[before] = task
    tasks[before]["outlets"] = [f"finport://dataset/{group}-prices"]
    return tasks


def _duration(minutes: int) -> Tree:
    return {"__type__": "datetime.timedelta", "minutes": minutes}
