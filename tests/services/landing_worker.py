"""Lands one file in a process of its own, slowly enough to be killed on the way.

Arguments: a JSON object with `root` (the landing area), `options` and `extra` of a source, its protocol in `options`,
`stated` of the connection, `ranges`, and `pause_seconds` before each block. Prints what it fetched, as JSON.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

from finport_ingestion.engine.clock import SystemClock
from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.files.streams import joined
from finport_ingestion.engine.sources.interface import Delivery, Span
from finport_ingestion.engine.sources.registry import PROTOCOLS
from tests.conformance.sources.access import access, connection
from tests.unit.collect.shelf import LandingArea

_BLOCK_BYTES = 64 * 1024


class Slowed:
    """A source that pauses before each block, and counts what it gives."""

    Options = None

    def __init__(self, source: Any, pause_seconds: float) -> None:
        self._source = source
        self._pause_seconds = pause_seconds
        self.given_bytes = 0

    def check(self) -> str:
        return cast("str", self._source.check())

    def replaces(self, after: Any) -> Any:
        return self._source.replaces(after)

    def discover(self, after: Any) -> Iterator[SourceItem]:
        yield from self._source.discover(after)

    def open(self, item: SourceItem, span: Span | None = None) -> Iterator[Delivery]:
        for delivery in self._source.open(item, span):
            yield dataclasses.replace(delivery, stream=joined(self._blocks(delivery.stream)))

    def _blocks(self, stream: IO[bytes]) -> Iterator[bytes]:
        while block := stream.read(_BLOCK_BYTES):
            time.sleep(self._pause_seconds)
            self.given_bytes += len(block)
            yield block


def main() -> None:
    """Land it."""
    wish = json.loads(sys.argv[1])
    protocol = PROTOCOLS.get(wish["options"]["protocol"])
    spec = connection("any", extra=wish["extra"], **wish["stated"])
    source = Slowed(protocol(protocol.Options.model_validate(wish["options"]), access(spec)), wish["pause_seconds"])
    (item,) = source.discover(None)
    item = dataclasses.replace(item, ranges=wish["ranges"])
    area = LandingArea.at(Path(wish["root"]), downloads={"rangeBytes": 1 << 20, "ranges": 4})
    area.clock = SystemClock()
    (part,) = area.land(item, source)
    print(json.dumps({"uri": part.uri, "sha256": part.sha256, "given_bytes": source.given_bytes}))


if __name__ == "__main__":
    main()
