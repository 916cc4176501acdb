"""Runs the small project in a process that can kill itself at the n-th thing it does to disk or database.

Audit events of the interpreter are the moments: opening a file for writing, renaming, linking, removing, connecting to
the state. So the code under test is the real one, unpatched.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

# What the steps import when they run; a forked process finds it here.
import duckdb  # noqa: F401
import sqlalchemy.dialects.sqlite  # noqa: F401

from finport_ingestion.engine.config.catalog import load_catalog
from finport_ingestion.engine.convert import step as _convert  # noqa: F401
from finport_ingestion.engine.errors import Skipped
from finport_ingestion.engine.project import Project
from finport_ingestion.engine.records import StepResult
from finport_ingestion.engine.step import Flags, RunKey
from finport_ingestion.engine.store import step as _store  # noqa: F401
from finport_ingestion.engine.validate import step as _validate  # noqa: F401
from finport_ingestion.engine.workflow.compile import compile_plan
from finport_ingestion.engine.workflow.driver import Ingest
from finport_ingestion.engine.workflow.perform import StepFailed, Unit
from finport_ingestion.engine.workflow.registry import known_actions
from finport_ingestion.engine.workflow.services import Services
from tests.crash.small_project import WORKFLOW

_AFTER = datetime(2026, 2, 1, tzinfo=UTC)
_MOMENTS = {"os.rename", "os.link", "os.remove", "os.mkdir", "sqlite3.connect", "os.rmdir"}


@dataclass(frozen=True)
class Moment:
    """One thing that the process did, in which step."""

    number: int
    step: str
    event: str


class _Recorder:
    """Counts moments, and ends the process at one of them."""

    def __init__(self, fatal: int | None) -> None:
        self.fatal = fatal
        self.step = "begin"
        self.moments: list[Moment] = []
        self.running = True

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.running or not (event in _MOMENTS or (event == "open" and _writes(arguments))):
            return
        number = len(self.moments)
        self.moments.append(Moment(number, self.step, event))
        if number == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)


def _writes(arguments: tuple[Any, ...]) -> bool:
    mode = arguments[1]
    return isinstance(mode, str) and any(letter in mode for letter in "wax+")


class _Traced(Ingest):
    """Says which step is at work."""

    def _unit(self, unit: Unit) -> StepResult | None:
        _RECORDERS[0].step = unit.step
        try:
            return super()._unit(unit)
        finally:
            _RECORDERS[0].step = "between"


_RECORDERS: list[_Recorder] = []


def services_of(folder: Path) -> Services:
    """The project's services, its state made if need be."""
    (folder / ".finport").mkdir(exist_ok=True)
    services = Services.of(Project(folder))
    services.state.upgrade()
    return services


def run(folder: Path, run_id: str, fatal: int | None, answer: Any) -> None:
    """Do one run and send (moments, status, failures) to `answer`; or die at moment `fatal`."""
    services = services_of(folder)
    plan = compile_plan(load_catalog(folder, known_actions=known_actions()), WORKFLOW)
    failures: list[str] = []

    def report(unit: Unit, ending: StepResult | Skipped | StepFailed) -> None:
        if isinstance(ending, StepFailed):
            failures.append(f"{unit.step} {unit.phase}: {ending}")

    recorder = _Recorder(fatal)
    _RECORDERS[:] = [recorder]
    sys.addaudithook(recorder)
    key = RunKey(workflow=WORKFLOW, run_id=run_id, run_after=_AFTER)
    outcome = _Traced(plan=plan, run=key, services=services, flags=Flags(), report=report)()
    recorder.running = False
    answer.send((recorder.moments, outcome.status.value, failures))
