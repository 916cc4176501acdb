"""A converted file against everything that the manifest says of it."""

from __future__ import annotations

from collections.abc import Iterator

from finport_ingestion.engine.convert.report import Outcome
from tests.conformance.formats.golden import arrow_sources, grids, messages, outcome, table_facts, tables
from tests.conformance.formats.golden.converted import Converted
from tests.conformance.formats.golden.corpus import GoldenFile
from tests.conformance.formats.golden.views.registry import VIEWS


def differences(file: GoldenFile, ours: Converted) -> Iterator[str]:
    """What is not as the manifest has it, a sentence each; nothing where all is right."""
    yield from outcome.differences(file, ours)
    if ours.report.outcome is Outcome.REFUSED:
        return
    view = VIEWS.get(ours.report.format or "")
    if any(table.is_grid for table in file.tables):
        yield from grids.differences(file, ours)
    elif any(map(arrow_sources.has_no_digests, file.tables)):
        yield from arrow_sources.differences(file, ours)
    elif view is not None:
        yield from messages.differences(file, ours, view)
    else:
        yield from tables.differences(file, ours)
        yield from table_facts.differences(file, ours)
