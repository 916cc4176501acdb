"""Publishers that are killed, that race, and readers beside them: all of a publication is visible, or nothing."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from typing import Any

import pytest

from finport_ingestion.engine.errors import SourceItemMissing
from finport_ingestion.engine.records import Replaces
from finport_ingestion.engine.store.interface import PublishRequest, Storage
from tests.conformance.storages.adapters import StorageMaker
from tests.conformance.storages.delivery import Deliveries, contents, price, values
from tests.conformance.storages.worker import publish_all, publish_and_die

BEFORE = [price("AAPL", day, "1.0000") for day in range(1, 4)]
AFTER = {
    "a": [price("AAPL", day, "2.0000") for day in range(1, 5)],
    "b": [price("MSFT", day, "3.0000") for day in range(1, 5)],
}
ALL = [row for rows in AFTER.values() for row in rows]


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Processes that are forked from one that has imported everything and started nothing."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.conformance.storages.worker"])
    return context


def _start(processes: ForkServerContext, target: Any, *arguments: Any) -> tuple[BaseProcess, Connection]:
    here, there = processes.Pipe()
    process = processes.Process(target=target, args=(*arguments, there))
    process.start()
    there.close()
    return process, here


def _moments(
    processes: ForkServerContext, maker: StorageMaker, request: PublishRequest, fatal: int | None
) -> int | None:
    """How many moments a publication had; None when the process was killed at one of them."""
    process, answers = _start(processes, publish_and_die, maker, request, fatal)
    count: int | None
    try:
        count = answers.recv()
    except EOFError:
        count = None
    process.join(60)
    assert process.exitcode == (0 if count is not None else -signal.SIGKILL)
    return count


@pytest.mark.parametrize("rerun", ["run-2", "run-3"], ids=["same run", "new run"])
def test_a_publisher_killed_at_any_moment_leaves_all_or_nothing_and_is_made_good(
    maker: StorageMaker, deliveries: Deliveries, processes: ForkServerContext, rerun: str
) -> None:
    request = _prepared(maker.open(), deliveries)
    count = _moments(processes, maker, request, None)
    assert count is not None
    assert count > 3
    for fatal in _spread(count):
        _back_to_start(maker.open())
        assert _moments(processes, maker, request, fatal) is None, f"moment {fatal} of {count} was not reached"
        _check_all_or_nothing(maker.open())
        maker.open().publish(deliveries.request(AFTER, run=rerun, replaces=Replaces.SOURCE))
        assert contents(maker.open()) == values(*ALL), f"moment {fatal} of {count}"
        (last, *_) = reversed(maker.open().publications())
        assert last.run_id in ("run-2", rerun)
        _take_back(maker.open(), rerun)


def test_a_publisher_killed_after_any_time_leaves_all_or_nothing(
    maker: StorageMaker, deliveries: Deliveries, processes: ForkServerContext
) -> None:
    request = _prepared(maker.open(), deliveries)
    process, answers = _start(processes, publish_all, maker, [request])
    answers.recv()
    began = time.monotonic()
    answers.send("go")
    assert answers.recv() == "done"
    took = time.monotonic() - began
    process.join(60)
    for tenth in range(10):
        _back_to_start(maker.open())
        process, answers = _start(processes, publish_all, maker, [request])
        answers.recv()
        answers.send("go")
        time.sleep(took * tenth / 10)
        process.kill()
        process.join(60)
        _check_all_or_nothing(maker.open())
        maker.open().publish(deliveries.request(AFTER, run="run-3", replaces=Replaces.SOURCE))
        assert contents(maker.open()) == values(*ALL), f"{tenth}/10 of {took:.3f} s"
        _take_back(maker.open(), "run-3")


def test_publishers_of_two_sources_both_end_up_visible(
    maker: StorageMaker, deliveries: Deliveries, processes: ForkServerContext
) -> None:
    sources, count = ("exchange", "vendor"), 8
    started = []
    for source in sources:
        requests = [
            deliveries.request({f"f{number}": [price(source, number, "1.0000")]}, source=source, run=f"run-{number}")
            for number in range(1, count + 1)
        ]
        started.append(_start(processes, publish_all, maker, requests))
    _race(started)

    expected = [price(source, number, "1.0000") for source in sources for number in range(1, count + 1)]
    assert contents(maker.open()) == values(*expected)
    assert len(maker.open().publications()) == len(expected)


def test_two_runs_with_the_same_items_publish_them_once(
    maker: StorageMaker, deliveries: Deliveries, processes: ForkServerContext
) -> None:
    requests = [deliveries.request(AFTER, run=run) for run in ("run-1", "run-2", "run-3")]
    _race([_start(processes, publish_all, maker, [request]) for request in requests])

    assert contents(maker.open()) == values(*ALL)
    assert len(maker.open().publications()) == 1


def test_a_reader_never_sees_half_of_a_publication(
    maker: StorageMaker, deliveries: Deliveries, processes: ForkServerContext
) -> None:
    requests = [
        deliveries.request(
            {item: [price(item, day, f"{version}.0000") for day in range(1, 20)] for item in "abc"},
            run=f"run-{version}",
            replaces=Replaces.SOURCE,
        )
        for version in range(1, 15)
    ]
    process, answers = _start(processes, publish_all, maker, requests)
    answers.recv()
    answers.send("go")
    storage, seen = maker.open(), set()
    while not answers.poll():
        try:
            rows = storage.read(["close"]).column("close").to_pylist()
        except SourceItemMissing:
            continue
        assert len(rows) == 57
        assert len(set(rows)) == 1
        seen.add(rows[0])
    process.join(60)
    assert seen


def _race(started: Sequence[tuple[BaseProcess, Connection]]) -> None:
    for _, answers in started:
        answers.recv()
    for _, answers in started:
        answers.send("go")
    for process, answers in started:
        assert answers.recv() == "done"
        process.join(60)


def _prepared(storage: Storage, deliveries: Deliveries) -> PublishRequest:
    """Something is published; the request replaces all of it."""
    storage.publish(deliveries.request({"a": BEFORE}))
    return deliveries.request(AFTER, run="run-2", replaces=Replaces.SOURCE)


def _back_to_start(storage: Storage) -> None:
    _take_back(storage, "run-2")
    assert contents(storage) == values(*BEFORE)


def _take_back(storage: Storage, run: str) -> None:
    storage.retract("exchange", run)
    storage.retract("exchange", "run-2")


def _check_all_or_nothing(storage: Storage) -> None:
    published = storage.find("run-2", "exchange")
    assert contents(storage) == (values(*ALL) if published else values(*BEFORE))


def _spread(count: int, most: int = 12) -> list[int]:
    """All moments, or so many of them from first to last."""
    if count <= most:
        return list(range(count))
    return sorted({round(place * (count - 1) / (most - 1)) for place in range(most)})
