"""The pages of events and errors."""

from __future__ import annotations

import importlib
import inspect
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import finport_ingestion.engine
from docs.generated_tables import table
from finport_ingestion.cli.exits import Ending
from finport_ingestion.engine import errors
from finport_ingestion.engine.events.event import Event, EventType, Occasion, facts_of
from finport_ingestion.engine.records import StepResult
from finport_ingestion.engine.step import Phase, RunKey
from finport_ingestion.engine.workflow.registry import ACTIONS, action

_DEFINES = re.compile(rf"^class \w+\(({'|'.join(name for name in dir(errors) if name[0].isupper())})\):", re.MULTILINE)
_EVENTS = """\
# Events

Facts about runs as [CloudEvents 1.0](https://cloudevents.io) in JSON. They are written into the state database in the
transaction that they tell of, and sent by the [relays](relays.md) at least once: the same fact always has the same
`id`, so a consumer drops repetitions by it. `subject` is the dataset, or the workflow for events of a whole run.
Events hold counts, places and reasons; never a value of a record, never a secret.
"""
_RUN_EVENTS = {
    EventType.WORKFLOW_STARTED: "a run begins",
    EventType.WORKFLOW_COMPLETED: "a run ended and no source failed",
    EventType.WORKFLOW_FAILED: "a run ended and a source failed",
}
_RUN_FACTS = {
    EventType.WORKFLOW_STARTED: ("workflow", "run_id", "sources", "plan"),
    EventType.WORKFLOW_COMPLETED: ("workflow", "run_id", "status"),
    EventType.WORKFLOW_FAILED: ("workflow", "run_id", "status", "failed"),
}
_LOGIN = ("method", "connection")
_API_EVENTS = {
    EventType.CIRCUIT_OPENED: ("a source is left alone", ("source", "credential", "reason", "retry_seconds")),
    EventType.CIRCUIT_TRIED: ("one request tries it again", ("source", "credential", "reason")),
    EventType.CIRCUIT_CLOSED: ("it has answered", ("source", "credential", "reason")),
    EventType.LIMITER_LOST: ("the store of the rates is down: each process takes its share", ("source", "reason")),
    EventType.LIMITER_BACK: ("the store of the rates is back", ("source",)),
    EventType.QUOTA_USED: ("the requests of the day are used", ("source", "wait_seconds")),
    EventType.SOURCE_UNHEALTHY: ("a health check fails that did not before", ("source", "error", "seconds")),
    EventType.SOURCE_HEALTHY: ("a health check is answered that was not before", ("source", "seconds")),
    EventType.SOURCE_SWITCHED: ("a fallback stands in for a source", ("source", "dataset", "served_by", "reason")),
    EventType.SOURCE_RETURNED: ("a source publishes again itself", ("source", "dataset", "served_by", "instead_of")),
    EventType.DATASET_STALE: (
        "neither a source nor its fallbacks answer",
        ("source", "dataset", "stale_since", "published_at", "reason"),
    ),
    EventType.PROTECTION_LOWERED: ("a run uses a weaker protection", ("source", "measure", "reason")),
    EventType.AUTHENTICATED: (
        "`connector/establish_secure_connection` was accepted; once for a run and source",
        ("source", *_LOGIN),
    ),
    EventType.ACCESS_REFUSED: (
        "a try of a step, or a look at a source outside its runs, ended in a refusal",
        ("source", *_LOGIN, "error", "step", "try_number"),
    ),
    EventType.TOKEN_OBTAINED: (
        "a token was fetched, or came of a consent; not when a kept one is used",
        ("source", *_LOGIN, "ends_at"),
    ),
    EventType.CREDENTIALS_ROTATED: (
        "a connection that was read once more held other credentials; once for a run and source",
        ("source", *_LOGIN),
    ),
}
_LEFT_OUT = """\
Keys without a value are left out. Events of a source that belong to a run also hold `workflow` and `run_id`. `method`
is the Authentication's, or the protocol where that brings the connection's login itself; `connection` is its id."""
_STEP_FACTS = ("workflow", "run_id", "source", "dataset", "step")
_PHASES = {Phase.RUN: "is done", Phase.SPLIT: "has dealt its work", Phase.SEAL: "is closed"}
_ERRORS = """\
# Errors

Every error says where and what, and carries the fix. Its kind decides what happens next.

| kind | retried | what happens |
| --- | --- | --- |
| `ConfigError` | no | a document, connection or setting is wrong; the task fails at once |
| `TransientError` | yes | as often as the step's `retries` allow, with the waits of the policy's `retry` |
| `PermanentError` | no | the task fails at once: a person has to act |
| `RecordRejected` | no | one record goes to quarantine and the run goes on |
| `Skipped` | no | nothing to do; the task is skipped with the reason |

An error that is none of these (a fault in a library, a worker that dies) is retried like a `TransientError`.
A source that asks for a wait (`Retry-After`) gets it instead of the policy's. A retry that cannot finish in the time
that the run has left is not started. When no further try is made, what the source had published in this run is taken
back, and nothing of the other sources. On the command line, errors end with code {refused}, faults of finport with
{fault}: see [exit codes](commands.md#exit-codes).
"""


def events_page() -> str:
    """Every event that is told, when, and with what."""
    rows = [*_step_events(), *((f"`{kind}`", told, _listed(_RUN_FACTS[kind])) for kind, told in _RUN_EVENTS.items())]
    rows += [(f"`{kind}`", told, _listed(facts)) for kind, (told, facts) in _API_EVENTS.items()]
    lines = [_EVENTS, table(("type", "when", "data"), rows), "", _LEFT_OUT, ""]
    lines += ["## An example", "", "```json", json.dumps(_example(), indent=2), "```", ""]
    return "\n".join(lines)


def errors_page() -> str:
    """The tree of errors."""
    load_errors()
    lines = [_ERRORS.format(refused=Ending.REFUSED.value, fault=Ending.FAULT.value)]
    for kind in errors.FinportError.__subclasses__():
        rows = [(f"`{each.__name__}`", _summary(each)) for each in (kind, *_below(kind))]
        lines += [f"## {kind.__name__}", "", table(("error", "meaning"), rows), ""]
    return "\n".join(lines)


def load_errors() -> None:
    """Import the modules of the engine that define errors of their own, and nothing heavy."""
    root = Path(finport_ingestion.engine.__file__).parent
    for path in sorted(root.rglob("*.py")):
        if _DEFINES.search(path.read_text(encoding="utf-8")):
            inner = path.relative_to(root).with_suffix("").as_posix().replace("/", ".")
            importlib.import_module(f"finport_ingestion.engine.{inner}")


def _step_events() -> Iterator[tuple[str, str, str]]:
    for key in ACTIONS.names():
        entry = action(*key.split("/", 1))
        for phase, name in ((phase, name) for phase, names in entry.announces.items() for name in names):
            schema = ("schema",) if name in ("schema_inferred", "format_converted") else ()
            yield (
                f"`{EventType.named(name)}`",
                f"`{key}` {_PHASES[phase]}",
                _listed((*_STEP_FACTS, *_facts(), *schema)),
            )
        if entry.announces_failure:
            facts = _listed((*_STEP_FACTS, "try_number", "error"))
            yield (f"`{EventType.named(entry.announces_failure)}`", f"a try of `{key}` failed", facts)


def _facts() -> tuple[str, ...]:
    return tuple(facts_of(StepResult()))


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _example() -> object:
    at = datetime(2026, 1, 5, 6, 0, 12, tzinfo=UTC)
    run = RunKey(workflow="base-standard-ingestion-workflow", run_id="scheduled__2026-01-05T06:00:00", run_after=at)
    occasion = Occasion(run=run, source="demo-equities", dataset="equity-prices", step="collect")
    result = StepResult(items=1, size_bytes=1_048_576)
    event = Event.of(EventType.COLLECTION_COMPLETED, occasion, at=at, facts=facts_of(result))
    return json.loads(event.to_json())


def _below(kind: type[errors.FinportError]) -> Iterator[type[errors.FinportError]]:
    for each in sorted(kind.__subclasses__(), key=lambda found: found.__name__):
        yield each
        yield from _below(each)


def _summary(kind: type[errors.FinportError]) -> str:
    return inspect.cleandoc(kind.__doc__ or "").split("\n\n")[0]
