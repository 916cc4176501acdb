"""The least that makes these very DAGs: a loop over the documents as plain dictionaries, with our operator classes.

It checks nothing, knows the six steps by heart, and trusts every key to be there. What it makes is what ours makes: the
same tasks with the same arguments, mapped tasks, groups, dependencies, parameters, assets and documentation. It also
sets the parameters when the tasks are there, as ours does; `loop_usual` has them where people write them.
"""

from __future__ import annotations

from benchmarks.parse.contestants.stopwatch import compare, now

begun = now()

import hashlib  # noqa: E402
import re  # noqa: E402
from datetime import UTC, datetime, timedelta  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import yaml  # noqa: E402
from airflow.sdk import DAG, Asset, CronTriggerTimetable, Param, TaskGroup  # noqa: E402
from airflow.sdk.definitions.param import ParamsDict  # noqa: E402

from finport_ingestion.operators.collector import CollectOperator  # noqa: E402
from finport_ingestion.operators.connector import ConnectOperator  # noqa: E402
from finport_ingestion.operators.converter import ConvertOperator  # noqa: E402
from finport_ingestion.operators.quality import QualityOperator  # noqa: E402
from finport_ingestion.operators.run import BeginRunOperator, FinishRunOperator  # noqa: E402
from finport_ingestion.operators.scheduler import ScheduleOperator  # noqa: E402
from finport_ingestion.operators.storage import StorageOperator  # noqa: E402
from finport_ingestion.retry.policy import FinportRetryPolicy  # noqa: E402

Tree = dict[str, Any]

OPERATORS: dict[str, Any] = {
    "scheduler": ScheduleOperator,
    "connector": ConnectOperator,
    "collector": CollectOperator,
    "converter": ConvertOperator,
    "base-data-quality": QualityOperator,
    "base-data-storage": StorageOperator,
}
AROUND = {"collect": ("discover", "land"), "convert": ("infer", "reconcile")}
SWITCHES = {
    "force_run_all": "Take everything again: no frequency, dependency or change check, no watermark.",
    "skip_frequency_check": "Run sources that were taken in this period already.",
    "skip_dependency_check": "Run sources whose dependencies have not changed.",
    "skip_change_detection": "Fetch items that look unchanged.",
    "skip_data_quality": "Publish without the quality gate.",
    "dry_run": "Contact the sources, say what would be done, and write nothing.",
}
START = datetime(2024, 1, 1, tzinfo=UTC)
UNITS = {"h": "hours", "m": "minutes", "s": "seconds"}


def load(dag_file: str, *, params_first: bool = False) -> dict[str, DAG]:
    """The DAGs by id.

    Args:
        params_first: Give the parameters to `DAG(...)`; Airflow then copies them into every task.
    """
    configs = Path(dag_file).parents[1] / "include" / "configs"
    policies = {each["metadata"]["name"]: each["spec"]["settings"] for each in read(configs / "policies")}
    sources: dict[str, list[Tree]] = {}
    for source in read(configs / "sources"):
        sources.setdefault(source["metadata"]["labels"]["workflow"], []).append(source)
    return dict(
        build(workflow, sources[workflow["metadata"]["name"]], policies, params_first=params_first)
        for workflow in read(configs / "workflows")
    )


def read(folder: Path) -> list[Tree]:
    """Every document of every file in `folder`."""
    files = sorted(folder.glob("*.yaml"))
    return [each for file in files for each in yaml.load_all(file.read_bytes(), Loader=yaml.CSafeLoader)]


def build(workflow: Tree, sources: list[Tree], policies: Tree, *, params_first: bool) -> tuple[str, DAG]:
    """One DAG with its id."""
    name, spec = workflow["metadata"]["name"], workflow["spec"]
    dag_id = name.replace("-", "_")
    digest = hashlib.sha256(repr((workflow, sources, policies)).encode()).hexdigest()
    with DAG(
        dag_id=dag_id,
        description=spec["description"],
        schedule=CronTriggerTimetable(spec["schedule"]["cron"], timezone=spec["schedule"]["timeZone"]),
        start_date=START,
        catchup=False,
        max_active_runs=spec.get("maxActiveRuns", 1),
        dagrun_timeout=duration(spec["timeout"]),
        params=params(sources) if params_first else None,
        tags={*spec["tags"], *workflow["metadata"]["labels"].values(), "finport"},
        doc_md=documentation(name, spec, sources, digest),
        default_args={
            "owner": spec["owner"],
            "retries": 3,
            "retry_delay": timedelta(seconds=10),
            "retry_policy": FinportRetryPolicy(),
        },
    ) as dag:
        begin = BeginRunOperator(task_id="begin", workflow=name, plan_digest=digest)
        finish = FinishRunOperator(task_id="finish", workflow=name, plan_digest=digest)
        for source in sources:
            first, last = group(name, digest, source, spec["steps"], policies)
            begin >> first
            last >> finish
    if not params_first:
        dag.params = ParamsDict(params(sources))
    return dag_id, dag


def group(workflow: str, digest: str, source: Tree, steps: list[Tree], policies: Tree) -> tuple[Any, Any]:
    """The tasks of one source; the first and the last of them."""
    name, spec = source["metadata"]["name"], source["spec"]
    retry = {**policies["default"]["retry"], **policies[spec["policy"]].get("retry", {})}
    asset = Asset(name=spec["dataset"], uri=f"finport://dataset/{spec['dataset']}")
    first = last = None
    with TaskGroup(group_id=name, tooltip=spec["description"]):
        for step in steps:
            stated = {"workflow": workflow, "plan_digest": digest, "source": name, "owner": spec["owner"]}
            stated |= arguments(step, retry)
            if step["name"] == "store":
                stated["outlets"] = [asset]
            start, end = tasks(step, stated)
            if last is not None:
                last >> start
            first, last = first or start, end
    return first, last


def arguments(step: Tree, retry: Tree) -> Tree:
    """What the tasks of a step are told besides their source."""
    return {
        "step": step["name"],
        "retries": step["retries"],
        "retry_delay": duration(retry["delay"]),
        "retry_exponential_backoff": 2 if retry["strategy"] == "exponential" else 0,
        "max_retry_delay": duration(retry["maxDelay"]),
        "execution_timeout": duration(step["timeout"]),
        "priority_weight": step.get("priority", 1),
    }


def tasks(step: Tree, stated: Tree) -> tuple[Any, Any]:
    """One task, or three of a step that splits its work; the first and the last of them."""
    operator = OPERATORS[step["agent"]]
    if "parallel" not in step:
        task = operator(task_id=step["name"], phase="run", **stated)
        return task, task
    before, after = AROUND[step["name"]]
    start = operator(task_id=before, phase="split", **stated)
    work = operator.partial(task_id=step["name"], phase="batch", **stated).expand(batch=start.output)
    end = operator(task_id=after, phase="seal", **stated)
    work >> end
    return start, end


def params(sources: list[Tree]) -> dict[str, Param]:
    """The trigger form."""
    names = [source["metadata"]["name"] for source in sources]
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
        for name, text in SWITCHES.items()
    }
    return {"sources": selection, **switches}


def documentation(name: str, spec: Tree, sources: list[Tree], digest: str) -> str:
    """The page beside the DAG."""
    told = [(source["metadata"]["name"], source["spec"]) for source in sources]
    return "\n".join(
        [
            f"### {name}",
            "",
            spec["description"],
            "",
            "| source | dataset | protocol | what it is |",
            "|---|---|---|---|",
            *(f"| {name} | {s['dataset']} | {s['source']['protocol']} | {s['description']} |" for name, s in told),
            "",
            "| step | agent | action | timeout | retries | parallel |",
            "|---|---|---|---|---|---|",
            *(
                f"| {s['name']} | {s['agent']} | `{s['action']}` | {s['timeout']} | {s['retries']} "
                f"| {s.get('parallel', '')} |"
                for s in spec["steps"]
            ),
            "",
            f"A run has {spec['timeout']}. Plan `{digest[:12]}`.",
        ]
    )


def duration(text: str) -> timedelta:
    """`1h30m` as a time."""
    return timedelta(**{UNITS[unit]: int(amount) for amount, unit in re.findall(r"(\d+)([hms])", text)})


if __name__ == "__main__":
    compare(begun, load)
