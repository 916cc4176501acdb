"""SIGKILL in each step at several moments, then a rerun: every record is stored once, and the ledger is right."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest

from finport_ingestion.engine.store.read import open_snapshot
from tests.crash.small_project import SOURCE, rows, write_project
from tests.crash.worker import Moment, run, services_of

STEPS = ("begin", "validate", "connect", "collect", "convert", "quality", "store", "between")
MOMENTS_PER_STEP = 4


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Processes that are forked from one that has imported everything and started nothing."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.crash.worker"])
    return context


def _run(processes: ForkServerContext, folder: Path, run_id: str, fatal: int | None = None) -> Any:
    """What the process answered, or None when it was killed."""
    here, there = processes.Pipe(duplex=False)
    process = processes.Process(target=run, args=(folder, run_id, fatal, there))
    process.start()
    there.close()
    try:
        answer = here.recv()
    except EOFError:
        answer = None
    process.join(60)
    if answer is None:
        assert process.exitcode == -signal.SIGKILL, f"the process ended by itself with {process.exitcode}"
    return answer


def _stored(folder: Path) -> list[tuple[str, str, str]]:
    snapshot = open_snapshot(services_of(folder).places.at(f"store/{SOURCE}"))
    return sorted((row["isin"], str(row["date"]), str(row["price"])) for row in snapshot.to_table().to_pylist())


@pytest.fixture(scope="module")
def moments(processes: ForkServerContext, tmp_path_factory: pytest.TempPathFactory) -> list[Moment]:
    """All that a whole run does, in order."""
    folder = write_project(tmp_path_factory.mktemp("whole"))
    seen, status, failures = _run(processes, folder, "run-1")
    assert status == "succeeded", failures
    assert _stored(folder) == rows()
    return list(seen)


def _chosen(moments: list[Moment], step: str) -> Iterator[int]:
    """First, last and some in between of a step's moments."""
    numbers = [moment.number for moment in moments if moment.step == step]
    if len(numbers) <= MOMENTS_PER_STEP:
        yield from numbers
    else:
        yield from (numbers[round(i * (len(numbers) - 1) / (MOMENTS_PER_STEP - 1))] for i in range(MOMENTS_PER_STEP))


@pytest.mark.parametrize("rerun_id", ["run-1", "run-2"], ids=["same run", "new run"])
@pytest.mark.parametrize("step", STEPS)
def test_a_killed_run_is_made_good_by_the_next(
    step: str, rerun_id: str, moments: list[Moment], processes: ForkServerContext, tmp_path: Path
) -> None:
    for number in _chosen(moments, step):
        folder = write_project(tmp_path / str(number))
        assert _run(processes, folder, "run-1", fatal=number) is None, f"moment {number} was not reached"
        _, status, failures = _run(processes, folder, rerun_id)
        assert not failures, f"moment {number} of {step}: {failures}"
        assert status in ("succeeded", "skipped")
        assert _stored(folder) == rows(), f"moment {number} of {step}"
        state = services_of(folder).state
        assert state.open_sagas() == [], f"moment {number} of {step}"
        overview = {found.source: found for found in state.sources_overview()}
        assert overview[SOURCE].row_count == len(rows()), f"moment {number} of {step}"


def test_the_moments_cover_every_step(moments: list[Moment]) -> None:
    assert {moment.step for moment in moments} >= set(STEPS)
