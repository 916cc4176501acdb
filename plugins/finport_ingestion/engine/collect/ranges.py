"""Several ranges of an item at a time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from finport_ingestion.engine.collect.partial import Partial
from finport_ingestion.engine.collect.transfer import Transfer
from finport_ingestion.engine.config.models.settings import DownloadSettings
from finport_ingestion.engine.records import SourceItem


@dataclass(frozen=True, slots=True, kw_only=True)
class RangePlan:
    """How an item is cut."""

    size_bytes: int
    range_bytes: int
    at_a_time: int

    @staticmethod
    def of(item: SourceItem, settings: DownloadSettings) -> RangePlan | None:
        """None where one stream does: the item is small, of unknown size, or given in one range at a time only."""
        at_a_time = min(item.ranges, settings.ranges)
        if item.size_bytes is None or item.size_bytes <= settings.range_bytes or at_a_time == 1:
            return None
        return RangePlan(size_bytes=item.size_bytes, range_bytes=settings.range_bytes, at_a_time=at_a_time)


def fill(partial: Partial, transfer: Transfer, plan: RangePlan, *, advanced: Callable[[], None]) -> None:
    """Fetch what is missing of a partial file, each range to its place.

    Args:
        advanced: Called in this thread after each range, in whatever order they come.

    Raises:
        FinportError: What the first range that failed raised; the others are ended at their next bytes.
    """
    stopped = threading.Event()

    def fetch(start: int, stop: int) -> None:
        with partial.writing(start) as run:
            for chunk in transfer.chunks(start, stop):
                run.write(chunk)
                if stopped.is_set():
                    return

    missing = partial.missing(plan.size_bytes, at_most=plan.range_bytes)
    with ThreadPoolExecutor(plan.at_a_time, thread_name_prefix="range") as threads:
        futures = [threads.submit(fetch, *span) for span in missing]
        try:
            for future in as_completed(futures):
                future.result()
                advanced()
        except BaseException:
            stopped.set()
            for future in futures:
                future.cancel()
            raise


def in_order(transfer: Transfer, plan: RangePlan) -> Iterator[bytes]:
    """The whole, range by range, where it cannot be written at offsets: at most `at_a_time` of them are in memory."""
    waiting: deque[Future[list[bytes]]] = deque()
    starts = iter(range(0, plan.size_bytes, plan.range_bytes))
    with ThreadPoolExecutor(plan.at_a_time, thread_name_prefix="range") as threads:

        def ask() -> None:
            start = next(starts, None)
            if start is not None:
                stop = min(start + plan.range_bytes, plan.size_bytes)
                waiting.append(threads.submit(lambda: list(transfer.chunks(start, stop))))

        try:
            for _ in range(plan.at_a_time):
                ask()
            while waiting:
                chunks = waiting.popleft().result()
                ask()
                yield from chunks
        finally:
            for future in waiting:
                future.cancel()
