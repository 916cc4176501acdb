"""Ours: an item of a source into the landing area, as the collect step lands it, in this process."""

from __future__ import annotations

from benchmarks.convert.contestants.stopwatch import memory_peak, now

begun = now()

import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from finport_ingestion.engine.clock import SystemClock  # noqa: E402
from finport_ingestion.engine.records import Part  # noqa: E402
from finport_ingestion.engine.sources.registry import PROTOCOLS  # noqa: E402
from tests.conformance.sources.access import access, connection  # noqa: E402
from tests.unit.collect.shelf import LandingArea  # noqa: E402


def main() -> None:
    """Land the small file, so that every import is done; then, from a new login on, the other one."""
    wish, out = json.loads(sys.argv[1]), Path(sys.argv[2])
    _land(wish, wish["warm_up"], out / "warm-up")
    imported = now()
    begin = now()
    part = _land(wish, wish["measured"], out / "measured")
    end = now()
    told = {
        "wall": end[0] - begin[0],
        "cpu": end[1] - begin[1],
        "imports_wall": imported[0] - begun[0],
        "imports_cpu": imported[1] - begun[1],
        "peak_bytes": memory_peak(os.getpid()),
        "sha256": part.sha256,
    }
    print(json.dumps(told))


def _land(wish: dict[str, Any], name: object, root: Path) -> Part:
    protocol = PROTOCOLS.get(wish["options"]["protocol"])
    options = protocol.Options.model_validate({**wish["options"], "pattern": name})
    spec = connection("any", extra=wish["extra"], **wish["stated"])
    source = protocol(options, access(spec, seconds=600, protection=wish["protection"]))
    (item,) = source.discover(None)
    area = LandingArea.at(root)
    area.clock = SystemClock()
    (part,) = area.land(item, source)
    return part


if __name__ == "__main__":
    main()
