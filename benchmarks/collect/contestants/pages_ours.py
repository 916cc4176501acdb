"""Ours: the HTTP source with a gate that stands open, pages in order, counted and dropped."""

from __future__ import annotations

from benchmarks.convert.contestants.stopwatch import now

begun = now()

import dataclasses  # noqa: E402

from benchmarks.collect.contestants.pages import timed  # noqa: E402
from finport_ingestion.engine.clock import Deadline  # noqa: E402
from finport_ingestion.engine.resilience.gate import Answer  # noqa: E402
from finport_ingestion.engine.sources.http_api import HttpSource  # noqa: E402
from tests.conformance.sources.access import access, connection  # noqa: E402

_SECONDS = 3600


class OpenGate:
    """Nobody waits."""

    def admitted_now(self) -> bool:
        return True

    def admit(self, deadline: Deadline) -> None:
        return

    def report(self, answer: Answer) -> None:
        return


def fetched(url: str, ca_path: str, connections: int, pages: int) -> list[int]:
    """The number of pages and of bytes."""
    options = HttpSource.Options.model_validate(
        {
            "protocol": "http",
            "query": {"pages": str(pages)},
            "pagination": {"style": "page", "totalPages": "pages", "maxPages": pages},
        }
    )
    spec = connection("finport_http", host=url, extra={"ca_file": ca_path})
    given = access(
        spec,
        seconds=_SECONDS,
        protection={"allow_plaintext": True},
        connections=connections,
        request_timeout_seconds=60.0,
    )
    source = HttpSource(options, dataclasses.replace(given, gate=OpenGate()))
    found = [0, 0]
    for item in source.discover(None):
        for delivery in source.open(item):
            found[0] += 1
            found[1] += len(delivery.stream.read())
    return found


if __name__ == "__main__":
    timed(begun, fetched)
